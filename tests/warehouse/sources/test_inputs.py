import json

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from warehouse.errors_ingestion import SourceExpressionError
from warehouse.sources.errors import (
    SourceFileEmptyError,
    SourceFileMissingError,
    SourceFilesDifferError,
    SourceFileUnreadableError,
)
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import raw_row_json, read_input, read_query


@pytest.fixture
def connection():
    opened = duckdb.connect()
    yield opened
    opened.close()


def rows_of(connection, raw, query):
    return connection.execute(query.format(table=raw.table)).fetchall()


def spec(files, **settings):
    return InputSpec.model_validate({"files": files, **settings})


def test_csv_values_stay_text_with_file_and_row(connection, tmp_path):
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales/b.csv").write_text("id,price\n00042,1.50\n")
    (tmp_path / "sales/a.csv").write_text('price,id\n2,7\n,"x,""y"\n')
    raw = read_input(connection, "sales", spec("sales/*.csv"), place=SourcePlace(data_root=tmp_path))
    rows = rows_of(connection, raw, "select id, price, source_file, source_row from {table} order by rowid")
    assert rows == [
        ("7", "2", "sales/a.csv", 1),
        ('x,"y', None, "sales/a.csv", 2),
        ("00042", "1.50", "sales/b.csv", 1),
    ]
    assert set(raw.columns) == {"id", "price"}
    assert connection.execute("select * from sales limit 0").description[0][0] == "price"


@pytest.mark.parametrize(
    ("name", "content", "settings"),
    [
        ("a.csv", b"id;n\n01;x\n", {"delimiter": ";"}),
        ("a.tsv", b"id\tn\n01\tx\n", {}),
        ("a.dat", "id,n\n01,é\n".encode("latin-1"), {"format": "csv", "encoding": "latin-1"}),
        ("a.csv", b"id,n\n01,NA\n", {"null_texts": ["", "NA"]}),
        ("a.jsonl", b'{"id": "01", "n": "x"}\n', {}),
    ],
)
def test_forms_of_files(connection, tmp_path, name, content, settings):
    (tmp_path / name).write_bytes(content)
    raw = read_input(connection, "sales", spec(name, **settings), place=SourcePlace(data_root=tmp_path))
    expected = {"latin-1": "é"}.get(settings.get("encoding"), None if "null_texts" in settings else "x")
    assert rows_of(connection, raw, "select id, n from {table}") == [("01", expected)]


def test_parquet_keeps_its_types(connection, tmp_path):
    pl.DataFrame({"id": [17850, None], "price": [1.5, 2.0]}).write_parquet(tmp_path / "a.parquet")
    raw = read_input(connection, "sales", spec("a.parquet"), place=SourcePlace(data_root=tmp_path))
    assert dict(raw.columns) == {"id": "BIGINT", "price": "DOUBLE"}


def test_a_missing_file_names_the_full_path_looked_at(connection, tmp_path):
    with pytest.raises(SourceFileMissingError) as caught:
        read_input(connection, "sales", spec("none/*.csv"), place=SourcePlace(data_root=tmp_path))
    assert str(tmp_path / "none/*.csv") in caught.value.got


@pytest.mark.parametrize("content", ["", "id,price\n"])
def test_an_empty_file_is_refused(connection, tmp_path, content):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(SourceFileEmptyError):
        read_input(connection, "sales", spec("a.csv"), place=SourcePlace(data_root=tmp_path))


def test_a_quiet_day_among_others_is_fine(connection, tmp_path):
    (tmp_path / "a.csv").write_text("id,price\n")
    (tmp_path / "b.csv").write_text("id,price\n1,2\n")
    raw = read_input(connection, "sales", spec("*.csv"), place=SourcePlace(data_root=tmp_path))
    assert rows_of(connection, raw, "select count(*) from {table}") == [(1,)]


def test_files_of_one_input_must_have_the_same_columns(connection, tmp_path):
    (tmp_path / "a.csv").write_text("id,price\n1,2\n")
    (tmp_path / "b.csv").write_text("id,cost\n1,2\n")
    with pytest.raises(SourceFilesDifferError) as caught:
        read_input(connection, "sales", spec("*.csv"), place=SourcePlace(data_root=tmp_path))
    assert caught.value.where.endswith("b.csv")
    assert caught.value.got == "missing: price; not in the first file: cost"


def test_a_file_that_is_no_parquet_is_named_without_its_content(connection, tmp_path):
    (tmp_path / "a.parquet").write_text("canary@example.com," * 10)
    with pytest.raises(SourceFileUnreadableError) as caught:
        read_input(connection, "sales", spec("a.parquet"), place=SourcePlace(data_root=tmp_path))
    assert "a.parquet" in caught.value.where
    assert "canary" not in str(caught.value)


def test_a_broken_csv_line_is_told_without_its_content(connection, tmp_path):
    (tmp_path / "a.csv").write_text("id,price\n1,2\ncanary@example.com,3,4,5\n")
    with pytest.raises(SourceFileUnreadableError) as caught:
        read_input(connection, "sales", spec("a.csv"), place=SourcePlace(data_root=tmp_path))
    assert "canary" not in str(caught.value)


def test_a_query_sees_the_inputs_and_is_numbered_by_value(connection, tmp_path):
    (tmp_path / "a.csv").write_text("id\nb\na\nb\n")
    read_input(connection, "sales", spec("a.csv"), place=SourcePlace(data_root=tmp_path))
    raw = read_query(connection, "customers", "select distinct id from sales")
    rows = rows_of(connection, raw, "select id, source_row, source_file from {table} order by rowid")
    assert rows == [("a", 1, "(query)"), ("b", 2, "(query)")]


def test_a_query_that_fails_is_named(connection):
    with pytest.raises(SourceExpressionError, match="can't be evaluated") as caught:
        read_query(connection, "customers", "select id from nowhere")
    assert caught.value.where == "sources.customers.query"
    assert "nowhere" in caught.value.got


def test_the_raw_row_survives_as_json(connection, tmp_path):
    frame = pl.DataFrame({"id": ["\x00é\n'\""], "price": [float("nan")], "units": [2], "source": [None]})
    frame.write_parquet(tmp_path / "a.parquet")
    raw = read_input(connection, "sales", spec("a.parquet"), place=SourcePlace(data_root=tmp_path))
    text = connection.sql(f"from {raw.table}").project(raw_row_json(raw)).fetchall()[0][0]
    assert json.loads(text) == {"id": "\x00é\n'\"", "price": "nan", "units": 2, "source": None}
