"""What the models of a training learn from: features and outcomes of every snapshot, bucket by bucket.

Belongs here: which snapshots are asked for, and the tables made of them. Does not: how a model learns (`models`), the
steps of a training (`training.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.orders import known_before, snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.buckets.customer_ranges import cut_by_customers
from flows.buckets.mapping import bucket_mapping, read_parts, write_part
from flows.context import Context
from models.snapshots import labels
from models.snapshots.rows import TrainingData
from models.snapshots.splits import SplitPlan, ValuePlan
from models.snapshots.value_basis import NET_SALES, SPEND_FEATURES, choose_basis, known_cost_share
from segments.control_group import in_control_group

LEARNT_FROM = "customers who are learnt from"
MOST_LINES = 5_000_000  # that next offers read, about: some 400 bytes of memory each
Tick = Callable[[], None]


@dataclass(frozen=True)
class TrainingPlan:
    """Which snapshots each model needs."""

    as_of: date
    churn: SplitPlan
    value: ValuePlan

    @property
    def snapshots(self) -> tuple[date, ...]:
        """All dates that features are needed of."""
        return tuple(sorted({*self.churn.all_snapshots, *self.value.all_snapshots, *self.value.year_snapshots}))


@dataclass(frozen=True)
class TrainingTables:
    """What churn and value learn from: features of the population, and what happened after each snapshot.

    `customer_share` is below 1 where only some customers are learnt from.
    """

    data: TrainingData
    churn_outcomes: pl.DataFrame
    value_outcomes: Mapping[int, pl.DataFrame]
    customer_share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """What a bucket's training tables are built from, in plain values.

    Attributes:
        core: see `CoreTables.recipe`.
        folder: where the tables are written.
        plan: which snapshots each model needs.
        active_within_days: see `labels.population`.
        share: of customers who are learnt from.
    """

    core: Mapping[str, Any]
    folder: str
    plan: TrainingPlan
    active_within_days: int
    share: float = 1.0


def build_training_tables(context: Context, *, core: CoreTables, plan: TrainingPlan, tick: Tick) -> TrainingTables:
    """Features and outcomes of every snapshot, bucket by bucket; of a very large company, those of some customers."""
    within_days = context.settings.population.active_within_days
    most_rows = context.settings.training.most_rows
    share = share_learnt_from(core, plan, active_within_days=within_days, most_rows=most_rows)
    if share < 1:
        context.reporter.say(f"learning from {share:.1%} of the customers, drawn by lot (training.most_rows)")
    with bucket_mapping(context) as mapping:
        job = TrainingJob(
            core=core.recipe(),
            folder=str(mapping.folder),
            plan=plan,
            active_within_days=within_days,
            share=share,
        )
        paths = mapping.run(build_training_bucket, job, list(core.buckets()), tick=tick)
        tables = {name: read_parts([written[name] for written in paths]) for name in paths[0]}
    bands = ["month_start", "recency_band", "frequency_band"]
    known = known_cost_share(tables["costs"])
    wanted = context.settings.training.value_of != NET_SALES
    basis = choose_basis(known, tables["features"].columns, margin_wanted=wanted)
    data = TrainingData(
        features=tables["features"],
        feature_names=tuple(core.feature_names()),
        activity=tables["activity"].group_by(bands).sum().sort(bands),
        first_event=core.span[0],
        as_of=plan.as_of,
        spend_feature=SPEND_FEATURES[basis],
        value_of=basis,
        known_cost_share=known,
    )
    outcomes = {horizon: tables[f"value {horizon}"] for horizon in plan.value.outcome_windows()}
    return TrainingTables(data, tables["churn"], outcomes, share)


def share_learnt_from(core: CoreTables, plan: TrainingPlan, *, active_within_days: int, most_rows: int) -> float:
    """The share of customers whose snapshots together make about `most_rows`; 1 where all of them make fewer."""
    dates = len(plan.snapshots)
    end = snapshot_instant(plan.as_of, time_zone=core.time_zone)
    if dates * _lines_known(core, end) <= most_rows:  # there are no more customers than lines
        return 1.0
    start = snapshot_instant(plan.as_of - timedelta(days=active_within_days), time_zone=core.time_zone)
    count = pl.col("customer_id").n_unique()
    known = (known_before(core.orders(bucket), end) for bucket in core.buckets())
    lately = (lines.filter(pl.col("ordered_at") >= start) for lines in known)
    customers: int = sum(lines.select(count).collect().item() for lines in lately)
    return min(1.0, most_rows / max(1, dates * customers))


def lines_learnt_from(
    core: CoreTables, *, as_of: date, tell: Callable[[str], None], most_lines: int = MOST_LINES
) -> pl.LazyFrame:
    """What next offers are learnt from: all order lines; of a very large company, all those of some customers.

    How large it is, is what was known at `as_of`: trained again for that date, the same customers are drawn.
    """
    lines = _lines_known(core, snapshot_instant(as_of, time_zone=core.time_zone))
    if lines <= most_lines:
        return core.orders()
    share = most_lines / lines
    tell(f"next offers are learnt from {share:.1%} of the customers, drawn by lot")
    return pl.concat([_drawn(core, bucket, share).orders(bucket) for bucket in core.buckets()])


def _lines_known(core: CoreTables, instant: datetime) -> int:
    lines: int = known_before(core.orders(), instant).select(pl.len()).collect().item()
    return lines


def build_training_bucket(job: TrainingJob, bucket: int) -> dict[str, str]:
    """One bucket's tables, range of customers by range; by name where they were written."""
    core, folder = CoreTables.from_recipe(job.core), Path(job.folder)
    learnt = core if job.share >= 1 else _drawn(core, bucket, job.share)
    dates = len(job.plan.snapshots)
    written = {}
    for tables, whose, built in ((_of_company, core, 1), (_of_customers, learnt, dates)):
        parts = [tables(job, part, bucket) for part in cut_by_customers(whose, bucket, dates=built)]
        for name in parts[0]:
            written[name] = write_part(pl.concat([part[name] for part in parts]), folder, name, bucket)
    return written


