import gzip

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.inputs import InputSpec
from warehouse.sources.errors import SourceFileUnreadableError
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import read_input

HEADER = "id,name,amount\n"
GOOD = "1,ann,10\n2,bob,20\n3,cy,30\n"


def rows_of(connection, table, columns):
    """Rows of a table or view, in the order of the file."""
    order = " order by rowid" if "unreadable" not in table else ""
    return connection.sql(f"select {columns} from {table}{order}").fetchall()  # noqa: S608 this test's own


@pytest.fixture
def read(tmp_path):
    """The rows of a CSV file (with their numbers) and its unreadable lines: (number, line in the file, text)."""

    def reading(content, *, name="file.csv", rows=None, **options):
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        (tmp_path / name).write_bytes(data)
        spec, place = InputSpec(files=name, **options), SourcePlace(data_root=tmp_path)
        with duckdb.connect() as connection:
            raw = read_input(connection, "sales", spec, place=place, rows=rows, keeps_unreadable=True)
            found = rows_of(connection, raw.table, "* exclude (source_file, rowid)")
            lines = []
            if raw.unreadable:
                lines = rows_of(connection, raw.unreadable, "source_row, line, text")
            return found, lines

    return reading


@pytest.mark.parametrize("line", ["4,x", "4,x,y,z", '4,"x,40', '4,"x"y,40', '4,x,"40', "4,caf\udce9,40", "4"])
def test_a_line_that_is_no_row_is_kept_and_costs_no_other_line(read, line):
    rows, lines = read(f'{HEADER}{GOOD}{line}\n5,eve,50\n6,"f, f",60\n')
    assert rows == [
        ("1", "ann", "10", 1),
        ("2", "bob", "20", 2),
        ("3", "cy", "30", 3),
        ("5", "eve", "50", 5),
        ("6", "f, f", "60", 6),
    ]
    assert lines == [(4, 5, line.replace("\udce9", "\ufffd"))]


def test_a_quoted_value_may_go_on_over_lines_and_line_numbers_are_those_of_the_file(read):
    rows, lines = read(f'{HEADER}1,"a\r\n\r\nb",10\r\n\r\n2,bob\r\n3,"say ""hi""",30\r\n4,d,40\r\n')
    assert rows == [("1", "a\r\n\r\nb", "10", 1), ("3", 'say "hi"', "30", 3), ("4", "d", "40", 4)]
    assert lines == [(2, 6, "2,bob")]


def test_an_open_quote_at_the_end_of_the_file(read):
    rows, lines = read(f'{HEADER}{GOOD}4,"never closed,40')
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert lines == [(4, 5, '4,"never closed,40')]


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ({"delimiter": ";"}, "id;name;amount\n1;ann;10\n2;bob\n3;c,c;30\n"),
        ({"delimiter": "||"}, "id||name||amount\n1||ann||10\n2||bob\n3||c,c||30\n"),
        ({"delimiter": ";", "quote": "'"}, "id;name;amount\n1;'ann';10\n2;'bob;20\n3;'c,c';30\n"),
    ],
)
def test_other_delimiters_and_quotes(read, options, content):
    rows, lines = read(content, **options)
    assert rows == [("1", "ann", "10", 1), ("3", "c,c", "30", 3)]
    assert [line[0] for line in lines] == [2]


@pytest.mark.parametrize("encoding", ["latin-1", "windows-1252", "utf-16", "utf-8"])
def test_every_encoding_and_packing(read, encoding):
    content = f"{HEADER}1,jürgen,10\n2,bob\n3,cy,30\n".encode(encoding)
    rows, lines = read(gzip.compress(content), name="file.csv.gz", encoding=encoding)
    assert rows == [("1", "jürgen", "10", 1), ("3", "cy", "30", 3)]
    assert lines == [(2, 3, "2,bob")]


def test_bytes_that_are_no_text_make_their_own_line_unreadable(read):
    content = f"{HEADER}1,jürgen,10\n2,".encode("cp1252") + b"\x81,20\n3,cy,30\n"
    rows, lines = read(content, encoding="windows-1252")
    assert rows == [("1", "jürgen", "10", 1), ("3", "cy", "30", 3)]
    assert [line[:2] for line in lines] == [(2, 3)]


def test_lines_that_end_in_different_ways_are_all_rows(read):
    assert read(f"{HEADER}1,ann,10\r\n2,bob,20\n3,cy,30\r\n") == (
        [("1", "ann", "10", 1), ("2", "bob", "20", 2), ("3", "cy", "30", 3)],
        [],
    )


def test_a_sample_stops_early(read):
    rows, lines = read(f"{HEADER}1,ann\n{GOOD * 50}", rows=2)
    assert [row[0] for row in rows] == ["1"]
    assert [line[0] for line in lines] == [1]


def test_a_file_of_which_most_lines_are_no_rows_is_not_what_it_should_be(read):
    with pytest.raises(SourceFileUnreadableError):
        read(f"{HEADER}1,ann,10\n2,bob\n3,cy,30,x\n4,dee\n")
    with pytest.raises(SourceFileUnreadableError):
        read(b'\x00\x01\x02\xff\n\xfe,"\n', name="binary.csv")


def test_without_being_asked_for_nothing_is_kept_apart(tmp_path):
    (tmp_path / "file.csv").write_text(f"{HEADER}{GOOD}4,x\n")
    with duckdb.connect() as connection, pytest.raises(SourceFileUnreadableError):
        read_input(connection, "sales", InputSpec(files="file.csv"), place=SourcePlace(data_root=tmp_path))


def test_the_lines_of_several_files_are_told_apart(tmp_path):
    for number in (1, 2, 3):
        (tmp_path / f"{number}.csv").write_text(f"{HEADER}{GOOD}" + ("4,x\n" if number != 2 else "") + "5,e,50\n")
    with duckdb.connect() as connection:
        raw = read_input(
            connection, "s", InputSpec(files="*.csv"), place=SourcePlace(data_root=tmp_path), keeps_unreadable=True
        )
        numbers = rows_of(connection, raw.table, "source_file, source_row")
        kept = rows_of(connection, raw.unreadable, "source_file, source_row")
    assert kept == [("1.csv", 4), ("3.csv", 4)]
    assert numbers == [(f"{n}.csv", row) for n in (1, 2, 3) for row in ((1, 2, 3, 4) if n == 2 else (1, 2, 3, 5))]


@given(st.lists(st.text(alphabet='ab,"\n ', max_size=12), min_size=1, max_size=12))
def test_nothing_is_lost_whatever_the_lines(tmp_path_factory, lines):
    """Every line that is not empty is part of a row or is kept as unreadable, unless the whole file is refused."""
    folder = tmp_path_factory.mktemp("lines")
    content = HEADER + GOOD * 4 + "x\n" + "\n".join(lines) + "\n"
    (folder / "file.csv").write_text(content)
    with duckdb.connect() as connection:
        place = SourcePlace(data_root=folder)
        try:
            raw = read_input(connection, "sales", InputSpec(files="*.csv"), place=place, keeps_unreadable=True)
        except SourceFileUnreadableError:
            return
        rows = rows_of(connection, raw.table, "id, name, amount")
        kept = rows_of(connection, raw.unreadable, "text")
    breaks = sum((value or "").count("\n") for row in rows for value in row)
    written = [line for line in content.splitlines()[1:] if line]
    within = sum((value or "").count("\n\n") for row in rows for value in row)  # empty lines inside a value
    assert len(written) <= len(rows) + breaks + len(kept) <= len(written) + within + breaks
