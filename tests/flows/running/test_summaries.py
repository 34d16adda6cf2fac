"""What people are told of a load: tables and lines made of a result's plain values."""

from io import StringIO

import pytest
from rich.console import Console

from flows.loading.load_counts import changes_in_words
from flows.running.summaries import load_table, passed_over

NO_CHANGE = {"added": 0, "corrected": 0, "restated": 0, "removed": 0}


def result(**orders):
    counted = {"read": 3, "accepted": 2, "quarantined": 1, "left_out": 0, **NO_CHANGE, **orders}
    return {"status": "loaded", "load": {"entities": {"orders": counted}, "replayed_files": {}}}


def shown(tables):
    console = Console(width=100, file=StringIO())
    with console.capture() as printed:
        console.print(*tables)
    return printed.get()


def test_rows_read_kept_and_set_aside_are_told_even_where_no_rule_is_broken():
    told = shown(load_table(result()))
    (row,) = [line for line in told.splitlines() if "orders" in line]
    assert [part.strip() for part in row.split("│") if part.strip()] == ["orders", "3", "2", "1"]
    assert "left out" not in told
    assert load_table({"status": "trained"}) == []


def test_rows_that_are_not_the_tables_have_a_column_of_their_own():
    assert "left out by `where`" in shown(load_table(result(left_out=7)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "nothing in them was new"),
        ({"added": 1600}, "rows 1,600 added"),
        ({"added": 2, "removed": 1}, "rows 2 added, 1 removed"),
    ],
)
def test_what_a_load_changed_in_one_line(changes, told):
    assert changes_in_words(result(**changes)["load"]) == told


def test_copies_of_files_are_told():
    load = {"replayed_files": {"sales": 2, "crm": 1}}
    assert passed_over({"load": load}) == [
        "passed over: 2 files of sales, read before under another name",
        "passed over: 1 file of crm, read before under another name",
    ]
    assert passed_over({"load": {"replayed_files": {}}}) == []
