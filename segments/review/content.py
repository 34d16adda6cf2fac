"""What a review says: figures, sentences and decisions from the published tables, aggregates only.

Belongs here: choosing and wording. Does not: reading tables, drawing (`charts.py`), the page
(`flows.published.reviewing`).

Every part is None or empty where its table is not there or says nothing; no row is about one customer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from segments.decisions.values import ASSUMED, RANDOMISED, RESPONSE
from segments.money import Currency
from segments.receipts.contract import ALL, BROKEN, CHURN, LEAVING, SCORE_RECEIPTS
from segments.standing.portfolio_contracts import LAST_QUARTER
from segments.standing.tier_migration import BRIDGE, NO_CHANGE
from segments.vocabulary import ACTIVE, NOT_SCORED, VALUE_TIERS

Tables = Mapping[str, pl.DataFrame]
ORDER: Final = (*VALUE_TIERS, NOT_SCORED)
MOST_DECISIONS: Final = 5
RESTS_ON: Final = {
    RANDOMISED: "effects measured against customers left alone by lot",
    RESPONSE: "what such customers buy; no effect of asking them is claimed",
    ASSUMED: "a share of successes that the settings assume, not a measurement",
}
_THOUSAND = 1_000
_MILLION = 1_000_000
LISTS: Final = {
    "retention_list": ("Keep {n} customers about to leave", "Work through the retention list from rank 1."),
    "winback_list": ("Win {n} lost key customers back", "Give each plan on the win-back list an owner."),
    "upgrade_path": (
        "Take {n} gold customers towards platinum",
        "Offer the category that their like buy and they lack.",
    ),
    "standard_service": ("Serve {n} customers by the standard process", "Stop personal effort that does not pay."),
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One recommended decision.

    Attributes:
        title: what to do.
        how: where to begin.
        money: what it is expected to bring, as text; empty where no amount can be given.
        interval: from what to what; empty likewise.
        evidence: what the amount rests on.
        weight: the amount in major units, what decisions are sorted by.
    """

    title: str
    how: str
    money: str = ""
    interval: str = ""
    evidence: str = ""
    weight: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Who moved between tiers, against an earlier version.

    Attributes:
        since: that version's date.
        flows: customers by (before, now).
        matrix: rows of (tier before, customers now in each of `ORDER`).
        up, down: how many moved.
        causes: (cause, customers who moved for it), the most frequent first.
    """

    since: str
    flows: Mapping[tuple[str, str], int]
    matrix: Sequence[tuple[str, Sequence[int]]]
    up: int
    down: int
    causes: Sequence[tuple[str, int]]


def money(amount: float, currency: Currency) -> str:
    """An amount in major units for reading at a glance: £950, £12.3k, £4.56m."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= _MILLION:
        return f"{sign}{currency.label}{size / _MILLION:,.2f}m"
    if size >= 10 * _THOUSAND:
        return f"{sign}{currency.label}{size / _THOUSAND:,.1f}k"
    return f"{sign}{currency.label}{size:,.0f}"


def headline(tables: Tables, currency: Currency) -> list[tuple[str, str, str]]:
    """The figures at the top: (label, figure, what it means)."""
    customers = tables["customer"]
    scored = customers.filter(pl.col("churn_probability").is_not_null())
    active = customers.filter(pl.col("customer_status") == ACTIVE).height
    made = [("active customers", f"{active:,}", f"of {customers.height:,} known")]
    equity = float(scored["expected_value_12m"].sum() or 0)
    before = _bridge_value(tables, "before")
    change = f"{equity / before - 1:+.1%} since last quarter" if before else "expected of all for 12 months"
    made.append(("customer equity", money(equity, currency), change))
    if scored.height:
        leaving = float(scored["churn_probability"].sum())
        made.append(("expected to go quiet", f"{leaving:,.0f}", f"{leaving / scored.height:.0%} of those scored"))
    at_risk = scored.filter(pl.col("churn_risk_band").is_in(["high", "critical"]))
    stake = float(at_risk["expected_value_12m"].sum() or 0)
    made.append(("value at high risk", money(stake, currency), f"{at_risk.height:,} customers"))
    if "value_matrix" in tables:
        rising = tables["value_matrix"].filter("is_rising")
        coming = money(float(rising["expected_value_12m"].sum() or 0), currency)
        made.append(("rising customers", f"{rising.height:,}", f"small last year, expected to bring {coming}"))
    return made


def moves(tables: Tables, *, compared_to: str = LAST_QUARTER) -> Moves | None:
    """Who moved; None where there is nothing to compare with."""
    table = tables.get("tier_migration")
    rows = None if table is None else table.filter(pl.col("compared_to") == compared_to)
    if rows is None or rows.is_empty():
        return None
    flows: dict[tuple[str, str], int] = {}
    for before, now, customers in rows.select("from_tier", "to_tier", "customers").iter_rows():
        flows[before, now] = flows.get((before, now), 0) + customers
    place = {name: number for number, name in enumerate(ORDER)}
    moved = rows.filter(pl.col("cause") != NO_CHANGE)
    causes = moved.group_by("cause").agg(pl.col("customers").sum()).sort("customers", "cause", descending=[True, False])
    return Moves(
        since=str(rows["compared_as_of"][0]),
        flows=flows,
        matrix=[(before, [flows.get((before, now), 0) for now in ORDER]) for before in ORDER],
        up=sum(count for (before, now), count in flows.items() if place[now] < place[before]),
        down=sum(count for (before, now), count in flows.items() if place[now] > place[before]),
        causes=list(causes.iter_rows()),
    )


