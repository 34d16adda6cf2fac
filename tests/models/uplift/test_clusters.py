"""Rows that are copies of other rows must not make anything surer."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.uplift.clusters import customers_of, design_effect, even_half, mean_error
from models.uplift.evidence import judge_evidence
from models.uplift.grading import observed_effect
from models.uplift.off_policy import Logged, policy_value
from models.uplift.qini import Pairs, qini_intervals
from models.uplift.stacking import Signals, stacked
from models.uplift.trial import Trial, shares_as_propensity

ROWS, COPIES = 600, 4
RNG = np.random.default_rng(5)
KIND = RNG.integers(0, 2, ROWS).astype(float)
ARM = RNG.integers(0, 2, ROWS)
OUTCOME = ARM * KIND + RNG.normal(0, 1, ROWS)


def repeated(values):
    return np.tile(values, COPIES)


OWNER = repeated(np.arange(ROWS))


def width(interval):
    return interval.high - interval.low


def pairs_of(copies, customer=None):
    arm, outcome = np.tile(ARM, copies), np.tile(OUTCOME, copies)
    return Pairs(treated=arm.astype(float), share=np.full(len(arm), 0.5), outcome=outcome, customer=customer)


def test_numbers_go_by_appearance_and_only_where_a_customer_has_two_rows():
    assert customers_of(["b", "a", "c"]) is None
    assert customers_of(["b", "a", "b"]).tolist() == [0, 1, 0]
    assert even_half(3, customers_of(["b", "a", "b"])).tolist() == [True, False, True]
    assert mean_error(repeated(OUTCOME), OWNER) == pytest.approx(mean_error(OUTCOME, None))
    assert mean_error(OUTCOME, None) == pytest.approx(OUTCOME.std(ddof=1) / np.sqrt(ROWS))
    assert design_effect(repeated(OUTCOME), OWNER) == pytest.approx(COPIES)
    assert design_effect(OUTCOME, None) == 1.0


@pytest.mark.parametrize(
    "interval",
    [
        lambda pairs: observed_effect(pairs, np.ones(len(pairs.outcome), dtype=np.bool_)),
        lambda pairs: qini_intervals(
            {"ours": np.tile(KIND, len(pairs.outcome) // ROWS)}, pairs, ours="ours", seed=1, repeats=80
        )[0]["ours"],
    ],
    ids=["effect", "qini"],
)
def test_intervals_of_copied_rows_are_those_of_the_rows(interval):
    once, by_row, by_customer = (interval(pairs_of(*given)) for given in ((1,), (COPIES,), (COPIES, OWNER)))
    assert width(by_customer) == pytest.approx(width(once), rel=0.01)
    assert width(by_row) < 0.7 * width(once)


def test_a_policy_s_intervals_and_what_the_log_is_worth_too():
    log = Logged(action=ARM, propensity=np.full(ROWS, 0.5), outcome=OUTCOME)
    copied = Logged(
        action=repeated(ARM), propensity=np.full(ROWS * COPIES, 0.5), outcome=repeated(OUTCOME), customer=OWNER
    )
    policy = np.column_stack([1 - KIND, KIND])
    once = policy_value(log, policy, np.zeros((ROWS, 2)))
    again = policy_value(copied, np.tile(policy, (COPIES, 1)), np.zeros((ROWS * COPIES, 2)))
    for name in ("ips", "self_normalised", "doubly_robust"):
        assert width(getattr(again, name)) == pytest.approx(width(getattr(once, name)))
    assert again.words == once.words


def test_an_effect_s_error_and_its_weights_too():
    smoothed, ones, fold = np.column_stack([KIND, 1 - KIND]), np.ones(ROWS), np.arange(ROWS) % 4
    given = {"signal": (ARM - 0.5) * 4 * OUTCOME, "weight": ones, "balance": ones, "fold": fold}
    once = stacked(smoothed, Signals(**given, customer=None))
    copied = {name: repeated(values) for name, values in given.items()}
    again = stacked(np.tile(smoothed, (COPIES, 1)), Signals(**copied, customer=OWNER))
    assert again.average_error == pytest.approx(once.average_error)
    np.testing.assert_allclose(again.weights, once.weights, rtol=1e-6)
    np.testing.assert_allclose(again.covariance, once.covariance, rtol=1e-6)


def test_a_hold_out_that_stays_the_same_from_month_to_month_still_looks_drawn_by_lot():
    """Column and arm differ as chance has it once in twenty; twelve copies of that must not make it a certainty."""
    rng = np.random.default_rng(2)
    column = rng.normal(size=400)
    arm = (rng.random(400) < 0.5).astype(np.int64)
    column[arm == 1] += 0.2
    trial = Trial(
        table=pl.DataFrame({"column": np.tile(column, 12)}),
        arm=np.tile(arm, 12),
        arms=("left alone", "letter"),
        outcome=np.zeros(4_800),
        propensity=shares_as_propensity(np.tile(arm, 12), ("left alone", "letter")),
        groups=[f"c{row}" for row in range(400)] * 12,
    )
    assert trial.first_rows.sum() == 400
    one_each = trial.at(trial.first_rows)
    judged = [
        judge_evidence(one.table, one.arm, arms=one.arms, propensity_logged=False).kind for one in (one_each, trial)
    ]
    assert judged == ["randomised", "response"]
    assert replace(trial, groups=[str(row) for row in range(4_800)]).first_rows.all()
