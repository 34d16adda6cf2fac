"""Gathering the charter of one account from published tables and core rows.

Belongs here: what stands on the page. Does not: its form (`segments.standing.charters`), printing or writing it.
"""

from datetime import date, timedelta
from typing import Any

import polars as pl

from data_contracts.orders import current_at, known_before, snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors_segmenting import CustomerNotPublishedError
from flows.published.errors_exporting import NothingPublishedError
from segments.money import Currency, currency_of
from segments.standing.charters import Charter, Section
from warehouse.databases.base import Warehouse
from warehouse.lake import bucket_of
from warehouse.publishing.publications import PUBLISHED_SCHEMA, current_publication

YEAR_DAYS = 365
TOP = 5
_ABOUT = ("customer", "customer_value", "value_matrix", "loyalty", "lifecycle")
_PARTS = {
    "net_sales_12m": "sales, net of returns and discounts",
    "subscription_sales_12m": "of these, running subscriptions",
    "returns_12m": "returns",
    "discounts_12m": "discounts given",
    "margin_12m": "margin",
    "contact_cost_12m": "cost of contacts",
    "service_cost_12m": "cost of service",
    "late_payment_cost_12m": "cost of late payment",
    "contribution_12m": "what they brought in the last year",
}
Row = dict[str, Any]


def account_charter(context: Context, customer_id: str) -> Charter:
    """The charter of one account, as of the version readers see now.

    Raises:
        NothingPublishedError: no night is published yet.
        CustomerNotPublishedError: it has nobody of that id.
    """
    found, policy, categories = _published(context, customer_id)
    currency = currency_of(context.settings.company.currency)
    core, as_of = CoreTables.latest(context), found["as_of"]
    bought = _bought(core, customer_id, as_of)
    return Charter(
        title=f"Charter: account {customer_id}",
        subtitle=f"{context.settings.company.name}, as of {as_of}. {_place(found)}.",
        sections=(
            Section(heading="What we sell them", **_sold(bought, currency)),
            Section(heading="To whom", rows=_whom(core, customer_id, found, as_of)),
            Section(heading="What they bring, last 12 months", rows=_money(found, currency)),
            Section(heading="What we contribute", rows=_service(policy)),
            Section(heading="Opportunities", lines=_opportunities(found, bought, categories, currency)),
            Section(heading="Risks", lines=_risks(found, currency)),
            Section(heading="Agreed for the next quarter", lines=("aims:", "who does what by when:", "next talk:")),
        ),
    )


def _published(context: Context, customer_id: str) -> tuple[Row, Row, list[str]]:
    """Everything published about the customer on one row; the policy of their cell; categories they may buy next."""
    with context.warehouse(read_only=True) as warehouse:
        if current_publication(warehouse) is None:
            raise NothingPublishedError
        there = warehouse.views(PUBLISHED_SCHEMA)
        found: Row = {}
        for table in _ABOUT:
            if table in there:
                found = (_rows(warehouse, table, "customer_id", customer_id) or [{}])[0] | found
        if not found:
            raise CustomerNotPublishedError
        cell = str(found.get("matrix_cell", ""))
        policies = _rows(warehouse, "policy", "matrix_cell", cell) if "policy" in there else []
        listed = (
            _rows(warehouse, "next_best_category", "customer_id", customer_id) if "next_best_category" in there else []
        )
    ordered = sorted(listed, key=lambda row: row["rank"])
    return found, policies[0] if policies else {}, [row["category"] for row in ordered]


def _rows(warehouse: Warehouse, table: str, column: str, value: str) -> list[Row]:
    statement = f"SELECT * FROM {PUBLISHED_SCHEMA}.{table} WHERE {column} = ?"  # noqa: S608 names are this module's own
    return warehouse.query(statement, [value], step=f"read {PUBLISHED_SCHEMA}.{table}").to_dicts()


def _bought(core: CoreTables, customer_id: str, as_of: date) -> pl.DataFrame:
    """`name`, `category` (null: unknown), `amount` of what they bought in the last year, most first."""
    none = pl.DataFrame(schema={"name": pl.String, "category": pl.String, "amount": pl.Int64})
    lines = core.scan("orders", bucket_of(customer_id, core.load.buckets))
    if lines is None:
        return none
    instant = snapshot_instant(as_of, time_zone=core.time_zone)
    year = known_before(lines.filter(customer_id=customer_id), instant).filter(
        pl.col("ordered_at") >= instant - timedelta(days=YEAR_DAYS)
    )
    by_product = year.group_by("product_id").agg(pl.col("amount").sum()).filter(pl.col("amount") > 0).collect()
    products = core.scan("products")
    if products is None:
        named = by_product.with_columns(pl.lit(None, pl.String).alias("category"), pl.col("product_id").alias("name"))
    else:
        known = current_at(products, instant).select("product_id", "name", "category").collect()
        named = by_product.join(known, on="product_id", how="left", validate="m:1")
        named = named.with_columns(pl.coalesce("name", "product_id").alias("name"))
    return named.sort("amount", "name", descending=[True, False]).select(none.columns)