def bridge(tables: Tables) -> list[tuple[str, float, bool]]:
    """The steps from last quarter's equity to today's: (name, amount in major units, whether it is a total)."""
    values = {name: _bridge_value(tables, name) for name in BRIDGE}
    if not values["before"] and not values["now"]:
        return []
    return [(name, value, name in ("before", "now")) for name, value in values.items()]


def churn_points(tables: Tables) -> list[tuple[str, float, float, float, float]]:
    """Predicted and actual churn, one point a night whose window is over: (night, predicted, actual, low, high)."""
    receipts = whole_receipts(tables).drop_nulls(["predicted", "actual_low"])
    rows = receipts.filter(pl.col("score") == (CHURN if CHURN in receipts["score"] else LEAVING))
    kept = rows.select(
        pl.col("scored_as_of").dt.strftime("%d %b %y"), "predicted", "actual", "actual_low", "actual_high"
    )
    return list(kept.iter_rows())


def whole_receipts(tables: Tables) -> pl.DataFrame:
    """Receipts about all customers, the oldest night first; none where nothing has matured."""
    table = tables.get("score_receipts")
    if table is None or table.is_empty():
        return SCORE_RECEIPTS.schema.to_frame()
    return table.filter(pl.col("slice") == ALL).sort("scored_as_of", "score")


def yearly_churn(tables: Tables) -> dict[str, Any] | None:
    """The row of `yearly_churn`; None where the history is too short."""
    table = tables.get("yearly_churn")
    if table is None or table.is_empty() or table["churn_share"][0] is None:
        return None
    return table.row(0, named=True)


def quality(load_counts: Mapping[str, Any]) -> tuple[list[tuple[str, int, int, float]], list[tuple[str, str, int]]]:
    """The last load: (entity, rows read, rows set aside, their share), and the rules broken most often."""
    entities = [
        (name, read, bad, bad / read if read else 0.0)
        for name, counted in sorted(load_counts.get("entities", {}).items())
        for read, bad in [(int(counted.get("read", 0)), int(counted.get("quarantined", 0)))]
    ]
    broken = [(rule["rule"], rule["entity"], int(rule["rows"])) for rule in load_counts.get("rules", [])]
    return entities, sorted(broken, key=lambda one: (-one[2], one[0], one[1]))[:5]


def decisions(tables: Tables, currency: Currency, *, set_aside_share: float = 0.0) -> list[Decision]:
    """At most five recommended decisions, what brings most first; then those without an amount.

    Args:
        tables: as published; amounts in major units.
        currency: of every amount.
        set_aside_share: of the last load's rows, what was set aside.
    """
    listed = [_from_list(tables[name], words, currency) for name, words in LISTS.items() if name in tables]
    found = sorted(
        (one for one in listed if one is not None and one.weight > 0), key=lambda one: (-one.weight, one.title)
    )
    return [*found, *_without_amount(tables, set_aside_share)][:MOST_DECISIONS]


def _from_list(rows: pl.DataFrame, words: tuple[str, str], currency: Currency) -> Decision | None:
    """A list of customers as one decision; the ends of its interval are summed: rather too wide than too tight."""
    if rows.is_empty():
        return None
    gain, low, high = (
        float(rows[name].sum() or 0) for name in ("expected_gain", "expected_gain_low", "expected_gain_high")
    )
    evidence = "; ".join(RESTS_ON.get(word, word) for word in sorted(set(rows["evidence"].drop_nulls())))
    return Decision(
        title=words[0].format(n=f"{rows.height:,}"),
        how=words[1],
        money=money(gain, currency),
        interval=f"{money(low, currency)} to {money(high, currency)}",
        evidence=evidence,
        weight=gain,
    )


def _without_amount(tables: Tables, set_aside_share: float) -> list[Decision]:
    found = []
    newest = whole_receipts(tables).group_by("score", maintain_order=True).last()
    broken = newest.filter(pl.col("verdict") == BROKEN).sort("scored_as_of", "score")
    if broken.height:
        last = broken.row(-1, named=True)
        how = f"The scores of {last['scored_as_of']} fell short: {last['why']}."
        found.append(Decision(title="Train the models anew and compare before promoting", how=how))
    churn = yearly_churn(tables)
    if churn and churn["verdict"] == "above natural":
        how = f"{churn['churn_share']:.0%} of last year's customers are lost; {churn['natural_share']:.0%} is natural."
        found.append(Decision(title="Find out why more customers leave than is natural", how=how))
    if set_aside_share > 0.01:  # noqa: PLR2004 beyond a hundredth somebody should look
        how = f"{set_aside_share:.1%} of the rows read were set aside; `gristmill quarantine` says why."
        found.append(Decision(title="Repair the sources", how=how))
    return found


def _bridge_value(tables: Tables, part: str) -> float:
    table = tables.get("customer_equity")
    if table is None:
        return 0.0
    rows = table.filter(pl.col("dimension") == "bridge", pl.col("part") == part)
    return float(rows["expected_value_12m"][0]) if rows.height else 0.0
