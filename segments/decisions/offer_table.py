"""The table `segments.next_best_offer` as it is decided: what each offer brings, whether it is made, and why (not).

Belongs here: its contract and form. Does not: the ranked list (`segments.offers`), the choice (`choosing`).
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.explaining import best_losers
from segments.decisions.lists import GAINS, gain_columns
from segments.money import Currency, amount_dtype, to_major_units
from segments.ranked_offers import NEXT_BEST_OFFER

ADDRESSED = (
    "With which probability the customer is addressed at all, the draws of control group and exploration included: to "
    "be logged as `propensity` with the contact, and with that of whoever is held out. Empty where a rule forbids it."
)
MADE = (
    "With which probability this very offer is made to the customer, the same draws included: to be logged as "
    "`offer_propensity` with the contact. 0 where no draw could have led to it."
)
HELD_OUT = (
    "Whether it would be made, were the customer not in the control group: to be logged as a contact with `held_out`."
)
AMOUNTS = (*GAINS, "contact_cost")
GAIN_SOURCES = ("gain_amount", "gain_low_amount", "gain_high_amount", "cost_amount")


def offer_contract(currency: Currency) -> OutputContract:
    """The contract: the ranked list with what was decided about each offer."""
    base = NEXT_BEST_OFFER.columns
    cut = next(place for place, column in enumerate(base) if column.name == "reason") + 1
    own = (
        OutputColumn(
            "offer_id", pl.String, nullable=True, meaning="The declared offer to make for it; empty: at its price."
        ),
        OutputColumn("channel", pl.String, nullable=True, meaning="By which channel."),
        OutputColumn(
            "contact_cost",
            amount_dtype(currency),
            nullable=True,
            minimum=0,
            meaning="What the contact costs; empty: not known, and the gain is told before it.",
        ),
        *gain_columns(currency, nullable=True),
        OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts."),
        *(
            OutputColumn(name, pl.Float64, nullable=True, minimum=0.0, maximum=1.0, meaning=meaning)
            for name, meaning in (("propensity", ADDRESSED), ("offer_propensity", MADE))
        ),
        OutputColumn("is_open", pl.Boolean, meaning="Whether no rule about the customer or the offer forbids it."),
        OutputColumn("is_chosen", pl.Boolean, meaning="Whether it is to be made: chosen among all customers' offers."),
        OutputColumn("is_held_out", pl.Boolean, meaning=HELD_OUT),
        OutputColumn("decision_reason", pl.String, meaning="Why it was chosen, or by which rule or price it lost."),
        OutputColumn("best_loser", pl.String, nullable=True, meaning="The customer's best offer that is not made."),
        OutputColumn("best_loser_reason", pl.String, nullable=True, meaning="Why that one is not made."),
    )
    return OutputContract(
        table=NEXT_BEST_OFFER.table,
        key=NEXT_BEST_OFFER.key,
        columns=(*base[:cut], *own, *base[cut:]),
        volatile=NEXT_BEST_OFFER.volatile,
        meaning="What to offer each active customer next: a ranked list, what each offer is expected to bring, which "
        "are made under the rules and the budget, and why the others are not.",
    )


def decided_offers(ranked: pl.DataFrame, reasoned: pl.DataFrame, *, currency: Currency) -> pl.DataFrame:
    """The ranked list with what was decided; of several ways to make an offer the one chosen, else the best.

    Args:
        ranked: as `segments.offers.next_best_offers` gives it.
        reasoned: candidates with `why` (see `explaining.with_reasons`), `product_id`, `declared_offer_id`,
            `propensity`, `offer_propensity`, `held_out`, `cost_is_known`.
        currency: of the amounts.
    """
    best = (
        reasoned.sort(
            "customer_id",
            "product_id",
            "chosen",
            "usual",
            pl.col("blocked").is_null(),
            "gain_amount",
            "offer_id",
            "channel",
            descending=[False, False, True, True, True, True, False, False],
        )
        .group_by("customer_id", "product_id", maintain_order=True)
        .first()
        .with_columns(pl.when("cost_is_known").then("cost_amount"))
    )
    told = best.select(
        "customer_id",
        "product_id",
        pl.col("declared_offer_id").alias("offer_id"),
        "channel",
        *(
            to_major_units(pl.col(source), currency).alias(name)
            for name, source in zip(AMOUNTS, GAIN_SOURCES, strict=True)
        ),
        "evidence",
        "propensity",
        "offer_propensity",
        pl.col("blocked").is_null().alias("is_open"),
        pl.col("chosen").alias("is_chosen"),
        (pl.col("held_out") & pl.col("usual")).alias("is_held_out"),
        pl.col("why").alias("decision_reason"),
    )
    rows = ranked.join(told, on=["customer_id", "product_id"], how="left", validate="m:1", maintain_order="left")
    losers = best_losers(reasoned).rename({"best_loser_why": "best_loser_reason"})
    rows = rows.join(losers, on="customer_id", how="left", validate="m:1", maintain_order="left")
    return rows.with_columns(
        pl.lit(currency.code).alias("currency"),
        pl.col("is_open").fill_null(value=False),
        pl.col("is_chosen").fill_null(value=False),
        pl.col("is_held_out").fill_null(value=False),
        pl.col("decision_reason").fill_null("no value is known for it"),
    ).select(offer_contract(currency).names)
