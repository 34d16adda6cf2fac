"""What the published segment tables are, column by column, in plain words for those who read them.

Belongs here: the contracts the audit checks and the warehouse takes its comments from. Does not: how a column is made.
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.campaigns.contract import BALANCE, ledger_contract
from segments.decisions.explaining import shadow_price_contract
from segments.decisions.offer_table import offer_contract
from segments.decisions.retention import retention_contract
from segments.decisions.standard import standard_contract
from segments.decisions.upgrade import upgrade_contract
from segments.decisions.winback import winback_contract
from segments.demand_table import CUSTOMER_DEMAND, DEMAND_FORECAST
from segments.money import Currency, amount_dtype
from segments.reasons.table import REASONS
from segments.retraction import CUSTOMER_RETRACTION
from segments.standing.contracts import standing_columns, standing_contracts
from segments.standing.portfolio_contracts import portfolio_contracts
from segments.subscription_value import subscription_value_columns
from segments.value_columns import value_detail_columns
from segments.vocabulary import NOT_SCORED, RISK_BANDS, SCORED_BY, STATUSES, VALUE_BASES, VALUE_TIERS

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


def _ranked_contract(level: str, levels: str, what: str) -> OutputContract:
    """The contract of a ranked list of categories, or of brands."""
    return OutputContract(
        table=f"next_best_{level}",
        key=("customer_id", "rank"),
        columns=(
            OutputColumn("customer_id", pl.String, meaning="The customer."),
            OutputColumn("rank", pl.Int32, minimum=1, meaning=f"1 is the {level} they are most likely to buy from."),
            OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
            OutputColumn(level, pl.String, meaning=what),
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
                meaning=f"Version of the model that ranked the {levels}.",
            ),
            OutputColumn("run_key", pl.String, meaning="The run that published this row."),
        ),
        volatile=("run_key",),
        meaning=f"Which {levels} each active customer is most likely to buy from next: a ranked list. Not there where "
        f"products have no {levels}.",
        may_be_empty=True,
    )


NEXT_BEST_CATEGORY = _ranked_contract("category", "categories", "The category of products.")
NEXT_BEST_BRAND = _ranked_contract("brand", "brands", "The brand of products.")


def published_contracts(currency: Currency) -> tuple[OutputContract, ...]:
    """The contracts of every table a night may publish, in the order people read them."""
    return (
        customer_contract(currency),
        REASONS,
        offer_contract(currency),
        NEXT_BEST_CATEGORY,
        NEXT_BEST_BRAND,
        DEMAND_FORECAST,
        CUSTOMER_DEMAND,
        retention_contract(currency),
        winback_contract(currency),
        upgrade_contract(currency),
        standard_contract(currency),
        shadow_price_contract(currency),
        CUSTOMER_RETRACTION,
        *standing_contracts(currency),
        *portfolio_contracts(currency),
        ledger_contract(currency),
        BALANCE,
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
            *_outlook_columns(),
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
            meaning="active: bought in the last 12 months (365 days unless set otherwise), or has a running "
            "subscription; lapsed: bought or subscribed, but longer ago; prospect: neither yet.",
        ),
        OutputColumn(
            "churn_probability",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            maximum=1.0,
            meaning="How likely the customer is to buy nothing within the churn horizon (30 to 365 days, as set or by "
            "how customers of the company buy; training tells which), from 0 to 1; where the company has subscriptions "
            "only, to have left by then; empty: not scored.",
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
            meaning="What the customer is expected to bring in the next 90 days, by ordering and by the subscriptions "
            "that run, see value_of; never below 0.",
        ),
        OutputColumn(
            "expected_value_12m",
            amount,
            nullable=True,
            minimum=0,
            meaning="What the customer is expected to bring in the next 12 months, by ordering and by the "
            "subscriptions that run, see value_of; never below 0.",
        ),
        *value_detail_columns(currency),
        *subscription_value_columns(currency),
        OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts."),
        OutputColumn(
            "value_of",
            pl.String,
            allowed=VALUE_BASES,
            meaning="What expected and typical values are of, on every row the same: net_sales, what customers spend, "
            "net of returns; margin, that minus what the goods cost, where the cost of at least 90 % of it is known "
            "when the value model is trained.",
        ),
        OutputColumn(
            "value_tier",
            pl.String,
            allowed=(*VALUE_TIERS, NOT_SCORED),
            meaning="Place in the customer pyramid by expected value of the next 12 months: platinum (the top 5 % "
            "unless set otherwise), gold (the next 20 %), iron (the next 50 %), lead (the rest).",
        ),
    )


def _outlook_columns() -> tuple[OutputColumn, ...]:
    """What is to be expected when: of whoever buys, and of whoever subscribes."""
    probability = {"dtype": pl.Float64, "nullable": True, "minimum": 0.0, "maximum": 1.0}
    return (
        OutputColumn(
            "probability_alive",
            **probability,  # type: ignore[arg-type]  # mixed values, each of its parameter's type
            meaning="How likely it is that they are still a customer, that is, will ever buy again, from 0 to 1, by "
            "how often and how long ago they bought (scored by a purchase model: will buy again within a year); empty: "
            "nothing bought, or bought too long ago to be scored.",
        ),
        OutputColumn(
            "expected_next_order_on",
            pl.Date,
            nullable=True,
            meaning="By this day half of such customers who are still customers have bought again; for who bought "
            "once, from others' second purchases. Empty: rather no customer any more, or nothing to tell by.",
        ),
        OutputColumn(
            "subscription_churn_probability",
            **probability,  # type: ignore[arg-type]  # as above
            meaning="How likely it is that no subscription of theirs runs any more in 90 days (unless set otherwise), "
            "from 0 to 1; empty: none runs now, or the company has none.",
        ),
        OutputColumn(
            "subscription_end_at_renewal_probability",
            **probability,  # type: ignore[arg-type]  # as above
            meaning="How likely it is that they leave when the running billing period ends or before: by the end of "
            "the thirty days in which that falls; from 0 to 1.",
        ),
        OutputColumn(
            "subscription_renews_on",
            pl.Date,
            nullable=True,
            meaning="When the next billing period of their largest running subscription begins.",
        ),
        OutputColumn(
            "subscription_expected_end_on",
            pl.Date,
            nullable=True,
            meaning="By this day half of such subscribers have left; empty: none runs, or it is over five years away.",
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
        *(
            OutputColumn(
                f"{score}_scored_by",
                pl.String,
                allowed=SCORED_BY,
                meaning=f"What gave {what}, on every row the same: learnt model, from what customers did afterwards in "
                "the past; purchase model, fitted on purchases alone (buy till you die), where there is too little to "
                "learn from or more brought nothing; simple rule, where nothing better held.",
            )
            for score, what in (("churn", "the churn probability"), ("value", "the expected values"))
        ),
        OutputColumn("churn_model_version", pl.Int32, meaning="Version of the model that gave the churn probability."),
        OutputColumn("value_model_version", pl.Int32, meaning="Version of the model that gave the expected values."),
        OutputColumn(
            "next_offer_model_version", pl.Int32, nullable=True, meaning="Version of the model that ranked the offers."
        ),
        OutputColumn(
            "subscription_churn_model_version",
            pl.Int32,
            nullable=True,
            meaning="Version of the model that says when subscribers leave.",
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
        OutputColumn(
            "changed_at",
            pl.Date,
            meaning="Since when status, band, tier, stage, loyalty, fate, the recency, frequency and monetary scores, "
            "offers and action have been what they are. Probabilities, values and the reason's figures move every "
            "night and do not count. Only this table has it.",
        ),
    )
