"""What every step of a first night costs, and how that grows with the customers: the whole product on simulated shops.

    python benchmarks/bench_night.py --customers 100_000 300_000 1_000_000

`gristmill run` loads, trains three models, scores, decides and publishes with DuckDB, each size in a process by itself:
processor seconds (all threads), seconds and peak memory by step, as the run itself reports them, and the exponent of
growth between one size and the next (1: linear). Shops of more than `SIMULATED` customers are copies of one under other
ids: the simulator holds a company in memory.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).parents[1]
SIMULATED = 100_000
AS_OF = "2026-01-01"
COPIED = {
    "orders/*.csv": ("order_number", "customer_number"),
    "customers.csv": ("customer_number",),
    "contacts.csv": ("letter", "customer_number"),
    "tickets.csv": ("case", "customer_number"),
}
"""By file the ids that differ between copies."""
Steps = dict[str, dict[str, float]]
ALL = "all, imports included"


def prepare(folder: Path, customers: int) -> None:
    """Write a shop's raw files and settings."""
    settings = (ROOT / "gristmill.toml").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gristmill.toml").write_text(settings.replace("demo/", ""), encoding="utf-8")
    copies = math.ceil(customers / SIMULATED)
    gristmill(folder, "simulate", "--customers", str(math.ceil(customers / copies)))
    for pattern, ids in COPIED.items():
        for path in sorted((folder / "raw").glob(pattern)):
            _write_copies(path, copies, ids)


def _write_copies(path: Path, copies: int, ids: tuple[str, ...]) -> None:
    """Copies of a file beside it, with other ids; empty ids stay empty."""
    written = pl.scan_csv(path, infer_schema=False)
    for copy in range(1, copies):
        other = written.with_columns(pl.col(name) + f"-{copy}" for name in ids)
        beside = path.with_name(f"{path.stem}-{copy}.csv")
        other.sink_csv(beside)
    if copies > 1 and path.parent.name == "raw":  # one file is named in the settings
        parts = [path, *sorted(path.parent.glob(f"{path.stem}-*.csv"))]
        pl.concat([pl.read_csv(part, infer_schema=False) for part in parts]).write_csv(path)
        for part in parts[1:]:
            part.unlink()


def gristmill(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run a command on a shop; returns what it tells."""
    command = [
        str(Path(sys.executable).with_name("gristmill")),
        *arguments,
        "--config",
        str(folder / "gristmill.toml"),
        "--json",
    ]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=folder)  # noqa: S603  # ourselves
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def measured(folder: Path) -> Steps:
    """Steps of a night from nothing, by name: `cpu`, `wall` (seconds), `peak` (GB)."""
    shutil.rmtree(folder / "work", ignore_errors=True)
    wall, before = time.perf_counter(), os.times()
    told = gristmill(folder, "run", "--as-of", AS_OF, "--orchestration", "none")
    used = os.times()
    steps: Steps = {}
    for step in told["steps"]:
        steps[step["step"]] = {
            "cpu": step["cpu_seconds"],
            "wall": step["wall_seconds"],
            "peak": step["peak_memory_mb"] / 1024,
        }
    cpu = used.children_user + used.children_system - before.children_user - before.children_system
    peak = max(step["peak"] for step in steps.values())
    return steps | {ALL: {"cpu": cpu, "wall": time.perf_counter() - wall, "peak": peak}}


def table(found: dict[int, Steps]) -> list[str]:
    """Steps against sizes as Markdown lines: processor seconds, peak memory and, between sizes, the exponent."""
    sizes = list(found)
    heads = [f"{size:,}: CPU s | GB" for size in sizes] + [
        f"grows {small:,} to {large:,}" for small, large in pairwise(sizes)
    ]
    lines = ["| step | " + " | ".join(heads) + " |", "|---|" + "---:|" * (3 * len(sizes) - 1)]
    for step in found[sizes[-1]]:
        costs = [found[size].get(step) for size in sizes]
        cells = [f"{cost['cpu']:.1f} | {cost['peak']:.1f}" if cost else " | " for cost in costs]
        cells += [_exponent(step, found, small, large) for small, large in pairwise(sizes)]
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    return lines


def _exponent(step: str, found: dict[int, Steps], small: int, large: int) -> str:
    costs = [found[size].get(step, {"cpu": 0.0})["cpu"] for size in (small, large)]
    if min(costs) < 1:  # too little to tell
        return ""
    return f"{math.log(costs[1] / costs[0]) / math.log(large / small):.2f}"


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--customers", nargs="+", type=lambda text: int(text.replace("_", "")), default=[100_000])
    asked.add_argument("--folder", type=Path, help="keep files here, and use those that are there (default: none kept)")
    given = asked.parse_args()
    found: dict[int, Steps] = {}
    with tempfile.TemporaryDirectory(prefix="gristmill-bench-") as private:
        for customers in sorted(given.customers):
            folder = (given.folder or Path(private)) / f"n{customers}"
            if not (folder / "raw").exists():
                prepare(folder, customers)
            found[customers] = measured(folder)
            print("\n".join(["", *table(found)]), flush=True)
            if given.folder is None:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
