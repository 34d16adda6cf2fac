from datetime import date

import polars as pl
import pytest

from models.errors import OutcomesMissingError, TooFewOutcomesError
from models.snapshots.rows import at, refuse_too_few, training_frame

DAY, NEXT = date(2026, 1, 1), date(2026, 2, 1)
FEATURES = pl.DataFrame({"customer_id": ["b", "a", "a"], "snapshot_date": [DAY, NEXT, DAY], "x": [1, 2, 3]})
OUTCOMES = FEATURES.select("customer_id", "snapshot_date", churned=pl.lit(0), value_amount=pl.lit(5))


def test_rows_come_in_one_order():
    made = training_frame(FEATURES, OUTCOMES, snapshots=[NEXT, DAY], model="churn")
    assert made["x"].to_list() == [3, 1, 2]
    assert training_frame(FEATURES.reverse(), OUTCOMES, snapshots=[DAY, NEXT], model="churn").equals(made)


@pytest.mark.parametrize(
    ("snapshots", "found"),
    [([DAY], [1, 3]), ([NEXT], [2]), ([NEXT, DAY], [1, 2, 3]), ([], []), ([date(2026, 3, 1)], [])],
)
def test_snapshots_are_cut_out_of_a_frame_in_any_order(snapshots, found):
    assert at(FEATURES, snapshots)["x"].to_list() == found
    assert sorted(at(FEATURES.sort("snapshot_date"), snapshots)["x"]) == found


@pytest.mark.parametrize(
    ("outcomes", "snapshots", "told"),
    [
        (OUTCOMES.head(2), [DAY, NEXT], "2026-01-01"),
        (OUTCOMES, [DAY, date(2026, 3, 1)], "2026-03-01"),
    ],
)
def test_rows_without_outcomes_and_snapshots_without_rows_are_refused(outcomes, snapshots, told):
    with pytest.raises(OutcomesMissingError) as caught:
        training_frame(FEATURES, outcomes, snapshots=snapshots, model="churn")
    assert told in caught.value.where


@pytest.mark.parametrize(("ones", "zeros", "which"), [(49, 100, "leavers"), (100, 0, "stayers"), (50, 50, None)])
def test_one_sided_outcomes_are_refused(ones, zeros, which):
    frame = pl.DataFrame({"churned": [1] * ones + [0] * zeros})
    if which is None:
        refuse_too_few(frame, "churned", model="churn", part="test", names=("leavers", "stayers"))
        return
    with pytest.raises(TooFewOutcomesError, match=which):
        refuse_too_few(frame, "churned", model="churn", part="test", names=("leavers", "stayers"))
