"""What each customer brought in the last year, part by part: profit, not turnover.

Belongs here: margin after returns and discounts, minus contacts, service and late payment, each shown. Does not: what
they are expected to bring (the value model), or weighing it with other things (`value_score.py`).

What is not recorded is null, never 0: nobody is told that contacts cost nothing where their cost is unknown. The
contribution is then what is known of it.
"""

from datetime import date

import polars as pl

from segments.standing.rules import SegmentationRules

YEAR_DAYS = 365
_MONTH_DAYS = 365.25 / 12
_READ = (
    *("contact_cost_amount_365_days", "compensation_amount_365_days", "ticket_count_365_days"),
    *("subscription_monthly_amount", "days_since_first_subscription"),
)
ORDER_SUMS: dict[str, type[pl.DataType]] = {
    "customer_id": pl.String,
    "net_sales_12m": pl.Int64,
    "returns_12m": pl.Int64,
    "discounts_12m": pl.Int64,
    "goods_cost_12m": pl.Int64,
    "sales_with_cost": pl.Int64,
    "units_12m": pl.Float64,
}
LATE_DAYS: dict[str, type[pl.DataType]] = {"customer_id": pl.String, "late_amount_days": pl.Int64}


def order_sums(lines: pl.LazyFrame) -> pl.DataFrame:
    """Sums of the last year's order lines by customer, minor units.

    Args:
        lines: `customer_id`, `quantity`, `amount`, `discount_amount`, `cost_amount` of the lines that count.

    Returns:
        As `ORDER_SUMS`: sales net of returns and discounts; what came back (positive); discounts and cost of goods
        (null where no line has any); sales of the lines whose cost is known; units, returns taken off. Unsorted.
    """
    amount, cost, discount = pl.col("amount"), pl.col("cost_amount"), pl.col("discount_amount")
    return (
        lines.group_by("customer_id")
        .agg(
            amount.sum().alias("net_sales_12m"),
            (-amount.filter(amount < 0).sum()).alias("returns_12m"),
            pl.when(discount.count() > 0).then(discount.sum()).alias("discounts_12m"),
            pl.when(cost.count() > 0).then(cost.sum()).alias("goods_cost_12m"),
            amount.filter(cost.is_not_null()).sum().alias("sales_with_cost"),
            ((pl.col("quantity") * 1000).round().cast(pl.Int64).sum() / 1000).alias("units_12m"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in ORDER_SUMS.items())
        .collect()
    )


def late_payment_days(invoices: pl.LazyFrame, *, day: date) -> pl.DataFrame:
    """Money times days it came too late (or is late by now), in the last year, by customer.

    Args:
        invoices: `customer_id`, `issued_on`, `due_on`, `paid_on`, `amount` as known at the day.
        day: the business date.

    Returns:
        As `LATE_DAYS`: minor units times days; 0 for who has invoices and pays in time. Unsorted.
    """
    paid = pl.when(pl.col("paid_on") < day).then(pl.col("paid_on"))
    until = pl.coalesce(paid, pl.lit(day))
    since = pl.max_horizontal(pl.col("due_on"), pl.lit(day) - pl.duration(days=YEAR_DAYS))
    days = (until - since).dt.total_days().clip(lower_bound=0).fill_null(0)
    asks = (pl.col("amount") > 0) & (pl.col("issued_on") < day)
    return (
        invoices.filter(asks)
        .group_by("customer_id")
        .agg((pl.col("amount") * days).sum().cast(pl.Int64).alias("late_amount_days"))
        .collect()
    )


def value_components(
    facts: pl.DataFrame, sums: pl.DataFrame, late: pl.DataFrame | None, *, rules: SegmentationRules
) -> pl.DataFrame:
    """The parts of last year's contribution.

    Args:
        facts: as `customer_facts` returns it.
        sums: as `order_sums` returns it.
        late: as `late_payment_days` returns it; None without payments.
        rules: of the company.

    Returns:
        In the order of `facts`: `customer_id`, `net_sales_12m`, `subscription_sales_12m` (the part of them that
        running subscriptions make; null without subscriptions), `returns_12m`, `discounts_12m`, `goods_cost_12m`,
        `margin_12m`, `margin_is_estimated`, `contact_cost_12m`, `service_cost_12m`, `late_payment_cost_12m`,
        `contribution_12m` (Int64, minor units), `units_12m`.
    """
    late = pl.DataFrame(schema=LATE_DAYS) if late is None else late
    rows = facts.select("customer_id", *_READ)
    for other in (sums, late):
        rows = rows.join(other, on="customer_id", how="left", validate="1:1", maintain_order="left")
    # 0 where nothing was bought; null where nobody's was ever recorded
    recorded = {name: sums[name].count() > 0 for name in ("discounts_12m", "goods_cost_12m")}
    rows = rows.with_columns(
        pl.col("net_sales_12m", "returns_12m", "sales_with_cost").fill_null(0),
        pl.col("units_12m").fill_null(0.0),
        *(pl.col(name).fill_null(0) for name, known in recorded.items() if known),
        subscription_sales().alias("subscription_sales_12m"),
    ).with_columns(pl.col("net_sales_12m") + pl.col("subscription_sales_12m").fill_null(0))
    return rows.with_columns(*_costs(rules, with_tickets=rows["ticket_count_365_days"].count() > 0)).select(
        *("customer_id", "net_sales_12m", "subscription_sales_12m", "returns_12m", "discounts_12m"),
        *("goods_cost_12m", "margin_12m"),
        *("margin_is_estimated", "contact_cost_12m", "service_cost_12m", "late_payment_cost_12m"),
        _contribution().alias("contribution_12m"),
        "units_12m",
    )


def subscription_sales() -> pl.Expr:
    """What running subscriptions cost the customer in the last year, by today's price and the time they subscribe.

    Int64, minor units, of `subscription_monthly_amount` and `days_since_first_subscription`; null where none runs.
    """
    months = (pl.col("days_since_first_subscription") / _MONTH_DAYS).clip(0.0, 12.0)
    return (pl.col("subscription_monthly_amount") * months).round().cast(pl.Int64)


def _costs(rules: SegmentationRules, *, with_tickets: bool) -> list[pl.Expr]:
    unknown = pl.col("net_sales_12m") - pl.col("sales_with_cost")
    known = pl.col("sales_with_cost") - pl.col("goods_cost_12m").fill_null(0)
    service = pl.col("compensation_amount_365_days")
    if rules.cost_per_ticket_amount is not None and with_tickets:
        service = service.fill_null(0) + pl.col("ticket_count_365_days").fill_null(0) * rules.cost_per_ticket_amount
    a_day = rules.late_payment_rate_per_year / YEAR_DAYS
    return [
        (known + (unknown * rules.assumed_margin_share).round().cast(pl.Int64)).alias("margin_12m"),
        (unknown != 0).alias("margin_is_estimated"),
        pl.col("contact_cost_amount_365_days").alias("contact_cost_12m"),
        service.alias("service_cost_12m"),
        (pl.col("late_amount_days") * a_day).round().cast(pl.Int64).alias("late_payment_cost_12m"),
    ]


def _contribution() -> pl.Expr:
    costs = ("contact_cost_12m", "service_cost_12m", "late_payment_cost_12m")
    return pl.col("margin_12m") - pl.sum_horizontal(pl.col(name).fill_null(0) for name in costs)
