"""How long it takes to load order lines, from raw files to a checked core and a quarantine, beside the floor.

    python benchmarks/bench_ingest.py --rows 10_000_000

Files of a made-up shop (0.5 % bad lines of ten kinds, `ingest_files.py`) are loaded as Parquet and as CSV, each in a
process of its own by what `gristmill ingest` runs. The floor (`ingest_floor.py`) is plain DuckDB SQL written for these
very files: one pass over them that judges the same predicates, then a sorted Parquet write of the good rows by bucket;
of CSV with the casts. Prints processor seconds (all threads), seconds, peak memory, both ratios, and where the
product's time goes, step by step. Both must accept the same number of rows.

With `--increment` the order lines are an incremental input: what loads after the first cost is measured, each in a
process of its own, and how many files of the core are written anew (the others are links to those of the load before).
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from ingest_files import increment_settings_text, settings_text, write_corrections, write_files, write_news
from ingest_floor import run_floor

NOW = datetime(2026, 1, 1, 2, tzinfo=UTC)
FORMATS = ("parquet", "csv")
SETTINGS, INCREMENT_SETTINGS = "gristmill.toml", "increment.toml"
STEPS: dict[str, tuple[str, ...]] = {
    "fingerprint of the files": ("warehouse.loads.fingerprints:versions_of",),
    "read and stage": ("warehouse.sources.reading:read_sources",),
    "map": ("warehouse.sources.mapping:stage_entity",),
    "judge": ("data_contracts.checking:judge",),
    "Great Expectations counts": ("data_contracts.great_expectations_on_duckdb:Expectations.validate",),
    "pages": ("data_contracts.great_expectations_on_duckdb:Expectations.write_pages",),
    "refusals": ("warehouse.loads.refusals:refuse_what_cannot_be_used",),
    "merge with the load before": ("warehouse.loads.merging:decide",),
    "write the lake": ("warehouse.loads.core_writing:write_entity",),
    "profiles and table rules": ("warehouse.loads.table_checks:check_tables",),
    "quarantine": ("warehouse.core.judged_rows:quarantined_rows",),
    "ledger": ("warehouse.loads.recording:record_core_load",),
}
"""By step the functions that make it up; a step's seconds leave out those of steps within it."""


@dataclass(frozen=True)
class Run:
    """What a child process took, and what it said."""

    cpu_seconds: float
    wall_seconds: float
    peak_gigabytes: float
    told: dict[str, Any]


