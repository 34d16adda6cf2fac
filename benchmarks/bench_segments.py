"""Time and memory of the segment tables beyond scores, for a million customers.

    python benchmarks/bench_segments.py --customers 1000000

Makes order lines of made-up customers (about six a year each), puts them into a lake, and measures gathering and every
table, in CPU seconds, with the peak memory of the process. How true the tables are: `quality_segments`.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.nights.segmenting_inputs import gather_core
from segments.standing.causes import tier_changes
from segments.standing.cell_policies import DEFAULT_POLICIES, policy_table
from segments.standing.cohorts import cohorts
from segments.standing.concentration import concentration
from segments.standing.customer_facts import FEATURES, SCORES
from segments.standing.customer_history import with_tonight
from segments.standing.everything import customer_standing
from segments.standing.fates import yearly_churn
from segments.standing.rules import SegmentationRules
from segments.standing.tier_migration import customer_equity, equity_bridge, tier_migration
from warehouse.lake import Lake

DAY, BEFORE = date(2026, 1, 1), date(2025, 10, 1)
RULES = SegmentationRules()
LINES_PER_CUSTOMER = 12
YEAR_DAYS = 365
T = TypeVar("T")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--buckets", type=int, default=16)
    asked = parser.parse_args()
    measure(asked.customers, asked.buckets)


def measure(customers: int, buckets: int) -> None:
    """Every part, one after the other."""
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        core = CoreTables(Lake(Path(folder)).write_load("l", {"orders": _lines(customers)}, buckets=buckets), "UTC")
        facts = _facts(customers)
        print(f"{customers:,} customers, {customers * LINES_PER_CUSTOMER:,} lines; peak before: {_peak():.2f} GB")
        gathered = _timed(
            "gather the core", lambda: gather_core(core, as_of=DAY, since=[BEFORE], rules=RULES, tick=_go_on)
        )
    standing = _timed("standing", lambda: customer_standing(facts, gathered.sums, None, rules=RULES))
    tonight = _as_customers(standing, DAY)
    yesterday = _as_customers(standing.with_columns(pl.col("expected_value_12m") * 3 // 4), BEFORE)
    _timed(
        "standing again, settled", lambda: customer_standing(facts, gathered.sums, None, rules=RULES, previous=standing)
    )
    changes = _timed("causes", lambda: tier_changes(tonight, yesterday, corrected=gathered.corrected[BEFORE]))
    _timed("migration", lambda: tier_migration(changes))
    _timed("equity", lambda: (customer_equity(standing), equity_bridge(changes)))
    history = _timed("first history", lambda: with_tonight(tonight, None, as_of=BEFORE, keep_days=730))
    _timed("history", lambda: with_tonight(tonight, history, as_of=DAY, keep_days=730))
    _timed("cohorts", lambda: cohorts(gathered.cohorts, standing, as_of=DAY))
    _timed("curve, churn, policies", lambda: _small(standing))


def _timed(what: str, work: Callable[[], T]) -> T:
    used = _cpu()
    made = work()
    print(f"{what:<26} {_cpu() - used:6.1f} CPU s   peak {_peak():.2f} GB")
    return made


def _small(standing: pl.DataFrame) -> None:
    concentration(standing)
    yearly_churn(standing, rules=RULES)
    policy_table(standing, policies=DEFAULT_POLICIES)


def _lines(customers: int) -> pl.DataFrame:
    random, rows = np.random.default_rng(3), customers * LINES_PER_CUSTOMER
    placed = datetime(2024, 1, 1, tzinfo=UTC).timestamp() + random.integers(0, 730 * 86_400, rows)
    amount = random.lognormal(7.5, 0.8, rows).astype(np.int64)
    return pl.DataFrame(
        {
            "order_id": np.arange(rows),
            "line_number": 1,
            "customer_id": np.tile(np.arange(customers), LINES_PER_CUSTOMER),
            "ordered_at": (placed * 1_000_000).astype(np.int64),
            "product_id": "p",
            "quantity": 1.0,
            "amount": amount,
            "discount_amount": amount // 10,
            "cost_amount": amount // 2,
            "channel": "web",
        }
    ).with_columns(
        pl.col("order_id", "customer_id").cast(pl.String),
        pl.col("ordered_at").cast(pl.Datetime("us", "UTC")),
        pl.col("ordered_at").cast(pl.Datetime("us", "UTC")).alias("known_at"),
    )


def _facts(customers: int) -> pl.DataFrame:
    random = np.random.default_rng(4)
    numbers = {
        name: random.integers(1, 400, customers)
        for name, dtype in FEATURES.items()
        if dtype.is_numeric() and "trend" not in name and "share" not in name
    }
    shares = {name: random.random(customers) for name in FEATURES if "share" in name}
    trends = {name: random.random(customers) * 2 - 1 for name in FEATURES if "trend" in name}
    made = pl.DataFrame(numbers | shares | trends).with_columns(
        pl.int_range(pl.len()).cast(pl.String).alias("customer_id"),
        pl.lit("region").alias("region"),
        pl.Series("expected_value_12m", random.lognormal(9, 1, customers).astype(np.int64)),
    )
    return _scored(made)


def _scored(features: pl.DataFrame) -> pl.DataFrame:
    """Facts as `customer_facts` returns them, tiers by quarters of expected value; only the recent are active."""
    active = pl.col("days_since_last_order") <= YEAR_DAYS
    place = pl.col("expected_value_12m").rank("ordinal") * 4 // (pl.len() + 1)
    tier = place.replace_strict([0, 1, 2, 3], ["lead", "iron", "gold", "platinum"], return_dtype=pl.String)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in FEATURES.items() if name not in features.columns]
    rows = features.with_columns(
        *missing,
        pl.when(active).then(pl.lit("active")).otherwise(pl.lit("lapsed")).alias("customer_status"),
        pl.when(active).then(tier).otherwise(pl.lit("not scored")).alias("value_tier"),
        pl.lit("low").alias("churn_risk_band"),
        pl.lit(0.3).alias("churn_probability"),
        pl.when(active).then("expected_value_12m").alias("expected_value_12m"),
    )
    types = FEATURES | SCORES
    return rows.select("customer_id", "expected_value_12m", *(pl.col(name).cast(types[name]) for name in types)).sort(
        "customer_id"
    )


def _as_customers(standing: pl.DataFrame, day: date) -> pl.DataFrame:
    return standing.with_columns(pl.lit(day).alias("as_of"), pl.lit(1, pl.Int32).alias("value_model_version"))


def _go_on() -> None:
    """Nobody watches."""


def _cpu() -> float:
    return time.process_time()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    main()
