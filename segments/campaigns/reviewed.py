"""What the actions brought, for the review: the campaigns of the last quarter, with the money.

Belongs here: choosing and wording rows of the published ledger. Does not: making it, drawing, the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import polars as pl

from segments.campaigns.rules import ALL_CUT, EARNED, HOLD_OUT, LESS, LOST, MATCHED, MATURED, NOT_COMPARED
from segments.money import Currency
from segments.review.content import money

QUARTER: Final = timedelta(days=90)
MOST_ROWS: Final = 8
NO_CAMPAIGNS: Final = (
    "No contacts are loaded, so nothing can be said of what actions brought. Load campaigns and contacts, and leave "
    "some customers alone by lot: then this page says what each campaign caused, not what its recipients bought."
)
_TONES: Final = {EARNED: "good", LOST: "bad"}
_SIDES: Final = {HOLD_OUT: "hold-out by lot", MATCHED: "matched, not an experiment", NOT_COMPARED: "none"}


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the actions brought.

    Attributes:
        words: the sentences above the table.
        rows: campaigns by column name, texts, the newest first.
        older: campaigns left out of `rows`.
        points: (campaign, net gain or caused margin, low, high) in major units, of those measured.
        of: what the points are of.
        signs: what was pulled forward or taken from other products, a sentence each.
        restated: what was told otherwise before, of campaigns restated within the last quarter, a sentence each.
        note: what the reader has to know of campaigns without a hold-out; empty where there are none.
    """

    words: str
    rows: Sequence[Mapping[str, str]] = ()
    older: int = 0
    points: Sequence[tuple[str, float, float, float]] = ()
    of: str = ""
    signs: Sequence[str] = ()
    restated: Sequence[str] = ()
    note: str = ""


def what_actions_brought(tables: Mapping[str, pl.DataFrame], currency: Currency) -> Brought:
    """The campaigns whose window ended within the last quarter or, where none did, the last that did.

    Args:
        tables: published tables by name, amounts in major units.
        currency: of every amount.
    """
    ledger = tables.get("campaign_ledger")
    whole = None if ledger is None else ledger.filter(pl.col("cut") == ALL_CUT)
    if whole is None or whole.is_empty():
        return Brought(words=NO_CAMPAIGNS)
    matured = whole.filter(pl.col("state") == MATURED).sort("window_ends_on", "campaign_id", descending=[True, False])
    running = whole.filter(pl.col("state") != MATURED)
    waiting = _waiting(running)
    if matured.is_empty():
        return Brought(words=f"No campaign's window is over yet. {waiting}")
    lately = matured.filter(pl.col("window_ends_on") >= pl.col("as_of") - QUARTER)
    since = "ended within the last 90 days"
    if lately.is_empty():
        lately, since = matured.head(MOST_ROWS), "ended longer ago than 90 days; no window ended since"
    shown = lately.head(MOST_ROWS).to_dicts()
    gains = all(row["net_gain"] is not None for row in shown if row["caused_margin"] is not None)
    name = "net_gain" if gains else "caused_margin"
    measured = [row for row in shown if row[name] is not None]
    return Brought(
        words=f"{_many(lately.height)} whose window {since}: {_together(lately, currency)} {waiting}".strip(),
        rows=[_row(row, currency) for row in shown],
        older=lately.height - len(shown),
        points=[_point(row, name) for row in measured],
        of="net gain" if gains else "caused margin",
        signs=[sign for row in shown for sign in _signs(row, currency)],
        restated=[f"{_name(row)}: {row['restatement']}." for row in _restated(matured).to_dicts()],
        note=_note(lately),
    )


def _together(rows: pl.DataFrame, currency: Currency) -> str:
    """What they cost and caused together; campaigns of which nothing can be told are counted, not added."""
    told = rows.filter(pl.col("caused_margin").is_not_null())
    untold = rows.height - told.height
    left = f"Of {_many(untold).lower()} nothing can be told." if untold else ""
    if told.is_empty():
        return left
    cost = float(told["cost"].sum() or 0)
    bought, caused = (float(told[name].sum() or 0) for name in ("net_sales_of_contacted", "caused_margin"))
    sure = told.filter(pl.col("verdict") == EARNED).height
    spent = f"for {money(cost, currency)} " if cost else ""
    shown = f"{sure} of {told.height} earned its cost beyond doubt." if cost else "No cost is recorded."
    return (
        f"{spent}they caused an estimated {money(caused, currency)} of margin, while the contacted bought for "
        f"{money(bought, currency)}, most of it anyway. {shown} {left}"
    )


def _point(row: Mapping[str, Any], name: str) -> tuple[str, float, float, float]:
    return _name(row), float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"])


def _row(row: Mapping[str, Any], currency: Currency) -> dict[str, str]:
    def figure(name: str) -> str:
        return "-" if row[name] is None else money(float(row[name]), currency)

    def span(name: str) -> str:
        return "" if row[name] is None else f"{figure(f'{name}_low')} to {figure(f'{name}_high')}"

    return {
        "name": _name(row),
        "when": f"{row['first_contact_on']}, {row['contacted']:,} contacted",
        "cost": figure("cost"),
        "caused": figure("caused_margin"),
        "caused_span": span("caused_margin"),
        "gain": figure("net_gain"),
        "gain_span": span("net_gain"),
        "evidence": _SIDES[row["evidence"]],
        "verdict": row["verdict"],
        "tone": _TONES.get(row["verdict"], ""),
        "words": row["in_words"],
    }


def _signs(row: Mapping[str, Any], currency: Currency) -> list[str]:
    told = {
        "sales_afterwards": ("later_net_sales", "was followed by less in the window after: pulled forward"),
        "sales_of_other_products": ("other_net_sales", "took from other products"),
    }
    return [
        f"{_name(row)} {words} ({money(float(row[amount]), currency)} of net sales)."
        for name, (amount, words) in told.items()
        if row[name] == LESS
    ]


def _restated(matured: pl.DataFrame) -> pl.DataFrame:
    """Campaigns whose figures changed within the last quarter, of whatever age: they had been told in a review."""
    if "restatement" not in matured.columns:  # a version of before restatements were written down
        return matured.clear()
    return matured.filter(pl.col("restated_on") >= pl.col("as_of") - QUARTER).head(MOST_ROWS)


def _name(row: Mapping[str, Any]) -> str:
    return str(row["campaign_name"] or row["campaign_id"])


def _waiting(running: pl.DataFrame) -> str:
    if running.is_empty():
        return ""
    next_end = running.sort("window_ends_on")["window_ends_on"][0]
    return f"{_many(running.height)} not matured yet; the next window ends on {next_end}."


def _many(count: int) -> str:
    return "One campaign" if count == 1 else f"{count} campaigns"


def _note(rows: pl.DataFrame) -> str:
    matched = rows.filter(pl.col("evidence") == MATCHED).height
    if not matched:
        return ""
    return (
        f"{_many(matched)} had no usable hold-out: the contacted are held against like customers who were not "
        "contacted. That is no experiment; what is not recorded may make the difference. Leaving some customers alone "
        "by lot next time settles it."
    )
