from datetime import UTC, date, datetime

import polars as pl
import pytest

from features.errors import NoSnapshotsError
from features.snapshots import snapshots_of


def test_snapshots_are_sorted_and_counted_once():
    made = snapshots_of([date(2024, 3, 1), date(2024, 2, 1), date(2024, 3, 1)], time_zone="UTC")
    assert made.dates == (date(2024, 2, 1), date(2024, 3, 1))
    assert len(made) == 2


def test_no_snapshot_is_refused():
    with pytest.raises(NoSnapshotsError) as caught:
        snapshots_of([], time_zone="UTC")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("ordered", "known", "first"),
    [
        ("2024-01-31 23:59:59.999999", "2024-01-01", 0),
        ("2024-02-01 00:00", "2024-01-01", 1),  # at the instant itself it doesn't count yet
        ("2024-01-01", "2024-02-01 00:00", 1),
        ("2024-01-01", "2024-02-29", 1),
        ("2024-03-01", "2024-01-01", 2),
        ("2024-01-01", None, None),
    ],
)
def test_first_snapshot_that_counts(ordered, known, first):
    moments = [None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (ordered, known)]
    row = pl.DataFrame([moments], schema=dict.fromkeys(("o", "k"), pl.Datetime("us", "UTC")), orient="row")
    made = snapshots_of([date(2024, 2, 1), date(2024, 3, 1)], time_zone="UTC")
    assert row.select(made.first_that_counts("o", "k")).item() == first


def test_season_goes_once_round_the_year():
    days = [date(2023, 1, 1), date(2024, 1, 1), date(2024, 7, 2), date(2024, 10, 1)]
    table = snapshots_of(days, time_zone="UTC").table().collect()
    assert table["season_sine"].to_list()[:3] == [0.0, 0.0, 0.0]
    assert table["season_cosine"].to_list()[:3] == [1.0, 1.0, -1.0]  # in a leap year day 183 of 366 is the middle
    assert table["season_sine"][3] == pytest.approx(-1.0, abs=0.01)
