import pytest

from models.judging.grading import gain_shares, grade_figures

CHURN = {
    "auc": 0.86,
    "log_loss": 0.45,
    "calibration_error": 0.03,
    "baseline_auc": 0.80,
    "baseline_log_loss": 0.50,
    "auc_gain": 0.06,
    "auc_gain_low": 0.03,
    "auc_gain_high": 0.09,
    "log_loss_gain": 0.05,
    "log_loss_gain_low": 0.02,
    "log_loss_gain_high": 0.08,
}


@pytest.mark.parametrize(
    ("name", "figures", "passed", "reasons", "letter"),
    [
        ("churn", {}, True, (), "A"),
        ("churn", {"auc_gain_low": 0.01, "log_loss_gain_low": 0.01}, True, (), "B"),
        ("churn", {"calibration_error": 0.08}, True, (), "B"),
        ("value", {"value_90d_predicted_to_actual": 1.4}, True, (), "B"),
        ("churn", {}, False, (), "C"),
        ("churn", {"auc_gain_low": -0.05, "auc_gain_high": -0.01}, False, (), "C"),  # the log loss is surely better
        (
            "churn",
            {"auc_gain_low": -0.05, "auc_gain_high": -0.01, "log_loss_gain_low": -0.01},
            False,
            (),
            "D",
        ),
        ("churn", {}, False, ("no: too good to be true: AUC 0.9999",), "D"),
        ("unheard_of", {}, True, (), "A"),
    ],
)
def test_letters(name, figures, passed, reasons, letter):
    grade = grade_figures(name, CHURN | figures, passed=passed, reasons=reasons)
    assert grade.letter == letter
    assert grade.words.startswith(f"{letter}: ")
    assert grade.may_be_promoted is (letter in "AB")


def test_a_gain_is_a_share_of_what_can_be_gained_whatever_the_figure_is_called():
    figures = CHURN | {
        "value_90d_mae": 80.0,
        "value_90d_baseline_mae": 100.0,
        "value_90d_mae_gain": 20.0,
        "value_90d_mae_gain_low": 10.0,
        "value_90d_mae_gain_high": 30.0,
        "baseline_ndcg_at_10": 0.4,
        "ndcg_gain": 0.06,
        "ndcg_gain_lower": 0.03,
        "ndcg_gain_upper": 0.09,
        "lonely_gain": 1.0,
        "lonely_gain_low": 0.0,
        "lonely_gain_high": 2.0,
    }
    shares = {one.figure: (round(one.share, 3), round(one.low, 3)) for one in gain_shares(figures)}
    assert shares == {"auc": (0.3, 0.15), "log_loss": (0.1, 0.04), "value_90d_mae": (0.2, 0.1), "ndcg": (0.1, 0.05)}


VALUE = {
    "value_90d_mae": 60.0,
    "value_90d_baseline_mae": 100.0,
    "value_90d_mae_gain": 40.0,
    "value_90d_mae_gain_low": 30.0,
    "value_90d_mae_gain_high": 50.0,
    "value_90d_predicted_to_actual": 1.0,
    "value_90d_baseline_run_rate_predicted_to_actual": 4.0,
}


@pytest.mark.parametrize(
    ("figures", "begins"),
    [
        ({}, "A: surely and much better than carrying last year's spend on"),
        ({"value_90d_held_against_purchase_model": 1.0}, "A: surely and much better than the purchase model"),
        ({"value_90d_by_purchase_model": 1.0}, "B: the purchase model by itself, surely better than carrying"),
    ],
)
def test_value_is_held_against_the_baseline_that_was_the_better_one(figures, begins):
    assert grade_figures("value", VALUE | figures, passed=True).words.startswith(begins)


def test_without_any_gain_the_gate_decides():
    assert grade_figures("churn", {"auc": 0.8}, passed=True).letter == "B"
    assert grade_figures("churn", {"auc": 0.8}, passed=False).letter == "C"


def test_a_table_of_ones_own_has_no_champion_before():
    words = {name: grade_figures(name, {}, passed=False).words for name in ("churn", "churn_table")}
    assert "champion" in words["churn"]
    assert "champion" not in words["churn_table"]
