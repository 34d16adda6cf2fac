"""Showing what other weights would change.

Belongs here: from plain values to Rich tables. Does not: working anything out.
"""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_reweighed(found: Mapping[str, Any]) -> None:
    """Weights before and after, and who moves."""
    console = Console()
    weights = Table("criterion", "weight now", "weight asked", title="value score: weights")
    for name, before in found["weights_before"].items():
        weights.add_row(name, f"{before:g}", f"{found['weights_after'][name]:g}")
    console.print(weights)
    console.print(
        f"{found['customers_who_change_place']:,} of {found['customers']:,} customers change place; "
        f"{found['new_among_the_top']:,} of the top {found['top_customers']:,} are new"
    )
    for key, title in (("gain_most", "who gains most"), ("lose_most", "who loses most")):
        if found[key]:
            console.print(_movers(found[key], title))


def _movers(rows: list[dict[str, Any]], title: str) -> Table:
    table = Table("customer", "place now", "place then", "score now", "score then", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        places = (f"{row[name]:,}" for name in ("rank_before", "rank_after"))
        scores = (f"{row[name]:.1f}" for name in ("score_before", "score_after"))
        table.add_row(row["customer_id"].replace("[", "\\["), *places, *scores)
    return table
