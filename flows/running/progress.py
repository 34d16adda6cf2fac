"""Telling people how far a run is, and measuring each step while it runs.

Belongs here: steps, their wall time, CPU time and peak memory; a bar on a terminal, quiet lines elsewhere, JSON lines
for programs (`logs.py`). Does not: what the steps do. Everything goes to standard error: standard output is for
results. A run goes on when nobody reads standard error any more.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.running import logs

SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class StepRecord:
    """What one step cost.

    Attributes:
        step: its name.
        wall_seconds, cpu_seconds: time on the clock, and of this process's cores.
        peak_memory_mb: largest resident memory of this process seen during the step (sampled every 50 ms).
    """

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: int


class _PeakMemory(threading.Thread):
    """Samples this process's resident memory until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._stopped = threading.Event()
        self.peak_bytes = self._process.memory_info().rss

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, self._process.memory_info().rss)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self.join()


class _ErrorConsole(Console):
    """Standard error, which may be closed by whoever read it: the work goes on unheard."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


@dataclass
class Reporter:
    """Shows steps as they run and remembers what they cost."""

    console: Console = field(default_factory=lambda: _ErrorConsole(stderr=True))
    records: list[StepRecord] = field(default_factory=list)
    quiet: bool = False
    _known: dict[str, Any] = field(default_factory=dict, repr=False)

    @contextmanager
    def step(self, name: str, *, parts: int | None = None) -> Iterator["Ticker"]:
        """Run the body as a step.

        Args:
            name: what people see.
            parts: how many parts it has, if it is known; the body ticks them off.
        """
        wall, cpu = time.perf_counter(), time.process_time()
        self.tell("step started", step=name, parts=parts)
        try:
            with _PeakMemory() as memory, self._shown(name, parts) as ticker:
                yield ticker
        except BaseException as error:
            seconds = round(time.perf_counter() - wall, 2)
            self.tell("step failed", level=logging.ERROR, step=name, seconds=seconds, error=type(error).__name__)
            raise
        record = StepRecord(
            name,
            round(time.perf_counter() - wall, 2),
            round(time.process_time() - cpu, 2),
            round(memory.peak_bytes / 2**20),
        )
        self.records.append(record)
        if logs.in_json():
            costs: dict[str, Any] = {"cpu_seconds": record.cpu_seconds, "peak_memory_mb": record.peak_memory_mb}
            self.tell("step ended", step=name, seconds=record.wall_seconds, **costs)
        else:
            self.say(f"{name:<34} {record.wall_seconds:7.1f} s  {record.peak_memory_mb:6,d} MB")

    def say(self, line: str) -> None:
        """One line for whoever watches."""
        if logs.in_json():
            self.tell("said", message=line)
        elif not self.quiet:
            self.console.print(line, highlight=False, markup=False)

    def tell(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:  # noqa: ANN401 plain values
        """One JSON line with what is known of the run, see `logs.tell`; nothing where lines are for people."""
        if not self.quiet:
            logs.tell(event, level=level, **self._known, **fields)

    @contextmanager
    def about(self, **facts: Any) -> Iterator[None]:  # noqa: ANN401 plain values
        """While the body runs, every JSON line holds these facts: the run's key, for one."""
        before = dict(self._known)
        self._known.update(facts)
        try:
            yield
        finally:
            self._known = before

    def costs(self) -> list[dict[str, Any]]:
        """What every step cost, as plain values."""
        return [asdict(record) for record in self.records]

    def _shown(self, name: str, parts: int | None) -> "AbstractContextManager[Ticker]":
        if self.quiet or logs.in_json() or not self.console.is_terminal:
            return _silent()
        return _bar(self.console, name, parts)


class Ticker:
    """Counts the parts of a step that are done."""

    def __init__(self, bar: Progress | None = None) -> None:
        self._bar = bar

    def tick(self) -> None:
        """One more part is done."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])


@contextmanager
def _silent() -> Iterator[Ticker]:
    yield Ticker()


@contextmanager
def _bar(console: Console, name: str, parts: int | None) -> Iterator[Ticker]:
    columns = [SpinnerColumn(), TextColumn("{task.description:<34}"), BarColumn(bar_width=30)]
    counted = [MofNCompleteColumn()] if parts else []
    with Progress(*columns, *counted, TimeElapsedColumn(), console=console, transient=True) as bar:
        bar.add_task(name, total=parts)
        yield Ticker(bar)


def on_standard_error(*, quiet: bool = False) -> Reporter:
    """The reporter commands use."""
    return Reporter(console=_ErrorConsole(file=sys.stderr), quiet=quiet)
