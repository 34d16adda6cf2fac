"""Lists for other programs: safe to open, safe to write, and what changed since the last time."""

import stat

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.exports.errors import ExportNameRefusedError, ExportPlaceRefusedError
from warehouse.exports.files import (
    CHANGE,
    changes_since,
    checked_name,
    spreadsheet_safe,
    write_parquet,
    write_spreadsheet_csv,
    write_upload_csv,
)

KEY = ("customer_id",)


@pytest.mark.parametrize("name", ["../../x", "a/b", 'a"; DROP', "", "-x", "Ä", "x" * 61, "a b", ".hidden"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(ExportNameRefusedError):
        checked_name(name)


@pytest.mark.parametrize("cell", ["=1+1", "@x", "+4420", "-1", "\tx", "\rx", " =1+1", "\n=1"])
def test_no_text_is_taken_for_a_formula_and_numbers_stay(cell, tmp_path):
    frame = pl.DataFrame({"text": [cell, "plain"], "number": [-1.5, 2.0]})
    assert spreadsheet_safe(frame).rows() == [("'" + cell, -1.5), ("plain", 2.0)]
    write_spreadsheet_csv(frame, tmp_path / "x.csv")
    assert "-1.5" in (tmp_path / "x.csv").read_text()
    write_upload_csv(frame, tmp_path / "y.csv")
    assert pl.read_csv(tmp_path / "y.csv")["text"][0] in {cell, cell.replace("\r", "\n")}


def test_files_are_private_and_links_are_not_followed(tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "precious").write_text("as it was")
    (tmp_path / "link.parquet").symlink_to(target / "precious")
    (tmp_path / "linked").symlink_to(target)
    frame = pl.DataFrame({"customer_id": ["1"]})
    for place in (tmp_path / "link.parquet", tmp_path / "linked" / "x.parquet", target):
        with pytest.raises(ExportPlaceRefusedError):
            write_parquet(frame, place)
    assert (target / "precious").read_text() == "as it was"
    write_parquet(frame, tmp_path / "new" / "x.parquet")
    assert stat.S_IMODE((tmp_path / "new" / "x.parquet").stat().st_mode) == 0o600


def test_what_was_added_changed_and_removed():
    before = pl.DataFrame({"customer_id": ["1", "2", "3"], "tier": ["gold", None, "iron"]})
    now = pl.DataFrame({"customer_id": ["4", "3", "2"], "tier": ["lead", "iron", "gold"]})
    assert changes_since(before, now, key=KEY).rows() == [
        ("1", "gold", "removed"),
        ("2", "gold", "changed"),
        ("4", "lead", "added"),
    ]
    assert changes_since(None, now, key=KEY)[CHANGE].unique().to_list() == ["added"]


def test_another_choice_of_columns_counts_as_changed():
    before = pl.DataFrame({"customer_id": ["1"], "tier": ["gold"]})
    now = pl.DataFrame({"customer_id": ["1"], "band": ["high"]})
    assert changes_since(before, now, key=KEY).rows() == [("1", "high", "changed")]


rows = st.dictionaries(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(0, 2)), max_size=6)


@given(rows, rows)
def test_applied_to_the_list_before_the_changes_give_the_list_now(before, now):
    def frame(content):
        return pl.DataFrame(
            {"customer_id": list(content), "score": list(content.values())},
            schema={"customer_id": pl.String, "score": pl.Int64},
        )

    changes = changes_since(frame(before), frame(now), key=KEY)
    applied = dict(before)
    for customer, score, change in changes.rows():
        if change == "removed":
            del applied[customer]
        else:
            assert (customer in applied) == (change == "changed")
            applied[customer] = score
    assert applied == now
