"""What drift finds, misses and cries wolf about: shifts put into a simulated company, and years without any.

    python benchmarks/quality_drift.py [quiet] [shifts] [cost] [--customers 2000] [--seeds 3]

Prints Markdown tables for docs/drift.md. The company is trained on its first two years as of `TRAINED`; nights follow
every week for a year without a change, and nightly for a month. Then each shift begins on `SHIFTED`, half a year later.
What is looked at is what a night looks at: customers, scores, the order lines, and receipts of churn once its window
is over.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from data_contracts.orders import snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.learning.champions import Champion
from flows.learning.drift_references import with_reference
from flows.nights.drift_sources import source_findings
from flows.nights.drifting import Population, population_findings
from models.purchases.churn import predict_churn, train_churn
from models.snapshots import labels
from models.snapshots.reference_counts import counted_together, take_reference
from models.snapshots.rows import TrainingData
from models.snapshots.splits import plan_splits, plan_value
from models.value.model import predict_value, train_value
from segments.drift.findings import ALARM, alarms, judged, performance_findings
from segments.drift.measures import distance
from segments.receipts.contract import ALL, CHURN, Subject, promise_of
from segments.receipts.making import receipt
from simulation.retailer import SimulatedCompany, simulate
from warehouse.lake import Lake

START, TRAINED, SHIFTED, END = date(2022, 1, 1), date(2024, 3, 1), date(2024, 9, 1), date(2025, 4, 1)
HORIZON_DAYS, SETTLE_DAYS, ACTIVE_DAYS = 60, 7, 365
WEEK = timedelta(days=7)
Tables = dict[str, pl.DataFrame]


@dataclass
class Company:
    """A simulated company, and the champions trained on it as of `TRAINED`."""

    simulated: SimulatedCompany
    folder: Path

    @cached_property
    def tables(self) -> Tables:
        """Its core tables, without a shift."""
        return {
            "orders": self.simulated.orders,
            "customers": self.simulated.customers,
            "products": self.simulated.products,
        }

    def core(self, tables: Tables, name: str) -> CoreTables:
        """The tables as a load."""
        load = Lake(self.folder).write_load(name, tables, buckets=1)
        return CoreTables(load, self.simulated.time_zone)

    @cached_property
    def champions(self) -> dict[str, Champion]:
        """Churn and value."""
        core = self.core(self.tables, "trained")
        orders, zone = core.orders(), core.time_zone
        churn_plan = plan_splits(first_event=START, as_of=TRAINED, horizon_days=HORIZON_DAYS)
        value_plan = plan_value(first_event=START, as_of=TRAINED)
        days = sorted({*churn_plan.all_snapshots, *value_plan.all_snapshots, *value_plan.year_snapshots})
        asked = labels.population(orders, snapshots=days, active_within_days=ACTIVE_DAYS, time_zone=zone).collect()
        instant = snapshot_instant(TRAINED, time_zone=zone)

        def happened(horizon: int, snapshots: Sequence[date]) -> pl.DataFrame:
            return labels.outcomes(
                orders, snapshots=snapshots, horizon_days=horizon, time_zone=zone, known_by=instant
            ).collect()

        data = TrainingData(
            features=core.build_features(0, days).collect().join(asked, on=labels.KEYS, how="semi").sort(labels.KEYS),
            feature_names=tuple(core.feature_names()),
            activity=labels.monthly_activity(orders, as_of=TRAINED, time_zone=zone).collect(),
            first_event=START,
            as_of=TRAINED,
        )
        left = happened(HORIZON_DAYS, churn_plan.all_snapshots)
        spent = {horizon: happened(horizon, snapshots) for horizon, snapshots in value_plan.outcome_windows().items()}
        bundles = (train_churn(data, left, churn_plan), train_value(data, spent, value_plan))
        return {bundle.name: _champion(with_reference(bundle, data, left)) for bundle in bundles}


@dataclass
class Nights:
    """Nights after nights of one company, with or without a shift.

    Attributes:
        company: whose.
        core: its tables, shifted or not.
        touch: what is done to the features of a night.
        before: the rows of the last night.
        receipts: of churn, so far.
        scored: by night, what was said of whom.
    """

    company: Company
    core: CoreTables
    touch: Callable[[pl.DataFrame, date], pl.DataFrame] = lambda frame, _: frame
    before: pl.DataFrame | None = None
    receipts: list[pl.DataFrame] = field(default_factory=list)
    scored: dict[date, pl.DataFrame] = field(default_factory=dict)

    def rows(self, day: date) -> pl.DataFrame:
        """One night's rows of `segments.drift`."""
        built = self.core.build_features(0, [day]).collect()
        active = self.touch(built.filter(pl.col("days_since_last_order") <= ACTIVE_DAYS), day)
        champions = self.company.champions
        churn = predict_churn(champions["churn"].bundle, active)
        value = predict_value(champions["value"].bundle, active)
        families = {spec.name: spec.family for spec in self.core.catalogue()}
        population = Population(
            features=active,
            families=families,
            scores={CHURN: churn, "expected_value_90d": value, "expected_value_12m": value},
        )
        self.scored[day] = churn.select("customer_id", predicted=pl.col(CHURN))
        self._mature(day)
        found = population_findings(population, champions, day=day) + source_findings(self.core, as_of=day)
        if self.receipts:
            digests = {name: champion.promotion.digest for name, champion in champions.items()}
            found += performance_findings(pl.concat(self.receipts), digests)
        self.before = judged(found, night=day, before=self.before)
        return self.before

    def _mature(self, day: date) -> None:
        """Receipts of the nights whose window is over."""
        due = [night for night in self.scored if night + timedelta(days=HORIZON_DAYS + SETTLE_DAYS) <= day]
        for night in due:
            nothing = pl.lit(None, pl.Float64)
            scored = self.scored.pop(night).with_columns(
                pl.lit("all").alias("value_tier"), nothing.alias("low"), nothing.alias("high")
            )
            happened = labels.outcomes(
                self.core.orders(), snapshots=[night], horizon_days=HORIZON_DAYS, time_zone=self.core.time_zone
            ).collect()
            left = happened.select("customer_id", actual=pl.col("churned").cast(pl.Float64))
            champion = self.company.champions["churn"]
            subject = Subject(
                scored_as_of=night,
                score=CHURN,
                horizon_days=HORIZON_DAYS,
                model="churn",
                model_version=1,
                model_digest=champion.promotion.digest,
                load_id="",
                features_hash="",
                promise=promise_of(CHURN, champion.bundle.metrics),
            )
            self.receipts.append(receipt(scored, left, subject).filter(pl.col("slice") == ALL))


