"""Commands about segments: the charter of an account, and what other weights would change. Neither changes anything."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Json
from flows.commands.outcome import command, print_json


@command
def charter(
    customer: Annotated[str, typer.Argument(help="The customer's id, as in segments.customer.", show_default=False)],
    config: Config = None,
    *,
    html: Annotated[bool, typer.Option("--html", help="A self-contained HTML page instead of Markdown.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the page to this file.", show_default=False)] = None,
    as_json: Json = False,
) -> None:
    """The charter of a key account: what we sell, to whom, what both bring, opportunities and risks.

    gristmill charter 00042 --html --out charter.html
    """
    from flows.opening import open_context
    from flows.published.chartering import account_charter
    from segments.standing.charters import charter_html, charter_markdown

    made = account_charter(open_context(config), customer)
    page = charter_html(made) if html else charter_markdown(made)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        typer.echo(f"wrote the charter to {out}", err=True)
    if as_json:
        sections = [{"heading": one.heading, "rows": dict(one.rows), "lines": list(one.lines)} for one in made.sections]
        print_json({"title": made.title, "subtitle": made.subtitle, "sections": sections})
    elif out is None:
        typer.echo(page, nl=False)


@command
def weights(
    config: Config = None,
    *,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="CRITERION=NUMBER, e.g. loyalty=0.3; several may be given.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many customers who gain, and who lose.")] = 10,
    as_json: Json = False,
) -> None:
    """How ranks by value score would change with other weights; nothing is published.

    gristmill segments weights --set loyalty=0.4 --set turnover=0.2
    """
    from flows.opening import open_context
    from flows.published.reweighing import reweighed
    from flows.published.reweighing_reporting import print_reweighed

    found = reweighed(open_context(config), changes or [], limit=limit)
    if as_json:
        print_json(found)
    else:
        print_reweighed(found)
