"""The report of an effect model, for people: a page in Markdown, and tables in the terminal.

Belongs here: words and layout. Does not: figures (`models.uplift.grading`).
"""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.from_files.prepared_table_reporting import markdown_table
from flows.reporting import console

Result = Mapping[str, Any]


def report_markdown(report: Result) -> str:
    """The whole report as one page."""
    sections = [_opening(report), _trust(report)]
    if "treatments" in report:
        sections += [_average(report), _qini(report), *_calibrations(report), _policies(report)]
    else:
        sections.append(_response(report))
    return "\n\n".join([*sections, _columns(report)]) + "\n"


def print_uplift_training(report: Result) -> None:
    """The report in brief, in the terminal."""
    out = console()
    if "treatments" in report:
        table = Table("treatment", "average effect", "method", "Qini", "ours is better by", title=_title(report))
        for name, one in report["treatments"].items():
            for place, (method, qini) in enumerate(one["qini"].items()):
                first = (name, _interval(one["average_effect"])) if place == 0 else ("", "")
                gain = one["qini_gain_over"].get(method)
                table.add_row(*first, method, _interval(qini), "" if gain is None else _interval(gain))
        out.print(table)
    else:
        for name, area in report["response_auc"].items():
            out.print(f"who responds to {name}: AUC {area:.3f}", markup=False)
    for line in _plain_lines(report):
        out.print(line, markup=False)
    told = "customers can be told apart" if report["tells_customers_apart"] else "customers can NOT be told apart"
    out.print(f"[bold green]{report['status']}[/]: {told if 'treatments' in report else 'response only, no effects'}")
    for what, place in report["files"].items():
        out.print(f"  {what:<20} {place}", markup=False, soft_wrap=True)


def print_uplift_scores(result: Result) -> None:
    """What was scored, and where it is."""
    means = ", ".join(f"{name} {value:+.4g}" for name, value in result["means"].items())
    out = console()
    for note in result["notes"]:
        out.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    out.print(
        f"[bold green]{result['status']}[/]: {result['rows']:,} rows scored (evidence: {result['evidence']}; on "
        f"average {means}): {result['scores']}",
        soft_wrap=True,
    )


def _title(report: Result) -> str:
    return f"what {report['treatment']} changes in {report['outcome']} ({report['table']})"


def _interval(figure: Result | None) -> str:
    if figure is None:
        return ""
    return f"{figure['value']:+.4g} [{figure['low']:+.4g}, {figure['high']:+.4g}]"


def _plain_lines(report: Result) -> list[str]:
    arms = ", ".join(f"{name}: {rows:,}" for name, rows in report["arms"].items())
    lines = [f"{report['rows']:,} rows ({arms}); the first is the control group; outcome: {report['outcome_is']}"]
    lines.append(f"evidence: {report['evidence']}: {report['evidence_in_words']}")
    lines += [f"left out: {name}: {why}" for name, why in report["left_out"].items()]
    lines += [f"note: {words}" for words in report["warnings"]]
    return lines + list(report["reasons"])


def _opening(report: Result) -> str:
    arms = [(name, f"{rows:,}", f"{report['mean_outcome'][name]:.5g}") for name, rows in report["arms"].items()]
    return f"# {_title(report)}\n\n{markdown_table(('arm (control first)', 'rows', 'mean outcome'), arms)}"


def _trust(report: Result) -> str:
    lines = [f"- evidence: **{report['evidence']}**: {report['evidence_in_words']}"]
    lines += [f"- {words}" for words in report["reasons"]] + [f"- note: {words}" for words in report["warnings"]]
    return "## Can it be trusted\n\n" + "\n".join(lines)


def _average(report: Result) -> str:
    rows = [(name, _interval(one["average_effect"])) for name, one in report["treatments"].items()]
    return f"## Average effect\n\nMean outcome with less without.\n\n{markdown_table(('treatment', 'effect'), rows)}"


def _qini(report: Result) -> str:
    rows = [
        (
            name,
            method,
            _interval(qini),
            _interval(one["qini_gain_over"][method]) if method in one["qini_gain_over"] else "",
        )
        for name, one in report["treatments"].items()
        for method, qini in one["qini"].items()
    ]
    return (
        "## Whom to treat first\n\nQini coefficient per customer, in units of the outcome, of rows held out; random "
        "order is 0. Intervals: bootstrap over rows, gains paired.\n\n"
        f"{markdown_table(('treatment', 'method', 'Qini', 'ours is better by'), rows)}"
    )


def _calibrations(report: Result) -> list[str]:
    made = []
    for name, one in report["treatments"].items():
        rows = [
            (f"{part['rows']:,.0f}", f"{part['predicted']:.5g}", _interval({"value": part["observed"], **part}))
            for part in one["calibration"]
        ]
        table = markdown_table(("rows", "predicted", "observed"), rows)
        made.append(f"## Effect of {name}, predicted and observed\n\n{table}")
    return made


def _policies(report: Result) -> str:
    rows = [
        (
            name,
            f"{one['treated']:.0%}",
            _interval(one["self_normalised"]),
            _interval(one["doubly_robust"]),
            one["words"],
        )
        for name, one in report["policies"].items()
    ]
    head = ("policy", "treated", "self-normalised", "doubly robust", "how much is known")
    return f"## What policies bring per customer\n\n{markdown_table(head, rows)}"


def _response(report: Result) -> str:
    rows = [(name, f"{area:.4f}") for name, area in report["response_auc"].items()]
    return f"## Who responds\n\nNo effect is claimed.\n\n{markdown_table(('treatment', 'AUC'), rows)}"


def _columns(report: Result) -> str:
    used = markdown_table(("column", "used as"), list(report["columns"].items()))
    if not report["left_out"]:
        return f"## Columns\n\n{used}"
    left_out = markdown_table(("column", "why"), list(report["left_out"].items()))
    return f"## Columns\n\n{used}\n\nLeft out:\n\n{left_out}"
