"""Tables that people bring, found in their files."""

import gzip

import openpyxl
import polars as pl
import pytest

from flows.errors import TableUnreadableError
from flows.from_files.table_files import read_table

ROWS = [["customer", "größe", "left"], ["00042", "Müller: 5 €", "yes"], ["7", "x", "no"]]


def workbook(path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


@pytest.mark.parametrize(
    ("sheets", "place"),
    [
        ({"Data": ROWS}, None),
        ({"Words": [["column", "meaning"], ["left", "who left"]], "Data": ROWS}, "sheet 'Data', its header in row 1"),
        ({"Data": [["", "X1", "Y"], *ROWS]}, "sheet 'Data', its header in row 2"),
        ({"Empty": [], "Data": [["Churn of May"], [], *ROWS]}, "sheet 'Data', its header in row 3"),
    ],
)
def test_the_sheet_and_the_header_with_the_columns_wanted_are_taken(tmp_path, sheets, place):
    workbook(tmp_path / "book.xlsx", **sheets)
    notes = []
    table = read_table(tmp_path / "book.xlsx", names=["customer", "left"], say=notes.append)
    assert table.columns == ROWS[0]
    assert table["left"].to_list() == ["yes", "no"]
    assert notes == ([] if place is None else [f"book.xlsx: the table is in the {place}"])


def test_without_columns_wanted_it_is_the_first_sheet(tmp_path):
    workbook(tmp_path / "book.xlsx", One=[["a"], [1]], Two=ROWS)
    assert read_table(tmp_path / "book.xlsx").columns == ["a"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
@pytest.mark.parametrize("name", ["t.csv", "t.data.gz"])
def test_text_is_read_whatever_its_encoding_and_separator(tmp_path, name, encoding):
    content = "\n".join("\t".join(row) for row in ROWS).encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    notes = []
    table = read_table(tmp_path / name, say=notes.append)
    assert [table.columns, *map(list, table.rows())] == ROWS
    named = [] if encoding.startswith("utf-8") else [f"{name} is read as {encoding}, because it is no UTF-8"]
    assert notes == named


def test_tables_are_read_as_text_or_as_they_are(tmp_path):
    frame = pl.DataFrame({"customer": ["00000", "00001"], "months": [1, 2]})
    frame.write_csv(tmp_path / "table.csv", separator=";")
    frame.write_parquet(tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.csv").rows() == [("00000", "1"), ("00001", "2")]
    assert read_table(tmp_path / "table.parquet").equals(frame)


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.parquet", "no parquet"), ("a.xlsx", "no"), ("a.exe", "x"), ("b.csv", None)]
)
def test_what_is_no_table_is_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(TableUnreadableError):
        read_table(tmp_path / name)


@pytest.mark.parametrize(("row", "fields"), [(3, "9,9,9,9"), (3, "9"), (30_000, "9,9,9,9")])
def test_a_line_with_fields_too_many_or_few_is_named(tmp_path, row, fields):
    lines = ["customer,months,left", *(f"{number},1,0" for number in range(30_010))]
    lines[row - 1] = fields
    path = tmp_path / "uneven.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(TableUnreadableError) as refused:
        read_table(path)
    assert f"line {row:,} has {len(fields.split(','))} fields, the header has 3" in str(refused.value)


def test_one_column_is_a_table(tmp_path):
    (tmp_path / "one.csv").write_text("customer\n1\n2\n")
    assert read_table(tmp_path / "one.csv").rows() == [("1",), ("2",)]
