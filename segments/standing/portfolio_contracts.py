"""What the tables about all customers together are: moves, equity, concentration, cohorts, churn, service, policies.

Belongs here: contracts without customers. Does not: contracts with a row a customer (`contracts.py`).
"""

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.contract_columns import AS_OF, RUN_KEY, amount, count, currency_column, number, one_of, share
from segments.drift.findings import DRIFT
from segments.money import Currency
from segments.receipts.contract import SCORE_RECEIPTS
from segments.standing.cohorts import ATTRIBUTES, COHORT_VERDICTS
from segments.standing.concentration import MEASURES
from segments.standing.fates import FATES, VERDICTS
from segments.standing.service_recovery import GROUPS
from segments.standing.tier_migration import DIMENSIONS, MOVE_CAUSES
from segments.standing.value_matrix import CELLS
from segments.vocabulary import NOT_SCORED, VALUE_TIERS

LAST_VERSION, LAST_QUARTER = "last version", "last quarter"
COMPARED_TO = (LAST_VERSION, LAST_QUARTER)
_VOLATILE = ("run_key",)


def _table(name: str, key: tuple[str, ...], meaning: str, *columns: OutputColumn) -> OutputContract:
    return OutputContract(table=name, key=key, columns=columns, volatile=_VOLATILE, meaning=meaning, may_be_empty=True)


def tier_migration_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.tier_migration`."""
    tiers = (*VALUE_TIERS, NOT_SCORED)
    return _table(
        "tier_migration",
        ("compared_to", "from_tier", "to_tier", "cause"),
        "How many customers went from which tier to which, and why. Empty where there is nothing to compare with.",
        one_of("compared_to", COMPARED_TO, "With what today is compared: the version before, or about 90 days ago."),
        OutputColumn("compared_as_of", pl.Date, meaning="The business date of that version."),
        AS_OF,
        one_of("from_tier", tiers, "Tier then."),
        one_of("to_tier", tiers, "Tier now."),
        one_of(
            "cause",
            MOVE_CAUSES,
            "behaviour: what they did; model: another model version; data correction: their past was corrected; "
            "threshold: others moved the line.",
        ),
        count("customers", "How many."),
        amount("expected_value_before", currency, "What they were expected to spend in 12 months, then."),
        amount("expected_value_now", currency, "The same, now."),
        currency_column(currency),
        RUN_KEY,
    )


def customer_equity_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.customer_equity`."""
    return _table(
        "customer_equity",
        ("dimension", "part"),
        "The expected value of all customers: in all, by driver, and the bridge from last quarter to now.",
        one_of("dimension", DIMENSIONS, "total, tier, lifecycle, loyalty, or bridge: the steps from last quarter."),
        OutputColumn("part", pl.String, meaning="The tier, stage, class or step."),
        count("position", "In which order to read the parts."),
        AS_OF,
        OutputColumn(
            "compared_as_of", pl.Date, nullable=True, meaning="Of a bridge: the business date it begins from."
        ),
        count("customers", "How many customers; of a step of the bridge, whose value it changed."),
        amount("expected_value_12m", currency, "Expected for 12 months; of a step of the bridge, the change it makes."),
        currency_column(currency),
        RUN_KEY,
    )


def concentration_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.concentration`."""
    return _table(
        "concentration",
        ("measure", "top_share"),
        "What share of the value the top customers bring: the curve behind the pyramid.",
        one_of("measure", MEASURES, "By what customers are ranked and counted."),
        share("top_share", "Share of customers, the best first.", nullable=False),
        AS_OF,
        count("customers", "How many customers that is."),
        amount("value", currency, "What they bring together."),
        share("value_share", "Their share of what all bring; empty: nobody brings anything."),
        currency_column(currency),
        RUN_KEY,
    )


