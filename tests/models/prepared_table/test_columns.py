from datetime import date, datetime

import polars as pl
import pytest

from models.errors import FeaturesMismatchError
from models.prepared_table.columns import MISSING_TEXT, columns_from, named, read_columns, typed, unread_dates
from models.prepared_table.errors import TableColumnUnknownError, close_to

CASES = {
    "integers": (["1", "2", " ", "?"], "number", [1.0, 2.0, None, None]),
    "decimals": (["1.5", "-2e3", None, "NaN"], "number", [1.5, -2000.0, None, None]),
    "money": (["£1,234.50", "$7", "-£2", None], "number", [1234.5, 7.0, -2.0, None]),
    "percent": (["12%", "0.5 %", None, None], "number", [12.0, 0.5, None, None]),
    "euros": (["1.234,50 €", "7,5 EUR", "-2", "unbekannt"], "number", [1234.5, 7.5, -2.0, None]),
    "small_commas": (["0,123", "1,5 %", "1\xa0234,5", None], "number", [0.123, 1.5, 1234.5, None]),
    "thousands": (["1,234", "12", "Unknown", "1,234,567"], "number", [1234.0, 12.0, None, 1234567.0]),
    "answers": (["Yes", "No", "unknown", None], "text", ["Yes", "No", "unknown", MISSING_TEXT]),
    "codes": (["0123", "0456", None, ""], "text", ["0123", "0456", MISSING_TEXT, MISSING_TEXT]),
    "mixed": (["1", "two", None, "3"], "text", ["1", "two", MISSING_TEXT, "3"]),
    "days": (["2020-01-02", None, "1970-01-01", ""], "date", [18263.0, None, 0.0, None]),
    "british_days": (["31/01/1970", "01/02/1970", None, ""], "date", [30.0, 31.0, None, None]),
    "moments": (["1970-01-02 10:00:00", "1970-01-03T10:00:00Z", None, ""], "date", [1.0, 2.0, None, None]),
    "empty": ([None, "", " ", "na"], "number", [None] * 4),
    "flags": ([True, False, None, True], "number", [1.0, 0.0, None, 1.0]),
    "infinite": ([1.0, float("inf"), float("nan"), None], "number", [1.0, None, None, None]),
    "dates": ([date(1970, 1, 3), None, None, date(1970, 1, 1)], "date", [2.0, None, None, 0.0]),
    "times": ([datetime(1970, 1, 3, 5), None, None, None], "date", [2.0, None, None, None]),  # noqa: DTZ001 a raw cell
}


@pytest.mark.parametrize("name", CASES)
def test_kinds_and_values(name):
    raw, kind, expected = CASES[name]
    frame = pl.DataFrame({name: raw})
    columns, odd = read_columns(frame, [name])
    assert (columns[0].kind, odd) == (kind, {})
    assert typed(frame, columns)[name].to_list() == expected
    again = columns_from(column.described() for column in columns)
    assert typed(frame, again).equals(typed(frame, columns))


def test_a_few_impossible_dates_are_missing_and_counted():
    born = [f"{day:02}.{month:02}.1980" for month in range(1, 13) for day in range(1, 11)]
    table = pl.DataFrame({"born": [*born, "31.02.1980", "", None], "few": ["01.02.1980"] * 122 + ["31.02.1980"]})
    columns, _ = read_columns(table, table.columns)
    assert [column.kind for column in columns] == ["date", "text"]  # of two different values one is half
    assert typed(table, columns)["born"].null_count() == 3
    assert unread_dates(table, columns) == {"born": 1}


def test_lists_are_refused_with_the_reason():
    columns, odd = read_columns(pl.DataFrame({"basket": [[1], [2]]}), ["basket"])
    assert columns == []
    assert "List" in odd["basket"]


def test_what_was_a_number_in_training_must_be_one_when_scoring():
    columns, _ = read_columns(pl.DataFrame({"spend": ["1", "2"], "plan": ["a", "b"]}), ["spend", "plan"])
    with pytest.raises(FeaturesMismatchError) as refused:
        typed(pl.DataFrame({"spend": ["one", "two"], "plan": ["a", "b"]}), columns)
    assert refused.value.retyped == ["spend (no number)"]
    with pytest.raises(FeaturesMismatchError) as refused:
        typed(pl.DataFrame({"plan": ["a"]}), columns)
    assert refused.value.missing == ["spend"]
    with pytest.raises(FeaturesMismatchError) as refused:
        typed(pl.DataFrame({"Spent": [1.0], "plan": ["a"]}), columns)
    assert "did you mean Spent for spend" in refused.value.action
    assert "promote" not in refused.value.action  # there is no champion of a table of one's own


def test_a_column_without_a_name_gets_one():
    table = pl.DataFrame({"": [0, 1], "amount": [1.0, 2.0]})
    assert named(table).columns == ["(no name)", "amount"]
    assert named(table.drop("")).columns == ["amount"]


@pytest.mark.parametrize(
    ("name", "there", "close"),
    [
        ("custmer", ["Customer", "age"], "Customer"),
        ("LEFT", ["left"], "left"),
        ("zzz", ["left"], None),
        ("a", [], None),
    ],
)
def test_the_column_that_may_be_meant(name, there, close):
    assert close_to(name, there) == close
    told = TableColumnUnknownError(option="--id", column=name, there=there).action
    assert told == (f"did you mean {close!r}?" if close else "correct --id")
