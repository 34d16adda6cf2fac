from datetime import date

import numpy as np
import polars as pl
import pytest

from models.errors import FeaturesMismatchError
from models.judging.baselines import RunRate, fit_recency_rule, recency_rule_from

DAYS = "days_since_last_order"
SPENT = "net_amount_365_days"


def test_the_recency_rule_rises_with_silence_and_hits_the_rate():
    random = np.random.default_rng(1)
    days = random.uniform(0, 365, 3000)
    churned = (random.random(3000) < 0.1 + 0.8 * days / 365).astype(float)
    frame = pl.DataFrame({DAYS: days})
    rule = fit_recency_rule(frame, feature=DAYS, churned=churned)
    assert rule.probabilities(frame).mean() == pytest.approx(churned.mean(), abs=0.01)
    assert (np.diff(rule.probabilities(pl.DataFrame({DAYS: [0.0, 60, 180, 360]}))) > 0).all()
    assert recency_rule_from(rule.file()) == rule


@pytest.mark.parametrize(
    ("snapshot", "spent", "expected"),
    [
        (date(2026, 1, 1), 36500, 9000.0),
        (date(2026, 1, 1), -500, 0.0),
        (date(2026, 1, 1), None, 0.0),
        (date(2025, 4, 11), 10000, 9000.0),  # 100 days of data: 100 a day
    ],
)
def test_the_run_rate(snapshot, spent, expected):
    frame = pl.DataFrame({"snapshot_date": [snapshot], SPENT: [spent]}, schema_overrides={SPENT: pl.Int64})
    amounts = RunRate(feature=SPENT, first_event=date(2025, 1, 1)).amounts(frame, horizon_days=90)
    assert amounts[0] == pytest.approx(expected)


def test_missing_columns_are_named():
    frame = pl.DataFrame({"snapshot_date": [date(2026, 1, 1)]})
    with pytest.raises(FeaturesMismatchError, match="value"):
        RunRate(feature=SPENT, first_event=date(2025, 1, 1)).amounts(frame, horizon_days=90)
    with pytest.raises(FeaturesMismatchError, match="churn"):
        fit_recency_rule(frame, feature=DAYS, churned=np.zeros(1))
