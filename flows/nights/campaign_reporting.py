"""The campaign ledger in plain values and on the terminal.

Belongs here: reading the published ledger and printing it. Does not: making it (`campaigning.py`).
"""

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from flows.context import Context
from flows.errors_reviewing import NothingToReviewError
from flows.reporting import console
from segments.campaigns.contract import BALANCE, ledger_contract
from segments.campaigns.rules import ALL_CUT, EARNED, LOST, MATCHED
from segments.money import Currency, currency_of
from segments.review.content import money
from warehouse.publishing.publications import PUBLISHED_SCHEMA, current_publication

NO_CAMPAIGNS: Final = "no campaigns: no contacts are loaded"
_STYLES: Final = {EARNED: "green", LOST: "bold red"}


def read_campaigns(context: Context) -> dict[str, Any]:
    """The ledger that readers see, in plain values.

    Returns:
        `as_of`, `message`, `campaigns` (all rows of `segments.campaign_ledger`, the newest campaign first) and
        `balance` (all rows of `segments.campaign_balance`); both empty where no contacts are loaded.

    Raises:
        NothingToReviewError: there is no published version.
    """
    if not context.warehouse().exists():
        raise NothingToReviewError
    currency = currency_of(context.settings.company.currency)
    with context.warehouse(read_only=True) as warehouse:
        version = current_publication(warehouse)
        if version is None:
            raise NothingToReviewError
        views = warehouse.views(PUBLISHED_SCHEMA)
        ledger, balance = (
            warehouse.read_table(PUBLISHED_SCHEMA, contract.table)
            if contract.table in views
            else contract.schema.to_frame()
            for contract in (ledger_contract(currency), BALANCE)
        )
    rows = ledger.sort(
        "first_contact_on", "campaign_id", "cut", "cut_value", descending=[True, False, False, False]
    ).to_dicts()
    told = sum(row["cut"] == ALL_CUT for row in rows)
    return {
        "verb": "campaigns",
        "status": "shown",
        "message": f"{told} campaigns as of {version.as_of}" if told else NO_CAMPAIGNS,
        "as_of": version.as_of.isoformat(),
        "campaigns": rows,
        "balance": balance.sort(BALANCE.key).to_dicts(),
    }


def print_campaigns(found: Mapping[str, Any]) -> None:
    """One line a campaign (and a part of it), then each whole campaign in words."""
    out = console()
    out.print(found["message"], highlight=False)
    if not found["campaigns"]:
        return
    titles = (
        "campaign",
        "contacts from",
        "contacted",
        "held out",
        "bought",
        "caused margin",
        "cost",
        "net gain (95 %)",
    )
    table = Table(*titles, "verdict")
    for row in found["campaigns"]:
        currency = currency_of(row["currency"])
        style = _STYLES.get(row["verdict"], "")
        gain = [_money(row[f"net_gain{end}"], currency) for end in ("", "_low", "_high")]
        table.add_row(
            _named(row),
            str(row["first_contact_on"]),
            f"{row['contacted']:,}",
            f"{row['held_out']:,}",
            _money(row["net_sales_of_contacted"], currency),
            _money(row["caused_margin"], currency) + ("*" if row["evidence"] == MATCHED else ""),
            _money(row["cost"], currency),
            "-" if row["net_gain"] is None else f"{gain[0]} ({gain[1]} to {gain[2]})",
            f"[{style}]{row['verdict']}[/]" if style else row["verdict"],
        )
    for column in table.columns[2:8]:
        column.justify = "right"
    out.print(table)
    if any(row["evidence"] == MATCHED for row in found["campaigns"]):
        out.print(f"* {MATCHED}", highlight=False)
    for row in found["campaigns"]:
        if row["cut"] == ALL_CUT:
            out.print(f"[bold]{_named(row)}[/]: {_escaped(row['in_words'])}", highlight=False)
            if row.get("restated_on"):  # a table from before there were restatements has no such column
                words = f"on {row['restated_on']}, {_escaped(row['restatement'])}"
                out.print(f"  [bold]restated[/] {words}", highlight=False)


def _named(row: Mapping[str, Any]) -> str:
    if row["cut"] != ALL_CUT:
        return f"  {row['cut']} {_escaped(row['cut_value'])}"
    return _escaped(row["campaign_name"] or row["campaign_id"])


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def _money(value: Any, currency: Currency) -> str:  # noqa: ANN401 a Decimal, a number, or None
    return "-" if value is None else money(float(value), currency)
