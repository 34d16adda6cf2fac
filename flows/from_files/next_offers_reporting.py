"""What was learnt from baskets, and how good it is, for people.

Belongs here: words and layout. Not: figures (`models.next_basket.evaluating`).
"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.reporting import console

Result = Mapping[str, Any]
TITLES = {
    "all": "All products",
    "new": "Only products new to the customer",
    "repeat": "Only products the customer had before",
}


def print_next_offers(report: Result) -> None:
    """The report of `train` and `evaluate`, in the terminal."""
    out = console()
    history = report["history"]
    taken = ", ".join(f"{role} = {name}" for role, name in report["columns"].items())
    out.print(f"columns: {taken}; baskets in order of {history['order']}", highlight=False, markup=False)
    out.print(
        f"{history['customers']:,} customers, {history['products']:,} products, {history['baskets']:,} baskets, "
        f"{history['pairs']:,} products in baskets",
        highlight=False,
    )
    for line in [*_left_out(report), *(f"note: {note}" for note in report["notes"])]:
        out.print(line, highlight=False, markup=False)
    out.print(f"ranked by: {report['method']}", highlight=False, markup=False)
    for reason in report["reasons"]:
        out.print(f"  {reason}", highlight=False, markup=False)
    if "evaluation" in report:
        _print_evaluation(report["evaluation"], report["ideal"])
    for name, place in report["files"].items():
        out.print(f"  [dim]{name:>16}[/]  {place}", highlight=False)


def print_scored_offers(result: Result) -> None:
    """The result of `score`, in the terminal."""
    told = f"{result['rows']:,} products for {result['customers']:,} customers in {result['offers']}"
    for line in [told, *(f"note: {note}" for note in result["notes"])]:
        console().print(line, highlight=False, markup=False)


def _left_out(report: Result) -> list[str]:
    named = {
        "without_customer_or_item": "lines without customer or item",
        "returned_or_nothing": "lines with a quantity of 0 or less",
        "without_order": "lines without a readable basket or date",
    }
    history = report["history"]
    lines = [f"left out: {history[key]:,} {words}" for key, words in named.items() if history.get(key)]
    lines += [
        f"not used: {column}, of which nothing can be read as a number" for column in history.get("unreadable", ())
    ]
    several = report.get("future", {}).get("customers_with_several_baskets", 0)
    if several:
        lines.append(f"{several:,} customers have several baskets in the future: all their products count")
    return lines


def _print_evaluation(evaluation: Result, ideal: str) -> None:
    out = console()
    told = (
        f"judged on {evaluation['customers']:,} customers who bought {evaluation['truth_products']:.1f} products each"
    )
    if evaluation["cold_customers"]:
        share = evaluation["cold_recall_at_10"]
        told += f"; {evaluation['cold_customers']:,} without a history were left out"
        told += f" (popular products: recall@10 {share:.3f})"
    out.print(told, highlight=False)
    for mode, title in TITLES.items():
        for key in ("at_10", "at_20"):
            if mode in evaluation and (mode == "all" or key == "at_10"):
                out.print(_figures(evaluation[mode][key], f"{title}, {evaluation[mode]['customers']:,} customers", key))
    out.print(f"[dim]{ideal}[/]", highlight=False)


def _figures(compared: Result, title: str, key: str) -> Table:
    k = key.removeprefix("at_")
    columns = [f"recall@{k}", f"NDCG@{k}", f"precision@{k}", "personal hit rate", "coverage", "novelty", "repeats"]
    table = Table("", *columns, "NDCG gain of the model", title=title)
    for name, figures in compared["figures"].items():
        keys = ("recall", "ndcg", "precision", "hit", "coverage", "novelty", "repeat_share")
        cells = [_cell(figures[key], 4 if key in {"recall", "ndcg"} else 3) for key in keys]
        table.add_row(name, *cells, _gain(compared["gains"].get(name)))
    return table


def _cell(figure: float | None, digits: int) -> str:
    return "" if figure is None else f"{figure:.{digits}f}"


def _gain(gains: Result | None) -> str:
    if gains is None:
        return ""
    ndcg = gains["ndcg"]
    relative = "" if ndcg["relative"] is None else f"{ndcg['relative']:+.1%} "
    return f"{relative}({ndcg['lower']:+.4f} to {ndcg['upper']:+.4f})"
