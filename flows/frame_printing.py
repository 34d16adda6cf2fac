"""A published table in the terminal: what differs from row to row in columns, what is the same for all said once.

Belongs here: which columns a screen has room for. Does not: reading and filtering (`showing`), files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

IN_THE_TERMINAL: Mapping[str, tuple[str, ...]] = {
    "customer": (
        *("customer_id", "value_tier", "churn_risk_band", "churn_probability", "expected_value_12m"),
        *("next_offer_1", "main_reason", "recommended_action"),
    ),
    "next_best_offer": (
        *("customer_id", "rank", "product_name", "purchase_probability", "reason", "expected_gain"),
        *("is_chosen", "decision_reason"),
    ),
    "retention_list": (
        *("rank", "customer_id", "churn_probability", "margin_at_stake", "offer", "expected_gain", "evidence"),
        "reason",
    ),
    "winback_list": ("rank", "customer_id", "yearly_margin", "used_to_buy", "offer", "expected_gain", "plan", "reason"),
    "upgrade_path": ("rank", "customer_id", "expected_value_12m", "lacking_category_1", "expected_gain", "reason"),
    "standard_service": (
        "rank",
        "customer_id",
        "decision",
        "margin_365_days",
        "cost_365_days",
        "expected_gain",
        "reason",
    ),
    "campaign_ledger": (
        *("campaign_name", "cut_value", "contacted", "held_out", "cost", "caused_margin", "net_gain"),
        *("net_gain_low", "net_gain_high", "verdict"),
    ),
}
"""Columns that matter most, unless others are asked for; files and JSON get all."""
NEVER = ("run_key",)
NARROW = 18  # a text may be folded to so many characters


def print_table(
    out: Console, title: str, frame: pl.DataFrame, *, limit: int, columns: Sequence[str] | None = None
) -> None:
    """The first rows of a table.

    Args:
        out: where to.
        title: the table's name.
        frame: all its rows.
        limit: rows to show.
        columns: exactly these; without them those that differ, matter most and have room.
    """
    shown = frame.head(limit)
    same, hidden = {}, []
    if columns is None:
        same = _same_for_all(frame)
        chosen = IN_THE_TERMINAL.get(title, tuple(name for name in frame.columns if name not in NEVER))
        wanted = [name for name in chosen if name in frame.columns and name not in same]
        columns = _with_room(shown.select(wanted), out.width)
        hidden = [name for name in frame.columns if name not in (*columns, *same, *NEVER)]
    table = Table(title=f"segments.{title}: {shown.height:,} of {frame.height:,} rows", show_lines=False)
    for name in columns:
        table.add_column(name, justify="right" if frame.schema[name].is_numeric() else "left", overflow="fold")
    for row in shown.select(columns).iter_rows():
        table.add_row(*(_cell(value) for value in row))
    out.print(table)
    for line in _beside(same, hidden):
        out.print(line, markup=False, style="dim")


def _same_for_all(frame: pl.DataFrame) -> dict[str, str]:
    """Columns that say the same in every one of several rows, with what they say; empty ones with nothing."""
    if frame.height < 2:  # noqa: PLR2004 one row differs from none
        return {}
    return {name: _plain(frame.item(0, name)) for name in frame.columns if frame[name].n_unique() == 1}


def _with_room(shown: pl.DataFrame, width: int) -> list[str]:
    """The columns from the left that fit beside the last one, which is mostly the one in words."""
    needed = {name: _width(name, shown[name]) + 3 for name in shown.columns}
    last = shown.columns[-1:]
    room = width - 1 - sum(needed[name] for name in last)
    kept: list[str] = []
    for name in shown.columns[:-1]:
        room -= needed[name]
        if room < 0:
            break
        kept.append(name)
    return kept + last


def _width(name: str, values: pl.Series) -> int:
    longest = max((len(_plain(value)) for value in values), default=0)
    return max(min(len(name), NARROW), min(longest, NARROW) if values.dtype == pl.String else longest)


def _beside(same: Mapping[str, str], hidden: Sequence[str]) -> list[str]:
    said = [f"{name} {value}" for name, value in same.items() if value and name not in NEVER]
    lines = [f"for all: {', '.join(said)}"] if said else []
    if hidden:
        lines.append(f"not shown: {', '.join(hidden)} (--columns A,B or --csv FILE)")
    return lines


def _plain(value: Any) -> str:  # noqa: ANN401 any cell
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _cell(value: Any) -> str:  # noqa: ANN401 any cell
    return _plain(value).replace("[", "\\[")
