from datetime import UTC, datetime

import polars as pl
import pytest

from warehouse.identities.choice import canonical_ids, identity_changes

EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


def chosen(*members):
    schema = {
        "id": pl.String,
        "created_at": pl.Datetime("us", "UTC"),
        "known_at": pl.Datetime("us", "UTC"),
        "was_canonical": pl.Boolean,
    }
    frame = pl.DataFrame(list(members), schema=schema, orient="row").with_columns(pl.lit(0).alias("label"))
    return canonical_ids(frame)["customer_id"].to_list()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([("b", EARLY, None, False), ("a", LATE, None, False)], "b"),
        ([("b", EARLY, LATE, False), ("a", EARLY, LATE, False)], "a"),
        ([("b", EARLY, EARLY, False), ("a", EARLY, LATE, False)], "b"),
        ([("b", None, None, False), ("c", LATE, None, False)], "c"),
        ([("b", EARLY, EARLY, False), ("z", LATE, LATE, True)], "z"),
        ([("y", LATE, LATE, True), ("z", EARLY, LATE, True)], "z"),
    ],
    ids=["oldest", "then smallest", "then known first", "unknown age last", "it was that one's", "oldest of several"],
)
def test_the_id_of_a_group(members, expected):
    assert chosen(*members) == [expected]
    assert chosen(*reversed(members)) == [expected]


def as_map(text):
    pairs = [pair.split(":") for pair in text.split()]
    return pl.DataFrame(pairs, schema=["source_customer_id", "customer_id"], orient="row")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a:a b:b", "a:a b:b", []),
        ("a:a b:b", "a:a b:a", [("b", "merged", "a")]),
        ("a:a b:a", "a:a b:b", [("a", "split", "b")]),
        ("a:a b:a c:a", "a:a b:b c:b", [("a", "split", "b")]),
        ("a:a b:a c:c", "a:c b:b c:c", [("a", "split", "b"), ("a", "split", "c")]),
        ("a:a", "a:a b:a", []),
    ],
    ids=["nothing", "merged", "split", "split in two", "split and merged", "a new record"],
)
def test_what_became_of_customers(before, now, expected):
    assert identity_changes(as_map(before), as_map(now)).rows() == expected
