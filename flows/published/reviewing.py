"""The review as a page: which published version it is of, its tables read, its page written.

Belongs here: reading, rendering and writing. Does not: what a review says (`segments.review`), its charts
(`segments.review.charts`), its looks (`review_page.html.j2`).
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from flows.context import Context
from flows.errors_reviewing import NothingToReviewError, ReviewNotKeptError, ReviewUnwritableError
from flows.nights.drift_reporting import page_facts_of
from segments.campaigns.reviewed import what_actions_brought
from segments.money import Currency, currency_of
from segments.receipts.contract import BROKEN, CHURN, KEPT, LEAVING, OFFER, VALUE_12M, VALUE_90D
from segments.review import charts as review_charts
from segments.review import content as review
from segments.standing.portfolio_contracts import LAST_QUARTER, LAST_VERSION
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.ledger import attempt_of
from warehouse.ledger_schema import ledger_rows
from warehouse.publishing.publications import VERSIONS_SCHEMA, Publication, publications, versioned_name

PAGE: Final = "review_page.html.j2"
TABLES: Final = ("tier_migration", "customer_equity", "yearly_churn", "score_receipts", "drift", "campaign_ledger")
CUSTOMER_COLUMNS: Final = ("customer_status", "churn_probability", "churn_risk_band", "expected_value_12m")
RISING_COLUMNS: Final = ("is_rising", "expected_value_12m")
GAIN_COLUMNS: Final = ("expected_gain", "expected_gain_low", "expected_gain_high", "evidence")
MOST_RECEIPTS: Final = 12
_WORDS: Final = {
    CHURN: "goes quiet",
    LEAVING: "ends the subscription",
    VALUE_90D: "spends in 90 days",
    VALUE_12M: "spends in a year",
    OFFER: "buys what is offered",
}
"""Scores that the page shows, by what they say of a customer; the others are in `segments.score_receipts`."""


def write_review(
    context: Context, *, as_of: date | None = None, out: Path | None = None, night: bool = False
) -> dict[str, Any]:
    """Write the page of a published date.

    Args:
        context: the surroundings.
        as_of: a published date; None for the newest.
        out: the file; by default `reports/review-DATE.html` (or `night-DATE.html`) in the workspace.
        night: one page about the last night instead of the quarter.

    Returns:
        Plain values: `status`, `message`, `as_of`, `version`, `file`, `decisions`.

    Raises:
        NothingToReviewError: nothing is published yet.
        ReviewNotKeptError: that date is not published, or its tables are not kept any more.
        ReviewUnwritableError: the file can't be written.
    """
    if not context.warehouse().exists():
        raise NothingToReviewError
    with context.warehouse(read_only=True) as warehouse:
        version = _version_of(warehouse, as_of)
        tables = _tables(warehouse, version)
        run = attempt_of(warehouse, version.run_key, version.attempt)
        loads = ledger_rows(warehouse, "loads", "WHERE load_id = ? LIMIT 1", [run.load_id if run else None])
    facts = page_facts(
        tables,
        currency=currency_of(context.settings.company.currency),
        load_counts=loads[0]["counts"] if loads else {},
        full=not night,
    )
    models = sorted(run.model_versions.items()) if run else []
    named = "night" if night else "review"
    path = out or context.settings.workspace / "reports" / f"{named}-{version.as_of.isoformat()}.html"
    write_page(path, rendered(facts | {"as_of": version.as_of.isoformat(), "version": version, "models": models}))
    return {
        "verb": "review",
        "status": "written",
        "message": f"the {'page of the night' if night else 'review'} of {version.as_of} is written",
        "as_of": version.as_of.isoformat(),
        "version": version.version_number,
        "file": str(path),
        "decisions": [
            {"title": one.title, "expected": one.money, "interval": one.interval, "rests_on": one.evidence}
            for one in facts["decisions"]
        ],
    }


def keep_night_page(context: Context) -> None:
    """Write the page of the newest published night; where that can't be, it is told and nothing more happens."""
    try:
        write_review(context, night=True)
    except (NothingToReviewError, ReviewNotKeptError, ReviewUnwritableError) as error:
        context.reporter.say(f"the page of the night is not written: {error.what} ({error.got})")


