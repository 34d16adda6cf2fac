"""What every warehouse does, whichever it is: frames in and out, views, transactions, names."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from warehouse.databases.base import TableDescription
from warehouse.errors import NameRefusedError, StatementFailedError, WarehouseMissingError

FRAME = pl.DataFrame(
    {
        "customer_id": ["00123", None, "ä\U0001f600\u202e"],
        "as_of": [date(2026, 3, 1)] * 3,
        "at": pl.Series([datetime(2026, 3, 29, 1, 30, tzinfo=UTC)] * 3, dtype=pl.Datetime("us", "UTC")),
        "value": pl.Series([Decimal("1.20"), None, Decimal("-3.00")], dtype=pl.Decimal(18, 2)),
        "flag": pl.Series([1, 0, None], dtype=pl.Int8),
        "share": [0.1, None, 1e300],
        "contacted": [True, None, False],
    }
)
OTHERS = ["share", "contacted", "customer_id"]


def test_frames_come_back_as_they_went_in(warehouse):
    warehouse.write_frame("core", "kept", FRAME)
    back = warehouse.read_table("core", "kept")
    assert back.schema == FRAME.schema
    assert back.equals(FRAME)
    assert warehouse.tables("core") == ["kept"]
    assert warehouse.tables("nowhere") == []


def test_a_table_without_rows_keeps_its_columns(warehouse):
    warehouse.write_frame("core", "kept", FRAME.clear())
    assert warehouse.read_table("core", "kept").schema == FRAME.schema
    assert pl.concat(warehouse.read_slices("core", "kept")).schema == FRAME.schema


def test_slices_are_the_rows_as_they_were_written(warehouse, monkeypatch):
    monkeypatch.setattr("warehouse.databases.postgresql_frames._BYTES_AT_A_TIME", 100_000)
    many = FRAME[[row % 3 for row in range(180_000)]].with_row_index("row")
    warehouse.write_frame("core", "kept", many)
    slices = list(warehouse.read_slices("core", "kept"))
    assert max(one.height for one in slices) < many.height
    assert pl.concat(slices).equals(many)
    with pytest.raises(StatementFailedError, match=r"read core\.gone"):
        list(warehouse.read_slices("core", "gone"))


def test_a_query_has_the_columns_own_types(warehouse):
    warehouse.write_frame("core", "kept", FRAME.drop("flag"))
    back = warehouse.query("SELECT * FROM core.kept WHERE share < ? OR customer_id = ?", [1.0, "nobody's"])
    assert back.equals(FRAME.drop("flag").head(1))
    assert back.schema == FRAME.drop("flag").schema
    counted = warehouse.query("SELECT count(*) AS rows, '100 %?' AS text FROM core.kept WHERE as_of = ?", [date.max])
    assert counted.row(0) == (0, "100 %?")


def test_a_table_is_not_written_twice(warehouse):
    warehouse.write_frame("core", "kept", FRAME)
    with pytest.raises(StatementFailedError, match=r"refused to write core\.kept"):
        warehouse.write_frame("core", "kept", FRAME.head(1))
    assert warehouse.read_table("core", "kept").height == 3


def test_a_view_shows_the_table_with_its_comments(warehouse):
    warehouse.write_frame("core", "kept", FRAME)
    described = TableDescription(dict.fromkeys(FRAME.columns, 'it\'s 100 %? one; -- "quoted" \\'), "three rows")
    warehouse.comment_table("core", "kept", described)
    warehouse.point_view(("shown", "kept"), ("core", "kept"))
    assert warehouse.describe("shown", "kept") == described
    assert warehouse.read_table("shown", "kept").equals(FRAME)
    assert warehouse.views("shown") == ["kept"]


@pytest.mark.parametrize(
    "after",
    [
        FRAME.with_columns(more=pl.lit(1)),
        FRAME.drop("share"),
        FRAME.select(OTHERS),
        FRAME.with_columns(pl.col("share").cast(pl.String)),
        FRAME.rename({"share": "part"}),
    ],
    ids=["one more", "one less", "reordered", "another type", "renamed"],
)
def test_a_view_follows_whatever_columns_its_next_table_has(warehouse, after):
    warehouse.write_frame("core", "before", FRAME)
    warehouse.write_frame("core", "after", after)
    warehouse.point_view(("shown", "kept"), ("core", "before"))
    warehouse.point_view(("shown", "kept"), ("core", "after"))
    assert warehouse.read_table("shown", "kept").equals(after)


def test_a_transaction_is_all_or_nothing(warehouse):
    warehouse.write_frame("core", "kept", FRAME)

    def half_done():
        with warehouse.transaction():
            warehouse.write_frame("core", "second", FRAME)
            warehouse.execute("DELETE FROM core.kept")
            raise KeyError

    with pytest.raises(KeyError):
        half_done()
    assert warehouse.tables("core") == ["kept"]
    assert warehouse.read_table("core", "kept").height == 3
    with pytest.raises(StatementFailedError), warehouse.transaction():
        warehouse.execute("DELETE FROM core.kept; SELECT nonsense")
    assert warehouse.read_table("core", "kept").height == 3


def test_a_refused_statement_says_which_step(warehouse):
    with pytest.raises(StatementFailedError, match="refused to count the geese"):
        warehouse.query("SELECT count(*) FROM geese", step="count the geese")


@pytest.mark.parametrize("names", [("core", "a b"), ('c"; DROP', "kept"), ("core", "K"), ("../core", "kept")])
def test_names_off_the_allow_list_create_nothing(warehouse, names):
    with pytest.raises(NameRefusedError):
        warehouse.write_frame(*names, FRAME)
    with pytest.raises(NameRefusedError):
        warehouse.write_frame("core", "kept", FRAME.rename({"share": "Share"}))
    assert warehouse.tables("core") == []


def test_a_reader_makes_nothing(place):
    with pytest.raises(WarehouseMissingError), place.open(read_only=True):
        pass
    assert not place.open().exists()


def test_a_reader_changes_nothing(place, night):
    night.publish_night(place, date(2026, 3, 2))
    assert place.open().exists()
    with place.open(read_only=True) as reader, pytest.raises(StatementFailedError):
        reader.execute("DELETE FROM gristmill.runs")


def test_it_is_open_only_inside_its_block(place):
    with pytest.raises(RuntimeError):
        place.open().query("SELECT 1")


def test_the_same_night_has_the_same_hash_in_each_warehouse(make_place, night):
    hashes = {
        kind: night.publish_night(make_place(kind), date(2026, 3, 2)).publication.content_hash
        for kind in ("duckdb", "postgresql")
    }
    assert hashes["duckdb"] == hashes["postgresql"]
