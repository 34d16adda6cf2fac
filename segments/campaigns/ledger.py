"""The rows of the campaign ledger: costs on one side, what was caused on the other.

Belongs here: one dictionary a campaign, and one for each of its offers and channels where it has several. Does not:
effects (`measuring.py`), sentences (`telling.py`), the table (`contract.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from segments.campaigns.estimating import Effect
from segments.campaigns.measuring import EARLIER, LATER, OTHERS, PROMOTED, Comparison, Seen, compare
from segments.campaigns.people import Plan
from segments.campaigns.power import hold_out_needed, smallest_visible
from segments.campaigns.rules import (
    ALL_CONTACTS,
    ALL_CUT,
    ASSUMED,
    CHANNEL_CUT,
    CONTACTED,
    EARNED,
    HELD_OUT,
    LESS,
    LOST,
    MATURED,
    MEASURED,
    MORE,
    NO_COST,
    NO_SIGN,
    NOT_COMPARED,
    NOT_MATURED,
    NOT_MEASURABLE,
    NOT_SHOWN,
    OFFER_CUT,
    CampaignRules,
)

INTERVALS = ("", "_low", "_high")
_CUTS = {OFFER_CUT: "offer_id", CHANNEL_CUT: "channel"}
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CampaignFacts:
    """What is recorded of a campaign beside its customers.

    Attributes:
        name: what people call it; None: not recorded.
        fixed_cost: beside that of each contact, minor units; None: not recorded.
        sends: `offer_id`, `channel`, `contacts` (sent), `cost` (minor units), `costed` (of how many a cost is known).
        redemption_costs: by offer, what a response costs beside the discount, minor units.
        discounts_recorded: whether order lines tell their discounts.
        margin_measured: whether order lines of its days tell their cost.
        orders_begin_on: the day of the first order.
    """

    name: str | None = None
    fixed_cost: int | None = None
    sends: pl.DataFrame
    redemption_costs: Mapping[str, int]
    discounts_recorded: bool
    margin_measured: bool
    orders_begin_on: date


def campaign_ledger(
    rows: pl.DataFrame | None, plan: Plan, facts: CampaignFacts, *, as_of: date, rules: CampaignRules
) -> Iterator[tuple[Row, Comparison]]:
    """The rows of one campaign: of all its contacts first, then by offer and by channel.

    Args:
        rows: as `rows.campaign_rows` returns them, of all buckets; None where its window is not over or lies before
            the first order.
        plan: of the campaign.
        facts: see there.
        as_of: the business date.
        rules: the limits.

    Yields:
        A row with amounts in minor units, and the comparison behind it.
    """
    settled = ends_on(plan) < as_of
    if rows is None:
        why = "its orders are not loaded: they begin later" if settled else f"its window ends on {ends_on(plan)}"
        empty = Comparison(evidence=NOT_COMPARED, why=why)
        yield _begin(plan, facts, as_of) | {"verdict": NOT_MEASURABLE if settled else NOT_MATURED}, empty
        return
    seen = Seen(
        later=ends_on(plan) + timedelta(days=plan.window_days) < as_of,
        before_days=(plan.first_on - facts.orders_begin_on).days,
    )
    whole = compare(rows, seen=seen, rules=rules)
    yield _begin(plan, facts, as_of) | _figures(rows, facts, facts.sends, whole), whole
    for cut, column in _CUTS.items():
        for value in _values(rows, column, rules):
            part = _of_part(rows, column, value)
            found = compare(part, seen=seen, rules=rules)
            row = _begin(plan, facts, as_of) | {"cut": cut, "cut_value": value}
            sent = facts.sends.filter(pl.col(column) == value)
            yield row | _figures(part, facts, sent, found), found


def ends_on(plan: Plan) -> date:
    """The last day of the window of whoever was contacted last."""
    return plan.last_on + timedelta(days=plan.window_days - 1)


def _begin(plan: Plan, facts: CampaignFacts, as_of: date) -> Row:
    return {
        "campaign_id": plan.campaign_id,
        "cut": ALL_CUT,
        "cut_value": ALL_CONTACTS,
        "campaign_name": facts.name,
        "first_contact_on": plan.first_on,
        "last_contact_on": plan.last_on,
        "window_days": plan.window_days,
        "window_ends_on": ends_on(plan),
        "state": MATURED if ends_on(plan) < as_of else NOT_MATURED,
        "evidence": NOT_COMPARED,
        "margin_is": MEASURED if facts.margin_measured else ASSUMED,
        "contacted": plan.contacted,
        "held_out": plan.held_out,
        "cost": _cost(facts, facts.sends, responses=None),
    }


def _values(rows: pl.DataFrame, column: str, rules: CampaignRules) -> list[str]:
    """The values of a cut that have customers enough; none where there is one only."""
    counted = rows.filter(pl.col("side") == CONTACTED, pl.col(column).is_not_null()).group_by(column).len()
    if counted.height < 2:  # noqa: PLR2004 one value is the whole
        return []
    return sorted(counted.filter(pl.col("len") >= rules.least_customers)[column].to_list())


def _of_part(rows: pl.DataFrame, column: str, value: str) -> pl.DataFrame:
    """The contacted of one value; those left alone whom it was meant for, where that is known, else all of them."""
    own = pl.col(column) == value
    return rows.filter(
        pl.when(pl.col("side") == CONTACTED).then(own).otherwise(own | pl.col(column).is_null()).fill_null(value=False)
    )


def _figures(rows: pl.DataFrame, facts: CampaignFacts, sent: pl.DataFrame, found: Comparison) -> Row:
    contacted = rows.filter(pl.col("side") == CONTACTED)
    responded = contacted.filter(pl.col("responded"))
    recorded = contacted["responded"].null_count() < contacted.height
    of_offers = responded.filter(pl.col("offer_id").is_not_null()).group_by("offer_id").len()
    cost = _cost(facts, sent, dict(of_offers.iter_rows()) if recorded else None)
    row: Row = {
        "evidence": found.evidence,
        "contacted": contacted.height,
        "held_out": rows.filter(pl.col("side") == HELD_OUT).height,
        "compared_with": found.compared_with,
        "responses": responded.height if recorded else None,
        "cost": cost,
        "discount_of_contacted": int(contacted["discount_amount"].sum()) if facts.discounts_recorded else None,
        "net_sales_of_contacted": int(contacted["net_amount"].sum()),
        "share_with_like": found.with_like,
        "largest_difference": max((abs(one) for one in found.imbalance.values()), default=None),
        "verdict": NOT_MEASURABLE,
    }
    if EARLIER in found.effects:
        row |= _interval("earlier_net_sales", found.effects[EARLIER], contacted.height)
    if found.evidence == NOT_COMPARED:
        return row
    row |= _caused(found.effects, contacted.height)
    return row | _gained(found.effects["margin_amount"], contacted.height, row["held_out"], cost)


def _caused(found: Mapping[str, Effect], contacted: int) -> Row:
    names = {
        "caused_net_sales": "net_amount",
        "caused_margin": "margin_amount",
        "later_net_sales": LATER,
        "promoted_net_sales": PROMOTED,
        "other_net_sales": OTHERS,
    }
    row: Row = {}
    for name, outcome in names.items():
        if outcome in found:
            row |= _interval(name, found[outcome], contacted)
    row |= {
        f"caused_orders{end}": value * contacted for end, value in zip(INTERVALS, _ends(found["orders"]), strict=True)
    }
    row["sales_afterwards"] = _change(row, "later_net_sales")
    row["sales_of_other_products"] = _change(row, "other_net_sales")
    return row


def _gained(margin: Effect, contacted: int, held_out: int, cost: int | None) -> Row:
    """Against the cost: the gain, what could have been seen, how many should have been held out."""
    row: Row = {"smallest_visible_margin": round(smallest_visible(margin.error) * contacted), "verdict": NO_COST}
    if cost is None:
        return row
    gain, low, high = (value * contacted - cost for value in _ends(margin))
    row |= {"net_gain": round(gain), "net_gain_low": round(low), "net_gain_high": round(high)}
    row["verdict"] = EARNED if low > 0 else LOST if high < 0 else NOT_SHOWN
    if cost > 0:
        row["return_on_cost"] = gain / cost
        row["hold_out_needed"] = hold_out_needed(
            customers=contacted + held_out, spread=margin.spread, effect=cost / contacted
        )
    return row


def _interval(name: str, effect: Effect, contacted: int) -> Row:
    return {f"{name}{end}": round(value * contacted) for end, value in zip(INTERVALS, _ends(effect), strict=True)}


def _ends(effect: Effect) -> tuple[float, float, float]:
    return effect.mean, effect.mean - effect.half, effect.mean + effect.half


def _change(row: Row, name: str) -> str | None:
    if row.get(name) is None:
        return None
    return LESS if row[f"{name}_high"] < 0 else MORE if row[f"{name}_low"] > 0 else NO_SIGN


def _cost(facts: CampaignFacts, sent: pl.DataFrame, responses: Mapping[str, int] | None) -> int | None:
    """Contacts, redemptions, and the share of the fixed cost; None where a part of it is not recorded.

    `responses`: by offer; None where nobody recorded them, or they are not all there yet.
    """
    contacts, costed = int(sent["contacts"].sum()), int(sent["costed"].sum())
    if 0 < costed < contacts or (costed == 0 and facts.fixed_cost is None):
        return None
    if responses is None and any(facts.redemption_costs.get(offer) for offer in sent["offer_id"] if offer is not None):
        return None
    redeemed = sum(facts.redemption_costs.get(offer, 0) * count for offer, count in (responses or {}).items())
    everything = int(facts.sends["contacts"].sum())
    share = contacts / everything if everything else 0.0
    return int(sent["cost"].sum()) + redeemed + round((facts.fixed_cost or 0) * share)
