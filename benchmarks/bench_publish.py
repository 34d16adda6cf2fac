"""How long it takes to publish a night, step by step, with DuckDB and with PostgreSQL, side by side.

    python benchmarks/bench_publish.py --customers 1000000 --rounds 2

Publishes `segments.customer` and `segments.next_best_offer` of made-up customers, columns and dtypes as the contracts
have them. PostgreSQL is the tests' own server on this machine, with its ordinary durability; or the one at
GRISTMILL_WAREHOUSE_URL, in which nothing else should be kept. Prints seconds by step, the ratio, and whether both
published the same content.
"""

import argparse
import contextlib
import importlib.util
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from segments.contracts import customer_contract
from segments.money import Currency
from segments.ranked_offers import NEXT_BEST_OFFER
from warehouse.audit import VolumeOverrides
from warehouse.ledger import finish_run, start_run
from warehouse.opening import warehouse_at
from warehouse.publishing import PublishOptions, publish

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
DAY = date(2026, 3, 1)
STEPS = {
    "write the first table": ("before_staging", "first_table_staged"),
    "write the second table": ("first_table_staged", "all_staged"),
    "read back and audit": ("all_staged", "audited"),
    "content hash": ("audited", "ledger_row_written"),
    "move the views, commit": ("ledger_row_written", "committed"),
}


def made_up(contract: OutputContract, rows: int, customers: int, seed: int) -> pl.DataFrame:
    """A frame that keeps its contract; `rows` is a multiple of `customers`."""
    random = np.random.default_rng(seed)
    columns = {column.name: _values(column, rows, random) for column in contract.columns}
    columns["customer_id"] = pl.Series([f"{number:08d}" for number in range(customers)] * (rows // customers))
    if "rank" in columns:
        columns["rank"] = pl.Series(np.repeat(np.arange(1, rows // customers + 1), customers))
    return pl.DataFrame(columns).cast(dict(contract.schema)).select(contract.names)


def _values(column: OutputColumn, rows: int, random: np.random.Generator) -> pl.Series:
    low = float(column.minimum) if isinstance(column.minimum, int | float) else 0.0
    high = float(column.maximum) if isinstance(column.maximum, int | float) else low + 100.0
    if column.dtype == pl.String:
        words = list(column.allowed or [f"{column.name} number {number}, in words" for number in range(200)])
        return pl.Series(words)[random.integers(0, len(words), rows)]
    if column.dtype == pl.Boolean:
        return pl.Series(random.integers(0, 2, rows) == 1)
    if column.dtype == pl.Date:
        return pl.Series([DAY]).new_from_index(0, rows)
    numbers = pl.Series(low + random.random(rows) * (high - low))
    if column.dtype.is_decimal():
        return numbers.round(2)
    return numbers if column.dtype.is_float() else numbers.floor().cast(pl.Int64)


def publish_once(
    file: Path, address: str, tables: dict[str, PublishedTable], as_of: date
) -> tuple[dict[str, float], str]:
    """Seconds by step, and the content hash."""
    passed = {}
    options = PublishOptions(
        failpoint=lambda name: passed.setdefault(name, time.perf_counter()),
        overrides=VolumeOverrides(allow_volume_change=True),
        keep_versions=1,
    )
    with warehouse_at(file, address) as warehouse:
        run = start_run(warehouse, kind="score", as_of=as_of, configuration_hash="b" * 64, now=NOW, run_by="benchmark")
        began = time.perf_counter()
        published = publish(warehouse, tables, run=run, now=NOW, options=options)
        seconds = {"all": time.perf_counter() - began}
        finish_run(warehouse, run, status="done", now=NOW)
    seconds |= {step: passed[until] - passed[since] for step, (since, until) in STEPS.items()}
    return seconds, published.publication.content_hash


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    if given := os.environ.get("GRISTMILL_WAREHOUSE_URL"):
        yield given
        return
    path = Path(__file__).parents[1] / "tests" / "postgresql_server.py"
    spec = importlib.util.spec_from_file_location("postgresql_server", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.running_server(durable=True) as address:
        yield address.format(database="postgres")


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=1_000_000)
    asked.add_argument("--offers", type=int, default=3, help="offers a customer")
    asked.add_argument("--rounds", type=int, default=2, help="nights published; the fastest of each step counts")
    given = asked.parse_args()
    customer = customer_contract(Currency(code="GBP", exponent=2))
    frames = {
        customer.table: (made_up(customer, given.customers, given.customers, 1), customer),
        NEXT_BEST_OFFER.table: (
            made_up(NEXT_BEST_OFFER, given.customers * given.offers, given.customers, 2),
            NEXT_BEST_OFFER,
        ),
    }
    tables = {name: PublishedTable(*facts) for name, facts in frames.items()}
    for name, (frame, _) in frames.items():
        print(f"{name}: {frame.height:,} rows, {frame.width} columns, {frame.estimated_size('mb'):,.0f} MB in memory")
    print(f"peak before publishing: {_peak_mb():,.0f} MB")
    fastest: dict[str, dict[str, float]] = {}
    hashes = set()
    with tempfile.TemporaryDirectory() as folder, server() as address:
        for kind, where in {"duckdb": "", "postgresql": address}.items():
            for number in range(given.rounds):
                seconds, content = publish_once(
                    Path(folder) / "warehouse.duckdb", where, tables, DAY + timedelta(days=number)
                )
                hashes.add(content)
                before = fastest.setdefault(kind, seconds)
                fastest[kind] = {step: min(value, before[step]) for step, value in seconds.items()}
            print(f"peak after {kind}: {_peak_mb():,.0f} MB")
    print(f"{'step':<26}{'duckdb':>10}{'postgresql':>12}{'ratio':>8}")
    for step, ours in fastest["duckdb"].items():
        theirs = fastest["postgresql"][step]
        print(f"{step:<26}{ours:>9.2f}s{theirs:>11.2f}s{theirs / ours:>8.2f}")
    print("same content in both" if len(hashes) == 1 else f"DIFFERENT CONTENT: {sorted(hashes)}")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