def main() -> None:
    """Print the tables asked for."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("what", nargs="*", choices=["quiet", "shifts", "cost"], default=["quiet", "shifts"])
    asked.add_argument("--customers", type=int, default=2000)
    asked.add_argument("--seeds", type=int, default=3)
    given = asked.parse_args()
    if "cost" in given.what:
        print("\n".join(cost(1_000_000, 130)), flush=True)
    if not {"quiet", "shifts"} & set(given.what):
        return
    quality_of_drift(given.what, customers=given.customers, seeds=given.seeds)


def quality_of_drift(what: Sequence[str] = ("quiet", "shifts"), *, customers: int = 2000, seeds: int = 3) -> None:
    """Print the tables: years without a shift, and shifts."""
    with tempfile.TemporaryDirectory() as folder:
        companies = [made(seed, customers, Path(folder) / str(seed)) for seed in range(1, seeds + 1)]
        if "quiet" in what:
            print("\n".join(quiet(companies)), flush=True)
        if "shifts" in what:
            print("\n".join(shifts(companies)), flush=True)


def made(seed: int, customers: int, folder: Path) -> Company:
    """A company of three and a quarter years."""
    simulated = simulate(customers=customers, start=START, end=END, seed=seed, products=120)
    return Company(simulated=simulated, folder=folder)


def quiet(companies: Sequence[Company]) -> list[str]:
    """Nights without a shift: every week from the training on, and each night of a month."""
    lines = [
        "| company | nights | with an alarm | things beyond a threshold, of those looked at |",
        "|---|---:|---:|---:|",
    ]
    for number, company in enumerate(companies, 1):
        core = company.core(company.tables, "quiet")
        weekly = [TRAINED + WEEK * week for week in range((END - TRAINED).days // 7)]
        nightly = [date(2024, 11, 15) + timedelta(days=day) for day in range(45)]
        for name, days in (("every week", weekly), ("every night", nightly)):
            nights = Nights(company, core)
            rows = [nights.rows(day) for day in days]
            alarmed = [night for night in rows if alarms(night)]
            for night in alarmed:
                print("#", night["night"][0], alarms(night))
            beyond, looked = (sum(one) for one in zip(*((_beyond(night), night.height) for night in rows), strict=True))
            lines.append(f"| {number}, {name} | {len(rows)} | {len(alarmed)} | {beyond} of {looked:,} |")
    return lines


def shifts(companies: Sequence[Company]) -> list[str]:
    """Each shift in each company: after how many days which kind of alarm told of it."""
    lines = ["| shift | expected | found | after days | alarms at once, at most |", "|---|---|---|---|---:|"]
    for name, (kinds, change, touch) in SHIFTS.items():
        found, days, most = [], [], 0
        for company in companies:
            core = company.core(change(company.tables, company), "shifted")
            nights = Nights(company, core, touch=touch)
            nights.before = None
            after: dict[str, int] = {}
            for day in _around():
                rows = nights.rows(day)
                alarmed = rows.filter(pl.col("alert").is_not_null())
                if day > SHIFTED:
                    most = max(most, alarmed.height)
                    for kind in alarmed["kind"]:
                        after.setdefault(kind, (day - SHIFTED).days)
            found.append(any(kind in after for kind in kinds))
            days.append("; ".join(f"{kind} {count}" for kind, count in after.items()) or "never")
        lines.append(f"| {name} | {' or '.join(kinds)} | {sum(found)} of {len(found)} | {' / '.join(days)} | {most} |")
        print(lines[-1], flush=True)
    return lines


def cost(customers: int, columns: int) -> list[str]:
    """What a night and a training pay for it: made-up customers with so many features, two years of snapshots."""
    random = np.random.default_rng(1)
    names = [f"feature_{number}" for number in range(columns)]
    regions = np.array([f"region {number}" for number in range(20)])

    def drawn(rows: int) -> pl.DataFrame:
        columns_of = {name: random.standard_normal(rows) for name in names[:-30]}
        columns_of |= {name: random.integers(0, 40, rows) for name in names[-30:-5]}
        columns_of |= {name: regions[random.integers(0, 20, rows)] for name in names[-5:]}
        return pl.DataFrame({"customer_id": [f"c{number}" for number in range(rows)], **columns_of})

    days = [TRAINED - timedelta(days=30 * back) for back in range(24, 0, -1)]
    trained = pl.concat([drawn(20_000).with_columns(snapshot_date=pl.lit(day)) for day in days])
    tonight = drawn(customers)
    lines = []
    began, peak = time.process_time(), _peak_mb()
    reference = take_reference(trained, names)
    kept = len(reference.file()) / 1e6
    lines.append(f"counting 24 snapshots of 20,000: {_cost(began, peak)}, {kept:.2f} MB in the bundle")
    began, peak = time.process_time(), _peak_mb()
    counted = counted_together(tonight, reference.bins)
    lines.append(f"counting {customers:,} customers x {columns} features: {_cost(began, peak)}")
    began, peak = time.process_time(), _peak_mb()
    for name, counts in counted.items():
        earlier = [(day, of_day[name]) for day, of_day in reference.counts.items()]
        distance(counts, earlier, day=TRAINED, columns=columns)
    lines.append(f"holding them against the reference: {_cost(began, peak)}")
    return lines


def _cost(began: float, peak: float) -> str:
    return f"{time.process_time() - began:.1f} CPU-s, {_peak_mb() - peak:,.0f} MB more"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _around() -> Iterator[date]:
    """Two nights before the shift, then every week until the first windows after it are over."""
    yield from (SHIFTED - WEEK * weeks for weeks in (2, 1))
    yield from (SHIFTED + WEEK * weeks for weeks in range(1, 16))


def _beyond(rows: pl.DataFrame) -> int:
    return rows.filter(pl.col("status").is_in(["watch", ALARM])).height


@dataclass(frozen=True)
class _Promotion:
    """What of a promotion is asked here."""

    digest: str = "digest"
    version: int = 1


def _champion(bundle: object) -> Champion:
    return Champion(promotion=_Promotion(), bundle=bundle)


def _since(column: str = "ordered_at") -> pl.Expr:
    return pl.col(column).dt.date() >= SHIFTED


def _orders(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Tables, Company], Tables]:
    return lambda tables, _: tables | {"orders": change(tables["orders"])}


def _scaled(factor: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    money = ("amount", "discount_amount", "cost_amount")
    return lambda lines: lines.with_columns(
        pl.when(_since()).then((pl.col(name) * factor).round().cast(pl.Int64)).otherwise(pl.col(name)).alias(name)
        for name in money
    )


def _another_shop(tables: Tables, company: Company) -> Tables:
    """On the day another shop's customers become ours, half as many, all of one region; their past comes with them."""
    other = simulate(
        customers=tables["customers"].height // 2,
        start=SHIFTED - timedelta(days=400),
        end=END,
        seed=company.simulated.seed + 100,
        products=120,
    )
    known = pl.max_horizontal("known_at", pl.lit(SHIFTED).cast(pl.Datetime("us", "UTC"))).alias("known_at")
    named = pl.format("N{}", "customer_id").alias("customer_id")
    region = pl.lit(tables["customers"]["region"].drop_nulls().max()).alias("region")
    lines = other.orders.with_columns(named, known, pl.format("N{}", "order_id").alias("order_id"))
    people = other.customers.with_columns(named, known, region)
    return tables | {
        "orders": pl.concat([tables["orders"], lines]).sort("ordered_at", "order_id", "line_number"),
        "customers": pl.concat([tables["customers"], people]),
    }


