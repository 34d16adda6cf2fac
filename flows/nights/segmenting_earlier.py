"""What customers were before: the version before, about a quarter ago, and by the former model.

Belongs here: finding earlier standings to compare with. Does not: comparing (`segments.standing.causes`).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data_contracts.errors import GristmillError
from flows.context import Context
from segments.money import Currency, to_minor_units
from segments.standing.customer_history import standing_on
from warehouse.databases.base import Warehouse
from warehouse.promotions import promotions_of
from warehouse.publishing.publications import VERSIONS_SCHEMA, Publication, publications, rows_before, versioned_name

VALUED_BY = pl.coalesce("value_model_version", "subscription_churn_model_version").alias("value_model_version")
"""Which model's version valued a customer: without orders it is the subscription model that does."""
COMPARED = ("customer_id", "as_of", "value_tier", "expected_value_12m", "value_model_version")


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """Earlier standings; None where there is none.

    Attributes:
        last: rows of the version before, the columns of `COMPARED`, amounts in minor units.
        quarter: the same of about a quarter ago.
        history: `segments.customer_history` of the version before, amounts in minor units.
        classes: each customer's last row of the history.
    """

    last: pl.DataFrame | None = None
    quarter: pl.DataFrame | None = None
    history: pl.DataFrame | None = None
    classes: pl.DataFrame | None = None

    @property
    def dates(self) -> list[date]:
        """The earlier dates there are."""
        return sorted({frame["as_of"][0] for frame in (self.last, self.quarter) if frame is not None})


def earlier_standings(context: Context, *, as_of: date, quarter_days: int, currency: Currency) -> Earlier:
    """What is known of customers before `as_of`: kept versions, and where the quarter's is gone, the history."""
    with context.warehouse() as warehouse:
        kept = [
            version
            for version in publications(warehouse)
            if version.as_of < as_of
            and not version.superseded
            and version.rolled_back_at is None
            and version.collected_at is None
            and "customer" in version.tables
        ]
        last = _rows(warehouse, kept[0], currency) if kept else None
        aim = as_of - timedelta(days=quarter_days)
        near = [version for version in kept if abs((version.as_of - aim).days) <= quarter_days // 2]
        closest = min(near, key=lambda version: (abs((version.as_of - aim).days), version.as_of), default=None)
        quarter = _rows(warehouse, closest, currency) if closest is not None else None
        history = rows_before(warehouse, "customer_history", as_of)
    if history is not None:
        history = history.with_columns(_minor_units(currency))
        quarter = _from_history(history, aim, quarter_days) if quarter is None else quarter
    classes = None if history is None else standing_on(history, as_of)
    return Earlier(last=last, quarter=quarter, history=history, classes=classes)


def previous_classes(context: Context, as_of: date) -> pl.DataFrame | None:
    """Yesterday's tier and risk band, so that nobody flickers; None on the first night."""
    with context.warehouse() as warehouse:
        rows = rows_before(warehouse, "customer", as_of)
    return None if rows is None else rows.select("customer_id", "value_tier", "churn_risk_band")


def former_values(context: Context, features: pl.DataFrame, version: int) -> pl.DataFrame | None:
    """What a former version of the value model says of today's features; None where it can't be asked any more.

    Args:
        context: the surroundings.
        features: of the customers who are scored tonight.
        version: of the former model.

    Returns:
        `customer_id`, `former_value` (Int64, minor units, never below 0).
    """
    from models.value.model import predict_value  # noqa: PLC0415 heavy

    with context.warehouse() as warehouse:
        promoted = [one for one in promotions_of(warehouse, "value") if one.version == version]
    if not promoted:
        return None
    try:
        bundle = context.registry.load("value", version=version, digest=promoted[-1].digest)
        predicted = predict_value(bundle, features)
    except GristmillError as error:
        context.reporter.say(
            f"the value model {version} can't be asked any more ({error.what}); causes go by purchases"
        )
        return None
    value = pl.col("expected_value_12m_amount").cast(pl.Int64).clip(lower_bound=0)
    return predicted.select("customer_id", value.alias("former_value"))


def _rows(warehouse: Warehouse, version: Publication, currency: Currency) -> pl.DataFrame:
    table = warehouse.read_table(VERSIONS_SCHEMA, versioned_name("customer", version.version_number))
    return table.with_columns(VALUED_BY).select(COMPARED).with_columns(_minor_units(currency))


def _from_history(history: pl.DataFrame, aim: date, quarter_days: int) -> pl.DataFrame | None:
    """Standings a quarter ago, where the history is that old: value to a quarter, classes exactly."""
    begins = history["as_of"].min()
    if not isinstance(begins, date) or begins > aim + timedelta(days=quarter_days // 2):
        return None
    day = max(aim, begins)
    return standing_on(history, day).with_columns(pl.lit(day).alias("as_of")).select(COMPARED)


def _minor_units(currency: Currency) -> pl.Expr:
    return to_minor_units(pl.col("expected_value_12m"), currency)