def _sold(bought: pl.DataFrame, currency: Currency) -> dict[str, Any]:
    """What they bought most, by category where products have some."""
    by = "category" if bought["category"].null_count() < bought.height else "name"
    if bought.is_empty():
        return {"lines": ("nothing in the last 12 months",)}
    summed = bought.group_by(pl.col(by).fill_null("other").alias("what")).agg(pl.col("amount").sum())
    top = summed.sort("amount", "what", descending=[True, False]).head(TOP)
    favourites = ", ".join(bought["name"].head(TOP))
    return {
        "rows": [(what, _minor(amount, currency)) for what, amount in top.iter_rows()],
        "lines": (f"bought most: {favourites}",),
    }


def _whom(core: CoreTables, customer_id: str, found: Row, as_of: date) -> list[tuple[str, str]]:
    """What kind of customer they are; no name, address or number of anybody."""
    known = {"customer since": found.get("days_as_customer")}
    rows = [] if known["customer since"] is None else [
        ("customer since", str(as_of - timedelta(days=int(found["days_as_customer"]))))
    ]  # fmt: skip
    records = core.scan("customers", bucket_of(customer_id, core.load.buckets))
    if records is not None:
        instant = snapshot_instant(as_of, time_zone=core.time_zone)
        labels = {"customer_type": "kind", "region": "region", "acquisition_channel": "came by"}
        record = current_at(records.filter(customer_id=customer_id), instant).select(list(labels)).collect()
        values = record.row(0, named=True) if record.height else {}
        rows += [(labels[name], str(value)) for name, value in values.items() if value is not None]
    return rows or [("customer", "nothing is recorded")]


def _money(found: Row, currency: Currency) -> list[tuple[str, str]]:
    rows = [(said, _major(found[name], currency)) for name, said in _PARTS.items() if found.get(name) is not None]
    if found.get("expected_value_12m") is not None:
        rows.append(("expected sales of the next 12 months", _major(found["expected_value_12m"], currency)))
    if found.get("value_score") is not None:
        rows.append(("value score (0 to 100), place", f"{found['value_score']:.1f}, {found['value_score_rank']:,}"))
    return rows


def _service(policy: Row) -> list[tuple[str, str]]:
    if not policy:
        return [("policy", "none is published")]
    return [
        ("service", str(policy["service_level"])),
        ("contacts a month, at most", str(policy["contacts_per_month"])),
        ("discount without asking, up to", f"{policy['discount_authority_share']:.0%}"),
        ("who answers for it", str(policy["owner"])),
    ]


def _opportunities(found: Row, bought: pl.DataFrame, categories: list[str], currency: Currency) -> list[str]:
    owned = set(bought["category"].drop_nulls())
    open_ones = [category for category in categories if category not in owned]
    offers = [str(found[name]) for name in ("next_offer_1", "next_offer_2", "next_offer_3") if found.get(name)]
    lines = [f"offer next: {', '.join(offers)}"] if offers else []
    lines += [f"categories they may buy and have not bought from: {', '.join(open_ones[:TOP])}"] if open_ones else []
    lines += ["a rising customer: expected to become a large one"] if found.get("is_rising") else []
    expected, last = found.get("expected_value_12m"), found.get("net_sales_12m")
    if expected is not None and last is not None and expected > last:
        lines.append(f"expected to buy for {_major(expected - last, currency)} more than last year")
    return lines or ["none that the data show"]


def _risks(found: Row, currency: Currency) -> list[str]:
    lines = []
    if found.get("churn_probability") is not None:
        lines.append(
            f"risk of leaving {found['churn_probability']:.0%} ({found['churn_risk_band']}): {found['main_reason']}"
        )
    if (found.get("silence_in_gaps") or 0) > 1:
        lines.append(
            f"silent for {found['silence_in_gaps']:.1f} of their usual gaps ({found['usual_gap_days']:.0f} days)"
        )
    if (found.get("overdue_amount") or 0) > 0:
        days = found.get("longest_overdue_days") or 0
        lines.append(f"overdue: {_major(found['overdue_amount'], currency)}, for up to {days} days")
    if found.get("credit_grade") in {"D", "E"}:
        lines.append(f"credit grade {found['credit_grade']}")
    if found.get("loyalty_class") in {"discount-driven", "polygamous"}:
        lines.append(f"loyalty: {found['loyalty_class']}")
    if (found.get("contribution_12m") or 0) < 0:
        lines.append("costs more than they bring")
    return lines or ["none that the data show"]


def _place(found: Row) -> str:
    named = {"value_tier": "tier", "matrix_cell": "cell", "lifecycle": "stage", "loyalty_class": "loyalty"}
    return ", ".join(f"{said}: {found[name]}" for name, said in named.items() if found.get(name))


def _minor(amount: int, currency: Currency) -> str:
    return _major(amount / 10**currency.exponent, currency)


def _major(amount: Any, currency: Currency) -> str:  # noqa: ANN401 Decimal or float, whichever the table has
    return f"{currency.label}{float(amount):,.{currency.exponent}f}"
