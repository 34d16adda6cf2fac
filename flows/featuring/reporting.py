"""Features for people: the catalogue, one customer, and verdicts, as tables and lines in the terminal.

Belongs here: printing. Does not: what is printed (`looking`, `proofs`).
"""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from flows.featuring.comparing import DIFFERS, HOLDS
from flows.reporting import console

Result = Mapping[str, Any]
LARGE = 100  # from here on decimals tell nothing
COLOURS = {HOLDS: "green", DIFFERS: "bold red"}


def print_catalogue(found: Result) -> None:
    """What can be made, then what can't, by reason."""
    out = console()
    table = Table(title="features")
    table.add_column("name", no_wrap=True)
    for heading in ("meaning", "unit", "null means", "needs", "window"):
        table.add_column(heading)
    for one in found["features"]:
        window = "" if one["window_days"] is None else f"{one['window_days']} d"
        cells = (one["name"], one["meaning"], one["unit"], one["null_means"], ", ".join(one["needs"]), window)
        table.add_row(*(escape(cell) for cell in cells))
    if found["features"]:
        out.print(table)
    reasons: dict[str, list[str]] = {}
    for one in found["left_out"]:
        reasons.setdefault(one["reason"], []).append(one["name"])
    for reason, names in reasons.items():
        out.print(f"left out ({len(names)}): {reason}: {', '.join(names)}", markup=False)
    out.print(f"{len(found['features'])} features; made of: {found['made_of']}", markup=False)


def print_exported(found: Result) -> None:
    """What was written, and for whom there was nothing."""
    dates = found["dates"]
    when = dates[0] if len(dates) == 1 else f"{len(dates)} dates, {dates[0]} to {dates[-1]}"
    without = f"; {found['without_features']:,} of them without features" if found["without_features"] else ""
    out = console()
    out.print(f"{found['rows']:,} rows{without}, {found['features']} features as of {when}", markup=False)
    out.print(f"  file  {found['file']}", markup=False, soft_wrap=True)


def print_customer(found: Result) -> None:
    """Values beside everybody's."""
    out = console()
    title = f"{found['customer_id']} as of {found['as_of']}"
    table = Table(title=escape(title))
    table.add_column("feature", no_wrap=True)
    for name in ("value", "10 %", "50 %", "90 %"):
        table.add_column(name, justify="right")
    for name in ("unit", "meaning"):
        table.add_column(name)
    for one in found["features"]:
        quantiles = [_number(one[label]) for label in ("low", "median", "high")]
        meaning = one["meaning"] if one["value"] is not None else f"{one['meaning']} None: {one['null_means']}."
        table.add_row(one["name"], escape(_number(one["value"])), *quantiles, escape(one["unit"]), escape(meaning))
    out.print(table)
    said = f"10, 50 and 90 %: so many of the customers with a value have that much or less; {found['customers']:,}"
    out.print(f"{said} customers ({found['population_from']})", markup=False)


def print_proofs(found: Result) -> None:
    """One line a proof; what differs, and what was not compared, below it."""
    out = console()
    for one in found["proofs"]:
        colour = COLOURS.get(one["verdict"], "yellow")
        line = f"{one['proof']:<18} {one['meaning']} ({one['rows_compared']:,} rows)"
        out.print(f"[{colour}]{one['verdict']:<8}[/] {escape(line)}", soft_wrap=True)
        for name, where in one["differing"].items():
            out.print(f"           {name}: {where}", markup=False, soft_wrap=True)
        for note in one["notes"]:
            out.print(f"           {note}", markup=False, soft_wrap=True)
    dates = ", ".join(found["as_of"])
    out.print(f"{found['features']} features as of {dates}; load {found['load_id']}", markup=False)


def _number(value: float | str | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:,.3f}".rstrip("0").rstrip(".")
