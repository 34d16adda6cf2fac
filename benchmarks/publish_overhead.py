"""What the ledger and Prefect cost beside the same work called as plain functions: a part of `bench_publish.py`.

The work is a night's thirteen steps that do nothing, so that what is left is the frame around them.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from config import load_settings
from flows.context import Context
from flows.running.local_server import local_server
from flows.running.orchestration import plain_step
from flows.running.progress import Reporter
from flows.running.recording import alone, recorded
from flows.steps import Step

STEPS = 13
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Cost:
    """Of one night, in seconds: processor time of this process, and wall time."""

    cpu: float
    wall: float


def nothing(context: Context, *, tick: Callable[[], None]) -> None:
    """A step's work."""


def overheads(address: str, *, rounds: int) -> dict[str, Cost]:
    """By frame, the cheapest of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        plain, postgresql = _context(Path(folder), ""), _context(Path(folder), address)

        def steps(step: Step, context: Context) -> None:
            for number in range(STEPS):
                step(f"step {number}", nothing, context=context)

        def in_the_ledger(context: Context) -> None:
            with alone(context, "benchmark"), recorded(context, "score", date(2026, 3, 1)):
                steps(plain_step, context)

        found = {
            "plain functions": _cheapest(lambda: [nothing(plain, tick=lambda: None) for _ in range(STEPS)], rounds),
            "steps, shown and measured": _cheapest(lambda: steps(plain_step, plain), rounds),
            "with lock and ledger, DuckDB": _cheapest(lambda: in_the_ledger(plain), rounds),
            "with lock and ledger, PostgreSQL": _cheapest(lambda: in_the_ledger(postgresql), rounds),
        }
        with _through_prefect(Path(folder)) as run:
            found["through a Prefect server"] = _cheapest(lambda: run(steps, plain), rounds)
    return found


@contextlib.contextmanager
def _through_prefect(folder: Path) -> Iterator[Callable[..., None]]:
    with local_server(folder / "prefect") as api_url:
        from prefect import flow  # noqa: PLC0415 it reads the environment then
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415

        from flows.prefect_flows import prefect_step  # noqa: PLC0415

        def run(steps: Callable[..., None], context: Context) -> None:
            flow(name="benchmark", persist_result=False)(lambda: steps(prefect_step, context))()

        with temporary_settings({PREFECT_API_URL: api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield run


def _cheapest(work: Callable[[], Any], rounds: int) -> Cost:
    costs = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        costs.append((time.process_time() - cpu, time.perf_counter() - wall))
    return Cost(cpu=min(cost[0] for cost in costs), wall=min(cost[1] for cost in costs))


def _context(folder: Path, address: str) -> Context:
    environment = {"GRISTMILL_WORKSPACE": str(folder / "work"), "GRISTMILL_WAREHOUSE_URL": address}
    settings = load_settings(ROOT / "gristmill.toml", environment=environment)
    return Context(
        settings=settings, now=datetime.now(UTC), clock=lambda: datetime.now(UTC), reporter=Reporter(quiet=True)
    )
