"""Spreadsheets, packed files, stores and databases as inputs."""

import gzip
from datetime import UTC, date, datetime

import duckdb
import fsspec
import openpyxl
import polars as pl
import pytest

from data_contracts.errors import DependencyDownError, UsageError
from data_contracts.inputs import InputSpec
from warehouse.sources.errors import (
    DatabaseAddressMissingError,
    DatabaseFileMissingError,
    SheetMissingError,
    SourceColumnNameTakenError,
    SourceDatabaseDownError,
    SourceDatabaseQueryError,
    SourceFileMissingError,
    SourceFileUnreadableError,
    StoreDriverMissingError,
)
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import read_input
from warehouse.sources.reading import input_versions

CANARY = "hunter2"


@pytest.fixture
def read(tmp_path):
    """Reads an input; its rows in source order, with file and row number."""

    def reading(spec, *, rows=None, **environment):
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            place = SourcePlace(data_root=tmp_path, environment=environment)
            raw = read_input(connection, "sales", InputSpec.model_validate(spec), place=place, rows=rows)
            return connection.sql(f"from {raw.table} order by rowid").pl().drop("rowid", strict=False)

    return reading


def workbook(path, rows, title="Sales"):
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    book.save(path)


def test_cells_of_a_sheet_are_text_and_ids_stay_what_they_are(read, tmp_path):
    rows = [
        ["id", "price", "at", "mixed", None],
        ["00042", 12.5, datetime(2024, 5, 1, 10), "a", None],  # noqa: DTZ001  # a spreadsheet knows no zones
        [None, None, None, None, None],
        ["43", 12, date(2024, 5, 2), 7, None],
    ]
    workbook(tmp_path / "sales.xlsx", rows)
    frame = read({"files": "sales.xlsx", "sheet": "Sales"})
    assert set(frame.columns) == {"id", "price", "at", "mixed", "source_file", "source_row"}
    assert frame["id"].to_list() == ["00042", "43"]
    assert frame["price"].to_list() == ["12.5", "12"]
    assert frame["at"].to_list() == ["2024-05-01 10:00:00", "2024-05-02 00:00:00"]
    assert frame["mixed"].to_list() == ["a", "7"]
    assert frame["source_row"].to_list() == [1, 3]


def test_a_header_further_down_and_a_sample(read, tmp_path):
    workbook(tmp_path / "sales.xlsx", [["Sales of May"], [], ["id"], ["1"], ["2"], ["3"]])
    frame = read({"files": "sales.xlsx", "sheet": "Sales", "header_row": 3}, rows=2)
    assert frame["id"].to_list() == ["1", "2"]


def test_a_sheet_that_is_not_there_and_a_file_that_is_none(read, tmp_path):
    workbook(tmp_path / "sales.xlsx", [["id"], ["1"]])
    with pytest.raises(SheetMissingError) as caught:
        read({"files": "sales.xlsx", "sheet": "sales"})
    assert '"Sales"' in caught.value.expected
    (tmp_path / "other.xlsx").write_text(CANARY)
    with pytest.raises(SourceFileUnreadableError) as caught:
        read({"files": "other.xlsx"})
    assert CANARY not in str(caught.value)


def test_packed_files_are_unpacked(read, tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("id,n\n007,é\n".encode("latin-1")))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"id": "007"}\n'))
    assert read({"files": "a.csv.gz", "encoding": "latin-1"}).row(0) == ("007", "é", "a.csv.gz", 1)
    assert read({"files": "b.jsonl.gz"})["id"].to_list() == ["007"]


def test_what_windows_writes_is_read_packed_or_not(read, tmp_path):
    content = 'id;n\r\n007;12,50 €\r\n008;"dos\r\nlíneas"\r\n'.encode("cp1252")
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(content))
    spec = {"encoding": "windows-1252", "delimiter": ";"}
    for name in ("a.csv", "b.csv.gz"):
        rows = read({"files": name, **spec})
        assert rows.row(0) == ("007", "12,50 €", name, 1)
        assert rows.row(1) == ("008", "dos\r\nlíneas", name, 2)