def _dealt_anew(tables: Tables, _: Company) -> Tables:
    """From the day on, everybody behaves as somebody else would have: what was known of them says nothing any more."""
    ids = tables["customers"]["customer_id"].sort()
    dealt = pl.DataFrame({"customer_id": ids, "other": ids.gather(np.random.default_rng(7).permutation(len(ids)))})
    lines = tables["orders"].join(dealt, on="customer_id", validate="m:1", maintain_order="left")
    mine = pl.when(_since()).then(pl.col("other")).otherwise(pl.col("customer_id")).alias("customer_id")
    return tables | {"orders": lines.with_columns(mine).drop("other")}


def _half_stop(tables: Tables, _: Company) -> Tables:
    """From the day on, half of the customers buy nothing any more."""
    ids = tables["customers"]["customer_id"].sort()
    gone = ids.gather(np.random.default_rng(7).permutation(len(ids))[: len(ids) // 2])
    return tables | {"orders": tables["orders"].filter(~(_since() & pl.col("customer_id").is_in(gone.to_list())))}


def _feature_times_100(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    return frame if day < SHIFTED else frame.with_columns(pl.col("net_amount_365_days") * 100)


def _same(tables: Tables, _: Company) -> Tables:
    return tables


def _untouched(frame: pl.DataFrame, _: date) -> pl.DataFrame:
    return frame


_NEW_TEXT = pl.when(_since() & (pl.col("channel") == "web")).then(pl.lit("app")).otherwise("channel").alias("channel")
_EMPTY = pl.when(~_since()).then(pl.col("cost_amount")).alias("cost_amount")
SHIFTS: dict[
    str,
    tuple[tuple[str, ...], Callable[[Tables, Company], Tables], Callable[[pl.DataFrame, date], pl.DataFrame]],
] = {
    "another shop's customers are added": (("population",), _another_shop, _untouched),
    "one feature is 100 times what it was": (("population",), _same, _feature_times_100),
    "amounts of order lines are 100 times what they were": (("data quality",), _orders(_scaled(100.0)), _untouched),
    "prices rise by 30 %": (("data quality",), _orders(_scaled(1.3)), _untouched),
    "a column is no longer filled": (("data quality",), _orders(lambda lines: lines.with_columns(_EMPTY)), _untouched),
    "a text never seen before": (("data quality",), _orders(lambda lines: lines.with_columns(_NEW_TEXT)), _untouched),
    "two lines of three are missing": (
        ("data quality",),
        _orders(lambda lines: lines.filter(~_since() | (pl.col("order_id").hash(1) % 3 == 0))),
        _untouched,
    ),
    "half of the customers stop buying": (("population", "performance", "data quality"), _half_stop, _untouched),
    "behaviour changes, customers do not": (("performance",), _dealt_anew, _untouched),
}


if __name__ == "__main__":
    main()
