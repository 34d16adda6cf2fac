import json
from pathlib import Path

import polars as pl
import pytest

from simulation.dealings import simulate_dealings
from simulation.errors import FolderNotSimulatedError
from simulation.files import write_company


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _read(files) -> pl.DataFrame:
    return pl.concat([pl.read_csv(file, infer_schema=False) for file in files])


@pytest.fixture(scope="module")
def written(small_company, tmp_path_factory):
    return write_company(small_company, tmp_path_factory.mktemp("company"), seed=3)


def test_the_raw_files_are_there_and_nothing_else(written):
    assert sorted(_contents(written.folder)) == [
        "customers.csv",
        *(f"orders/orders_2024-{month:02d}.csv" for month in range(1, 7)),
        "products.csv",
        "truth/company.json",
        "truth/customers.parquet",
        "truth/dirt.json",
    ]


def test_counts_are_those_of_the_files(written, small_company):
    orders = _read(written.order_files)
    assert orders.height == written.row_counts["orders"]
    assert orders.height == small_company.orders.height + sum(written.dirt_counts.values())
    assert _read([written.customers_file]).height == written.row_counts["customers"] == 300
    assert _read([written.products_file]).height == written.row_counts["products"] == 240
    assert json.loads((written.folder / "truth" / "dirt.json").read_text()) == {"orders": written.dirt_counts}


def test_every_file_holds_its_own_month(written):
    clean = {
        file.stem[-7:]: _read([file])["placed_at"].str.slice(0, 7).unique().to_list() for file in written.order_files
    }
    assert all(month in found for month, found in clean.items())
    assert sum(len(found) for found in clean.values()) <= len(clean) + sum(written.dirt_counts.values())


def test_money_and_ids_read_back_as_written(written, small_company):
    orders = _read(written.order_files).filter(pl.col("line").cast(pl.Int32) < 9001)
    orders = orders.unique(["order_number", "line"], keep="first", maintain_order=True)
    minor = (orders["net_amount"].cast(pl.Float64) * 100).round().cast(pl.Int64)
    assert minor.sum() == small_company.orders["amount"].sum()
    assert orders["customer_number"].to_list() == small_company.orders["customer_id"].to_list()


def test_same_seed_same_bytes_and_another_seed_other_dirt(small_company, written, tmp_path):
    write_company(small_company, tmp_path / "again", seed=3)
    write_company(small_company, tmp_path / "other", seed=4)
    assert _contents(tmp_path / "again") == _contents(written.folder)
    assert _contents(tmp_path / "other") != _contents(written.folder)


def test_without_dirt_the_orders_are_the_clean_ones(small_company, tmp_path):
    clean = write_company(small_company, tmp_path, seed=3, dirt=False)
    assert clean.dirt_counts == {}
    assert _read(clean.order_files).height == small_company.orders.height


def test_writing_again_replaces_the_old_files_and_leaves_others(small_company, tmp_path):
    first = write_company(small_company, tmp_path, seed=3)
    stale = tmp_path / "orders" / "orders_1999-01.csv"
    stale.write_text("left from before")
    (tmp_path / "gristmill.toml").write_text("mine")
    before = _contents(tmp_path)
    again = write_company(small_company, tmp_path, seed=3)
    assert again == first
    assert _contents(tmp_path) == {name: body for name, body in before.items() if "1999" not in name}


def test_letters_and_complaints_lie_beside_and_go_with_the_company_that_had_them(small_company, tmp_path):
    dealings = simulate_dealings(small_company, seed=3)
    written = write_company(dealings.company, tmp_path, seed=3, dealings=dealings)
    tables = {name: _read([tmp_path / f"{name}.csv"]) for name in ("campaigns", "contacts", "offers", "tickets")}
    assert {name: table.height for name, table in tables.items()}.items() <= written.row_counts.items()
    assert tables["tickets"].height == dealings.complaints.height > 0
    assert tables["tickets"]["closed"].drop_nulls().str.slice(0, 10).max() < small_company.end.isoformat()
    assert tables["contacts"].columns[:2] == ["letter", "customer_number"]
    assert pl.read_parquet(tmp_path / "truth" / "tickets.parquet").equals(dealings.complaints)
    write_company(small_company, tmp_path, seed=3)
    assert not any((tmp_path / f"{name}.csv").exists() for name in tables)


def test_a_write_that_fails_leaves_the_old_files_whole(small_company, tmp_path, monkeypatch):
    write_company(small_company, tmp_path, seed=3)
    before = _contents(tmp_path)

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fail)
    with pytest.raises(OSError, match="disk full"):
        write_company(small_company, tmp_path, seed=4)
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("name", ["customers.csv", "orders/january.csv"])
def test_files_no_simulation_wrote_are_not_overwritten(small_company, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("precious")
    with pytest.raises(FolderNotSimulatedError) as refused:
        write_company(small_company, tmp_path, seed=3)
    assert refused.value.got == name.split("/")[0]
    assert _contents(tmp_path) == {name: b"precious"}