def test_a_sample_takes_from_every_file(read, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("id\n" + "".join(f"{name}{n}\n" for n in range(9)))
    assert read({"files": "*.csv"}, rows=6)["id"].to_list() == ["a0", "a1", "b0", "b1", "c0", "c1"]


def test_a_name_the_load_uses_itself_is_told(read, tmp_path):
    (tmp_path / "a.csv").write_text("id,Source_Row\n1,2\n")
    with pytest.raises(SourceColumnNameTakenError, match="the load itself uses"):
        read({"files": "a.csv"})


def test_files_by_url(read, tmp_path):
    (tmp_path / "a b.csv").write_text("id\n1\n")
    frame = read({"files": f"{(tmp_path / 'a b.csv').as_uri()}"})
    assert frame.row(0) == ("1", "a b.csv", 1)


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    memory.pipe("/bucket/orders/1.csv", b"id\n001\n")
    memory.pipe("/bucket/orders/2.csv", b"id\n002\n")
    yield memory
    memory.rm("/bucket", recursive=True)


def test_a_store_is_read_by_its_url_with_globs(read, store, tmp_path):
    workbook(tmp_path / "sales.xlsx", [["id"], ["00042"]])
    store.pipe("/bucket/sales.xlsx", (tmp_path / "sales.xlsx").read_bytes())
    frame = read({"files": "memory://bucket/orders/*.csv"})
    assert frame.rows() == [("001", "memory:///bucket/orders/1.csv", 1), ("002", "memory:///bucket/orders/2.csv", 1)]
    assert read({"files": "memory://bucket/sales.xlsx", "sheet": "Sales"})["id"].to_list() == ["00042"]
    with pytest.raises(SourceFileMissingError) as caught:
        read({"files": "memory://bucket/none/*.csv"})
    assert "memory://bucket/none/*.csv" in caught.value.got


def test_a_stores_files_are_known_by_their_version(store, tmp_path):
    inputs = {"sales": InputSpec(files=("memory://bucket/orders/*.csv",))}
    place = SourcePlace(data_root=tmp_path)
    before = input_versions(inputs, place)
    assert input_versions(inputs, place) == before
    store.pipe("/bucket/orders/2.csv", b"id\n003 \n")
    assert input_versions(inputs, place) != before


@pytest.mark.parametrize("url", ["s3://bucket/a.csv", "gs://bucket/a.csv", "az://box/a.csv", "nosuchstore://x/a.csv"])
def test_a_store_without_its_package_is_a_matter_of_installing(read, url):
    with pytest.raises(StoreDriverMissingError) as caught:
        read({"files": url})
    assert isinstance(caught.value, UsageError)
    assert caught.value.where == url


def test_a_store_that_does_not_answer_is_worth_another_try(read):
    with pytest.raises(DependencyDownError):
        read({"files": "http://127.0.0.1:9/a.csv"})


@pytest.fixture
def shop_file(tmp_path):
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.execute("create schema sales")
        connection.execute(
            "create table sales.orders as select * from (values ('007', 2, 1.5), ('001', 1, 2.5)) v(id, n, price)"
        )
    return tmp_path / "shop.duckdb"


@pytest.mark.parametrize("database", ["shop.duckdb", "${SHOP}"])
@pytest.mark.parametrize("asked", [{"table": "sales.orders"}, {"query": "select * from sales.orders;"}])
def test_a_duckdb_file_is_read_in_the_order_of_values(read, shop_file, database, asked):
    frame = read({"database": database, **asked}, SHOP=str(shop_file))
    assert frame["id"].to_list() == ["001", "007"]
    assert frame["n"].to_list() == [1, 2]
    assert frame["source_row"].to_list() == [1, 2]
    assert read({"database": database, **asked}, SHOP=str(shop_file), rows=1).height == 1


@pytest.mark.parametrize(
    ("spec", "environment", "error", "told"),
    [
        ({"database": "${SHOP}", "table": "a"}, {}, DatabaseAddressMissingError, "SHOP"),
        (
            {"database": "${SHOP}", "table": "a"},
            {"SHOP": f"mysql://u:{CANARY}@h/d"},
            DatabaseAddressMissingError,
            "mysql",
        ),
        ({"database": "none.duckdb", "table": "a"}, {}, DatabaseFileMissingError, "none.duckdb"),
        ({"database": "shop.duckdb", "table": "a"}, {}, SourceDatabaseQueryError, "table a"),
        ({"database": "shop.duckdb", "query": "select 'hunter2'::int"}, {}, SourceDatabaseQueryError, "query"),
        (
            {"database": "${SHOP}", "table": "a"},
            {"SHOP": f"postgresql://me:{CANARY}@127.0.0.1:9/shop"},
            SourceDatabaseDownError,
            "Connection refused",
        ),
        (
            {"database": "${SHOP}", "table": "a"},
            {"SHOP": f"postgresql://me:p@{CANARY} x:y/shop"},
            SourceDatabaseDownError,
            "address",
        ),
    ],
)
def test_databases_that_cannot_be_read_are_told_without_secrets(read, shop_file, spec, environment, error, told):
    with pytest.raises(error) as caught:
        read(spec, **environment)
    assert told in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_duckdb_file_that_is_being_written_is_worth_another_try(read, shop_file):
    with (
        duckdb.connect(shop_file),
        pytest.raises(SourceDatabaseDownError),
    ):  # held here with other rights than asked for
        read({"database": "shop.duckdb", "table": "sales.orders"})


@pytest.fixture
def shop_server(postgresql_address):
    import psycopg  # noqa: PLC0415  # only these tests need a server

    with psycopg.connect(postgresql_address) as connection:
        connection.execute("create schema sales")
        connection.execute(
            "create table sales.orders "
            "(id text, units int, net numeric(12, 2), placed timestamptz, day date, gift boolean)"
        )
        connection.execute(
            "insert into sales.orders select lpad(n::text, 5, '0'), n, n * 1.25, timestamptz '2024-05-01 10:00+02', "
            "date '2024-05-01', n % 2 = 0 from generate_series(1, 500) n order by n desc"
        )
    return postgresql_address


def test_a_postgresql_table_keeps_its_types_and_amounts_their_digits(read, shop_server):
    frame = read({"database": "${SHOP}", "table": "sales.orders"}, SHOP=shop_server)
    assert frame.height == 500
    first = frame.row(0, named=True)
    assert first == {
        "id": "00001",
        "units": 1,
        "net": "1.25",
        "placed": datetime(2024, 5, 1, 8, tzinfo=UTC),
        "day": date(2024, 5, 1),
        "gift": False,
        "source_file": "table sales.orders",
        "source_row": 1,
    }
    assert frame.schema["placed"] == pl.Datetime("us", "UTC")
    assert read({"database": "${SHOP}", "table": "sales.orders"}, SHOP=shop_server, rows=7).height == 7


def test_a_postgresql_query_and_its_refusals(read, shop_server):
    spec = {"database": "${SHOP}", "query": "select id from sales.orders where units > 498"}
    assert read(spec, SHOP=shop_server)["id"].to_list() == ["00499", "00500"]
    for query, told in [
        ("selec 1", "syntax error"),
        ("select * from nowhere", "nowhere"),
        (f"select '{CANARY}'::int", '"..."'),
        ("delete from sales.orders returning id", "read-only"),
        ("select 1 / (units - 250) as x from sales.orders", "division by zero"),
        ("select (id || 'hunter2')::int as x from sales.orders", '"..."'),
    ]:
        with pytest.raises(SourceDatabaseQueryError) as caught:
            read({"database": "${SHOP}", "query": query}, SHOP=shop_server)
        assert told in caught.value.got
        assert CANARY not in str(caught.value)


def test_a_database_is_known_by_what_it_holds(shop_server, tmp_path):
    import psycopg  # noqa: PLC0415  # as above

    inputs = {"sales": InputSpec(database="${SHOP}", table="sales.orders")}
    place = SourcePlace(data_root=tmp_path, environment={"SHOP": shop_server})
    before = input_versions(inputs, place)
    assert input_versions(inputs, place) == before
    with psycopg.connect(shop_server) as connection:
        connection.execute("update sales.orders set net = net + 1 where units = 250")
    assert input_versions(inputs, place) != before
    assert "hunter2" not in repr(place)


def parquet(path, query):
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")


def test_parquet_files_are_read_in_place_in_the_order_of_files_and_rows(tmp_path):
    parquet(tmp_path / "b.parquet", "select 'b' || i as id, i::double as n from range(3) as numbers(i) order by i desc")
    parquet(tmp_path / "a.parquet", "select 'a' || i as id, i::double as n from range(130000) as numbers(i)")
    with duckdb.connect() as connection:
        spec = InputSpec.model_validate({"files": "*.parquet"})
        raw = read_input(connection, "sales", spec, place=SourcePlace(data_root=tmp_path))
        last = f"select id, source_file, source_row, rowid from {raw.table} where rowid >= 129999 order by rowid"  # noqa: S608  # a table's name
        assert connection.execute(last).fetchall() == [
            ("a129999", "a.parquet", 130_000, 129_999),
            ("b2", "b.parquet", 1, 130_000),
            ("b1", "b.parquet", 2, 130_001),
            ("b0", "b.parquet", 3, 130_002),
        ]
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (0,)
        assert [name for name, *_ in connection.execute("describe sales").fetchall()] == ["id", "n"]


@pytest.mark.parametrize(
    "second", ["select 2.5 as n, 'x' as id", "select 'x' as id, 2 as n", "select 'x' as id, 2::float as n"]
)
def test_parquet_files_that_are_not_quite_alike_are_copied_column_by_name(read, tmp_path, second):
    parquet(tmp_path / "a.parquet", "select 'w' as id, 1.5::double as n")
    parquet(tmp_path / "b.parquet", second)
    frame = read({"files": "*.parquet"})
    assert frame.select("id", "source_file", "source_row").rows() == [("w", "a.parquet", 1), ("x", "b.parquet", 1)]
    assert frame["n"].to_list() == [1.5, 2.5 if "2.5" in second else 2.0]


def test_parquet_with_a_column_called_like_duckdbs_own_is_copied(read, tmp_path):
    parquet(tmp_path / "a.parquet", "select 'w' as id, 7 as file_row_number")
    assert read({"files": "a.parquet"}).rows() == [("w", 7, "a.parquet", 1)]


def test_a_column_called_rowid_is_told(read, tmp_path):
    parquet(tmp_path / "a.parquet", "select 1 as RowId")
    with pytest.raises(SourceColumnNameTakenError, match="the load itself uses"):
        read({"files": "a.parquet"})
