"""The tables of coming demand, column by column.

Belongs here: their contracts, and the last touch before they are published. Does not: how demand is forecast.
"""

from datetime import date

import polars as pl

from data_contracts.published import OutputColumn, OutputContract

FIGURES = {
    "orders": "purchases; one of several categories counts in parts, so that categories add up to the total",
    "units": "units of products",
}


def _figure_columns(name: str, what: str) -> tuple[OutputColumn, ...]:
    meanings = {
        f"expected_{name}": f"How many {what}, are expected in the period, new customers' included.",
        f"{name}_low": f"Lower end of the 80 % interval of {name}: one period in ten brings fewer.",
        f"{name}_high": f"Upper end of the 80 % interval of {name}: one period in ten brings more.",
        f"{name}_seasonal_naive": f"For comparison: {name} of the same days a year before, or of the latest period "
        "where there is no year on record.",
    }
    return tuple(OutputColumn(key, pl.Float64, minimum=0.0, meaning=words) for key, words in meanings.items())


DEMAND_FORECAST = OutputContract(
    table="demand_forecast",
    key=("period_days", "category"),
    columns=(
        OutputColumn("period_days", pl.Int32, minimum=1, meaning="Length of the period, which begins on as_of."),
        OutputColumn(
            "category",
            pl.String,
            meaning='The category of products; "(all)" is the total, "(no category)" products without one, "(other)" '
            "the smallest of very many.",
        ),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        *(column for name, what in FIGURES.items() for column in _figure_columns(name, what)),
        OutputColumn("tested_periods", pl.Int32, minimum=0, meaning="Past periods the total's forecast was tested on."),
        OutputColumn(
            "error_ratio",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            meaning="Mean error of the total's forecast of purchases on these periods over that of the comparison: "
            "below 1 it is the better one; empty: not enough past to say.",
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="How many purchases and units are coming, in all and by category, over the next 30 days and over the days "
    "that churn is asked about.",
    may_be_empty=True,
)


CUSTOMER_DEMAND = OutputContract(
    table="customer_demand",
    key=("period_days", "customer_id", "category"),
    columns=(
        OutputColumn("period_days", pl.Int32, minimum=1, meaning="Length of the period, which begins on as_of."),
        OutputColumn(
            "customer_id",
            pl.String,
            meaning='The customer; "(everybody else)" are new customers, those who come back after a long time, and '
            "what is too small to tell by customer.",
        ),
        OutputColumn(
            "category", pl.String, meaning="The category of products, named as in demand_forecast; never its total."
        ),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        OutputColumn(
            "expected_orders",
            pl.Float64,
            minimum=0.0,
            meaning="How many purchases are expected in the period; one of several categories counts in parts. All "
            "rows of a category add up to its forecast in demand_forecast.",
        ),
        OutputColumn(
            "expected_units",
            pl.Float64,
            minimum=0.0,
            meaning="How many units of products are expected in the period; they add up in the same way.",
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="The forecast of demand_forecast broken down to customers: what each active customer is expected to buy of "
    "each category they bought from in the past year. Shared out in proportion to what is expected of them; rows of "
    "fewer than 0.005 purchases are told under everybody else.",
    may_be_empty=True,
)


def demand_table(forecasts: dict[int, pl.DataFrame], *, as_of: date, run_key: str) -> pl.DataFrame:
    """`demand_forecast` as published: forecasts by period in days, put together and sorted by the key."""
    return _published(DEMAND_FORECAST, forecasts, as_of=as_of, run_key=run_key)


def customer_demand_table(parts: dict[int, pl.DataFrame], *, as_of: date, run_key: str) -> pl.DataFrame:
    """`customer_demand` as published: rows by period in days, put together and sorted by the key."""
    return _published(CUSTOMER_DEMAND, parts, as_of=as_of, run_key=run_key)


def _published(contract: OutputContract, frames: dict[int, pl.DataFrame], *, as_of: date, run_key: str) -> pl.DataFrame:
    parts = [
        frame.with_columns(
            pl.lit(days, pl.Int32).alias("period_days"),
            pl.lit(as_of, pl.Date).alias("as_of"),
            pl.lit(run_key).alias("run_key"),
        ).select(contract.names)
        for days, frame in frames.items()
    ]
    return pl.concat(parts).sort(contract.key)
