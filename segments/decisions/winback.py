"""Lost key customers and a plan for each: what they used to buy, when and after what they left, what to offer.

Belongs here: the table `segments.winback_list`. Does not: reading core rows.
"""

from dataclasses import dataclass

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.lists import ListStamp, as_list, list_contract
from segments.decisions.values import ASSUMED
from segments.money import Currency, amount_dtype
from segments.numbers_in_words import money_in_words
from segments.vocabulary import LAPSED

MOST_NAMED = 3
NOTICED_PER_CENT = 10
DAYS_A_YEAR = 365
NOTHING_KNOWN = "nothing out of the ordinary is recorded"
REMIND = "ask how they are"


@dataclass(frozen=True, kw_only=True)
class WinbackRules:
    """Who is a lost key customer, and what an attempt costs.

    Attributes:
        key_share: share of all buyers, by what they brought in their best year, that are key customers.
        return_share: share of them whom an attempt brings back.
        cost_amount: of one attempt, minor units.
    """

    key_share: float
    return_share: float
    cost_amount: int


def winback_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.winback_list`."""
    return list_contract(
        "winback_list",
        (
            OutputColumn("last_order_on", pl.Date, meaning="When they last bought."),
            OutputColumn(
                "yearly_margin",
                amount_dtype(currency),
                meaning="What they brought in a year while they bought, after the goods' cost.",
            ),
            OutputColumn("used_to_buy", pl.String, meaning="What they bought most."),
            OutputColumn(
                "left_after", pl.String, meaning="What happened last before they stopped, as far as recorded."
            ),
            OutputColumn(
                "offer",
                pl.String,
                nullable=True,
                meaning="What to come back to them with: what they bought most often of what is still sold; empty: "
                "nothing of it is.",
            ),
            OutputColumn("plan", pl.String, meaning="What to do about it, in words: first what drove them away."),
        ),
        currency=currency,
        meaning="Lost key customers, each with a plan to win them back.",
        rank_meaning="1 is where winning back is expected to bring most.",
    )


def key_customers(features: pl.DataFrame, customers: pl.DataFrame, *, rules: WinbackRules) -> pl.DataFrame:
    """Lapsed customers who were among the best.

    Args:
        features: `customer_id`, `net_amount_life` (Int64, minor units), `days_between_first_and_last_order` (may be
            null).
        customers: `customer_id`, `customer_status`, `may_be_contacted`.
        rules: see `WinbackRules`.

    Returns:
        `customer_id`, `yearly_amount` (Int64, minor units, while they bought; at least a year is counted).
    """
    years = (pl.col("days_between_first_and_last_order").fill_null(0) / DAYS_A_YEAR).clip(lower_bound=1.0)
    yearly = features.select(
        "customer_id", (pl.col("net_amount_life") / years).round(0).cast(pl.Int64).alias("yearly_amount")
    ).filter(pl.col("yearly_amount") > 0)
    count = max(round(rules.key_share * yearly.height), 1)
    key = yearly.sort("yearly_amount", "customer_id", descending=[True, False]).head(count)
    lost = customers.filter((pl.col("customer_status") == LAPSED) & pl.col("may_be_contacted"))
    return key.join(lost.select("customer_id"), on="customer_id", how="semi")


def winback_list(
    lost: pl.DataFrame,
    lines: pl.DataFrame,
    tickets: pl.DataFrame | None,
    *,
    rules: WinbackRules,
    stamp: ListStamp,
) -> pl.DataFrame:
    """The rows of `segments.winback_list`.

    Args:
        lost: as `key_customers` gives it, with `margin_share` (Float64).
        lines: their order lines: `customer_id`, `ordered_on` (Date), `product_name`, `category` (String or null),
            `amount` (Int64), `unit_price` (Float64, null where unknown), `is_sold` (Boolean: still, as far as known).
        tickets: of theirs: `customer_id`, `opened_on` (Date), `kind`, `resolved_on` (Date or null); None without any.
        rules: see `WinbackRules`.
        stamp: where it comes from.
    """
    bought = lines.filter(pl.col("amount") > 0)
    last = bought.group_by("customer_id").agg(pl.max("ordered_on").alias("last_order_on"))
    rows = lost.join(last, on="customer_id", validate="1:1")
    for frame in (_used_to_buy(bought), _left_after(rows, lines, tickets)):
        rows = rows.join(frame, on="customer_id", how="left", validate="1:1")
    margin = (pl.col("yearly_amount") * pl.col("margin_share")).round(0).cast(pl.Int64)
    offer = pl.format("offer {}", "offer").fill_null("offer something new: what they bought is no longer sold")
    plan = pl.format("{}, then {}", pl.col("first_step").fill_null(REMIND), offer)
    rows = rows.with_columns(
        margin.alias("yearly_margin"), pl.col("left_after").fill_null(NOTHING_KNOWN), plan.alias("plan")
    )

    def gain(share: float) -> pl.Expr:
        return (pl.col("yearly_margin") * share - rules.cost_amount).round(0).cast(pl.Int64)

    rows = rows.with_columns(
        gain(rules.return_share).alias("gain_amount"),
        gain(0.0).alias("gain_low_amount"),
        gain(min(2 * rules.return_share, 1.0)).alias("gain_high_amount"),
        pl.lit(ASSUMED).alias("evidence"),
    ).filter(pl.col("gain_amount") > 0)
    worth = money_in_words(pl.col("yearly_margin"), stamp.currency)
    days = (pl.lit(stamp.as_of) - pl.col("last_order_on")).dt.total_days()
    reason = pl.format("brought {} of margin a year; last bought {} days ago; {}", worth, days, "left_after")
    rows = rows.with_columns(reason.alias("reason"))
    return as_list(rows, winback_contract(stamp.currency), stamp, amounts=("yearly_margin",))


def _used_to_buy(bought: pl.DataFrame) -> pl.DataFrame:
    """What each customer spent most on, by category where there are any, and the product bought most often."""
    named = bought.with_columns(pl.coalesce("category", "product_name").alias("what"))
    ranked = (
        named.group_by("customer_id", "what")
        .agg(pl.sum("amount"))
        .sort("customer_id", "amount", "what", descending=[False, True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col("what").head(MOST_NAMED).str.join(", ").alias("used_to_buy"))
    )
    favourite = _bought_most(bought.filter("is_sold")).rename({"product_name": "offer"})
    return ranked.join(favourite, on="customer_id", how="left", validate="1:1")


def _bought_most(bought: pl.DataFrame) -> pl.DataFrame:
    """`customer_id`, `product_name` of the product each bought most often."""
    return (
        bought.group_by("customer_id", "product_name")
        .agg(pl.len().alias("times"))
        .sort("customer_id", "times", "product_name", descending=[False, True, False])
        .group_by("customer_id", maintain_order=True)
        .agg(pl.first("product_name"))
    )


def _left_after(rows: pl.DataFrame, lines: pl.DataFrame, tickets: pl.DataFrame | None) -> pl.DataFrame:
    """What happened around the last purchase: a complaint, a return, a rise in price, a favourite that is no more.

    Returns:
        `customer_id`, `left_after`, `first_step` (what to do about it); of several things the first of these.
    """
    parts = [_after_returns(rows, lines), _after_price_rise(rows, lines), _after_the_end_of(lines)]
    if tickets is not None:
        parts.insert(0, _after_complaints(rows, tickets))
    told = pl.concat(parts)
    return told.group_by("customer_id", maintain_order=True).agg(pl.first("left_after"), pl.first("first_step"))


def _after_the_end_of(lines: pl.DataFrame) -> pl.DataFrame:
    """What they bought most often is no longer sold."""
    bought = lines.filter(pl.col("amount") > 0)
    sold = bought.select("product_name", "is_sold").unique("product_name", keep="any")
    gone = _bought_most(bought).join(sold, on="product_name", validate="m:1").filter(~pl.col("is_sold"))
    return gone.select(
        "customer_id",
        pl.format("{}, which they bought most, is no longer sold", "product_name").alias("left_after"),
        pl.format("tell them what replaces {}", "product_name").alias("first_step"),
    )


def _after_complaints(rows: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    asked = tickets.join(rows.select("customer_id", "last_order_on"), on="customer_id", validate="m:1")
    near = (pl.col("opened_on") >= pl.col("last_order_on").dt.offset_by("-30d")) & (pl.col("kind") == "complaint")
    last = asked.filter(near).sort("customer_id", "opened_on").group_by("customer_id", maintain_order=True).last()
    is_open = pl.col("resolved_on").is_null()
    still = pl.when(is_open).then(pl.lit(", never settled")).otherwise(pl.lit(""))
    return last.select(
        "customer_id",
        pl.format("a complaint on {}{}", "opened_on", still).alias("left_after"),
        pl.when(is_open)
        .then(pl.lit("settle the complaint"))
        .otherwise(pl.lit("ask whether the complaint was settled to their liking"))
        .alias("first_step"),
    )


def _after_returns(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    returned = lines.filter(pl.col("amount") < 0).join(
        rows.select("customer_id", "last_order_on"), on="customer_id", validate="m:1"
    )
    late = returned.filter(pl.col("ordered_on") >= pl.col("last_order_on"))
    last = late.sort("customer_id", "ordered_on", "product_name").group_by("customer_id", maintain_order=True).last()
    return last.select(
        "customer_id",
        pl.format("a return of {} on {}", "product_name", "ordered_on").alias("left_after"),
        pl.format("ask what was wrong with {}", "product_name").alias("first_step"),
    )


def _after_price_rise(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """A product they bought before cost a tenth more, or more, in the last order."""
    priced = lines.filter((pl.col("amount") > 0) & pl.col("unit_price").is_not_null()).join(
        rows.select("customer_id", "last_order_on"), on="customer_id", validate="m:1"
    )
    key = ["customer_id", "product_name"]
    before = priced.filter(pl.col("ordered_on") < pl.col("last_order_on")).group_by(key)
    usual = before.agg(pl.median("unit_price").alias("usual"))
    last = priced.filter(pl.col("ordered_on") == pl.col("last_order_on")).group_by(key).agg(pl.max("unit_price"))
    dearer = last.join(usual, on=key, validate="1:1").with_columns(
        ((pl.col("unit_price") / pl.col("usual") - 1) * 100).round(0).cast(pl.Int64, strict=False).alias("rise")
    )
    worst = dearer.filter(pl.col("rise") >= NOTICED_PER_CENT).sort(
        "customer_id", "rise", "product_name", descending=[False, True, False]
    )
    first = worst.group_by("customer_id", maintain_order=True).first()
    return first.select(
        "customer_id",
        pl.format("{} cost {}% more", "product_name", "rise").alias("left_after"),
        pl.format("tell them what {} costs today", "product_name").alias("first_step"),
    )
