"""The company on disk: raw CSV files as its systems would export them, and the truth kept apart.

Belongs here: paths, writing aside and replacing. Does not: what is in the files (`raw.py`, `dirt.py`).
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from simulation.dealings import Dealings
from simulation.dirt import DirtyOrders, add_dirt
from simulation.errors import FolderNotSimulatedError
from simulation.randomness import stream
from simulation.raw import (
    MONTH_COLUMN,
    raw_campaigns,
    raw_contacts,
    raw_customers,
    raw_offers,
    raw_orders,
    raw_products,
    raw_tickets,
)
from simulation.retailer import SimulatedCompany

_ENTRIES = ("truth", "orders", "customers.csv", "products.csv")  # the marker first: what follows it is ours
_DEALINGS = {"campaigns": raw_campaigns, "contacts": raw_contacts, "offers": raw_offers, "tickets": raw_tickets}
_STAGING = ".simulating"
_MARKER = Path("truth") / "company.json"


@dataclass(frozen=True)
class WrittenCompany:
    """What was written.

    Attributes:
        folder: holds `orders/orders_YYYY-MM.csv`, `customers.csv`, `products.csv` and `truth/`; with dealings also
            `campaigns.csv`, `contacts.csv`, `offers.csv` and `tickets.csv`.
        order_files: one a month that has orders, in time.
        customers_file: all customers.
        products_file: all products.
        truth_file: Parquet, see `truth.tell_truth`; what letters and complaints caused lies beside it.
        row_counts: rows by entity, dirt included.
        dirt_counts: bad order lines by the rule that has to find them; empty without dirt.
    """

    folder: Path
    order_files: tuple[Path, ...]
    customers_file: Path
    products_file: Path
    truth_file: Path
    row_counts: dict[str, int]
    dirt_counts: dict[str, int]


def write_company(
    company: SimulatedCompany, folder: Path, *, seed: int, dirt: bool = True, dealings: Dealings | None = None
) -> WrittenCompany:
    """Write the raw files and the truth; the same company and seed give the same bytes.

    Everything is written aside first and then put in place entry by entry, so that a write that fails leaves the old
    files whole. Only files of an earlier simulation are replaced; whatever else is in the folder stays.

    Args:
        company: what to write.
        folder: where to; made when absent.
        seed: decides which lines become dirt.
        dirt: whether to add bad lines.
        dealings: letters and complaints of this very company; without, there are no files of them.

    Raises:
        FolderNotSimulatedError: when the folder holds files of these names that no simulation wrote.
    """
    _refuse_foreign(folder)
    clean = raw_orders(company)
    orders = add_dirt(stream(seed, "dirt"), clean) if dirt else DirtyOrders(lines=clean, counts={})
    beside = {} if dealings is None else {name: export(dealings) for name, export in _DEALINGS.items()}
    staging = folder / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    try:
        months = _write_all(company, orders, staging)
        _write_dealings(dealings, beside, staging)
        for entry in (*_ENTRIES, *(f"{name}.csv" for name in _DEALINGS)):
            _replace(staging / entry, folder / entry, aside=staging / f"{entry}.old")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return WrittenCompany(
        folder=folder,
        order_files=tuple(folder / "orders" / name for name in months),
        customers_file=folder / "customers.csv",
        products_file=folder / "products.csv",
        truth_file=folder / "truth" / "customers.parquet",
        row_counts={
            "orders": orders.lines.height,
            "customers": company.customers.height,
            "products": company.products.height,
            **{name: table.height for name, table in beside.items()},
        },
        dirt_counts=orders.counts,
    )


def _refuse_foreign(folder: Path) -> None:
    """Raise when the folder holds our names but not our marker."""
    found = [entry for entry in (*_ENTRIES, *(f"{name}.csv" for name in _DEALINGS)) if (folder / entry).exists()]
    if found and not (folder / _MARKER).is_file():
        raise FolderNotSimulatedError(folder=str(folder), found=", ".join(found))


def _write_all(company: SimulatedCompany, orders: DirtyOrders, staging: Path) -> list[str]:
    """Write every file under `staging`; the names of the order files, in time."""
    (staging / "orders").mkdir(parents=True)
    (staging / "truth").mkdir()
    raw_customers(company).write_csv(staging / "customers.csv")
    raw_products(company).write_csv(staging / "products.csv")
    company.truth.write_parquet(staging / "truth" / "customers.parquet")
    _write_json(staging / "truth" / "dirt.json", {"orders": orders.counts})
    _write_json(staging / _MARKER, _describe(company))
    return [_write_month(month, staging / "orders") for month in _by_month(orders.lines)]


def _write_dealings(dealings: Dealings | None, tables: Mapping[str, pl.DataFrame], staging: Path) -> None:
    """Write the files of letters and complaints, and the truth about them, under `staging`."""
    if dealings is None:
        return
    for name, table in tables.items():
        table.write_csv(staging / f"{name}.csv")
    dealings.caused.write_parquet(staging / "truth" / "campaigns.parquet")
    dealings.complaints.write_parquet(staging / "truth" / "tickets.parquet")


def _by_month(lines: pl.DataFrame) -> list[pl.DataFrame]:
    """The lines of each month, in time; order within a month stays."""
    return lines.partition_by(MONTH_COLUMN, maintain_order=True)


def _write_month(lines: pl.DataFrame, folder: Path) -> str:
    """Write one month's order lines; the name of the file."""
    name = f"orders_{lines.item(0, MONTH_COLUMN)}.csv"
    lines.drop(MONTH_COLUMN).write_csv(folder / name)
    return name


def _describe(company: SimulatedCompany) -> dict[str, object]:
    """What the company was simulated from."""
    return {
        "start": company.start.isoformat(),
        "end": company.end.isoformat(),
        "seed": company.seed,
        "currency": company.currency,
        "time_zone": company.time_zone,
        "customers": company.customers.height,
        "products": company.products.height,
        "clean_order_lines": company.orders.height,
    }


def _write_json(path: Path, value: object) -> None:
    """Write JSON that people can read."""
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _replace(new: Path, target: Path, *, aside: Path) -> None:
    """Put `new` in the place of `target`; a folder can't be replaced in one step, so the old one moves aside first."""
    if target.is_dir():
        target.rename(aside)
    if new.exists():
        new.replace(target)
    else:  # of an earlier company that had it
        target.unlink(missing_ok=True)