def measured(*arguments: str) -> Run:
    """Run this file again in a child process; its last line of output is JSON."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603  # ourselves
    output = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the child process failed: {' '.join(arguments)}")
    return Run(
        cpu_seconds=used.ru_utime + used.ru_stime,
        wall_seconds=time.perf_counter() - began,
        peak_gigabytes=used.ru_maxrss / 2**20,
        told=json.loads(output.splitlines()[-1]),
    )


class Watch:
    """Processor seconds (all threads of this process) and seconds by step, and the peak of memory so far after it."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = defaultdict(float)
        self.wall: dict[str, float] = defaultdict(float)
        self.peak: dict[str, float] = {}
        self._within = [[0.0, 0.0]]

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        @wraps(function)
        def watched(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # any function's
            cpu, wall = time.process_time(), time.perf_counter()
            self._within.append([0.0, 0.0])
            try:
                return function(*arguments, **named)
            finally:
                took = [time.process_time() - cpu, time.perf_counter() - wall]
                inner = self._within.pop()
                self._within[-1] = [sum(pair) for pair in zip(self._within[-1], took, strict=True)]
                self.cpu[step] += took[0] - inner[0]
                self.wall[step] += took[1] - inner[1]
                self.peak[step] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

        return watched

    def watch(self, step: str, place: str) -> None:
        """Watch a function (`module:name` or `module:Class.name`) wherever it has been imported to."""
        module_name, qualified = place.split(":")
        owner: Any = importlib.import_module(module_name)
        *outer, name = qualified.split(".")
        for part in outer:
            owner = getattr(owner, part)
        function = getattr(owner, name)
        watched = self.timed(step, function)
        if outer:
            setattr(owner, name, watched)
            return
        for module in list(sys.modules.values()):
            if getattr(module, name, None) is function:
                setattr(module, name, watched)


def run_product(settings: Path, *, force: bool = True, minutes: int = 0) -> dict[str, Any]:
    """Load files as `gristmill ingest` does, so many minutes after `NOW`; returns rows and seconds by step."""
    watch = Watch()
    watch.timed("import Gristmill", importlib.import_module)("flows.loading.ingesting")
    engine = "data_contracts.great_expectations_on_duckdb"
    watch.timed("import Great Expectations", importlib.import_module)(engine)
    for step, places in STEPS.items():
        for place in places:
            watch.watch(step, place)
    from config import load_settings  # noqa: PLC0415  # the time to import is measured, here as below
    from flows.context import Context  # noqa: PLC0415
    from flows.loading.ingesting import ingest_sources  # noqa: PLC0415

    now = NOW + timedelta(minutes=minutes)
    context = Context(settings=load_settings(settings), now=now, clock=lambda: now)
    loaded = watch.timed("the rest", ingest_sources)(context, force=force, accept=(), tick=lambda: None)
    orders = loaded.summary["entities"]["orders"]
    rules = {row["rule"]: row["rows"] for row in loaded.summary["rules"] if row["entity"] == "orders"}
    return {"orders": orders, "rules": rules, "cpu": watch.cpu, "wall": watch.wall, "peak": watch.peak}


def compare(folder: Path, kind: str) -> None:
    """Measure floor and product on the files of one format, and print the figures."""
    floor = measured("--floor", kind, "--folder", str(folder))
    product = measured("--product", str(folder / kind / SETTINGS))
    ours = product.told["orders"]
    print(f"\n{kind}: {ours['read']:,} order lines, {ours['quarantined']:,} set aside")
    if ours["accepted"] != floor.told["accepted"]:
        print(f"DIFFERENT: the product accepts {ours['accepted']:,}, the floor {floor.told['accepted']:,}")
    print(f"{'':<28}{'CPU s':>9}{'wall s':>9}{'peak GB':>9}")
    for name, run in {"floor": floor, "product": product}.items():
        print(f"{name:<28}{run.cpu_seconds:>9.1f}{run.wall_seconds:>9.1f}{run.peak_gigabytes:>9.2f}")
    ratios = product.cpu_seconds / floor.cpu_seconds, product.wall_seconds / floor.wall_seconds
    print(f"{'product / floor':<28}{ratios[0]:>9.2f}{ratios[1]:>9.2f}")
    print_steps(product)
    print("  floor: " + ", ".join(f"{step} {seconds:.1f} CPU s" for step, seconds in floor.told["cpu"].items()))
    print("  rules: " + ", ".join(f"{rule} {rows:,}" for rule, rows in product.told["rules"].items()), flush=True)


def print_steps(run: Run) -> None:
    """Print the seconds of each step."""
    for step, seconds in run.told["cpu"].items():
        print(f"  {step:<26}{seconds:>9.1f}{run.told['wall'][step]:>9.1f}{run.told['peak'][step]:>9.2f}")


def measure_increments(folder: Path, kind: str, *, rows: int, seed: int) -> None:
    """Measure a first load of the files of one format and loads after it, and print the figures."""
    settings, work = folder / INCREMENT_SETTINGS, folder / "increment_work"
    for left in (work, folder / "more_orders"):
        shutil.rmtree(left, ignore_errors=True)
    settings.write_text(increment_settings_text(kind))
    steps: dict[str, tuple[bool, Callable[[], None]]] = {
        "first load": (False, lambda: None),
        "the same files, forced": (True, lambda: None),
        "new lines, one in a thousand": (False, lambda: write_news(folder, kind, rows=rows, seed=seed)),
        "100 corrections": (False, lambda: write_corrections(folder, kind, rows=rows, seed=seed)),
    }
    for number, (name, (force, prepare)) in enumerate(steps.items()):
        prepare()
        asked = ["--product", str(settings), "--minutes", str(number), *(["--force"] if force else [])]
        run = measured(*asked)
        newest = max((work / "lake" / "core").glob("load=*"))  # named by the moment
        files = [path.stat().st_nlink == 1 for path in newest.glob("**/*.parquet")]
        print(f"\n{kind}, {name}: {sum(files)} of {len(files)} files written anew; {run.told['orders']}")
        without_import = run.cpu_seconds - run.told["cpu"]["import Great Expectations"]
        print(f"{'':<28}{'CPU s':>9}{'wall s':>9}{'peak GB':>9}")
        print(f"{'whole':<28}{run.cpu_seconds:>9.1f}{run.wall_seconds:>9.1f}{run.peak_gigabytes:>9.2f}")
        print(f"{'without import of GX':<28}{without_import:>9.1f}")
        print_steps(run)
        sys.stdout.flush()


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=10_000_000, help="order lines")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    asked.add_argument("--folder", type=Path, help="keep files here, and use those that are there (default: none kept)")
    asked.add_argument("--increment", action="store_true", help="measure loads after the first instead")
    asked.add_argument(
        "--product", type=Path, metavar="SETTINGS", help="only load these settings' files, in this process"
    )
    asked.add_argument("--minutes", type=int, default=0, help="with --product: the moment of the load")
    asked.add_argument("--force", action="store_true", help="with --product: load everything again")
    asked.add_argument("--floor", choices=FORMATS, help="only run the floor on the folder's files, in this process")
    given = asked.parse_args()
    if given.product:
        force = given.force or given.product.name == SETTINGS
        print(json.dumps(run_product(given.product, force=force, minutes=given.minutes)))
        sys.stdout.flush()
        os._exit(0)  # as the command does: DuckDB's bindings print warnings at exit
    if given.floor:
        print(json.dumps(run_floor(given.folder / given.floor, given.floor)))
        return
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as private:
        folder = given.folder or Path(private)
        for kind in given.formats:
            if not (folder / kind / SETTINGS).exists():
                write_files(folder / kind, kind, rows=given.rows, seed=given.seed)
                (folder / kind / SETTINGS).write_text(settings_text(kind))
            if given.increment:
                measure_increments(folder / kind, kind, rows=given.rows, seed=given.seed)
            else:
                compare(folder, kind)


if __name__ == "__main__":
    main()
