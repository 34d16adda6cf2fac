"""The Prefect flows: one a verb, each a thin wrapper around the same wiring that runs without Prefect.

Belongs here: flows, tasks, their names, retries and parameters; the only module besides `serving` that imports Prefect.
Does not: any work. Parameters are plain and visible on the run page; secrets are none of them.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import State

from data_contracts.errors import DependencyDownError
from flows import backfilling, pipelines, reviewing
from flows.context import Context
from flows.opening import open_context
from flows.run_page import summary_markdown, summary_tables
from flows.steps import Result

RETRIES = 2
RETRY_DELAY_SECONDS = 30

# the command's own context, when the flow runs in the command's process; a scheduled flow opens its own
_command_context: ContextVar[Context | None] = ContextVar("command_context", default=None)


def prefect_step(
    name: str,
    function: Callable[..., Any],
    *,
    context: Context,
    parts: int | None = None,
    **arguments: Any,  # noqa: ANN401 whatever the function takes
) -> Any:  # noqa: ANN401 a step returns what its function returns
    """A step as a task: tried again only when something we depend on was down."""

    def work() -> Any:  # noqa: ANN401
        with context.reporter.step(name, parts=parts) as ticker:
            return function(context, tick=ticker.tick, **arguments)

    as_task = task(
        work,
        name=name,
        task_run_name=name,
        retries=RETRIES,
        retry_delay_seconds=RETRY_DELAY_SECONDS,
        retry_condition_fn=_is_worth_another_try,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return as_task()


def _shown_on_the_run_page(result: Result) -> Result:
    """The result, after its summary (counts and figures only) was put on the run's page."""
    create_markdown_artifact(markdown=summary_markdown(result), key=f"gristmill-{result['verb']}")
    for key, rows in summary_tables(result).items():
        create_table_artifact(table=rows, key=key)
    return result


def _is_worth_another_try(_task: Any, _run: Any, state: State[Any]) -> bool:  # noqa: ANN401 Prefect's own types
    error = state.result(raise_on_failure=False)
    return isinstance(error, DependencyDownError)


def _opened(config: str | None, data: str | None) -> Context:
    return _command_context.get() or open_context(config, data=data)


@flow(name="gristmill-run", flow_run_name="run {as_of}", persist_result=False)
def run(  # noqa: PLR0913  # the options of the command, by name
    config: str | None = None,
    data: str | None = None,
    as_of: date | None = None,
    *,
    retrain: bool = False,
    force: bool = False,
    accept: list[str] | None = None,
    catch_up_nights: int = 0,
    allow_volume_change: bool = False,
    allow_empty: bool = False,
) -> Result:
    """Load, train where needed, publish nights that were missed, score, publish."""
    result = pipelines.run(
        prefect_step,
        context=_opened(config, data),
        as_of=as_of,
        retrain=retrain,
        force=force,
        accept=accept or [],
        catch_up_nights=catch_up_nights,
        allow_volume_change=allow_volume_change,
        allow_empty=allow_empty,
    )
    return _shown_on_the_run_page(result)


@flow(name="gristmill-ingest", flow_run_name="ingest", persist_result=False)
def ingest(
    config: str | None = None,
    data: str | None = None,
    *,
    force: bool = False,
    accept: list[str] | None = None,
    allow_empty: bool = False,
) -> Result:
    """Load the sources; table rules named in `accept` may be broken for this once."""
    return pipelines.ingest(
        prefect_step, context=_opened(config, data), force=force, accept=accept or [], allow_empty=allow_empty
    )


@flow(name="gristmill-train", flow_run_name="train {as_of}", persist_result=False)
def train(  # noqa: PLR0913  # the options of the command, by name
    config: str | None = None,
    data: str | None = None,
    as_of: date | None = None,
    *,
    promote_anyway: str = "",
    rolling: int = 0,
    tune: bool = False,
    trials: int = 30,
    minutes: float = 10.0,
) -> Result:
    """Train, grade, promote."""
    result = pipelines.train(
        prefect_step,
        context=_opened(config, data),
        as_of=as_of,
        promote_anyway=promote_anyway,
        rolling=rolling,
        tune=tune,
        trials=trials,
        minutes=minutes,
    )
    return _shown_on_the_run_page(result)


@flow(name="gristmill-score", flow_run_name="score {as_of}", persist_result=False)
def score(
    config: str | None = None,
    data: str | None = None,
    as_of: date | None = None,
    *,
    force: bool = False,
    allow_volume_change: bool = False,
    allow_empty: bool = False,
) -> Result:
    """Score everybody and publish."""
    result = pipelines.score(
        prefect_step,
        context=_opened(config, data),
        as_of=as_of,
        force=force,
        allow_volume_change=allow_volume_change,
        allow_empty=allow_empty,
    )
    return _shown_on_the_run_page(result)


@flow(name="gristmill-backfill", flow_run_name="backfill {first} to {last}", persist_result=False)
def backfill(  # noqa: PLR0913  # the options of the command, by name
    first: date,
    last: date,
    config: str | None = None,
    data: str | None = None,
    *,
    every: backfilling.Every = "day",
    train: backfilling.TrainWhen = "missing",
    force: bool = False,
    allow_volume_change: bool = False,
    allow_empty: bool = False,
) -> Result:
    """Publish a range of past dates, each as it would have been."""
    result = backfilling.backfill(
        prefect_step,
        context=_opened(config, data),
        first=first,
        last=last,
        every=every,
        train=train,
        force=force,
        allow_volume_change=allow_volume_change,
        allow_empty=allow_empty,
    )
    return _shown_on_the_run_page(result)


@flow(name="gristmill-review", flow_run_name="review {as_of}", persist_result=False)
def review(config: str | None = None, data: str | None = None, as_of: date | None = None) -> Result:
    """Write the 90-day review of the newest published date, or of the one asked for."""
    return _shown_on_the_run_page(reviewing.write_review(_opened(config, data), as_of=as_of))


FLOWS: Mapping[str, Callable[..., Result]] = {
    "run": run,
    "ingest": ingest,
    "train": train,
    "score": score,
    "backfill": backfill,
    "review": review,
}


def run_flow(
    verb: str,
    context: Context,
    *,
    api_url: str,
    config: Path | None,
    data: Path | None,
    parameters: Mapping[str, Any],
) -> Result:
    """Run a verb's flow in this process, reported to the server at `api_url`."""
    token = _command_context.set(context)
    places = {"config": str(config) if config else None, "data": str(data) if data else None}
    try:
        with temporary_settings({PREFECT_API_URL: api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return FLOWS[verb](**places, **parameters)
    finally:
        _command_context.reset(token)


__all__ = ["FLOWS", "backfill", "ingest", "prefect_step", "review", "run", "run_flow", "score", "train"]