def fate_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.customer_fate`."""
    return _table(
        "customer_fate",
        ("fate",),
        "How many customers have which fate.",
        one_of("fate", FATES, "flour, seed, unprofitable, stored, lost, let go."),
        AS_OF,
        count("customers", "How many."),
        share("customer_share", "Their share of all who ever bought or subscribed."),
        amount("contribution_12m", currency, "What they brought in the last 365 days."),
        amount("expected_value_12m", currency, "What they are expected to spend in 12 months."),
        currency_column(currency),
        RUN_KEY,
    )


YEARLY_CHURN = _table(
    "yearly_churn",
    ("as_of",),
    "Of the customers of the year before last, how many are lost now, against what is natural.",
    AS_OF,
    count("customers_a_year_ago", "Who bought in the year before last."),
    count("lost_customers", "Of these, who are lost now."),
    count("let_go_customers", "Of these, whom the company chose to stop serving; they count apart."),
    share("churn_share", "Lost, of those not let go; empty: the history is too short."),
    share("churn_share_low", "The lower end of its 95 % interval."),
    share("churn_share_high", "The upper end of its 95 % interval."),
    share("natural_share", "Up to which share a year churn is natural.", nullable=False),
    one_of("verdict", VERDICTS, "above natural: the whole interval is above that share."),
    RUN_KEY,
)


def cohort_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.cohort`."""
    return _table(
        "cohort",
        ("cohort_month", "age_days"),
        "New customers by month of their first purchase, beside the cohorts before them at the same age.",
        OutputColumn("cohort_month", pl.Date, meaning="First day of the month of their first purchase."),
        count("age_days", "Days after each customer's first purchase."),
        AS_OF,
        count("customers", "How many."),
        share("repeat_share", "Share who bought on another day by that age."),
        amount("value_per_customer", currency, "Net sales a customer by that age."),
        count("older_customers", "How many in the cohorts before."),
        share("older_repeat_share", "Their share who bought again by the same age; empty: none before."),
        amount("older_value_per_customer", currency, "Their net sales by the same age.", nullable=True),
        number("repeat_difference", "Repeat share minus that of the cohorts before."),
        number("repeat_difference_low", "The lower end of its 95 % interval."),
        number("repeat_difference_high", "The upper end of its 95 % interval."),
        one_of(
            "verdict", COHORT_VERDICTS, "Whether they buy again more often than those before, as far as can be told."
        ),
        OutputColumn(
            "maybe_older_than_data", pl.Boolean, meaning="The history begins here: they may have bought before."
        ),
        number("mix_drift", "How much their mix differs from that of all before (stability index; 0.25 is much)."),
        one_of("mix_drift_in", ATTRIBUTES, "In which attribute.", nullable=True),
        currency_column(currency),
        RUN_KEY,
    )


SERVICE_RECOVERY = _table(
    "service_recovery",
    ("service_group",),
    "What becomes of customers who complain: recovered, not recovered, and like customers who did not complain.",
    one_of("service_group", GROUPS, "Whether they complained, and whether it was made good."),
    AS_OF,
    count("customers", "How many were followed (a customer counts once a month)."),
    count("retained", "Of these, who bought in the time after."),
    share("retention_share", "Their share; empty: nobody."),
    share("like_retention_share", "The same of like customers without a complaint; empty: none."),
    number("effect", "Retention minus that of their like. A comparison, not an experiment."),
    number("effect_low", "The lower end of its 95 % interval."),
    number("effect_high", "The upper end of its 95 % interval."),
    RUN_KEY,
)

CHANNEL_EFFECTIVENESS = _table(
    "channel_effectiveness",
    ("channel",),
    "How each channel served customers in the last 365 days.",
    OutputColumn("channel", pl.String, meaning="The channel, in the words of the sources."),
    AS_OF,
    count("touch_points", "Orders, tickets and events through it."),
    share("share_of_touch_points", "Their share of all."),
    count("customers", "Customers who used it."),
    count("multi_channel_customers", "Of these, who used another channel too."),
    count("order_customers", "Of these, who ordered through it."),
    count("tickets", "Service tickets that came by it."),
    count("open_tickets", "Of these, still open."),
    number("median_days_to_resolve", "Waiting: days until half were settled; empty: none settled."),
    share("first_contact_share", "Share settled without another of the kind within 30 days (or as set)."),
    number("mean_satisfaction", "How customers judged the solution, 1 to 5; empty: nobody did."),
    RUN_KEY,
)


def policy_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.policy`."""
    return _table(
        "policy",
        ("matrix_cell",),
        "How the customers of each cell of the value matrix are served.",
        one_of("matrix_cell", CELLS, "The cell."),
        AS_OF,
        OutputColumn("service_level", pl.String, meaning="How they are served."),
        count("contacts_per_month", "How often they are contacted a month, at most."),
        share("discount_authority_share", "Discount that may be given without asking, as a share.", nullable=False),
        OutputColumn("owner", pl.String, meaning="Who answers for these customers."),
        count("customers", "How many there are."),
        amount("contribution_12m", currency, "What they brought in the last 365 days."),
        amount("expected_value_12m", currency, "What they are expected to spend in 12 months."),
        currency_column(currency),
        RUN_KEY,
    )


def portfolio_contracts(currency: Currency) -> tuple[OutputContract, ...]:
    """The contracts of this module, in the order people read them."""
    return (
        tier_migration_contract(currency),
        customer_equity_contract(currency),
        concentration_contract(currency),
        fate_contract(currency),
        YEARLY_CHURN,
        cohort_contract(currency),
        SERVICE_RECOVERY,
        CHANNEL_EFFECTIVENESS,
        policy_contract(currency),
        SCORE_RECEIPTS,
        DRIFT,
    )
