"""The coming demand of a night: counted bucket by bucket, forecast for two periods, broken down to customers.

Belongs here: which rows and periods, and what is carried from bucket to bucket. Does not: how demand is forecast
(`models.demand.forecast`) and broken down (`models.demand.by_customer`), its tables (`segments`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.buckets.mapping import bucket_mapping, read_parts, write_part
from flows.context import Context
from flows.learning.champions import Champion
from segments.demand_table import customer_demand_table, demand_table
from warehouse.set_aside import mapped

MONTH_DAYS = 30
USUAL_HORIZON_DAYS = 90
EXPECTED = ("customer_id", "expected_orders_30d", "expected_orders_90d")


@dataclass(frozen=True, kw_only=True)
class DemandTables:
    """What is published of demand; None where it can't be told.

    Attributes:
        forecast: `segments.demand_forecast`.
        customers: `segments.customer_demand`.
    """

    forecast: pl.DataFrame | None = None
    customers: pl.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class DemandJob:
    """What a bucket is counted with.

    Attributes:
        core: see `CoreTables.recipe`.
        folder: where the counts are written.
        as_of: the date.
        windows: by length of a period, the latest days that tell how much of it known customers buy.
        active_within_days: who is known.
        expected: the file of what is expected of each customer; None: it isn't known.
    """

    core: Mapping[str, Any]
    folder: str
    as_of: date
    windows: Mapping[int, int]
    active_within_days: int
    expected: str | None


def demand_tables(
    context: Context,
    *,
    core: CoreTables,
    as_of: date,
    value: pl.DataFrame,
    champions: dict[str, Champion],
    run_key: str,
) -> DemandTables:
    """The tables of coming demand; none without orders, none by customer where the value model expects no orders."""
    from models.comparing import horizon_days  # noqa: PLC0415 heavy
    from models.demand.forecast import forecast_demand  # noqa: PLC0415

    if "orders" not in core.entities:
        return DemandTables()
    asked = horizon_days(champions["churn"].bundle) if "churn" in champions else None
    periods = sorted({MONTH_DAYS, asked or USUAL_HORIZON_DAYS})
    on_record = (as_of - core.span[0]).days
    with bucket_mapping(context) as mapping:
        told = set(EXPECTED) <= set(value.columns)
        job = DemandJob(
            core=core.recipe(),
            folder=str(mapping.folder),
            as_of=as_of,
            windows={days: max(min(days, on_record // 2), 1) for days in periods},
            active_within_days=context.settings.population.active_within_days,
            expected=write_part(value.select(EXPECTED), mapping.folder, "expected", 0) if told else None,
        )
        parts = mapping.run(count_bucket, job, list(core.buckets()), tick=lambda: None)
        demand = _by_day(_paths(parts, "demand"))
        if demand.is_empty():
            return DemandTables()
        forecasts = {days: forecast_demand(demand, as_of=as_of, period_days=days) for days in periods}
        shared = {
            days: _shared_out(parts, days, forecast) for days, forecast in forecasts.items() if job.expected is not None
        }
    return DemandTables(
        forecast=demand_table(forecasts, as_of=as_of, run_key=run_key),
        customers=customer_demand_table(shared, as_of=as_of, run_key=run_key) if shared else None,
    )


def count_bucket(job: DemandJob, bucket: int) -> dict[str, str]:
    """One bucket's demand by day, and by period what known customers bought lately and the weights; where it lies."""
    from models.demand.by_customer import customer_weights, known_customers_orders  # noqa: PLC0415 heavy
    from models.demand.forecast import by_day, demand_lines  # noqa: PLC0415

    core = CoreTables.from_recipe(job.core)
    lines = demand_lines(core.orders(bucket), core.scan("products"), as_of=job.as_of, time_zone=core.time_zone)
    made = {"demand": by_day(lines)}
    within = job.active_within_days
    if job.expected is not None:
        expected = mapped(Path(job.expected))
        for period, window in job.windows.items():
            made[_known(period)] = known_customers_orders(
                lines, as_of=job.as_of, days=window, active_within_days=within
            )
            made[_weights(period)] = customer_weights(
                lines, expected, as_of=job.as_of, period_days=period, active_within_days=within
            )
    return {name: write_part(frame, Path(job.folder), name, bucket) for name, frame in made.items()}


def _shared_out(parts: Sequence[Mapping[str, str]], period: int, forecast: pl.DataFrame) -> pl.DataFrame:
    """A period's forecast by customer and category: sums of all buckets first, then bucket by bucket."""
    from models.demand import by_customer as shares  # noqa: PLC0415 heavy

    known = shares.in_named_categories(read_parts(_paths(parts, _known(period))), forecast)
    files = _paths(parts, _weights(period))
    sums = pl.concat([_sums(mapped(Path(file))) for file in files])
    by_category = shares.factors(shares.in_named_categories(sums, forecast), forecast, shares.known_shares(known))
    rows = [shares.reconciled(shares.in_named_categories(mapped(Path(file)), forecast), by_category) for file in files]
    return shares.with_everybody_else(pl.concat(rows), forecast)


def _sums(weights: pl.DataFrame) -> pl.DataFrame:
    return weights.group_by("category").agg(pl.col("orders", "units").sum())


def _by_day(files: Sequence[str]) -> pl.DataFrame:
    from models.demand.forecast import by_day  # noqa: PLC0415 heavy

    return by_day(read_parts(files))


def _paths(parts: Sequence[Mapping[str, str]], name: str) -> list[str]:
    return [part[name] for part in parts]


def _known(period: int) -> str:
    return f"known-{period}"


def _weights(period: int) -> str:
    return f"weights-{period}"
