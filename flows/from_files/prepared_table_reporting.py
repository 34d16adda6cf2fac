"""The report of a prepared table's model, for people: a page in Markdown, and tables in the terminal.

Belongs here: words and layout. Does not: figures (`models.prepared_table.grading`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from flows.reporting import console

Result = Mapping[str, Any]
DIGITS = 4
MOST_COLUMNS = 15


def report_markdown(report: Result) -> str:
    """The whole report as one page."""
    sections = [_opening(report), _figures(report), _trust(report), _calibration(report), _importance(report)]
    sections += [_readiness(report), _columns(report), _choices(report)]
    return "\n\n".join(section for section in sections if section) + "\n"


def print_table_training(report: Result) -> None:
    """The report in brief, in the terminal."""
    out = console()
    table = Table(
        "figure", "model", "95 % interval", "best single column", "gain", title=f"churn from {report['table']}"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for one in report["figures"].values():
        interval = f"{one['low']:.{DIGITS}f} to {one['high']:.{DIGITS}f}"
        gain = f"{one['gain']:+.{DIGITS}f} [{one['gain_low']:+.{DIGITS}f}, {one['gain_high']:+.{DIGITS}f}]"
        table.add_row(one["label"], f"{one['value']:.{DIGITS}f}", interval, f"{one['baseline']:.{DIGITS}f}", gain)
    out.print(table)
    for line in _plain_lines(report):
        out.print(line, markup=False)
    standing = "beats the best single column" if report["beats_baseline"] else "does NOT beat the best single column"
    out.print(f"[bold green]{report['status']}[/]: {standing}")
    out.print(f"grade {report['grade_words']}", markup=False)
    if "registered_version" in report:
        out.print(f"registered as version {report['registered_version']} of churn_table")
    for what, place in report["files"].items():
        out.print(f"  {what:<20} {place}", markup=False, soft_wrap=True)


def print_table_scores(result: Result) -> None:
    """What was scored, and where it is."""
    out = console()
    out.print(
        f"[bold green]{result['status']}[/]: {result['rows']:,} rows scored, mean probability "
        f"{result['mean_probability']:.3f}: {result['scores']}",
        soft_wrap=True,
    )
    if not result["beats_baseline"]:
        out.print("the model did not beat the best single column when it was trained: see its report")
    for note in result["notes"]:
        out.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)


def _plain_lines(report: Result) -> list[str]:
    label = report["label"]
    opening = (
        f"{report['rows']:,} rows, {report['happened']:,} with {label['column']} = {label['happened']} "
        f"({report['rate']:.1%}); {len(report['columns'])} columns used, {len(report['left_out'])} left out; "
        f"split: {report['split']}"
    )
    lines = [opening, *(f"left out: {name}: {why}" for name, why in report["left_out"].items())]
    lines += [f"look at: {name}: {how}" for name, how in report["nearly_give_the_label_away"].items()]
    lines += [f"note: {words}" for words in [*report["warnings"], *report["readiness"]["words"]]]
    return lines + list(report["reasons"])


def _opening(report: Result) -> str:
    label = report["label"]
    standing = "It beats" if report["beats_baseline"] else "**It does not beat**"
    return (
        f"# Churn, learnt from {report['table']}\n\n"
        f"{report['rows']:,} rows, of which {report['happened']:,} ({report['rate']:.1%}) have {label['column']} = "
        f"{label['happened']}. Figures are of rows held out ({report['split']}; {report['rows_graded']:,} rows): every "
        f"prediction comes from models that had not seen the row, nor had any choice made on it. {standing} the best "
        "single column."
    )


def _figures(report: Result) -> str:
    rows = [
        (
            one["label"],
            f"{one['value']:.{DIGITS}f}",
            f"{one['low']:.{DIGITS}f} to {one['high']:.{DIGITS}f}",
            f"{one['baseline']:.{DIGITS}f}",
            f"{one['gain']:+.{DIGITS}f} [{one['gain_low']:+.{DIGITS}f}, {one['gain_high']:+.{DIGITS}f}]",
            f"{one['trees']:.{DIGITS}f}",
            f"{one['curve']:.{DIGITS}f}",
        )
        for one in report["figures"].values()
    ]
    head = ("figure", "model", "95 % interval", "best single column", "gain over it", "trees alone", "curve alone")
    told = (
        "A gain above 0 is better. The expected maximum profit is per row, in the unit of a customer worth 200, an "
        "offer that costs 10 and a contact that costs 1 (Verbraken et al. 2013)."
    )
    return f"## Figures\n\n{markdown_table(head, rows)}\n\n{told}"


def _trust(report: Result) -> str:
    lines = [f"- {words}" for words in report["reasons"]] + [f"- note: {words}" for words in report["warnings"]]
    close = report["nearly_give_the_label_away"]
    lines += [f"- look at the column {name}: {how}. Was it known before the outcome?" for name, how in close.items()]
    return "## Can it be trusted\n\n" + "\n".join(lines)


def _calibration(report: Result) -> str:
    rows = [
        (f"{one['rows']:,.0f}", f"{one['predicted']:.3f}", f"{one['observed']:.3f}") for one in report["calibration"]
    ]
    return f"## Predicted and observed, by tenth\n\n{markdown_table(('rows', 'predicted', 'observed'), rows)}"


def _importance(report: Result) -> str:
    rows = [(name, f"{size:.3f}") for name, size in list(report["importance"].items())[:MOST_COLUMNS]]
    return (
        "## What it goes by\n\nMean size of what a column adds to the log-odds.\n\n"
        f"{markdown_table(('column', 'size'), rows)}"
    )


def _readiness(report: Result) -> str:
    found = report["readiness"]
    lines = [f"- {words}" for words in found["words"]]
    lines += [f"- {name}: {share:.0%} missing" for name, share in found["mostly_missing"].items()]
    curve = [(f"{one['rows']:,}", f"{one['auc']:.4f}", f"{one['log_loss']:.4f}") for one in found["learning_curve"]]
    table = f"\n\n{markdown_table(('rows to learn from', 'AUC', 'log loss'), curve)}" if curve else ""
    return "## Is there enough to learn from\n\n" + "\n".join(lines) + table


def _columns(report: Result) -> str:
    used = markdown_table(("column", "used as"), list(report["columns"].items()))
    if not report["left_out"]:
        return f"## Columns\n\n{used}"
    return f"## Columns\n\n{used}\n\nLeft out:\n\n{markdown_table(('column', 'why'), list(report['left_out'].items()))}"


def _choices(report: Result) -> str:
    model = report["model"]
    bends = "broken lines" if model["bends"] else "straight lines"
    return (
        "## The model\n\n"
        f"{model['tree_rounds']} trees of {model['tree_leaves']} leaves, share {model['tree_share']:.0%}; "
        f"a logistic curve of {bends}, penalty {model['penalty']:g}; calibration: {model['calibration']}. Digest "
        f"{report['model_digest']}."
    )


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; a bar in a cell is escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in lines)
