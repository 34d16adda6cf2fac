"""Where to stop investing: customers served by the standard process only, or let go, and the money it frees.

Belongs here: the table `segments.standard_service`. Does not: what an active customer is worth.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.lists import ListStamp, as_list, list_contract
from segments.decisions.values import ASSUMED
from segments.money import Currency, amount_dtype
from segments.numbers_in_words import money_in_words
from segments.vocabulary import LEAD

STANDARD: Final = "standard service only"
LET_GO: Final = "let go"


@dataclass(frozen=True, kw_only=True)
class ServiceCosts:
    """What serving costs, minor units.

    Attributes:
        ticket_amount: of one service ticket.
        personal_amount: of a year of personal service (account manager, calls, letters), which the standard process
            does without.
    """

    ticket_amount: int
    personal_amount: int


def standard_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.standard_service`."""
    amount = amount_dtype(currency)
    return list_contract(
        "standard_service",
        (
            OutputColumn("decision", pl.String, allowed=(STANDARD, LET_GO), meaning="What to do."),
            OutputColumn(
                "margin_365_days", amount, meaning="What their purchases, and subscriptions that run, brought."
            ),
            OutputColumn("cost_365_days", amount, minimum=0, meaning="What contacts, tickets and compensations cost."),
            OutputColumn(
                "expected_margin_12m", amount, minimum=0, meaning="What they are expected to bring in 12 months."
            ),
        ),
        currency=currency,
        meaning="Customers for whom personal effort does not pay: served by the standard process only, or let go. The "
        "expected gain is the money that frees.",
        rank_meaning="1 is where most money is freed.",
    )


def standard_service(customers: pl.DataFrame, *, costs: ServiceCosts, stamp: ListStamp) -> pl.DataFrame:
    """The rows of `segments.standard_service`.

    Let go: they lose money, last year and by what is expected. Standard service only: a lead customer expected to bring
    less than a year of personal service costs.

    Args:
        customers: active customers with `customer_id`, `value_tier`, `margin_365_amount`, `expected_margin_12m_amount`,
            `contact_cost_amount`, `compensation_amount` (Int64, minor units, of 365 days), `tickets` (Int64).
        costs: see `ServiceCosts`.
        stamp: where it comes from.
    """
    cost = pl.col("contact_cost_amount") + pl.col("compensation_amount") + pl.col("tickets") * costs.ticket_amount
    rows = customers.with_columns(cost.cast(pl.Int64).alias("cost_365_days"))
    loses = (pl.col("margin_365_amount") < pl.col("cost_365_days")) & (
        pl.col("expected_margin_12m_amount") < pl.col("cost_365_days")
    )
    small = (pl.col("value_tier") == LEAD) & (pl.col("expected_margin_12m_amount") < costs.personal_amount)
    freed = (
        pl.when(loses)
        .then(pl.col("cost_365_days") - pl.col("expected_margin_12m_amount"))
        .otherwise(costs.personal_amount - pl.col("expected_margin_12m_amount"))
    )
    rows = rows.filter(loses | small).with_columns(
        pl.when(loses).then(pl.lit(LET_GO)).otherwise(pl.lit(STANDARD)).alias("decision"),
        pl.col("margin_365_amount").alias("margin_365_days"),
        pl.col("expected_margin_12m_amount").alias("expected_margin_12m"),
        freed.alias("gain_amount"),
        pl.lit(0, pl.Int64).alias("gain_low_amount"),
        pl.max_horizontal(freed, "cost_365_days", pl.lit(costs.personal_amount)).alias("gain_high_amount"),
        pl.lit(ASSUMED).alias("evidence"),
    )
    words = {
        name: money_in_words(pl.col(name), stamp.currency)
        for name in ("margin_365_amount", "cost_365_days", "expected_margin_12m_amount")
    }
    personal = money_in_words(pl.lit(costs.personal_amount), stamp.currency)
    reason = (
        pl.when(pl.col("decision") == LET_GO)
        .then(
            pl.format(
                "brought {} and cost {} in 365 days; {} expected next year",
                words["margin_365_amount"],
                words["cost_365_days"],
                words["expected_margin_12m_amount"],
            )
        )
        .otherwise(
            pl.format(
                "expected to bring {} next year, less than a year of personal service ({})",
                words["expected_margin_12m_amount"],
                personal,
            )
        )
    )
    rows = rows.with_columns(reason.alias("reason"))
    own = ("margin_365_days", "cost_365_days", "expected_margin_12m")
    return as_list(rows, standard_contract(stamp.currency), stamp, amounts=own)
