"""What the tables about each customer's standing are: value, loyalty, stage of life, matrix, history.

Belongs here: contracts with a row a customer. Does not: contracts of sums over customers (`portfolio_contracts.py`).
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.contract_columns import AS_OF, CUSTOMER, RUN_KEY, amount, count, currency_column, number, one_of, share
from segments.money import Currency
from segments.standing.causes import CAUSES
from segments.standing.credit import CREDIT_GRADES
from segments.standing.fates import FATES
from segments.standing.lifecycle import STAGES
from segments.standing.loyalty import LOYALTY_CLASSES
from segments.standing.value_matrix import CELLS
from segments.standing.value_score import CRITERIA, points_column
from segments.vocabulary import NOT_SCORED, RISK_BANDS, STATUSES, VALUE_TIERS

_STAGE = (
    "Stage of their life with the company by their own rhythm: new, growing, mature, declining, dormant, lost; empty: "
    "never bought or subscribed."
)
_LOYALTY = "Why they come back: truly loyal, out of habit, for discounts, or also elsewhere; or too early to tell."
_FATE = (
    "flour: active and profitable; seed: brings in other customers; unprofitable: active, brings nothing; stored: "
    "dormant; lost: gone; let go: the company chose to."
)
_SCORE = "Value score from 0 to 100 by the company's own weights, among active customers; empty: not active."


def standing_columns() -> tuple[OutputColumn, ...]:
    """The columns of it that `segments.customer` has; empty for who never bought or subscribed."""
    return (
        one_of("lifecycle", STAGES, _STAGE, nullable=True),
        one_of("loyalty_class", LOYALTY_CLASSES, _LOYALTY, nullable=True),
        one_of("fate", FATES, _FATE, nullable=True),
        OutputColumn("value_score", pl.Float64, nullable=True, minimum=0.0, maximum=100.0, meaning=_SCORE),
    )


def customer_value_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.customer_value`."""
    parts = {
        "net_sales_12m": "Sales of the last 365 days, net of returns and discounts, running subscriptions included.",
        "subscription_sales_12m": "The part of it that running subscriptions make, by today's price; empty: none.",
        "returns_12m": "What they sent back in the last 365 days (already taken off sales).",
        "discounts_12m": "Discounts of the last 365 days (already taken off sales); empty: not recorded.",
        "goods_cost_12m": "What the goods cost the company; empty: not recorded.",
        "margin_12m": "Sales minus cost of goods.",
        "contact_cost_12m": "What contacting them cost; empty: not recorded.",
        "service_cost_12m": "What serving them cost, compensation included; empty: not recorded.",
        "late_payment_cost_12m": "Interest on what they paid late or owe; empty: no invoices recorded.",
        "contribution_12m": "Margin minus the costs that are recorded: what they brought in the last 365 days.",
    }
    always = {"net_sales_12m", "returns_12m", "margin_12m", "contribution_12m"}
    return OutputContract(
        table="customer_value",
        key=("customer_id",),
        columns=(
            CUSTOMER,
            AS_OF,
            *(amount(name, currency, said, nullable=name not in always) for name, said in parts.items()),
            currency_column(currency),
            OutputColumn(
                "margin_is_estimated",
                pl.Boolean,
                meaning="Whether the margin of some sales is assumed, because their cost is not recorded.",
            ),
            one_of("credit_grade", CREDIT_GRADES, "How they pay, A best; empty: no invoice that tells.", nullable=True),
            amount("overdue_amount", currency, "What is overdue now; empty: not recorded.", nullable=True),
            count("longest_overdue_days", "Days the oldest overdue invoice has been overdue.", nullable=True),
            OutputColumn("value_score", pl.Float64, nullable=True, minimum=0.0, maximum=100.0, meaning=_SCORE),
            count("value_score_rank", "Place by value score, 1 is best.", nullable=True),
            *(
                OutputColumn(
                    points_column(criterion),
                    pl.Float64,
                    nullable=True,
                    minimum=0.0,
                    maximum=100.0,
                    meaning=f"Points for {criterion}, 0 to 100, among active customers; empty: not known.",
                )
                for criterion in CRITERIA
                if criterion != "loyalty"
            ),
            OutputColumn(
                "loyalty_points",
                pl.Float64,
                nullable=True,
                minimum=0.0,
                maximum=100.0,
                meaning="Points for loyalty, 0 to 100; empty: too early to tell.",
            ),
            RUN_KEY,
        ),
        volatile=("run_key",),
        meaning="What each customer brought in the last year, part by part, how they pay, and their value score.",
        may_be_empty=True,
    )


