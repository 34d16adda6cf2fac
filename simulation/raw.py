"""The company's tables as its systems would export them: their own column names, text, local time, major units.

Belongs here: renames and formats, exactly reversible. Does not: defects (`dirt.py`), files (`files.py`).
"""

import polars as pl

from simulation.dealings import Dealings
from simulation.retailer import SimulatedCompany

LOCAL_TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
MONTH_COLUMN = "month"
"""Of the raw orders: the calendar month, local, of whose file the line is part; not itself exported."""


def raw_orders(company: SimulatedCompany) -> pl.DataFrame:
    """Order lines as exported, all text, in the order they happened, with `MONTH_COLUMN` ("2024-01")."""
    local = pl.col("ordered_at").dt.convert_time_zone(company.time_zone)
    return company.orders.select(
        pl.col("order_id").alias("order_number"),
        pl.col("line_number").cast(pl.String).alias("line"),
        pl.col("customer_id").alias("customer_number"),
        local.dt.strftime(LOCAL_TIME_FORMAT).alias("placed_at"),
        pl.col("product_id").alias("sku"),
        pl.col("quantity").cast(pl.Int64).cast(pl.String).alias("units"),
        _major_units("amount").alias("net_amount"),
        _major_units("discount_amount").alias("discount"),
        _major_units("cost_amount").alias("unit_cost_total"),
        pl.col("channel").alias("sales_channel"),
        "currency",
        local.dt.strftime("%Y-%m").alias(MONTH_COLUMN),
    )


def raw_customers(company: SimulatedCompany) -> pl.DataFrame:
    """Customers as exported, all text."""
    local = pl.col("created_at").dt.convert_time_zone(company.time_zone)
    return company.customers.select(
        pl.col("customer_id").alias("customer_number"),
        pl.col("customer_type").alias("kind"),
        local.dt.strftime(LOCAL_TIME_FORMAT).alias("joined_at"),
        "region",
        pl.col("birth_year").cast(pl.String).alias("year_of_birth"),
        pl.col("acquisition_channel").alias("came_from"),
        _major_units("credit_limit").alias("credit_limit"),
        "email",
        "phone",
        _yes_or_no("consent_marketing").alias("may_contact"),
    )


def raw_products(company: SimulatedCompany) -> pl.DataFrame:
    """Products as exported, all text."""
    return company.products.select(
        pl.col("product_id").alias("sku"),
        pl.col("name").alias("title"),
        pl.col("category").alias("department"),
        pl.col("brand").alias("maker"),
        _major_units("list_price").alias("list_price"),
        _major_units("unit_cost").alias("unit_cost"),
        pl.col("launched_on").dt.strftime("%Y-%m-%d"),
        _yes_or_no("active").alias("is_active"),
    )


def raw_contacts(dealings: Dealings) -> pl.DataFrame:
    """Letters as exported, all text; who was held out has a row too."""
    local = pl.col("sent_at").dt.convert_time_zone(dealings.company.time_zone)
    return dealings.contacts.select(
        pl.col("contact_id").alias("letter"),
        pl.col("customer_id").alias("customer_number"),
        pl.col("campaign_id").alias("mailing"),
        pl.col("offer_id").alias("voucher"),
        local.dt.strftime(LOCAL_TIME_FORMAT).alias("posted_at"),
        pl.col("channel").alias("by"),
        _major_units("cost").alias("postage"),
        _yes_or_no("held_out").alias("left_out_by_lot"),
    )


def raw_campaigns(dealings: Dealings) -> pl.DataFrame:
    """Mailings as exported, all text."""
    return dealings.campaigns.select(
        pl.col("campaign_id").alias("mailing"),
        pl.col("name").alias("title"),
        pl.col("starts_on").dt.strftime("%Y-%m-%d").alias("first_day"),
        _major_units("cost").alias("fixed_cost"),
        pl.col("offer_id").alias("voucher"),
    )


def raw_offers(dealings: Dealings) -> pl.DataFrame:
    """Vouchers as exported, all text."""
    return dealings.offers.select(
        pl.col("offer_id").alias("voucher"),
        pl.concat_str(pl.lit("Voucher for "), "category").alias("title"),
        pl.col("category").alias("department"),
    )


def raw_tickets(dealings: Dealings) -> pl.DataFrame:
    """Complaints as exported, all text; still open ones have no end."""
    zone = dealings.company.time_zone
    times = [
        pl.col(name).dt.convert_time_zone(zone).dt.strftime(LOCAL_TIME_FORMAT) for name in ("opened_at", "resolved_at")
    ]
    still_open = pl.col("resolved_at").dt.convert_time_zone(zone).dt.date() >= dealings.company.end
    return dealings.tickets.select(
        pl.col("ticket_id").alias("case"),
        pl.col("customer_id").alias("customer_number"),
        times[0].alias("opened"),
        pl.when(~still_open).then(times[1]).alias("closed"),
        "kind",
        pl.col("channel").alias("came_by"),
        pl.when(~still_open).then("satisfaction").cast(pl.Int64).cast(pl.String).alias("stars"),
    )


def _major_units(column: str) -> pl.Expr:
    """Integer hundredths as text with two decimals: -5 becomes "-0.05"."""
    hundredths = pl.col(column).abs()
    sign = pl.when(pl.col(column) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    cents = (hundredths % 100).cast(pl.String).str.zfill(2)
    return sign + (hundredths // 100).cast(pl.String) + "." + cents


def _yes_or_no(column: str) -> pl.Expr:
    """A flag as true or false."""
    return pl.when(pl.col(column)).then(pl.lit("true")).otherwise(pl.lit("false"))
