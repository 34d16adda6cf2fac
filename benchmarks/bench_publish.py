"""What publishing costs, what readers feel of it, and what the frame around a night costs.

    python benchmarks/bench_publish.py                     # everything, at a million customers: about 12 GB of memory
    python benchmarks/bench_publish.py --customers 100000 --parts publish
    python benchmarks/bench_publish.py --parts readers recovery overhead

`publish`: every table that a night may publish, made up, columns and dtypes as the contracts have them, step by step
with DuckDB and with PostgreSQL; the same content has to come out of both. `readers`: a reader that loops while nights
are published. `recovery`: after a SIGKILL in mid-publish. `overhead`: ledger and Prefect beside plain functions.
PostgreSQL is the tests' own server on this machine, as durable as usual; or the one at GRISTMILL_WAREHOUSE_URL,
in which nothing else should be kept.
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

import psutil
import psycopg
from publish_overhead import overheads
from publish_readers import readers, recovery
from publish_tables import DAY, made_up_tables

from data_contracts.published import PublishedTable
from warehouse.ledger import finish_run, start_run
from warehouse.opening import warehouse_at
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.write_audit_publish import PublishOptions, publish

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
STEPS = {
    "write the tables": ("before_staging", "all_staged"),
    "read back, audit, hash": ("all_staged", "audited"),
    "move the views, commit": ("audited", "committed"),
    "collect old versions": ("committed", "collected"),
}
PARTS = ("publish", "readers", "recovery", "overhead")
Cost = dict[str, tuple[float, float]]


def publish_once(file: Path, address: str, tables: dict[str, PublishedTable], as_of: date) -> tuple[Cost, str]:
    """By step the seconds and the processor seconds (a local PostgreSQL server's among them), and the content hash."""
    passed: dict[str, tuple[float, float]] = {}
    processor = Processor(address)
    options = PublishOptions(
        failpoint=lambda name: passed.setdefault(name, (time.perf_counter(), processor.seconds())),
        overrides=VolumeOverrides(allow_volume_change=True),
        keep_versions=1,
    )
    with warehouse_at(file, address) as warehouse:
        run = start_run(warehouse, kind="score", as_of=as_of, configuration_hash="b" * 64, now=NOW, run_by="benchmark")
        began = (time.perf_counter(), processor.seconds())
        published = publish(warehouse, tables, run=run, now=NOW, options=options)
        costs = {"all": _between(began, (time.perf_counter(), processor.seconds()))}
        finish_run(warehouse, run, status="done", now=NOW)
    costs |= {step: _between(passed[since], passed[until]) for step, (since, until) in STEPS.items()}
    return costs, published.publication.content_hash


def _between(since: tuple[float, float], until: tuple[float, float]) -> tuple[float, float]:
    return until[0] - since[0], until[1] - since[1]


class Processor:
    """Processor seconds of this process, and of a PostgreSQL server on this machine with all that it ever started."""

    def __init__(self, address: str) -> None:
        self._server: psutil.Process | None = None
        if address and "GRISTMILL_WAREHOUSE_URL" not in os.environ:  # else it may be another machine's
            with psycopg.connect(address) as connection:
                self._server = psutil.Process(connection.info.backend_pid).parent()

    def seconds(self) -> float:
        """Used so far."""
        used = time.process_time()
        if self._server is not None:
            own = self._server.cpu_times()
            used += own.user + own.system + own.children_user + own.children_system
            used += sum(one.cpu_times().user + one.cpu_times().system for one in self._server.children())
        return used


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


def measure_publishing(places: dict[str, str], folder: Path, *, customers: int, rounds: int) -> None:
    """Print the costs of each step, the cheapest of some rounds."""
    tables = made_up_tables(customers)
    rows = sum(table.frame.height for table in tables.values())
    size = sum(table.frame.estimated_size("mb") for table in tables.values())
    print(f"{len(tables)} tables, {rows:,} rows, {size:,.0f} MB in memory; peak before publishing {_peak_mb():,.0f} MB")
    cheapest: dict[str, Cost] = {}
    hashes = set()
    for kind, where in places.items():
        for number in range(rounds):
            costs, content = publish_once(folder / "all.duckdb", where, tables, DAY + timedelta(days=number))
            hashes.add(content)
            before = cheapest.setdefault(kind, costs)
            cheapest[kind] = {step: min(cost, before[step], key=lambda one: one[1]) for step, cost in costs.items()}
        print(f"peak after {kind}: {_peak_mb():,.0f} MB")
    print(f"{'step':<26}" + "".join(f"{kind + ' s':>14}{'CPU s':>9}" for kind in places))
    for step in ("all", *STEPS):
        print(
            f"{step:<26}"
            + "".join(f"{cheapest[kind][step][0]:>14.2f}{cheapest[kind][step][1]:>9.2f}" for kind in places)
        )
    print("same content in all" if len(hashes) == 1 else f"DIFFERENT CONTENT: {sorted(hashes)}")


def measure_readers(places: dict[str, str], folder: Path) -> None:
    """Print what a looping reader feels."""
    for kind, where in places.items():
        found = readers(folder / "readers.duckdb", where, customers=2_000, nights=6, turns=2)
        for what in ("quiet", "publishing"):
            told = ", ".join(f"{name} {value:,.1f}" for name, value in found[what].items())
            print(f"{kind:<12}{what:<12}{told}")
        print(f"{kind:<12}{found['publishes']} publishes, {found['problems']} looks that failed or saw two nights")


def measure_recovery(places: dict[str, str], folder: Path) -> None:
    """Print what follows a kill."""
    for kind, where in places.items():
        for failpoint in ("all_staged", "before_commit"):
            found = recovery(folder / f"{failpoint}.duckdb", where, customers=10_000, failpoint=failpoint)
            print(
                f"{kind:<12}{failpoint:<15}" + ", ".join(f"{what} {seconds:.2f} s" for what, seconds in found.items())
            )
            if where:
                _emptied(where)


def _emptied(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for schema in ("segments", "segments_versions", "gristmill"):
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", type=int, default=1_000_000)
    asked.add_argument("--rounds", type=int, default=2, help="nights published; the cheapest of each step counts")
    asked.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    asked.add_argument("--warehouses", nargs="+", choices=("duckdb", "postgresql"), default=("duckdb", "postgresql"))
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name, server() as address:
        folder, places = Path(name), {kind: address if kind == "postgresql" else "" for kind in given.warehouses}
        for part in given.parts:
            if part == "publish":
                measure_publishing(places, folder, customers=given.customers, rounds=given.rounds)
            elif part == "readers":
                measure_readers(places, folder)
            elif part == "recovery":
                measure_recovery(places, folder)
            else:
                for what, cost in overheads(address, rounds=5).items():
                    print(f"{what:<36}{cost.cpu:>8.3f} CPU s{cost.wall:>9.3f} s")
            if "postgresql" in places:
                _emptied(address)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
