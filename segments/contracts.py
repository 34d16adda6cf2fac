"""What the published segment tables are, column by column, in plain words for those who read them.

Belongs here: the contracts the audit checks and the warehouse takes its comments from. Does not: how a column is made.
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.money import Currency, amount_dtype
from segments.portfolio_contracts import portfolio_contracts
from segments.retraction import CUSTOMER_RETRACTION
from segments.standing_contracts import standing_columns, standing_contracts
from segments.vocabulary import NOT_SCORED, RISK_BANDS, STATUSES, VALUE_TIERS

WATCHED_COLUMNS = (
    "customer_status",
    "churn_risk_band",
    "value_tier",
    "lifecycle",
    "loyalty_class",
    "fate",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "next_offer_1",
    "next_offer_2",
    "next_offer_3",
    "recommended_action",
)
"""Columns of `segments.customer` whose change moves `changed_at`. Probabilities and amounts move every night."""

NEXT_BEST_OFFER = OutputContract(
    table="next_best_offer",
    key=("customer_id", "rank"),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="The customer."),
        OutputColumn("rank", pl.Int32, minimum=1, meaning="1 is the offer they are most likely to take."),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        OutputColumn("product_id", pl.String, meaning="The product to offer."),
        OutputColumn("product_name", pl.String, meaning="Its name; its id where no name is known."),
        OutputColumn("category", pl.String, nullable=True, meaning="Its category; empty where none is known."),
        OutputColumn(
            "purchase_probability",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            maximum=1.0,
            meaning="How likely the customer is to buy it in the coming weeks, from 0 to 1.",
        ),
        OutputColumn("reason", pl.String, meaning="Why this product is offered to this customer, in words."),
        OutputColumn(
            "next_offer_model_version", pl.Int32, nullable=True, meaning="Version of the model that ranked the offers."
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="What to offer each active customer next: a ranked list, with the reason for each offer.",
)

NEXT_BEST_CATEGORY = OutputContract(
    table="next_best_category",
    key=("customer_id", "rank"),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="The customer."),
        OutputColumn("rank", pl.Int32, minimum=1, meaning="1 is the category they are most likely to buy from."),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        OutputColumn("category", pl.String, meaning="The category of products."),
        OutputColumn(
            "purchase_probability",
            pl.Float64,
            minimum=0.0,
            maximum=1.0,
            meaning="How likely the customer is to buy anything of it in the coming weeks, from 0 to 1.",
        ),
        OutputColumn(
            "next_offer_model_version",
            pl.Int32,
            nullable=True,
            meaning="Version of the model that ranked the categories.",
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="Which categories each active customer is most likely to buy from next: a ranked list. Not there where "
    "products have no categories.",
    may_be_empty=True,
)


def published_contracts(currency: Currency) -> tuple[OutputContract, ...]:
    """The contracts of every table a night may publish, in the order people read them."""
    return (
        customer_contract(currency),
        NEXT_BEST_OFFER,
        NEXT_BEST_CATEGORY,
        CUSTOMER_RETRACTION,
        *standing_contracts(currency),
        *portfolio_contracts(currency),
    )


def customer_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.customer`; amounts have as many decimals as the company's currency."""
    return OutputContract(
        table="customer",
        key=("customer_id",),
        columns=(
            OutputColumn("customer_id", pl.String, meaning="The customer."),
            OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
            *_class_and_score_columns(currency),
            *_decision_columns(),
            *standing_columns(),
            *_origin_columns(),
        ),
        volatile=("run_key",),
        meaning="One row per known customer: where they stand, what they are worth, and what to do about it.",
    )


def _class_and_score_columns(currency: Currency) -> tuple[OutputColumn, ...]:
    amount = amount_dtype(currency)
    return (
        OutputColumn(
            "customer_status",
            pl.String,
            allowed=STATUSES,
            meaning="active: bought in the last 12 months (365 days unless set otherwise); lapsed: bought, but longer "
            "ago; prospect: no purchase yet.",
        ),
        OutputColumn(
            "churn_probability",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            maximum=1.0,
            meaning="How likely the customer is to buy nothing in the next 90 days, from 0 to 1; empty: not scored.",
        ),
        OutputColumn(
            "churn_risk_band",
            pl.String,
            allowed=(*RISK_BANDS, NOT_SCORED),
            meaning="The churn probability as a class: low, medium, high, critical.",
        ),
        OutputColumn(
            "expected_value_90d",
            amount,
            nullable=True,
            minimum=0,
            meaning="What the customer is expected to spend in the next 90 days, net of returns; never below 0.",
        ),
        OutputColumn(
            "expected_value_12m",
            amount,
            nullable=True,
            minimum=0,
            meaning="What the customer is expected to spend in the next 12 months, net of returns; never below 0.",
        ),
        OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts."),
        OutputColumn(
            "value_tier",
            pl.String,
            allowed=(*VALUE_TIERS, NOT_SCORED),
            meaning="Place in the customer pyramid by expected value of the next 12 months: platinum (the top 5 % "
            "unless set otherwise), gold (the next 20 %), iron (the next 50 %), lead (the rest).",
        ),
    )


def _decision_columns() -> tuple[OutputColumn, ...]:
    scores = tuple(
        OutputColumn(
            name,
            pl.Int8,
            nullable=True,
            minimum=1,
            maximum=5,
            meaning=f"{meaning}, compared with the other active customers: 1 to 5, 5 is best.",
        )
        for name, meaning in (
            ("recency_score", "How recently they bought"),
            ("frequency_score", "How often they buy"),
            ("monetary_score", "How much they spend"),
        )
    )
    offers = tuple(
        OutputColumn(f"next_offer_{rank}", pl.String, nullable=True, meaning=f"Product to offer, choice {rank}.")
        for rank in (1, 2, 3)
    )
    return (
        *scores,
        OutputColumn(
            "days_since_last_order",
            pl.Int32,
            nullable=True,
            minimum=0,
            meaning="Days since their last purchase; empty: no purchase yet.",
        ),
        *offers,
        OutputColumn(
            "main_reason", pl.String, meaning="What explains their churn risk most, in words, with their own figures."
        ),
        OutputColumn("recommended_action", pl.String, meaning="What to do with this customer now, in words."),
    )


def _origin_columns() -> tuple[OutputColumn, ...]:
    return (
        OutputColumn("churn_model_version", pl.Int32, meaning="Version of the model that gave the churn probability."),
        OutputColumn("value_model_version", pl.Int32, meaning="Version of the model that gave the expected values."),
        OutputColumn(
            "next_offer_model_version", pl.Int32, nullable=True, meaning="Version of the model that ranked the offers."
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
        OutputColumn(
            "changed_at",
            pl.Date,
            meaning="Since when status, band, tier, stage, loyalty, fate, scores, offers and action have been "
            "what they are.",
        ),
    )
