"""Rows in the order of their key: told as sorting would have it, and not sorted twice."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from data_contracts.key_order import by_key, is_by_key

ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "é", None]), st.sampled_from([1, 2, None])), max_size=5)
SCHEMA = {"customer_id": pl.String, "rank": pl.Int64}
KEY = ("customer_id", "rank")


@example([("a", 2), ("a", 1)])
@example([("b", 1), ("a", 2)])
@given(ROWS)
def test_rows_come_out_as_sorting_has_them(rows: list[tuple[str | None, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    assert by_key(frame, KEY).equals(frame.sort(KEY))


@given(ROWS)
def test_sorted_rows_are_told_unless_a_key_is_null(rows: list[tuple[str | None, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").sort(KEY)
    known = frame.drop_nulls().height == frame.height
    assert is_by_key(frame, KEY) == known
    assert (by_key(frame, KEY) is frame) == known
