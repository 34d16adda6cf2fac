"""What `segments.campaign_ledger` and `segments.campaign_balance` are, column by column, and the frames of them.

Belongs here: contracts, and rows to frames with all their columns. Does not: the rows (`ledger.py`).
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.campaigns.rows import BEFORE
from segments.campaigns.rules import CHANGES, CUTS, EVIDENCE, MARGINS, STATES, VERDICTS
from segments.contract_columns import AS_OF, RUN_KEY, STAMPS, amount, count, currency_column, number, one_of, share
from segments.money import Currency

_ENDS = {"": "", "_low": " The lower end of its 95 % interval.", "_high": " The upper end of its 95 % interval."}
BALANCE = OutputContract(
    table="campaign_balance",
    key=("campaign_id", "measure"),
    columns=(
        OutputColumn("campaign_id", pl.String, meaning="The campaign."),
        one_of("measure", BEFORE, "What was known of customers before the contact."),
        AS_OF,
        number(
            "standardised_difference",
            "The contacted less those they are held against, weighted, in standard deviations; beyond 0.25 nothing is "
            "claimed.",
            nullable=False,
        ),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="How like the contacted of each campaign and those they are held against were beforehand.",
    may_be_empty=True,
)


def ledger_contract(currency: Currency) -> OutputContract:
    """The contract of `segments.campaign_ledger`."""
    return OutputContract(
        table="campaign_ledger",
        key=("campaign_id", "cut", "cut_value"),
        columns=(
            *_about(),
            count("contacted", "Customers it was sent to."),
            count("held_out", "Customers left alone on purpose."),
            count("compared_with", "Customers left alone whom the contacted are held against.", nullable=True),
            count("responses", "Of the contacted, who did what it asked for; empty: not recorded.", nullable=True),
            amount(
                "cost",
                currency,
                "What it cost: contacts, redemptions (beside the discount), and the campaign's fixed cost, shared out "
                "by contacts among its parts; empty: a part of it is not recorded, or not yet.",
                nullable=True,
            ),
            amount(
                "discount_of_contacted",
                currency,
                "Discounts on what the contacted bought in the window; net sales and margin are after them; empty: "
                "not recorded.",
                nullable=True,
            ),
            *_caused(currency),
            *_beside(currency),
            *_reliability(),
            currency_column(currency),
            RUN_KEY,
        ),
        volatile=("run_key",),
        meaning="What each campaign of the last three years cost and what it caused: what the contacted bought beyond "
        "what they would have bought without it. Told by customers held out by lot where there are such, else by "
        "like customers who were not contacted. One row a campaign, and one for each of its offers and channels where "
        "it has several.",
        may_be_empty=True,
    )


def ledger_frame(rows: Sequence[dict[str, Any]], currency: Currency) -> pl.DataFrame:
    """The rows with all columns but the stamps; amounts Int64 in minor units, absent ones null."""
    schema = {
        column.name: pl.Int64 if isinstance(column.dtype, pl.Decimal) else column.dtype
        for column in ledger_contract(currency).columns
        if column.name not in STAMPS
    }
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def _about() -> tuple[OutputColumn, ...]:
    return (
        OutputColumn(
            "campaign_id", pl.String, meaning="The campaign; contacts without one are taken together by month."
        ),
        one_of("cut", CUTS, "all: the whole campaign; else by what it is cut."),
        OutputColumn("cut_value", pl.String, meaning="Which offer, which channel; of the whole: all contacts."),
        AS_OF,
        OutputColumn("campaign_name", pl.String, nullable=True, meaning="What people call it."),
        OutputColumn("first_contact_on", pl.Date, meaning="When the first customer was contacted."),
        OutputColumn("last_contact_on", pl.Date, meaning="When the last customer was contacted first."),
        count("window_days", "How many days after the first contact count, for each customer."),
        OutputColumn("window_ends_on", pl.Date, meaning="The last day that counts."),
        one_of("state", STATES, "not matured: the window is not over, nothing is told yet."),
        one_of(
            "evidence",
            EVIDENCE,
            "hold-out by lot: an experiment; matched comparison: like customers who were not contacted, where what is "
            "not recorded may make the difference; no comparison: in_words says why.",
        ),
        one_of(
            "verdict",
            VERDICTS,
            "earned its cost, lost money: the whole 95 % interval of the net gain says so; not shown: it does not.",
        ),
        OutputColumn("in_words", pl.String, meaning="The row as sentences."),
        OutputColumn(
            "restated_on",
            pl.Date,
            nullable=True,
            meaning="When figures that had been told of a matured campaign last changed; empty: never. What was told "
            "before stays in the kept versions of the table.",
        ),
        OutputColumn(
            "restatement", pl.String, nullable=True, meaning="Which figures changed then, from what to what, in words."
        ),
    )


def _spans(currency: Currency, name: str, meaning: str) -> tuple[OutputColumn, ...]:
    """An amount and the ends of its interval."""
    return tuple(amount(f"{name}{end}", currency, f"{meaning}{more}", nullable=True) for end, more in _ENDS.items())


def _caused(currency: Currency) -> tuple[OutputColumn, ...]:
    caused_orders = "Purchases it caused: of the contacted within the window, less what they would have made anyway."
    return (
        amount(
            "net_sales_of_contacted",
            currency,
            "Everything the contacted bought in the window, most of which they would have bought anyway.",
            nullable=True,
        ),
        *(number(f"caused_orders{end}", f"{caused_orders}{more}") for end, more in _ENDS.items()),
        *_spans(currency, "caused_net_sales", "Net sales it caused."),
        *_spans(currency, "caused_margin", "Margin it caused: net sales less the cost of goods."),
        one_of("margin_is", MARGINS, "assumed: most order lines of its days have no cost; a share of sales is taken."),
        *_spans(currency, "net_gain", "Caused margin less cost; empty: no cost is recorded, or nothing can be told."),
        number("return_on_cost", "Net gain over cost."),
    )


def _beside(currency: Currency) -> tuple[OutputColumn, ...]:
    return (
        *_spans(
            currency,
            "later_net_sales",
            "Net sales of the contacted beyond the others' in the window after the window; below 0: pulled forward. "
            "Empty: not over.",
        ),
        one_of("sales_afterwards", CHANGES, "What the interval of later_net_sales says.", nullable=True),
        *_spans(
            currency,
            "earlier_net_sales",
            "A trial run of a matched comparison: net sales of the contacted beyond their like in the year before "
            "last, when nothing can have been caused. Clearly off 0, the comparison is refused. Empty: by lot, or the "
            "orders begin too late.",
        ),
        *_spans(
            currency, "promoted_net_sales", "Caused net sales of what the offers promote; empty: nothing in particular."
        ),
        *_spans(
            currency,
            "other_net_sales",
            "Caused net sales of everything else; below 0: the promoted took from the others.",
        ),
        one_of("sales_of_other_products", CHANGES, "What the interval of other_net_sales says.", nullable=True),
        amount(
            "smallest_visible_margin",
            currency,
            "The smallest caused margin that such a comparison sees four times out of five.",
            nullable=True,
        ),
    )


def _reliability() -> tuple[OutputColumn, ...]:
    return (
        count(
            "hold_out_needed",
            "How many of its customers had to be held out to see, four times out of five, an effect as large as the "
            "cost; empty: not even half would do, or no cost.",
            nullable=True,
        ),
        share("share_with_like", "Share of the contacted who have a like among those left alone, or a logged chance."),
        number(
            "largest_difference",
            "The largest difference beforehand between the two sides, in standard deviations; campaign_balance has "
            "them all. Beyond 0.25 a matched comparison is refused.",
        ),
    )