LOYALTY = OutputContract(
    table="loyalty",
    key=("customer_id",),
    columns=(
        CUSTOMER,
        AS_OF,
        one_of("loyalty_class", LOYALTY_CLASSES, _LOYALTY),
        OutputColumn(
            "loyalty_points",
            pl.Float64,
            nullable=True,
            minimum=0.0,
            maximum=100.0,
            meaning="The evidence in one figure, 0 to 100; empty: too early to tell.",
        ),
        count("purchase_days_12m", "Days with a purchase in the last 365 days: how often they come back."),
        count("categories_bought", "Different categories bought (products where there are none).", nullable=True),
        share("activity_share", "How far they keep to their rhythm, without pauses and evenly; 1 is clockwork."),
        count("days_as_customer", "Days since their first purchase.", nullable=True),
        share("discounted_line_share", "Share of lines bought at a discount; empty: not recorded."),
        count("customers_brought", "Customers they recommended us to; empty: not recorded.", nullable=True),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="How loyal each customer is, and by which evidence.",
    may_be_empty=True,
)

LIFECYCLE = OutputContract(
    table="lifecycle",
    key=("customer_id",),
    columns=(
        CUSTOMER,
        AS_OF,
        one_of("lifecycle", STAGES, _STAGE),
        number("usual_gap_days", "Days they usually let pass between purchases.", nullable=False),
        number("silence_in_gaps", "Days since their last purchase, in usual gaps; empty: never bought."),
        number("purchase_trend", "Purchases of the last half-year against the one before: -1 to 1; empty: neither."),
        one_of("fate", FATES, _FATE),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="Where each customer stands in their life with the company, by their own rhythm.",
    may_be_empty=True,
)


def value_matrix_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.value_matrix`."""
    return OutputContract(
        table="value_matrix",
        key=("customer_id",),
        columns=(
            CUSTOMER,
            AS_OF,
            amount("contribution_12m", currency, "Current value: what they brought in the last 365 days."),
            amount(
                "expected_value_12m",
                currency,
                "Potential value: what they are expected to spend in the next 12 months; empty: not scored.",
                nullable=True,
            ),
            currency_column(currency),
            one_of(
                "matrix_cell",
                CELLS,
                "key: high now and later; develop: low now, high later; maintain: high now, low later; standard: low "
                "both; inactive: bought nothing for long.",
            ),
            OutputColumn(
                "is_rising",
                pl.Boolean,
                meaning="A small customer who is expected to become a large one: the third key group.",
            ),
            OutputColumn("policy", pl.String, meaning="How customers of this cell are served."),
            RUN_KEY,
        ),
        volatile=("run_key",),
        meaning="Current against potential value of each customer, and how they are to be served.",
        may_be_empty=True,
    )


def customer_history_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.customer_history`."""
    return OutputContract(
        table="customer_history",
        key=("customer_id", "as_of"),
        columns=(
            CUSTOMER,
            OutputColumn("as_of", pl.Date, meaning="From this business date on, until the customer's next row."),
            one_of("customer_status", STATUSES, "active, lapsed or prospect."),
            one_of("value_tier", (*VALUE_TIERS, NOT_SCORED), "Place in the customer pyramid."),
            one_of("churn_risk_band", (*RISK_BANDS, NOT_SCORED), "The churn probability as a class."),
            one_of("lifecycle", STAGES, _STAGE, nullable=True),
            one_of("loyalty_class", LOYALTY_CLASSES, _LOYALTY, nullable=True),
            one_of("fate", FATES, _FATE, nullable=True),
            one_of("matrix_cell", CELLS, "Cell of the value matrix.", nullable=True),
            amount("expected_value_12m", currency, "Expected then for the next 12 months.", nullable=True),
            share("churn_probability", "Churn probability then; empty: not scored."),
            OutputColumn("value_model_version", pl.Int32, nullable=True, meaning="Model that gave the expected value."),
            one_of("cause", CAUSES, "Why this row differs from the one before; empty: the first.", nullable=True),
            currency_column(currency),
            RUN_KEY,
        ),
        volatile=("run_key",),
        meaning="What each customer was over time: a row when a class changed or the expected value moved by 25 %.",
        may_be_empty=True,
    )


def standing_contracts(currency: Currency) -> tuple[OutputContract, ...]:
    """The contracts of this module, in the order people read them."""
    return (
        customer_value_contract(currency),
        value_matrix_contract(currency),
        LOYALTY,
        LIFECYCLE,
        customer_history_contract(currency),
    )
