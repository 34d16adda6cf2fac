"""Decisions, for people: what is chosen and at which prices, what another rule would change, what policies bring."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.reporting import console

Result = Mapping[str, Any]
FIGURES = ("contacts", "customers", "cost", "expected_gain")


def print_decisions(result: Result) -> None:
    """The answer of `gristmill decide`."""
    out = console()
    asked = "what_if" in result
    table = Table("", "now", *(("what if",) if asked else ()), title=f"decisions of {result['as_of']}")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in FIGURES:
        shown = [_figure(name, result[side], result["currency"]) for side in ("now", "what_if") if side in result]
        table.add_row(name.replace("_", " "), *shown)
    out.print(table)
    if asked:
        change = result["change"]
        out.print(
            f"{change['offers_new']:,} offers new, {change['offers_gone']:,} gone; expected gain "
            f"{change['expected_gain']:+,.2f} {result['currency']} for {change['cost']:+,.2f}",
            markup=False,
        )
    told = result["what_if" if asked else "now"]
    for words in told["prices"]:
        out.print(f"  {words}", markup=False)
    if told["costs_not_known"]:
        out.print(f"  {told['costs_not_known']}", markup=False, soft_wrap=True)
    out.print(f"[bold green]{result['status']}[/]: {result['message']}", soft_wrap=True)


def print_policies(result: Result) -> None:
    """The answer of `gristmill decide evaluate`."""
    out = console()
    if "policies" in result:
        table = Table("policy", "contacted", "self-normalised", "doubly robust", "how much is known")
        for name, one in result["policies"].items():
            table.add_row(
                name,
                f"{one['contacted']:.0%}",
                _interval(one["self_normalised"]),
                _interval(one["doubly_robust"]),
                one["words"],
            )
        out.print(table)
        out.print(f"margin less cost per contact in {result['currency']}; 95 % intervals", markup=False)
    out.print(f"[bold]{result['status']}[/]: {result['message']}", soft_wrap=True)


def _figure(name: str, told: Mapping[str, Any], currency: str) -> str:
    if name in {"contacts", "customers"}:
        return f"{told[name]:,}"
    unknown = " and more" if name == "cost" and told["costs_not_known"] else ""
    return f"{told[name]:,.2f} {currency}{unknown}"


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.4f} [{figure['low']:.4f}, {figure['high']:.4f}]"
