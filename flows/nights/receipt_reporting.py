"""Receipts in plain values and on the terminal.

Belongs here: reading the published receipts and printing them. Does not: making them (`receipting.py`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rich.table import Table

from flows.context import Context
from flows.errors_reviewing import NothingToReviewError
from flows.nights.receipt_outcomes import with_model
from flows.nights.receipting import fallen_short
from flows.reporting import console
from segments.receipts.contract import ALL, BROKEN, SCORE_RECEIPTS
from warehouse.publishing.kept_scores import published_nights
from warehouse.publishing.publications import PUBLISHED_SCHEMA, current_publication

RETRAIN = "train anew: `gristmill train`; then compare the new version with the champion before it takes over"


def read_receipts(context: Context) -> dict[str, Any]:
    """The receipts that readers see, in plain values.

    Returns:
        `as_of`, `nights_kept`, `first_night_kept`, `receipts` (all rows of `segments.score_receipts`), and
        `below_promise`: by model what its champion fell short of, with `what_to_do`.

    Raises:
        NothingToReviewError: there is no published version.
    """
    if not context.warehouse().exists():
        raise NothingToReviewError
    with context.warehouse(read_only=True) as warehouse:
        version = current_publication(warehouse)
        if version is None:
            raise NothingToReviewError
        nights = list(published_nights(warehouse, context.lake.root, before=date.max))
        rows = SCORE_RECEIPTS.schema.to_frame()
        if "score_receipts" in warehouse.views(PUBLISHED_SCHEMA):
            rows = with_model(warehouse.read_table(PUBLISHED_SCHEMA, "score_receipts"))
    short = fallen_short(context, version.as_of)
    return {
        "verb": "receipts",
        "as_of": version.as_of.isoformat(),
        "nights_kept": len(nights),
        "first_night_kept": nights[0].as_of.isoformat() if nights else None,
        "below_promise": short,
        "what_to_do": RETRAIN if short else None,
        "receipts": rows.sort(SCORE_RECEIPTS.key).to_dicts(),
    }


def print_receipts(found: Mapping[str, Any]) -> None:
    """One line a night and score, then what to do."""
    out = console()
    rows = [row for row in found["receipts"] if row["slice"] == ALL]
    if not rows:
        kept, first = found["nights_kept"], found["first_night_kept"]
        out.print(
            f"no window is over yet: {kept} {'night is' if kept == 1 else 'nights are'} kept"
            + (f", the first of {first}" if first else "")
        )
        return
    table = Table("night", "score", "model", "customers", "predicted", "actual (95 %)", "lift", "ranking", "verdict")
    for row in rows:
        verdict = f"[bold red]{row['verdict']}[/]" if row["verdict"] == BROKEN else row["verdict"]
        table.add_row(
            str(row["scored_as_of"]),
            row["score"],
            f"{row['model']} {row['model_version']}",
            f"{row['customers']:,}",
            _number(row["predicted"]),
            f"{_number(row['actual'])} ({_number(row['actual_low'])} to {_number(row['actual_high'])})",
            _number(row["lift"]),
            f"{_number(row['ranking'])} of {_number(row['promised_ranking'])}",
            verdict,
        )
    out.print(table)
    for model, why in found["below_promise"].items():
        out.print(f"[bold red]{model}[/] is below its promise: {why}", highlight=False)
    if found["what_to_do"]:
        out.print(found["what_to_do"], highlight=False)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.3f}"
