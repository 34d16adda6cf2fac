import polars as pl
import pytest

from segments.errors import ThresholdsInvalidError
from segments.standing.points import points
from segments.standing.rules import DEFAULT_WEIGHTS, SegmentationRules
from segments.standing.value_score import rank_changes, rescored, value_scores

ROWS = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c", "gone"],
        "customer_status": ["active", "active", "active", "lapsed"],
        "net_sales_12m": [900, 500, 100, 10_000],
        "units_12m": [1.0, 2.0, 3.0, 4.0],
        "overdue_amount": [None, None, None, None],
        "usual_gap_days": [30.0, 30.0, 30.0, 1.0],
        "loyalty_points": [None, 90.0, 10.0, None],
        "credit_grade": [None, "A", "E", None],
    },
    schema_overrides={"overdue_amount": pl.Int64},
)


def test_points_stand_at_the_middle_of_ties_and_leave_nulls_out():
    frame = pl.DataFrame({"x": [1, 2, 2, None, 3]})
    assert frame.select(points(pl.col("x")))["x"].to_list() == [12.5, 50.0, 50.0, None, 87.5]
    assert frame.select(points(pl.col("x"), high_is_good=False))["x"].to_list() == [87.5, 50.0, 50.0, None, 12.5]


def test_only_active_customers_are_scored_and_absent_criteria_count_for_nothing():
    scored = value_scores(ROWS, weights=DEFAULT_WEIGHTS)
    assert scored["customer_id"].to_list() == ["a", "b", "c"]
    assert scored["overdue_points"].null_count() == 3
    a = scored.row(0, named=True)
    # turnover 83.3, volume 16.6, cycle 50; loyalty and credit of a are not known
    assert a["value_score"] == round((0.30 * 83.3 + 0.10 * 16.6 + 0.15 * 50.0) / 0.55, 1)
    assert scored["value_score_rank"].to_list() == [2, 1, 3]


def test_another_weight_changes_ranks_as_told():
    measured = value_scores(ROWS, weights=DEFAULT_WEIGHTS)
    changed = rank_changes(measured, weights_before={"turnover": 1.0}, weights_after={"volume": 1.0})
    assert changed.select("customer_id", "rank_before", "rank_after", "places_gained").rows() == [
        ("c", 3, 1, 2),
        ("b", 2, 2, 0),
        ("a", 1, 3, -2),
    ]
    same = rescored(measured, weights=DEFAULT_WEIGHTS)
    assert same.equals(measured.select(same.columns))


@pytest.mark.parametrize("weights", [{"luck": 1.0}, {"turnover": -1.0}, {"turnover": 0.0}, {}])
def test_weights_that_cannot_weigh_are_refused(weights):
    with pytest.raises(ThresholdsInvalidError):
        SegmentationRules(weights=weights)
