from datetime import date
from io import StringIO

import polars as pl
from rich.console import Console

from flows.frame_printing import print_table

LIST = pl.DataFrame(
    {
        "customer_id": ["00042", "00007", "00008"],
        "rank": [1, 2, 3],
        "as_of": [date(2026, 1, 1)] * 3,
        "offer": ["A very long name of a product indeed, [XL]", "Mug", None],
        "expected_gain": [3.25, 2.0, 1.0],
        "note": [None, None, None],
        "run_key": ["score-1"] * 3,
        "reason": ["silent for 40 days", "usually orders every week", "three complaints"],
    },
    schema_overrides={"note": pl.String},
)


def _printed(frame, width=120, **options):
    out = Console(width=width, record=True, file=StringIO())
    print_table(out, "some_list", frame, limit=2, **options)
    return out.export_text()


def test_what_is_the_same_for_all_is_said_once():
    said = _printed(LIST)
    assert "2 of 3 rows" in said
    assert "for all: as_of 2026-01-01" in said
    assert said.count("2026-01-01") == 1
    assert "score-1" not in said
    assert "note" not in said  # empty in every row
    assert "[XL]" in said
    assert "not shown" not in said


def test_columns_without_room_are_named_and_the_words_stay():
    said = _printed(LIST, width=60)
    assert "silent for 40" in said
    assert "not shown: offer, expected_gain" in said


def test_columns_that_were_asked_for_are_shown_as_they_are():
    said = _printed(LIST, width=60, columns=["as_of", "run_key"])
    assert said.count("2026-01-01") == 2
    assert said.count("score-1") == 2
    assert "for all" not in said


def test_one_row_or_none_have_all_columns_that_fit():
    assert "2026-01-01" in _printed(LIST.head(1))
    assert "0 of 0 rows" in _printed(LIST.clear())
