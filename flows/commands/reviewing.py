"""Commands that hold what was said against what happened: receipts of scores, drift, the review for managers."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import AsOf, Config, Json
from flows.commands.outcome import command, print_json


@command
def receipts(config: Config = None, *, as_json: Json = False) -> None:
    """Published scores held against what happened, once the time they spoke of is over.

    By night, score, tier and tenth: predicted, actual, calibration, lift, coverage of intervals. A champion below what
    its test promised is named, and what to do. The table is segments.score_receipts.
    """
    from flows.nights.receipt_reporting import print_receipts, read_receipts
    from flows.opening import open_context

    found = read_receipts(open_context(config))
    if as_json:
        print_json(found)
    else:
        print_receipts(found)


@command
def drift(
    config: Config = None,
    *,
    night: Annotated[
        str | None,
        typer.Option("--night", metavar="DATE", help="A night of the last quarter \\[the newest].", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="What is quiet too.")] = False,
    as_json: Json = False,
) -> None:
    """What has changed since the models were trained: customers, scores, data, performance.

    Alarms are few: one a cause, a sentence each, with what to do. What is beyond its threshold but has not lasted is
    watched. The table is segments.drift.
    """
    from flows.nights.drift_reporting import drift_document, print_drift
    from flows.opening import open_context, parse_date

    found = drift_document(open_context(config), night=parse_date(night, option="--night"))
    if as_json:
        print_json(found)
    else:
        print_drift(found, everything=everything)


@command
def review(
    config: Config = None,
    *,
    as_of: AsOf = None,
    out: Annotated[
        Path | None,
        typer.Option(help="HTML file to write \\[reports/review-DATE.html in the workspace].", show_default=False),
    ] = None,
    night: Annotated[bool, typer.Option("--night", help="One page about the last night instead.")] = False,
    as_json: Json = False,
) -> None:
    """The 90-day review: one HTML page to read in five minutes, without a network and without any customer's name.

    Who moved between tiers and why, what was predicted and what happened, the bridge of customer equity, churn against
    the natural rate, the quality of the data, and what to decide now, with the money attached.
    """
    from flows.opening import open_context, parse_date
    from flows.published.reviewing import write_review

    done = write_review(open_context(config), as_of=parse_date(as_of), out=out, night=night)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{done['message']}: {done['file']}")
