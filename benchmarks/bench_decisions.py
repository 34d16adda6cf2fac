"""What choosing for all customers costs: CPU, memory and gap for 50 candidates a customer under three limits.

    python benchmarks/bench_decisions.py [--customers 250_000 1_000_000]

Candidates lie in Parquet, a file a bucket, and are read one bucket at a time, as often as the choice asks. Beside it
the gap against the exact solution (HiGHS) of a sample that it can solve. The same as a night does it, from frames of
candidates with ids to what was decided beside each. And the list that holds customers against each other: whom to raise
from gold to platinum.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from flows.decisions.candidate_files import CandidateFiles
from segments.decisions.allocation import allocate
from segments.decisions.choice_rules import ChoiceRules
from segments.decisions.choosing import choose
from segments.decisions.exploration import Exploration
from segments.decisions.lists import ListStamp
from segments.decisions.problem import Bucket, Floats, Limit, Rules, joined
from segments.decisions.upgrade import upgrade_path
from segments.money import Currency
from segments.vocabulary import GOLD, PLATINUM

OPTIONS, WIDTH, BUCKET = 100, 50, 50_000
CHANNEL = np.arange(OPTIONS) % 3
COST = np.array([20.0, 150.0, 500.0])[CHANNEL]
EXACT_CUSTOMERS = 2_000
CATEGORIES = 15
TIER_EVERY = {PLATINUM: 25, GOLD: 6}


class ParquetBuckets:
    """Buckets in files, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.parquet"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> Bucket:
        read = pl.read_parquet(self.files[place])
        return Bucket(**{name: read[name].to_numpy().reshape(-1, WIDTH) for name in ("option", "value")})


def made_bucket(customers: int, seed: int) -> Bucket:
    """Customers with 50 of 100 options each; what they gain is skewed, over customers and over options."""
    rng = np.random.default_rng(seed)
    option = np.argsort(rng.random((customers, OPTIONS)), axis=1)[:, :WIDTH]
    lift = np.random.default_rng(0).gamma(2.0, 0.5, OPTIONS)
    value = rng.gamma(0.7, 400.0, (customers, 1)) * rng.gamma(1.0, 1.0, option.shape) * lift[option] - COST[option]
    return Bucket(option=option.astype(np.int16), value=value.astype(np.int32))


def rules_for(customers: int) -> Rules:
    """A budget and the capacities of two channels, a customer alike."""
    limits = (
        Limit(name="the budget", uses=COST, most=20.0 * customers, unit="money"),
        Limit(name="e-mails", uses=(CHANNEL == 0).astype(np.float64), most=0.3 * customers),
        Limit(name="letters", uses=(CHANNEL == 1).astype(np.float64), most=0.05 * customers),
    )
    return Rules(channel=CHANNEL, limits=limits)


def exact_value(bucket: Bucket, rules: Rules) -> float:
    """The best value by branch and bound."""
    row, column = np.nonzero(bucket.option >= 0)
    option = bucket.option[row, column]
    one_each = sparse.coo_array((np.ones(len(row)), (row, np.arange(len(row)))))
    most: Floats = np.concatenate([rules.most, np.ones(len(bucket.option))])
    matrix = sparse.vstack([rules.uses[:, option], one_each]).tocsr()
    found = milp(
        -bucket.value[row, column].astype(np.float64),
        constraints=LinearConstraint(matrix, -np.inf, most),
        integrality=np.ones(len(row)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-7, "time_limit": 120},
    )
    return -float(found.fun)


def write_buckets(customers: int, folder: Path) -> None:
    """The candidates of so many customers, a file a bucket."""
    for number, first in enumerate(range(0, customers, BUCKET)):
        bucket = made_bucket(min(BUCKET, customers - first), number)
        frame = pl.DataFrame({"option": bucket.option.ravel(), "value": bucket.value.ravel()})
        frame.write_parquet(folder / f"{number:04d}.parquet", compression="uncompressed")


def measure(customers: int, folder: Path) -> None:
    """One line of the table."""
    write_buckets(customers, folder)
    before, began = time.process_time(), time.perf_counter()
    found = allocate(ParquetBuckets(folder), rules_for(customers))
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kept = bool((found.used <= rules_for(customers).most + 1e-6).all())
    passes, gap = found.prices.passes, found.gap
    print(f"| {customers:,} | {cpu:.1f} | {wall:.1f} | {peak:,.0f} | {passes} | {gap:.4%} | {kept} |", flush=True)


