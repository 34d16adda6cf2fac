"""The coming demand of a night: counted bucket by bucket, forecast for two periods.

Belongs here: which rows and periods. Does not: how demand is forecast (`models.demand`), its table (`segments`).
"""

from datetime import date

import polars as pl

from flows.champions import Champion
from flows.core_tables import CoreTables
from segments.demand_table import demand_table

MONTH_DAYS = 30
USUAL_HORIZON_DAYS = 90


def forecast_table(
    core: CoreTables, *, as_of: date, champions: dict[str, Champion], run_key: str
) -> pl.DataFrame | None:
    """`segments.demand_forecast`; None where there are no orders."""
    from models.comparing import horizon_days  # noqa: PLC0415 heavy
    from models.demand import daily_demand, forecast_demand  # noqa: PLC0415

    if "orders" not in core.entities:
        return None
    products = core.scan("products")
    demand = pl.concat(
        [
            daily_demand(core.orders(bucket), products, as_of=as_of, time_zone=core.time_zone)
            for bucket in core.buckets()
        ]
    )
    if demand.is_empty():
        return None
    demand = demand.group_by("day", "category").sum().sort("day", "category")
    asked = horizon_days(champions["churn"].bundle) if "churn" in champions else None
    periods = sorted({MONTH_DAYS, asked or USUAL_HORIZON_DAYS})
    forecasts = {days: forecast_demand(demand, as_of=as_of, period_days=days) for days in periods}
    return demand_table(forecasts, as_of=as_of, run_key=run_key)
