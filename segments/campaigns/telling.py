"""A row of the ledger in words, for whoever decides about the next campaign.

Belongs here: sentences. Does not: figures.
"""

from collections.abc import Mapping
from typing import Any

from segments.campaigns.estimating import Effect
from segments.campaigns.measuring import Comparison
from segments.campaigns.power import customers_needed
from segments.campaigns.rules import (
    EARNED,
    HOLD_OUT,
    LESS,
    LOST,
    MORE,
    NO_COST,
    NOT_COMPARED,
    NOT_MATURED,
    NOT_MEASURABLE,
    NOT_SHOWN,
)
from segments.money import Currency
from segments.review.content import money

_VERDICTS = {
    EARNED: "It earned more than it cost",
    LOST: "It cost more than it brought",
    NOT_SHOWN: "Whether it earned its cost is not shown",
    NO_COST: "Its cost is not recorded, or not all of it, so that no gain can be told",
}
_NOTICEABLE_SHARE = 0.1


def told(row: Mapping[str, Any], found: Comparison, *, currency: Currency, least_customers: int) -> str:
    """The row in words.

    Args:
        row: as `ledger.campaign_ledger` yields it, amounts in minor units; absent figures absent or None.
        found: the comparison behind it.
        currency: of the amounts.
        least_customers: a campaign with fewer held out should have held out at least so many.
    """
    if row["verdict"] == NOT_MATURED:
        return f"Not matured: {found.why}."
    if found.evidence == NOT_COMPARED:
        return f"What it caused can't be told: {found.why}."
    parts = [_comparison(row, found, currency), _trial_run(row, found, currency), _gain(row, currency)]
    parts += [_power(row, found.effects["margin_amount"], currency, least_customers), *_side_effects(row, currency)]
    if abs(found.contacted_further - found.likes_further) > _NOTICEABLE_SHARE:
        parts.append(
            f"{found.contacted_further:.0%} of the contacted and {found.likes_further:.0%} of the others were "
            "contacted again in the window: part of the difference may be that"
        )
    return ". ".join(part for part in parts if part) + "."


def _comparison(row: Mapping[str, Any], found: Comparison, currency: Currency) -> str:
    others = f"{found.compared_with:,} held out by lot"
    if found.evidence != HOLD_OUT:
        others = f"{found.compared_with:,} like customers left alone (matched comparison, not an experiment)"
    why = f" ({found.why})" if found.why else ""
    brought = f"the {row['contacted']:,} contacted brought {_span(row, 'caused_margin', currency)} of margin"
    return f"Against {others}{why}, {brought} that they would not have brought otherwise"


def _trial_run(row: Mapping[str, Any], found: Comparison, currency: Currency) -> str:
    """Whether the two sides were alike in a year when nothing can have been caused."""
    if found.evidence == HOLD_OUT:
        return ""
    if row.get("earlier_net_sales") is None:
        return "The orders begin too late to try whether they were alike in the year before last"
    difference = _span(row, "earlier_net_sales", currency)
    return f"In the year before last, when nothing can have been caused, they bought much alike: {difference}"


def _gain(row: Mapping[str, Any], currency: Currency) -> str:
    said = _VERDICTS[row["verdict"]]
    if row.get("net_gain") is None:
        return said
    return f"{said}: after {_money(row['cost'], currency)} of cost that is {_span(row, 'net_gain', currency)}"


def _power(row: Mapping[str, Any], margin: Effect, currency: Currency, least: int) -> str:
    visible = f"An effect below {_money(row['smallest_visible_margin'], currency)} would probably have stayed unseen"
    if not row.get("cost"):
        return visible
    needed = row.get("hold_out_needed")
    if needed is None:
        customers = customers_needed(spread=margin.spread, effect=row["cost"] / row["contacted"])
        return f"{visible}; to see one as large as the cost would take {customers:,} customers, half of them held out"
    return f"{visible}; to see one as large as the cost, {max(needed, least):,} had to be held out"


def _side_effects(row: Mapping[str, Any], currency: Currency) -> list[str]:
    afterwards = {
        LESS: "In the window after, the contacted bought less: part of it was pulled forward",
        MORE: "In the window after, the contacted still bought more",
    }
    others = {
        LESS: "Other products lost what the promoted ones gained, in part or in whole",
        MORE: "Other products gained too",
    }
    found = []
    for words, name, amount in (
        (afterwards, "sales_afterwards", "later_net_sales"),
        (others, "sales_of_other_products", "other_net_sales"),
    ):
        said = words.get(row.get(name) or "")
        if said:
            found.append(f"{said} ({_span(row, amount, currency)})")
    return found


def _span(row: Mapping[str, Any], name: str, currency: Currency) -> str:
    low, high = (_money(row[f"{name}{end}"], currency) for end in ("_low", "_high"))
    return f"{_money(row[name], currency)} (95 %: {low} to {high})"


def _money(minor_units: int, currency: Currency) -> str:
    return money(minor_units / 10**currency.exponent, currency)


def measured(verdict: str) -> bool:
    """Whether a row with this verdict has figures of what was caused."""
    return verdict not in (NOT_MATURED, NOT_MEASURABLE)
