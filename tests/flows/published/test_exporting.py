"""A list handed on: who is left out, what changed since, and what the ledger keeps of it."""

import hashlib
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from config.errors import CommandUnknownNameError
from flows.published.errors_exporting import NothingPublishedError
from flows.published.exporting import Wanted, export, without_record
from segments.control_group import in_control_group
from warehouse.exports.errors import ExportNameRefusedError
from warehouse.exports.records import exports

LATER = date(2026, 1, 1)


def listed(done):
    return pl.read_csv(done["files"][0], infer_schema=False)


@pytest.mark.slow
def test_consent_control_group_and_what_changed_since(workspace, open_at, do, raw):
    context = open_at(workspace)
    first = export(context, Wanted(name="everybody"))
    people = pl.read_csv(raw / "customers.csv", infer_schema=False)
    assert first["left_out"]["without_consent"] > 0
    assert first["left_out"]["control_group"] > 0
    assert first["consent_not_recorded"] == 0
    ids = listed(first)["customer_id"]
    assert not in_control_group(ids, audience="everybody", share=0.05).any()
    assert first["rows"] == len(ids) == first["added"]
    assert first["rows"] + sum(first["left_out"].values()) <= people.height + 100  # some ids are repeated in the file

    again = export(context, Wanted(name="everybody"))
    assert (again["added"], again["changed"], again["removed"]) == (0, 0, 0)
    assert listed(again).height == 0
    whole = export(context, Wanted(name="everybody", everything=True, with_control_group=True))
    assert whole["rows"] == first["rows"] + first["left_out"]["control_group"]

    do("score", context, as_of=LATER)
    later = export(context, Wanted(name="everybody"))
    assert later["since_last_export"]
    assert later["changed"] > 0
    assert set(listed(later)["change"]) <= {"added", "changed", "removed"}
    with context.warehouse() as warehouse:
        (newest, *_, oldest) = exports(warehouse)
    assert (newest.as_of, newest.counts["rows"], newest.run_by) == (LATER, later["rows"], "tests")
    assert oldest.counts["without_consent"] == first["left_out"]["without_consent"]


@pytest.mark.slow
def test_whoever_is_on_the_suppression_list_is_left_out(workspace, open_at, tmp_path):
    ids = listed(export(open_at(workspace), Wanted(with_control_group=True)))["customer_id"]
    suppressed = tmp_path / "never.csv"
    ids.head(3).to_frame().write_csv(suppressed)
    context = open_at(workspace, GRISTMILL__DECISIONS__SUPPRESSION_LIST=str(suppressed))
    done = export(context, Wanted(with_control_group=True, everything=True))
    assert (done["rows"], done["left_out"]["suppressed"]) == (len(ids) - 3, 3)
    assert not set(listed(done)["customer_id"]) & set(ids.head(3))


@pytest.mark.slow
def test_an_upload_file_holds_hashes_and_nothing_else(workspace, open_at, raw):
    context = open_at(workspace)
    done = export(context, Wanted(format="google", where=["customer_status=active"]))
    rows = listed(done)
    assert rows.columns == ["Email", "Phone"]
    assert done["files"][0].endswith("-google-add.csv")
    told = [value for row in rows.rows() for value in row if value]
    assert told
    assert {len(value) for value in told} == {64}
    people = pl.read_csv(raw / "customers.csv", infer_schema=False)
    addresses = people.select(pl.col("^.*mail.*$")).to_series().drop_nulls()
    hashed = {hashlib.sha256(address.strip().lower().encode()).hexdigest() for address in addresses}
    assert {value for value in rows["Email"].drop_nulls() if value} <= hashed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Wanted(table="orders"), CommandUnknownNameError),
        (Wanted(columns=["no_such"]), CommandUnknownNameError),
        (Wanted(format="excel"), CommandUnknownNameError),
        (Wanted(name="../../x"), ExportNameRefusedError),
    ],
)
def test_what_can_not_be_meant_writes_nothing(workspace, open_at, wanted, error):
    with pytest.raises(error):
        export(open_at(workspace), wanted)
    assert not (workspace / "exports").exists()


def test_nothing_published_is_nothing_to_export(tmp_path, open_at):
    with pytest.raises(NothingPublishedError):
        export(open_at(tmp_path / "empty"), Wanted())


def test_who_was_never_asked_is_counted(open_at, tmp_path):
    context = open_at(tmp_path / "work", GRISTMILL__SEGMENTS__CONTACT_WITHOUT_RECORDED_CONSENT="true")
    rows = {
        "customers": pl.LazyFrame({"customer_id": ["yes", "no", "silent"], "consent_marketing": [True, False, None]}),
        "orders": pl.LazyFrame({"customer_id": ["yes", "unknown", "unknown"]}),
    }
    core = SimpleNamespace(scan=rows.get)
    listed = pl.DataFrame({"customer_id": ["yes", "silent", "unknown", "unknown"]})
    assert without_record(context, listed, core) == 2
    assert without_record(context, listed.rename({"customer_id": "category"}), core) == 0
