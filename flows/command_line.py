"""The `gristmill` command: which commands there are. What they do is in `flows.commands` and below.

Importing this module must stay cheap: `gristmill --help` answers in well under half a second.
"""

import atexit
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from flows.commands import (
    backfilling,
    baskets,
    campaigning,
    deciding,
    erasing,
    exporting,
    features,
    identities,
    learning,
    looking,
    models,
    quarantine,
    reviewing,
    running,
    segmenting,
    sourcing,
    starting,
    tables,
    uplift,
    versions,
)
from flows.commands.options import LogFormat
from flows.commands.outcome import EXIT_UNREAD, stop_unread
from flows.running.environment import quieten
from flows.running.logs import use_log_format
from flows.running.stopping import stop_when_told

ORDER = (
    *("init", "source", "simulate"),
    *("run", "ingest", "train", "score", "export", "backfill", "rollback", "recover", "serve"),
    *("show", "status", "history", "review", "receipts", "drift", "campaigns", "charter", "segments", "decide"),
    *("evaluate", "models", "features", "identities", "quarantine", "config"),
    *("erase", "key"),
)
"""Of the commands in the help; those with commands of their own would come last."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 Typer's own copy of Click has the type
        """The commands, those used most first."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = typer.Typer(
    name="gristmill",
    cls=_InOrder,
    help="Customer intelligence that runs every night: raw customer data in, scored segments out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="The settings in force.", no_args_is_help=True)
app.add_typer(config_app, name="config", rich_help_panel="Look")
source_app = typer.Typer(help="Fit files and tables to the contracts: propose a mapping, try it.", no_args_is_help=True)
app.add_typer(source_app, name="source", rich_help_panel="Begin")
train_app = typer.Typer(no_args_is_help=False)
app.add_typer(train_app, name="train", rich_help_panel="Every night")
score_app = typer.Typer(no_args_is_help=False)
app.add_typer(score_app, name="score", rich_help_panel="Every night")
evaluate_app = typer.Typer(help="Grade what was learnt on what it has not seen.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate", rich_help_panel="Look")
decide_app = typer.Typer(no_args_is_help=False)
app.add_typer(decide_app, name="decide", rich_help_panel="Look")
identities_app = typer.Typer(no_args_is_help=False)
app.add_typer(identities_app, name="identities", rich_help_panel="Look")
quarantine_app = typer.Typer(no_args_is_help=False)
app.add_typer(quarantine_app, name="quarantine", rich_help_panel="Look")
segments_app = typer.Typer(help="The segments: what other weights would change.", no_args_is_help=True)
app.add_typer(segments_app, name="segments", rich_help_panel="Look")
features_app = typer.Typer(
    help="The features: which there are, one customer's, files, proofs of them.", no_args_is_help=True
)
app.add_typer(features_app, name="features", rich_help_panel="Look")
models_app = typer.Typer(
    help="The models: versions, grades, champions; promote, go back, compare.", no_args_is_help=True
)
app.add_typer(models_app, name="models", rich_help_panel="Look")

app.command(rich_help_panel="Begin")(starting.init)
app.command(rich_help_panel="Begin")(starting.simulate)
app.command(rich_help_panel="Every night")(running.run)
app.command(rich_help_panel="Every night")(running.ingest)
app.command(rich_help_panel="Every night")(backfilling.backfill)
app.command(rich_help_panel="Every night")(versions.rollback)
app.command(rich_help_panel="Every night")(versions.recover)
app.command(rich_help_panel="Every night")(running.serve)
app.command(rich_help_panel="Every night")(exporting.export)
app.command(rich_help_panel="Personal data")(erasing.erase)
app.command(rich_help_panel="Personal data")(erasing.key)
app.command(rich_help_panel="Look")(looking.status)
app.command(rich_help_panel="Look")(versions.history)
app.command(rich_help_panel="Look")(looking.show)
app.command(rich_help_panel="Look")(reviewing.receipts)
app.command(rich_help_panel="Look")(reviewing.drift)
app.command(rich_help_panel="Look")(reviewing.review)
app.command(rich_help_panel="Look")(campaigning.campaigns)
app.command(rich_help_panel="Look")(segmenting.charter)
segments_app.command("weights")(segmenting.weights)
config_app.command("show")(looking.show_config)
source_app.command("draft")(sourcing.draft)
source_app.command("check")(sourcing.check)
train_app.callback(invoke_without_command=True)(learning.train)
train_app.command("churn")(tables.train_churn)
train_app.command("uplift")(uplift.train_uplift)
train_app.command("next-offer")(baskets.train_next_offer)
score_app.callback(invoke_without_command=True)(learning.score)
score_app.command("churn")(tables.score_churn)
score_app.command("uplift")(uplift.score_uplift)
score_app.command("next-offer")(baskets.score_next_offer)
evaluate_app.command("next-offer")(baskets.evaluate_next_offer)
decide_app.callback(invoke_without_command=True)(deciding.decide)
decide_app.command("evaluate")(deciding.evaluate)
identities_app.callback(invoke_without_command=True)(identities.summary)
identities_app.command("show")(identities.show)
quarantine_app.callback(invoke_without_command=True)(quarantine.summary)
quarantine_app.command("show")(quarantine.show)
quarantine_app.command("replay")(quarantine.replay)
quarantine_app.command("drop")(quarantine.drop)
models_app.command("list")(models.list_versions)
models_app.command("show")(models.show)
models_app.command("compare")(models.compare)
models_app.command("history")(models.history)
models_app.command("promote")(models.promote)
models_app.command("rollback")(models.rollback)
models_app.command("shadow")(models.shadow)
models_app.command("readiness")(models.readiness)
features_app.command("list")(features.list_catalogue)
features_app.command("show")(features.show_customer)
features_app.command("export")(features.export)
features_app.command("prove")(features.prove)


@app.callback(invoke_without_command=True)
def _begin(
    context: typer.Context,
    *,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),  # noqa: FBT003 Typer's way to give a default
    log_format: LogFormat = None,
) -> None:
    if log_format is not None:
        os.environ["GRISTMILL__LOGS__FORMAT"] = log_format.value  # what is said here wins over the settings file
        use_log_format(log_format.value)
    if version:
        from importlib.metadata import version as installed_version  # noqa: PLC0415 only for this option

        typer.echo(f"gristmill {installed_version('gristmill')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.Exit


def main() -> None:
    """Entry point of the `gristmill` command."""
    quieten()
    stop_when_told()
    ended: dict[str, int] = {"code": 1}
    atexit.register(lambda: _leave(ended["code"]))  # registered first, so it runs last: after everybody's cleaning up
    try:
        app()
    except SystemExit as end:
        ended["code"] = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def _leave(code: int) -> None:
    """End at once: DuckDB's bindings print pages about leaked instances when the interpreter takes itself apart."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # the last lines met nobody: for standard output that is how the command ended
        code = code or (EXIT_UNREAD if stop_unread() else 0)
    os._exit(code)