def page_facts(
    tables: review.Tables, *, currency: Currency, load_counts: Mapping[str, Any], full: bool
) -> dict[str, Any]:
    """What the page shows, by name in the template.

    Args:
        tables: published tables by name; of lists of customers only the columns of gains are looked at.
        currency: of every amount.
        load_counts: of the load, as the ledger has them.
        full: the review of the quarter; else the page of the night.
    """
    quality, rules = review.quality(load_counts)
    read, bad = sum(one[1] for one in quality), sum(one[2] for one in quality)
    moves = review.moves(tables, compared_to=LAST_QUARTER if full else LAST_VERSION)
    steps = review.bridge(tables)
    receipts = review.whole_receipts(tables).filter(pl.col("score").is_in(list(_WORDS)))
    churn = review.yearly_churn(tables)
    brought = what_actions_brought(tables, currency)
    shown = receipts.tail(MOST_RECEIPTS)
    return {
        "full": full,
        "title": "The 90-day review" if full else "Last night",
        "subtitle": "Five minutes: what to decide, who moved, what came true." if full else "One page on one night.",
        "tiles": review.headline(tables, currency),
        "decisions": review.decisions(tables, currency, set_aside_share=bad / read if read else 0.0),
        "moves": moves,
        "order": review.ORDER,
        "sankey": review_charts.sankey(moves.flows, order=review.ORDER) if moves else "",
        "bridge": review_charts.waterfall(steps, [_step(amount, total, currency) for _, amount, total in steps]),
        "points": review_charts.predicted_and_actual(review.churn_points(tables)),
        "receipts": [_receipt(row, currency) for row in reversed(shown.to_dicts())],
        "older": receipts.height - shown.height,
        "brought": brought,
        "gains": review_charts.gains(brought.points, [review.money(one[1], currency) for one in brought.points]),
        "churn": churn,
        "churn_chart": _churn_chart(churn),
        "quality": quality,
        "rules": rules,
        "drift": page_facts_of(tables.get("drift")),
    }


def rendered(facts: Mapping[str, Any]) -> str:
    """The page as HTML; every text is escaped, charts are ours."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 only where a page is made
    from markupsafe import Markup  # noqa: PLC0415 likewise

    charts = {
        name: Markup(facts[name])  # noqa: S704 drawn by `segments.review.charts`, which escapes its labels
        for name in ("sankey", "bridge", "points", "churn_chart", "gains")
    }
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(PAGE).render({**facts, **charts})


def _version_of(warehouse: Warehouse, as_of: date | None) -> Publication:
    known = publications(warehouse)
    if not known:
        raise NothingToReviewError
    standing = [
        one
        for one in known
        if not one.superseded and one.rolled_back_at is None and one.collected_at is None and "customer" in one.tables
    ]
    for version in standing:
        if as_of is None or version.as_of == as_of:
            return version
    raise ReviewNotKeptError(as_of=as_of, kept=sorted({one.as_of for one in standing}))


def _tables(warehouse: Warehouse, version: Publication) -> dict[str, pl.DataFrame]:
    """The tables a review reads; of those with a row a customer only columns that name nobody."""
    columns: dict[str, tuple[str, ...] | None] = {"customer": CUSTOMER_COLUMNS, **dict.fromkeys(TABLES)}
    columns |= {"value_matrix": RISING_COLUMNS, **dict.fromkeys(review.LISTS, GAIN_COLUMNS)}
    found = {}
    for table, wanted in columns.items():
        if table in version.tables:
            place = (VERSIONS_SCHEMA, versioned_name(table, version.version_number))
            listed = "*" if wanted is None else ", ".join(quoted(column) for column in wanted)
            found[table] = warehouse.query(f"SELECT {listed} FROM {quoted(*place)}", step=f"review {table}")  # noqa: S608 names are checked
    return found


def _step(amount: float, is_total: bool, currency: Currency) -> str:  # noqa: FBT001 a private helper with one caller
    sign = "" if is_total or amount <= 0 else "+"
    return f"{sign}{review.money(amount, currency)}"


def _receipt(row: Mapping[str, Any], currency: Currency) -> dict[str, str]:
    def figure(value: float | None) -> str:
        if value is None:
            return "-"
        return review.money(value, currency) if row["score"] in (VALUE_90D, VALUE_12M) else f"{value:.1%}"

    return {
        "night": str(row["scored_as_of"]),
        "score": _WORDS[row["score"]],
        "customers": f"{row['customers']:,}",
        "predicted": figure(row["predicted"]),
        "actual": figure(row["actual"]),
        "verdict": row["verdict"] or "-",
        "tone": {BROKEN: "bad", KEPT: "good"}.get(row["verdict"], ""),
    }


def _churn_chart(churn: Mapping[str, Any] | None) -> str:
    if churn is None:
        return ""
    return review_charts.share_against_line(
        *(float(churn[name]) for name in ("churn_share", "churn_share_low", "churn_share_high", "natural_share"))
    )


def write_page(path: Path, page: str) -> None:
    """Write a page: aside first, then put in place in one step.

    Raises:
        ReviewUnwritableError: it can't be written.
    """
    aside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(page, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise ReviewUnwritableError(path=str(path), reason=type(error).__name__) from None