def _drawn(core: CoreTables, bucket: int, share: float) -> CoreTables:
    """The rows of some customers only: the same ones in every training and whatever the buckets."""
    ids = core.orders(bucket).select(pl.col("customer_id").unique().sort()).collect().to_series()
    drawn = ids.filter(in_control_group(ids, audience=LEARNT_FROM, share=share))
    return replace(core, customers=replace(core.customers, among=tuple(drawn)))


def _of_company(job: TrainingJob, core: CoreTables, bucket: int) -> dict[str, pl.DataFrame]:
    """What is known of all customers: busy days, and how much has a known cost."""
    known: dict[str, Any] = {"as_of": job.plan.as_of, "time_zone": core.time_zone}
    orders = core.orders(bucket)
    wanted = {"activity": labels.monthly_activity(orders, **known), "costs": labels.known_costs(orders, **known)}
    return dict(zip(wanted, pl.collect_all(list(wanted.values())), strict=True))


def _of_customers(job: TrainingJob, core: CoreTables, bucket: int) -> dict[str, pl.DataFrame]:
    """Features of the population and outcomes; nothing of `as_of` or later is read."""
    plan, zone, orders = job.plan, core.time_zone, core.orders(bucket)
    end = snapshot_instant(plan.as_of, time_zone=zone)
    asked = labels.population(
        orders, snapshots=plan.snapshots, active_within_days=job.active_within_days, time_zone=zone
    )
    built = core.build_features(bucket, plan.snapshots)
    windows = {"churn": (plan.churn.horizon_days, plan.churn.all_snapshots)} | {
        f"value {horizon}": (horizon, snapshots) for horizon, snapshots in plan.value.outcome_windows().items()
    }
    wanted = {"features": built.join(asked, on=labels.KEYS, how="semi").sort(labels.KEYS)} | {
        name: labels.outcomes(orders, snapshots=snapshots, horizon_days=horizon, time_zone=zone, known_by=end)
        for name, (horizon, snapshots) in windows.items()
    }
    return dict(zip(wanted, pl.collect_all(list(wanted.values())), strict=True))
