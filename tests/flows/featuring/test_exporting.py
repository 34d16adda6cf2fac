"""Features as files: of everybody, and beside tables that somebody brings."""

import json
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from data_contracts.errors import UsageError
from flows.buckets.core_tables import CoreTables
from flows.command_line import app
from flows.errors import AsOfBeforeDataError, StaleDataError
from flows.featuring.errors import ColumnsTakenError, DatesUnreadableError, ExportFormatError
from flows.featuring.exporting import AskedTable, export_features
from models.prepared_table.errors import TableColumnUnknownError
from tests.flows.feature_company import DAY
from tests.flows.test_command_line import SETTINGS

EARLIER = date(2025, 8, 1)
KEYS = ["customer_id", "snapshot_date"]


@pytest.fixture
def everybody(loaded):
    """Features of all buckets as of both dates."""
    core = CoreTables.latest(loaded)
    return pl.concat([core.build_features(bucket, [EARLIER, DAY]).collect() for bucket in core.buckets()]).sort(KEYS)


def test_everybodys_features_are_written_as_of_each_date(loaded, everybody, tmp_path):
    found = export_features(loaded, tmp_path / "features.parquet", days=[DAY, EARLIER])
    assert_frame_equal(pl.read_parquet(tmp_path / "features.parquet"), everybody)
    assert (found["rows"], found["dates"]) == (everybody.height, [EARLIER.isoformat(), DAY.isoformat()])
    assert everybody["snapshot_date"].n_unique() == 2
    export_features(loaded, tmp_path / "features.csv", days=[DAY])
    written = pl.read_csv(tmp_path / "features.csv", infer_schema=False)
    assert written["customer_id"].to_list() == everybody.filter(snapshot_date=DAY)["customer_id"].to_list()


def test_rows_of_a_table_get_the_features_of_their_own_date(loaded, everybody, tmp_path):
    rows = [("007", DAY, 1), ("nobody", DAY, 0), ("003", EARLIER, 0), ("007", EARLIER, 1), ("007", DAY, 0)]
    table = pl.DataFrame(rows, schema=["client", "asked_on", "left"], orient="row")
    table.write_csv(tmp_path / "outcomes.csv")
    asked = AskedTable(file=tmp_path / "outcomes.csv", id_column="client", date_column="asked_on")
    found = export_features(loaded, tmp_path / "out.parquet", days=[], asked=asked)
    written = pl.read_parquet(tmp_path / "out.parquet")
    assert written.select("client", "left").rows() == [(row[0], str(row[2])) for row in rows]
    for (client, day, _), row in zip(rows, written.select(everybody.columns).rows(), strict=True):
        own = everybody.filter(customer_id=client, snapshot_date=day)
        assert row == (own.row(0) if own.height else (client, day, *[None] * (own.width - 2)))
    without = sum(everybody.filter(customer_id=client, snapshot_date=day).is_empty() for client, day, _ in rows)
    assert (found["rows"], found["without_features"]) == (5, without)
    assert without >= 1


def test_a_table_without_dates_is_of_one_date(loaded, everybody, tmp_path):
    pl.DataFrame({"customer_id": ["003", "010"], "asked": ["y", "n"]}).write_parquet(tmp_path / "trial.pq")
    asked = AskedTable(file=tmp_path / "trial.pq", id_column="customer_id")
    export_features(loaded, tmp_path / "out.parquet", days=[EARLIER], asked=asked)
    written = pl.read_parquet(tmp_path / "out.parquet")
    assert written.columns == ["customer_id", "asked", *everybody.columns[1:]]
    own = everybody.filter(pl.col("customer_id").is_in(["003", "010"]), snapshot_date=EARLIER)
    assert_frame_equal(written.drop("asked"), own)


@pytest.mark.parametrize(
    ("columns", "asked", "error"),
    [
        ({"who": ["003"]}, {"id_column": "customer_id"}, TableColumnUnknownError),
        ({"who": ["003"]}, {"id_column": "who", "date_column": "day"}, TableColumnUnknownError),
        ({"who": ["003"], "margin_share": ["1"]}, {"id_column": "who"}, None),  # no cost of goods: no such feature
        ({"who": ["003"], "purchase_count_life": ["1"]}, {"id_column": "who"}, ColumnsTakenError),
        ({"who": ["003"], "customer_id": ["1"]}, {"id_column": "who"}, ColumnsTakenError),
        ({"who": ["003"], "day": ["soon"]}, {"id_column": "who", "date_column": "day"}, DatesUnreadableError),
        ({"who": ["003"], "day": ["2024-01-01"]}, {"id_column": "who", "date_column": "day"}, AsOfBeforeDataError),
        ({"who": ["003"], "day": ["2026-09-01"]}, {"id_column": "who", "date_column": "day"}, StaleDataError),
    ],
)
def test_a_table_that_does_not_fit_is_refused(loaded, tmp_path, columns, asked, error):
    pl.DataFrame(columns).write_csv(tmp_path / "table.csv")
    table = AskedTable(file=tmp_path / "table.csv", **asked)
    days = [] if "date_column" in asked else [DAY]
    if error is None:
        assert export_features(loaded, tmp_path / "out.csv", days=days, asked=table)["rows"] == 1
        return
    with pytest.raises(error):
        export_features(loaded, tmp_path / "out.csv", days=days, asked=table)
    assert not (tmp_path / "out.csv").exists()


def test_other_files_and_unclear_dates_are_refused(loaded, tmp_path):
    with pytest.raises(ExportFormatError, match="xlsx"):
        export_features(loaded, tmp_path / "features.xlsx", days=[DAY])


def test_the_command_tells_what_was_written(loaded, tmp_path, monkeypatch):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    monkeypatch.setattr("flows.opening.open_context", lambda *_: loaded)
    out = tmp_path / "features.parquet"
    runner = CliRunner()
    told = runner.invoke(app, ["features", "export", "--to", str(out), "--as-of", DAY.isoformat(), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["rows"] == pl.read_parquet(out).height
    both = ["--date", "day", "--as-of", DAY.isoformat(), "--table", "t.csv"]
    for wrong in (both, ["--date", "day"], ["--table", "t.csv", "--as-of", str(DAY), "--as-of", str(EARLIER)]):
        refused = runner.invoke(app, ["features", "export", "--to", str(out), *wrong])
        assert refused.exit_code == UsageError.exit_code


def test_nothing_of_later_is_in_it(loaded, everybody, tmp_path):
    """What is asked for of an early date is the same whether a later one is asked for too."""
    export_features(loaded, tmp_path / "early.parquet", days=[EARLIER])
    early = pl.read_parquet(tmp_path / "early.parquet")
    assert_frame_equal(early, everybody.filter(snapshot_date=EARLIER))
    later = core_day(loaded) + timedelta(days=400)
    with pytest.raises(StaleDataError):
        export_features(loaded, tmp_path / "late.parquet", days=[EARLIER, later])


def core_day(context):
    return CoreTables.latest(context).span[1]
