"""Commands to begin with: a settings file, and a simulated company to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Config, Force, Json
from flows.commands.outcome import command, print_json


@command
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("gristmill.toml"),
    *,
    currency: Annotated[
        str | None,
        typer.Option(help="The currency of your data, e.g. EUR \\[GBP, marked as assumed].", show_default=False),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            help="Where your days begin, e.g. Europe/Berlin \\[Europe/London, marked as assumed].", show_default=False
        ),
    ] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print it instead of writing a file.")] = False,
    force: Force = False,
) -> None:
    """Write a commented [bold]gristmill.toml[/] that names every setting."""
    from config.template import settings_template
    from flows.errors import FileExistsAlreadyError

    template = settings_template(currency=currency, time_zone=time_zone)
    if stdout:
        typer.echo(template, nl=False)
        return
    if file.exists() and not force:
        raise FileExistsAlreadyError(path=str(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(template, encoding="utf-8")
    where = "" if file == Path("gristmill.toml") else f" --config {file}"
    not_said = {"the currency GBP (--currency)": currency, "the time zone Europe/London (--time-zone)": time_zone}
    assumed = " and ".join(name for name, given in not_said.items() if given is None)
    typer.echo(
        f"wrote {file}\n"
        + (f"assumed: {assumed}; put your own under [company] before you load\n" if assumed else "")
        + "next: correct [company] and [paths] in it, then propose a mapping for your files, or one of them:\n"
        f"  gristmill source draft FOLDER{where} >> {file}\n"
        f"  gristmill source check{where}"
    )


@command
def simulate(
    config: Config = None,
    *,
    customers: Annotated[
        int | None, typer.Option(min=1, help="How many customers [simulation.customers].", show_default=False)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed, another company [simulation.seed].", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the raw files of a simulated company into the data folder, and the truth about it beside them."""
    from datetime import date

    from config import load_settings
    from simulation.dealings import simulate_dealings
    from simulation.files import write_company
    from simulation.retailer import simulate as simulate_company

    settings = load_settings(config)
    plan = settings.simulation
    chosen_seed = plan.seed if seed is None else seed
    company = simulate_company(
        customers=customers or plan.customers,
        start=date.fromisoformat(plan.start),
        end=date.fromisoformat(plan.end),
        seed=chosen_seed,
        currency=settings.company.currency,
        time_zone=settings.company.time_zone,
    )
    dealings = simulate_dealings(company, seed=chosen_seed)
    written = write_company(dealings.company, settings.data_folder, seed=chosen_seed, dealings=dealings)
    if as_json:
        counts = {"rows": written.row_counts, "bad_rows": written.dirt_counts}
        print_json({"status": "done", "folder": str(written.folder), "truth": str(written.truth_file), **counts})
        return
    counted = ", ".join(f"{count:,} {name}" for name, count in written.row_counts.items())
    typer.echo(
        f"wrote {counted} into {written.folder} ({sum(written.dirt_counts.values()):,} bad rows among them)", err=True
    )
