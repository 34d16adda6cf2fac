"""What features cost: CPU seconds and peak memory of one, six and twelve snapshots, beside the bare scan.

    python benchmarks/bench_features.py                       20 M lines of 200 k customers in 16 buckets, and 2 M
    python benchmarks/bench_features.py --lines 2000000       one size only

Every figure is a process of its own: its CPU seconds (user and system, starting and importing left out, which is told
apart) and the highest resident memory the kernel saw. The floor is the bare scan with one sum by customer.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

MILLION = 1_000_000
CUSTOMERS_A_LINE = 1 / 100
BUCKETS = 16
SNAPSHOTS = [date(2025, month, 1) for month in range(1, 13)]
JOBS = ("floor", "1", "6", "12")


def floor(paths: Sequence[Path]) -> int:
    """The bare scan of each bucket with one sum by customer; rows out."""
    import polars as pl  # noqa: PLC0415 counted as starting

    return sum(
        pl.scan_parquet(path).group_by("customer_id").agg(pl.col("amount").sum()).collect().height for path in paths
    )


def built(paths: Sequence[Path], snapshots: int) -> int:
    """Features of each bucket as of the last so many snapshots; rows out."""
    import polars as pl  # noqa: PLC0415 counted as starting

    import features  # noqa: PLC0415

    rows = 0
    for path in paths:
        frame = features.build(
            {"orders": pl.scan_parquet(path)}, snapshots=SNAPSHOTS[-snapshots:], time_zone="Europe/London"
        ).collect()
        rows += frame.height
    return rows


def work(job: str, folder: Path) -> None:
    """One measurement; prints it as JSON. Runs in a process of its own."""
    import polars as pl  # noqa: PLC0415

    import features  # noqa: PLC0415

    paths = sorted(folder.glob("bucket=*.parquet"))
    started, began = cpu_seconds(), time.perf_counter()
    rows = floor(paths) if job == "floor" else built(paths, int(job))
    told = {
        "cpu": cpu_seconds() - started,
        "wall": time.perf_counter() - began,
        "starting_cpu": started,
        "peak_mb": peak_mb(),
        "rows": rows,
        "features": 1 if job == "floor" else len(features.catalogue(["orders"])),
        "threads": pl.thread_pool_size(),
    }
    print(json.dumps(told))


def cpu_seconds() -> float:
    """User and system seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Highest resident memory since this program started (getrusage would count what forked it)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def measured(job: str, folder: Path, rounds: int) -> dict[str, float]:
    """The cheapest of some rounds."""
    command = [sys.executable, __file__, "--work", job, "--folder", str(folder)]
    told = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(rounds)]  # noqa: S603 ourselves
    return min(told, key=lambda one: one["cpu"])


def compare(lines: int, folder: Path, rounds: int) -> None:
    """Measure every job on so many lines and print them."""
    customers = round(lines * CUSTOMERS_A_LINE)
    if not folder.exists():
        make = (
            "from pathlib import Path; from made_up_orders import write_orders;"
            f"write_orders(Path({str(folder)!r}), buckets={BUCKETS}, customers={customers}, lines={lines})"
        )
        subprocess.run([sys.executable, "-c", make], check=True, cwd=Path(__file__).parent)  # noqa: S603 ourselves
    print(f"\n{lines:,} lines asked for, {customers:,} customers, {BUCKETS} buckets")
    print(f"{'job':<14}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x floor':>9}{'rows':>11}{'ns/line·feature':>17}")
    bare = None
    for job in JOBS:
        told = measured(job, folder, rounds)
        bare = bare or told["cpu"]
        each = told["cpu"] / lines / told["features"] * 1e9
        name = job if job == "floor" else f"{job} snapshot{'s' * (job != '1')}"
        print(
            f"{name:<14}{told['cpu']:>8.2f}{told['wall']:>8.2f}{told['peak_mb']:>9,.0f}{told['cpu'] / bare:>9.1f}"
            f"{told['rows']:>11,}{each:>17.2f}"
        )
    print(f"({told['features']} features of order lines alone; starting a process: {told['starting_cpu']:.1f} CPU s)")


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--lines", type=int, action="append", help="order lines, 100 a customer; repeatable")
    asked.add_argument("--rounds", type=int, default=1, help="the cheapest of so many")
    asked.add_argument("--keep", type=Path, help="where to keep the made-up rows for the next time")
    asked.add_argument("--work", choices=JOBS, help=argparse.SUPPRESS)
    asked.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.work:
        work(given.work, given.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        for lines in given.lines or [2 * MILLION, 20 * MILLION]:
            compare(lines, (given.keep or Path(scratch)) / f"{lines}_lines", given.rounds)


if __name__ == "__main__":
    main()
