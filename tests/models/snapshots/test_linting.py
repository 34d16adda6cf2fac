from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from models.snapshots.linting import lint_features, lint_outcomes, lint_windows
from models.snapshots.rows import at, training_frame
from models.snapshots.splits import plan_splits

AS_OF = date(2026, 1, 1)


@pytest.fixture(scope="module")
def plan():
    return plan_splits(first_event=date(2024, 1, 1), as_of=AS_OF, horizon_days=90)


def test_a_sound_plan_has_nothing_to_tell(plan):
    assert lint_windows(plan, as_of=AS_OF, last_event=AS_OF - timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("changes", "last_event", "check", "blocks"),
    [
        ({"test": date(2025, 11, 1)}, AS_OF, "censored", True),
        ({}, date(2025, 11, 1), "censored", False),
        ({"calibrate": (date(2025, 9, 1),)}, AS_OF, "impossible window", True),
        ({"horizon_days": 0}, AS_OF, "impossible window", True),
    ],
)
def test_windows_that_can_not_be(plan, changes, last_event, check, blocks):
    found = lint_windows(replace(plan, **changes), as_of=AS_OF, last_event=last_event)
    assert (check, blocks) in {(one.check, one.blocks) for one in found}


def test_outcomes_that_hardly_differ_or_jump_are_told():
    def snapshot(day, share):
        return pl.DataFrame({"snapshot_date": [day] * 100, "churned": [1] * share + [0] * (100 - share)})

    days = [date(2025, month, 1) for month in range(1, 6)]
    rows = pl.concat([snapshot(day, share) for day, share in zip(days, (40, 42, 99, 90, 41), strict=True)])
    found = lint_outcomes(rows, "churned", names=("leavers", "stayers"))
    assert [one.check for one in found] == ["degenerate", "jump"]
    assert "2025-03-01: only 1.0% stayers" in found[0].words


def test_the_same_finding_of_many_snapshots_is_told_once():
    days = [date(2025, month, 1) for month in range(1, 4)]
    rows = pl.DataFrame(
        {
            "snapshot_date": [day for day in days for _ in range(1000)],
            "churned": [int(row >= few) for few in (5, 8, 5) for row in range(1000)],
        }
    )
    (found,) = lint_outcomes(rows, "churned", names=("leavers", "stayers"))
    assert found.words == (
        "on 3 of 3 snapshots (2025-01-01 to 2025-03-01): only 0.5% to 0.8% stayers; hardly anything to tell apart"
    )


def test_a_copy_of_the_label_is_found_and_honest_features_are_not(data, happened, churn_plan):
    rows = at(
        training_frame(data.features, happened[90], snapshots=[churn_plan.test], model="churn"), [churn_plan.test]
    )
    rows = rows.with_columns((1 - pl.col("churned")).cast(pl.Float64).alias("closed_account"))
    found = lint_features(rows, (*data.feature_names, "closed_account"), "churned", model="churn")
    assert [one.feature for one in found] == ["closed_account"]
    assert lint_features(rows.filter(pl.col("churned") == 1), data.feature_names, "churned", model="churn") == []
