"""Online Retail II the forward way: order lines, features and outcomes of any dates, as the quality figures want them.

Belongs here: reading the two public files by the rules of the published comparison, and what the product's own training
functions are given as of a date. Does not: models and figures (`quality_churn`, `quality_value`).

The rules: both files stacked; the second year's lines dated up to 2010-12-09 20:01 dropped (they are in both files);
lines without a customer dropped; goods only (stock codes of five leading digits); amount = quantity * price,
cancellations negative.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

import features
from data_contracts.orders import snapshot_instant
from models.snapshots import labels
from models.snapshots.rows import TrainingData

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
ZONE = "UTC"
FIRST_DAY, LAST_DAY = date(2009, 12, 1), date(2011, 12, 9)
FIRST_FILE_ENDS = datetime(2010, 12, 9, 20, 1)  # noqa: DTZ001 - the files have no time zone
TEST_DATES = tuple(date(2011, month, 1) for month in range(3, 10))
HORIZON_DAYS = 90
ABSENT = ("orders.channel", "orders.cost_amount", "orders.discount_amount")
NAMES = (
    {"customer": "Customer ID", "order": "Invoice", "price": "Price"},
    {"customer": "CustomerID", "order": "InvoiceNo", "price": "UnitPrice"},
)
BANDS = ["month_start", "recency_band", "frequency_band"]


@dataclass(frozen=True)
class Shop:
    """The shop's order lines, in the core's columns, sorted."""

    lines: pl.DataFrame

    def population(self, dates: Sequence[date]) -> pl.DataFrame:
        """Who is asked about: customers with a purchase in the 365 days before."""
        return labels.population(self.lines.lazy(), snapshots=dates, time_zone=ZONE).collect()

    def features(self, dates: Sequence[date]) -> pl.DataFrame:
        """The product's features of the population."""
        built = features.build(
            {"orders": self.lines.lazy()}, snapshots=dates, time_zone=ZONE, absent_columns=ABSENT
        ).collect()
        return built.join(self.population(dates), on=labels.KEYS, how="semi").sort(labels.KEYS)

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Without the keys."""
        return tuple(spec.name for spec in features.catalogue(("orders",), absent_columns=ABSENT))

    def outcomes(
        self, dates: Sequence[date], *, horizon_days: int = HORIZON_DAYS, known_by: date | None = None
    ) -> pl.DataFrame:
        """What happened in [date, date + horizon), as known before `known_by` (None: in the end)."""
        instant = None if known_by is None else snapshot_instant(known_by, time_zone=ZONE)
        return labels.outcomes(
            self.lines.lazy(), snapshots=dates, horizon_days=horizon_days, time_zone=ZONE, known_by=instant
        ).collect()

    def training_data(self, made: pl.DataFrame, as_of: date) -> TrainingData:
        """What training as of a date may know; `made`: features of any dates, those of `as_of` or later not used."""
        return TrainingData(
            features=made.filter(pl.col("snapshot_date") < as_of),
            feature_names=self.feature_names,
            activity=labels.monthly_activity(self.lines.lazy(), as_of=as_of, time_zone=ZONE).collect(),
            first_event=FIRST_DAY,
            as_of=as_of,
        )


def observed(day: date, horizon_days: int = HORIZON_DAYS) -> bool:
    """Whether the window after a date is in the files."""
    return day + timedelta(days=horizon_days) <= LAST_DAY + timedelta(days=1)


def open_shop() -> Shop:
    """Read the files."""
    folder = DATA / "online_retail"
    years = [
        _year(folder / f"year_{name}.parquet", NAMES[number]) for number, name in enumerate(("2009_2010", "2010_2011"))
    ]
    stacked = pl.concat([years[0], years[1].filter(pl.col("ordered_at") > FIRST_FILE_ENDS)])
    goods = stacked.filter(pl.col("customer_id").is_not_null() & pl.col("product_id").str.contains(r"^\d{5}"))
    moment = pl.col("ordered_at").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    lines = goods.with_columns(
        line_number=pl.int_range(pl.len()).over("order_id").cast(pl.Int32),
        ordered_at=moment,
        known_at=moment,
        currency=pl.lit("GBP"),
        channel=pl.lit(None, pl.String),
        cost_amount=pl.lit(None, pl.Int64),
        discount_amount=pl.lit(None, pl.Int64),
    )
    return Shop(lines.sort("customer_id", "ordered_at", "order_id", "line_number"))


def _year(file: Path, names: dict[str, str]) -> pl.DataFrame:
    return pl.read_parquet(file).select(
        customer_id=pl.col(names["customer"]).cast(pl.String),
        order_id=pl.col(names["order"]),
        product_id=pl.col("StockCode"),
        ordered_at=pl.col("InvoiceDate"),
        quantity=pl.col("Quantity").cast(pl.Float64),
        amount=(pl.col("Quantity") * pl.col(names["price"]) * 100).round().cast(pl.Int64),
    )
