from datetime import UTC, datetime

import polars as pl

from features.folding import fold_forward


def _at(day):
    return datetime(2024, 1, day, 12, 30, 15, tzinfo=UTC)


def test_running_values_stay_within_their_group():
    ledger = pl.LazyFrame(
        {
            "key": ["b", "a", "a", "b", "a", "c"],
            "cell": [4, 2, 0, 1, 3, 0],
            "n": [5, 10, 1, 7, 100, 9],
            "first_at": [_at(9), _at(3), _at(5), _at(8), _at(4), _at(1)],
            "last_at": [_at(1), _at(3), _at(5), _at(8), _at(6), _at(1)],
        },
        schema_overrides={"first_at": pl.Datetime("us", "UTC"), "last_at": pl.Datetime("us", "UTC")},
    )
    folded = fold_forward(ledger, ["key"], sums=["n"], earliest=["first_at"], latest=["last_at"]).collect()
    assert folded.rows() == [
        ("a", 0, 1, _at(5), _at(5), 2),
        ("a", 2, 11, _at(3), _at(5), 3),
        ("a", 3, 111, _at(3), _at(6), None),
        ("b", 1, 7, _at(8), _at(8), 4),
        ("b", 4, 12, _at(8), _at(8), None),
        ("c", 0, 9, _at(1), _at(1), None),
    ]


def test_times_before_1970_fold_too():
    old, older = datetime(1960, 5, 1, 3, tzinfo=UTC), datetime(1950, 1, 1, tzinfo=UTC)
    ledger = pl.LazyFrame(
        {"key": ["a", "a"], "cell": [0, 1], "first_at": [old, older]},
        schema_overrides={"first_at": pl.Datetime("us", "UTC")},
    )
    folded = fold_forward(ledger, ["key"], sums=[], earliest=["first_at"], latest=[]).collect()
    assert folded["first_at"].to_list() == [old, older]