def candidate_files(folder: Path) -> CandidateFiles:
    """The same candidates as frames, as a night has them."""
    names = pl.Series([f"offer {option:03}" for option in range(OPTIONS)])
    channels = pl.Series(["e-mail", "letter", "call"])

    def parts() -> Iterator[pl.DataFrame]:
        for number, file in enumerate(sorted(folder.glob("*.parquet"))):
            cells = pl.read_parquet(file)
            customer = pl.int_range(pl.len()) // WIDTH + number * BUCKET
            yield cells.select(
                pl.format("{}", (customer + 10**8)).alias("customer_id"),
                names.gather(cells["option"].cast(pl.UInt32)).alias("offer_id"),
                channels.gather(cells["option"].cast(pl.UInt32) % 3).alias("channel"),
                pl.col("value").cast(pl.Int64).alias("gain_amount"),
                pl.Series("cost_amount", COST[cells["option"].to_numpy()].astype(np.int64)),
                pl.lit(None, pl.String).alias("blocked"),
            ).sort("customer_id", "offer_id", "channel")

    kept = folder / "candidates"
    kept.mkdir()
    return CandidateFiles(kept, parts())


def measure_choice(customers: int, folder: Path) -> None:
    """One line of the table of the whole choice, from candidates to what was decided beside each."""
    write_buckets(customers, folder)
    files = candidate_files(folder)
    rules = ChoiceRules(
        budget_amount=20 * customers,
        channel_capacity={"e-mail": round(0.3 * customers), "letter": round(0.05 * customers)},
    )
    before, began = time.process_time(), time.perf_counter()
    choice = choose(files, rules, Exploration(audience="bench", share=0.05))
    chosen = sum(told["chosen"].sum() for told in choice.told_parts())
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    gap = choice.allocation.gap if choice.allocation else 0.0
    print(f"| {customers:,} | {cpu:.1f} | {wall:.1f} | {peak:,.0f} | {chosen:,} | {gap:.4%} |", flush=True)


def measure_upgrades(customers: int) -> None:
    """One line of the table of the upgrade path: one customer in 25 platinum, one in six gold, 15 categories."""
    rng = np.random.default_rng(customers)
    tier = np.full(customers, "iron", dtype=object)
    for name, every in reversed(TIER_EVERY.items()):
        tier[::every] = name
    ids = pl.Series("customer_id", [f"{number:08}" for number in range(customers)])
    buys = rng.random((customers, CATEGORIES)) < rng.beta(1.0, 1.5, (customers, 1))
    row, column = np.nonzero(buys)
    spending = pl.DataFrame(
        {
            "customer_id": ids.gather(row),
            "category": pl.Series([f"c{place}" for place in range(CATEGORIES)]).gather(column),
            "amount": rng.gamma(1.0, 5_000.0, len(row)).astype(np.int64) + 1,
        }
    )
    rows = pl.DataFrame({"customer_id": ids, "value_tier": tier.tolist()}).with_columns(
        pl.lit(10_000, pl.Int64).alias("expected_value_12m_amount"),
        pl.lit(True).alias("may_be_contacted"),  # noqa: FBT003 a literal
    )
    stamp = ListStamp(as_of=date(2026, 1, 1), run_key="bench", currency=Currency(code="GBP"))
    before, began = time.process_time(), time.perf_counter()
    listed = upgrade_path(rows, spending, margin_share=0.4, stamp=stamp)
    cpu, wall = time.process_time() - before, time.perf_counter() - began
    print(f"| {customers:,} | {listed.height:,} | {cpu:.1f} | {wall:.1f} |", flush=True)


def main() -> None:
    """Measure, smallest first; the peak memory is the process's so far."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="*", default=[250_000, 1_000_000])
    sizes = sorted(parser.parse_args().customers)
    print("| customers | CPU s | wall s | peak MB | passes | proven gap | limits kept |")
    print("|---:|---:|---:|---:|---:|---:|---|")
    for customers in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure(customers, Path(folder))
    print("\n| customers | CPU s | wall s | peak MB | contacts | proven gap |")
    print("|---:|---:|---:|---:|---:|---:|")
    for customers in sizes:
        with tempfile.TemporaryDirectory() as folder:
            measure_choice(customers, Path(folder))
    sample = made_bucket(EXACT_CUSTOMERS, 1)
    ours = allocate([sample], rules_for(EXACT_CUSTOMERS)).value
    best = exact_value(joined([sample]), rules_for(EXACT_CUSTOMERS))
    print(f"\n{EXACT_CUSTOMERS:,} customers: {ours:,} against the exact {best:,.0f}: {1 - ours / best:.4%} below")
    print("\n| customers | raised | CPU s | wall s |")
    print("|---:|---:|---:|---:|")
    for customers in sizes:
        measure_upgrades(customers)


if __name__ == "__main__":
    main()
