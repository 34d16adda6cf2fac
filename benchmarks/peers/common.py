"""What all peers compute: the names, the windows and the snapshot, and how a run is measured. Standard library only.

Each peer is a script run by a Python of its own, `PEER.py FOLDER OUT`: it reads the buckets `bucket=*.parquet` of a
folder, writes one row a customer to OUT (CSV, columns in any order), and prints its cost as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

SNAPSHOT = "2025-12-01"  # midnight in London is midnight UTC then
ZONE = "Europe/London"
WINDOWS = (7, 30, 90, 180, 365)
PRODUCT_WINDOWS = (30, 90, 180, 365)
RETURN_WINDOWS = (90, 365)
YEAR_DAYS = 365
SATURDAY = 5  # days of the week from 0
EVENING_HOUR = 18
GAPS = {
    "median": "median_days_between_orders",
    "mean": "mean_days_between_orders",
    "std": "spread_of_days_between_orders",
    "max": "longest_days_between_orders",
    "min": "shortest_days_between_orders",
}
OTHERS = (
    "days_since_last_order",
    "days_since_first_order",
    "purchase_day_count",
    "median_purchase_day_amount",
    "largest_purchase_day_amount",
    "distinct_products_life",
    "distinct_channels_life",
    "distinct_channels_365_days",
    "weekend_share",
    "evening_share",
)
FEATURES = (
    "purchase_count_life",
    "net_amount_life",
    *(f"purchase_count_{days}_days" for days in WINDOWS),
    *(f"net_amount_{days}_days" for days in WINDOWS),
    *(f"distinct_products_{days}_days" for days in PRODUCT_WINDOWS),
    *(f"returned_amount_{days}_days" for days in RETURN_WINDOWS),
    *GAPS.values(),
    *OTHERS,
)


def run(work: Callable[[list[str], str], None]) -> None:
    """Carry a peer out and print what it cost: CPU seconds (importing told apart) and peak memory."""
    started, began = cpu_seconds(), time.perf_counter()
    paths = [str(path) for path in sorted(Path(sys.argv[1]).glob("bucket=*.parquet"))]
    work(paths, sys.argv[2])
    told = {
        "cpu": cpu_seconds() - started,
        "wall": time.perf_counter() - began,
        "starting_cpu": started,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(told))


def cpu_seconds() -> float:
    """User and system seconds so far, of this process and those it waited for."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def peak_mb() -> float:
    """Highest resident memory since this program started."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
