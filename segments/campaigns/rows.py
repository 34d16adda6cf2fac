"""What the customers of a campaign had done before, did in the window, and did in the window after it.

Belongs here: one row a (campaign, customer) with figures before and after. Does not: comparing them (`measuring.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from segments.campaigns.dated_sums import DatedSums, Ints
from segments.campaigns.people import Plan

BEFORE = (
    "net_sales_365_days_before",
    "net_sales_90_days_before",
    "purchases_365_days_before",
    "purchases_90_days_before",
    "days_since_last_purchase",
    "contacts_90_days_before",
)
"""What like customers are like in: known before the contact; amounts in minor units."""
LONGEST_SILENCE_DAYS = 731
NEVER_BOUGHT_DAYS = LONGEST_SILENCE_DAYS + 1
YEAR_DAYS, QUARTER_DAYS = 365, 90
LINES: Mapping[str, pl.DataType] = {
    "customer_id": pl.String(),
    "order_id": pl.String(),
    "product_id": pl.String(),
    "day": pl.Date(),
    "net_amount": pl.Int64(),
    "margin_amount": pl.Int64(),
    "discount_amount": pl.Int64(),
}
"""What is asked of order lines, amounts in minor units; `margin_amount` null: its cost is not known."""


@dataclass(frozen=True, kw_only=True)
class Ledgers:
    """What the customers of one bucket did, by day.

    Attributes:
        people: `customer_id` (sorted), `known_from`, `place`; a customer's number is the row.
        bought: `net_amount`, `margin_amount`, `uncosted_amount`, `discount_amount`, `purchases`.
        purchase_days: days with a purchase.
        contacts: contacts sent, `contacts`.
        lines: as `LINES`, with `customer` instead of `customer_id`.
    """

    people: pl.DataFrame
    bought: DatedSums
    purchase_days: DatedSums
    contacts: DatedSums
    lines: pl.DataFrame


def ledgers(people: pl.DataFrame, lines: pl.DataFrame, contacts: pl.DataFrame) -> Ledgers:
    """What a bucket's customers did.

    Args:
        people: `customer_id` (sorted, unique), `known_from`, `place`; everybody of `lines` and `contacts` is there.
        lines: as `LINES`.
        contacts: as `people.CONTACTS`.
    """
    numbered = people.select("customer_id").with_row_index("customer")
    own = lines.join(numbered, on="customer_id", how="inner", validate="m:1").drop("customer_id")
    orders = own.group_by("customer", "order_id").agg(
        pl.col("day").min(),
        pl.col("net_amount").sum(),
    )
    bought_on = (
        orders.filter(pl.col("net_amount") > 0)
        .group_by("customer", "day")
        .agg(pl.len().cast(pl.Int64).alias("purchases"))
    )
    amounts = ("net_amount", "margin_amount", "uncosted_amount", "discount_amount")
    uncosted = pl.when(pl.col("margin_amount").is_null()).then("net_amount").otherwise(0)
    own = own.with_columns(uncosted.alias("uncosted_amount"), pl.col("margin_amount").fill_null(0))
    daily = own.group_by("customer", "day").agg(pl.col(amounts).sum())
    daily = pl.concat([daily, bought_on], how="diagonal_relaxed").with_columns(
        pl.col(*amounts, "purchases").fill_null(0)
    )
    sent = contacts.filter(~pl.col("held_out")).join(numbered, on="customer_id", how="inner", validate="m:1")
    return Ledgers(
        people=people,
        bought=DatedSums.of(daily),
        purchase_days=DatedSums.of(bought_on),
        contacts=DatedSums.of(sent.select("customer", pl.col("sent_on").alias("day"), contacts=pl.lit(1, pl.Int64))),
        lines=own,
    )


def campaign_rows(
    sided: pl.DataFrame, found: Ledgers, plan: Plan, *, promoted: pl.Series | None, margin_share: float
) -> pl.DataFrame:
    """The figures of one campaign's customers.

    Args:
        sided: `customer_id`, `side`, `index_on` and what else is to be kept.
        found: of the same bucket.
        plan: of the campaign.
        promoted: `product_id` of what it promotes; None where it promotes nothing in particular.
        margin_share: of sales, where a line has no cost.

    Returns:
        The rows of `sided` without `customer_id`, with `BEFORE` (Int64), `orders`, `net_amount`, `margin_amount`,
        `discount_amount` of the window, `later_net_amount` of the window after, `earlier_net_amount` of the year
        before last, `further_contacts` in the window and `promoted_net_amount` (Int64; null: promotes nothing in
        particular).
    """
    numbered = found.people.select("customer_id").with_row_index("customer")
    rows = sided.join(numbered, on="customer_id", how="inner", validate="m:1", maintain_order="left")
    customer = rows["customer"].cast(pl.Int64).to_numpy()
    day = rows["index_on"].to_physical().cast(pl.Int64).to_numpy()
    figures = _before(found, customer, day) | _after(found, customer, day, plan.window_days)
    uncosted = figures.pop("uncosted_amount")
    figures["margin_amount"] = figures["margin_amount"] + np.round(uncosted * margin_share).astype(np.int64)
    of_promoted = pl.Series("promoted_net_amount", [None] * rows.height, dtype=pl.Int64)
    if promoted is not None:
        lines = found.lines.filter(pl.col("product_id").is_in(promoted.implode()))
        sums = DatedSums.of(lines.select("customer", "day", "net_amount"))
        start, end = sums.edge(customer, day), sums.edge(customer, day + plan.window_days)
        of_promoted = pl.Series("promoted_net_amount", sums.between("net_amount", start, end))
    return rows.drop("customer_id", "customer").with_columns(
        *(pl.Series(name, values) for name, values in figures.items()), of_promoted
    )


def _before(found: Ledgers, customer: Ints, day: Ints) -> dict[str, Ints]:
    bought, contacts, purchases = found.bought, found.contacts, found.purchase_days
    edges = (bought.edge(customer, day - days) for days in (0, QUARTER_DAYS, YEAR_DAYS, 2 * YEAR_DAYS))
    now, quarter, year, earlier = edges
    last = purchases.last_day_before(customer, purchases.edge(customer, day))
    silence = np.where(last < 0, NEVER_BOUGHT_DAYS, np.minimum(day - last, LONGEST_SILENCE_DAYS))
    addressed = (contacts.edge(customer, day - QUARTER_DAYS), contacts.edge(customer, day))
    values = (
        bought.between("net_amount", year, now),
        bought.between("net_amount", quarter, now),
        bought.between("purchases", year, now),
        bought.between("purchases", quarter, now),
        silence,
        contacts.between("contacts", *addressed),
    )
    of_earlier = {"earlier_net_amount": bought.between("net_amount", earlier, year)}
    return dict(zip(BEFORE, values, strict=True)) | of_earlier


def _after(found: Ledgers, customer: Ints, day: Ints, window_days: int) -> dict[str, Ints]:
    bought, contacts = found.bought, found.contacts
    start, end, later = (bought.edge(customer, day + days) for days in (0, window_days, 2 * window_days))
    amounts = ("net_amount", "margin_amount", "uncosted_amount", "discount_amount")
    named = {"orders": "purchases"} | {name: name for name in amounts}
    sums = {name: bought.between(source, start, end) for name, source in named.items()}
    addressed = (contacts.edge(customer, day + 1), contacts.edge(customer, day + window_days))
    return sums | {
        "later_net_amount": bought.between("net_amount", end, later),
        "further_contacts": contacts.between("contacts", *addressed),
    }
