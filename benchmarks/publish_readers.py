"""What readers feel of publishes, and how soon all is well after a kill: parts of `bench_publish.py`.

A reader loops in a process of its own, as a BI tool does: on DuckDB it opens the readers' file for each look, on
PostgreSQL it keeps its connection. It is timed while nobody publishes and while nights are published one after
the other, in turns.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
from publish_tables import DAY, made_up_tables

from data_contracts.published import PublishedTable
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.ledger import finish_run, run_key, start_run
from warehouse.opening import warehouse_at
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.serving_copy import refresh_serving_copy
from warehouse.publishing.write_audit_publish import PublishOptions, publish

LOOK = "SELECT count(*), min(run_key), max(run_key) FROM segments.customer"
TABLES = ("customer", "next_best_offer", "customer_value", "lifecycle")
CONFIGURATION = "b" * 64
Look = tuple[int, str, str]
Answer = tuple[list[float], int]


def publish_night(
    file: Path,
    address: str,
    tables: dict[str, PublishedTable],
    as_of: date,
    *,
    failpoint: Callable[[str], None] | None = None,
) -> None:
    """Lock, run, publish, serving copy: what a night does once its tables are there."""
    now = time_of(as_of)
    options = PublishOptions(
        overrides=VolumeOverrides(allow_volume_change=True),
        keep_versions=3,
        **({"failpoint": failpoint} if failpoint else {}),
    )
    place = warehouse_at(file, address)
    with place.lock(run_key=run_key("score", as_of, CONFIGURATION), now=now), place as warehouse:
        run = start_run(
            warehouse, kind="score", as_of=as_of, configuration_hash=CONFIGURATION, now=now, run_by="benchmark"
        )
        publish(warehouse, _stamped(tables, run.run_key), run=run, now=now, options=options)
        finish_run(warehouse, run, status="done", now=now)
        if isinstance(warehouse, DuckDBWarehouse):
            refresh_serving_copy(warehouse, file.with_name("serving.duckdb"))


def _stamped(tables: dict[str, PublishedTable], key: str) -> dict[str, PublishedTable]:
    """The same rows as this run's: a reader tells by the key whether it sees one night or two."""
    return {
        name: PublishedTable(table.frame.with_columns(run_key=pl.lit(key)).select(table.contract.names), table.contract)
        for name, table in tables.items()
    }


def time_of(as_of: date) -> datetime:
    """A moment of that date."""
    return datetime(as_of.year, as_of.month, as_of.day, 2, tzinfo=UTC)


def look_once(file: Path, address: str) -> Callable[[], Look]:
    """One look of a reader at the published table."""
    if address:
        connection = psycopg.connect(address, autocommit=True)
        return lambda: connection.execute(LOOK).fetchone()

    def look() -> Look:
        with duckdb.connect(str(file.with_name("serving.duckdb")), read_only=True) as reader:
            return reader.execute(LOOK).fetchone()

    return look


def _loop(file: Path, address: str, stop: Event, pipe: Connection) -> None:
    look, seconds, problems, parent = look_once(file, address), [], 0, os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        began = time.perf_counter()
        try:
            rows, first, last = look()
            problems += rows == 0 or first != last
        except (duckdb.Error, psycopg.Error):
            problems += 1
        seconds.append(time.perf_counter() - began)
        time.sleep(0.002)
    pipe.send((seconds, problems))


def readers(file: Path, address: str, *, customers: int, nights: int, turns: int) -> dict[str, Any]:
    """Milliseconds of a look, with and without publishes: median, 99th percentile, longest; and how many failed."""
    tables = made_up_tables(customers, only=TABLES)
    publish_night(file, address, tables, DAY)
    found: dict[str, list[float]] = {"quiet": [], "publishing": []}
    problems, day, published = 0, 1, 0.0
    for _ in range(turns):
        for kind in ("publishing", "quiet"):
            with _reader(file, address) as answers:
                began = time.perf_counter()
                if kind == "publishing":
                    for _night in range(nights):
                        publish_night(file, address, tables, DAY + timedelta(days=day))
                        day += 1
                    published = time.perf_counter() - began
                else:
                    time.sleep(published)
            seconds, failed = answers[0]
            found[kind] += seconds
            problems += failed
    return {kind: _figures(seconds) for kind, seconds in found.items()} | {"problems": problems, "publishes": day}


@contextlib.contextmanager
def _reader(file: Path, address: str) -> Iterator[list[Answer]]:
    context = multiprocessing.get_context("spawn")
    stop, (ours, theirs), answers = context.Event(), context.Pipe(), []
    process = context.Process(target=_loop, args=(file, address, stop, theirs))
    process.start()
    time.sleep(1.5)  # until it has its imports
    yield answers
    stop.set()
    answers.append(ours.recv())
    process.join()


def _figures(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "looks": len(ordered),
        "median_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[int(len(ordered) * 0.99)],
        "longest_ms": 1000 * ordered[-1],
    }


def recovery(file: Path, address: str, *, customers: int, failpoint: str) -> dict[str, float]:
    """Seconds from a SIGKILL in mid-publish until a reader has an answer, the lock is free, the night is published."""
    tables = made_up_tables(customers, only=TABLES)
    publish_night(file, address, tables, DAY)
    began = time.perf_counter()
    publish_night(file, address, tables, DAY + timedelta(days=1))
    ordinary = time.perf_counter() - began
    arguments = [str(file), address, str(customers), failpoint]
    folders = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    ended = subprocess.run(  # noqa: S603 this very file
        [sys.executable, __file__, *arguments], check=False, env={**os.environ, "PYTHONPATH": folders}
    )
    if ended.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the child was not killed: {ended.returncode}")
    killed = time.perf_counter()
    look_once(file, address)()
    answered = time.perf_counter() - killed
    place = warehouse_at(file, address)
    with place.lock(run_key="probe", now=time_of(DAY), wait_seconds=30):
        free = time.perf_counter() - killed
    began = time.perf_counter()
    publish_night(file, address, tables, DAY + timedelta(days=2))
    return {
        "a reader is answered": answered,
        "the lock is free": free,
        "the night is published again": time.perf_counter() - began,
        "a night that nobody killed": ordinary,
    }


def _killed(passed: str) -> None:
    if passed == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":  # python publish_readers.py FILE ADDRESS CUSTOMERS FAILPOINT
    publish_night(
        Path(sys.argv[1]),
        sys.argv[2],
        made_up_tables(int(sys.argv[3]), only=TABLES),
        DAY + timedelta(days=2),
        failpoint=_killed,
    )
