import gzip

import duckdb
import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from warehouse.drafting.draft import SAMPLED_ROWS, draft_source
from warehouse.drafting.sampling import excerpted
from warehouse.sources.files import SourcePlace, find_files
from warehouse.sources.inputs import read_input

ROWS = 4_000


@pytest.fixture
def sampled(tmp_path):
    """The numbers that a sample of so many rows of an input has, and the files it was read from."""

    def sampling(files, rows):
        spec, place = InputSpec(files=files), SourcePlace(data_root=tmp_path)
        with excerpted("numbers", spec, place, rows=rows) as (excerpt, where), duckdb.connect() as connection:
            raw = read_input(connection, "numbers", excerpt, place=where, rows=rows)
            found = connection.sql(f"from {raw.table}").pl()["n"].cast(pl.Int64).to_list()
            return found, [file.address for file in find_files("numbers", excerpt, where.data_root)]

    return sampling


def write(path, rows=ROWS):
    frame = pl.DataFrame({"n": range(rows), "words": [f"w{n:06}" for n in range(rows)]})
    {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[path.suffix](path)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_sample_of_a_long_file_is_from_its_head_its_middle_and_its_end(sampled, tmp_path, ending):
    write(tmp_path / f"n.{ending}")
    numbers, (read_from,) = sampled(f"n.{ending}", 300)
    assert len(set(numbers)) == len(numbers)
    assert 290 <= len(numbers) <= 300
    assert numbers[:100] == list(range(100))
    assert numbers[-1] >= ROWS - 5
    assert sum(ROWS * 0.4 < n < ROWS * 0.6 for n in numbers) >= 95
    assert not read_from.startswith(str(tmp_path / "n"))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_short_file_is_read_whole(sampled, tmp_path, ending):
    write(tmp_path / f"n.{ending}", rows=40)
    numbers, (read_from,) = sampled(f"n.{ending}", 300)
    assert numbers == list(range(40))
    assert read_from == (tmp_path / f"n.{ending}").as_posix()


def test_packed_files_are_sampled_from_their_head(sampled, tmp_path):
    write(tmp_path / "n.csv")
    (tmp_path / "n.csv.gz").write_bytes(gzip.compress((tmp_path / "n.csv").read_bytes()))
    numbers, _ = sampled("n.csv.gz", 300)
    assert numbers == list(range(300))


def test_several_files_share_the_sample(sampled, tmp_path):
    (tmp_path / "a[1]").mkdir()
    for name in ("a[1]/1.csv", "a[1]/2.csv"):
        write(tmp_path / name)
    numbers, files = sampled("a[[]1]/*.csv", 600)
    assert len(files) == 2
    assert 580 <= len(numbers) <= 600
    assert sum(n > ROWS * 0.9 for n in numbers) >= 190


def test_a_draft_sees_how_the_newest_rows_are_written(tmp_path):
    old = [f"{n},1,2024-01-{1 + n % 28:02},p,1,9.99\n" for n in range(2 * SAMPLED_ROWS)]
    new = [f"{n},1,{1 + n % 28:02}/12/2024,p,1,9.99\n" for n in range(2 * SAMPLED_ROWS)]
    (tmp_path / "orders.csv").write_text("".join(["order_id,customer_id,ordered_at,sku,quantity,amount\n", *old, *new]))
    spec = InputSpec(files="orders.csv")
    best, *_ = draft_source("orders", spec, SourcePlace(data_root=tmp_path), entity="orders")
    assert set(best.formats["ordered_at"]) == {"%Y-%m-%d", "%d/%m/%Y"}
