"""The Prefect flows: one a verb, each a thin wrapper around the same wiring that runs without Prefect.

Belongs here: flows, tasks, their names, retries and parameters; the only module besides `serving` that imports Prefect.
Does not: any work. Parameters are plain and visible on the run page; secrets are none of them.
"""

import atexit
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow, runtime, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import State
from prefect.utilities.timeout import timeout

from data_contracts.errors import DependencyDownError, GristmillError
from flows import backfilling, pipelines
from flows.context import Context
from flows.opening import open_context
from flows.published import reviewing
from flows.running.run_page import failure_markdown, summary_markdown, summary_tables
from flows.running.withholding import known_secrets, secrets_withheld
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
        with secrets_withheld(known_secrets(context.settings)), context.reporter.step(name, parts=parts) as ticker:
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


@contextmanager
def _opened(verb: str, config: str | None, data: str | None) -> Iterator[Context]:
    """The context of the command that runs this flow, or a deployment's own; a failure's facts go on the run's page."""
    try:
        own = _command_context.get()
        if own is not None:
            with secrets_withheld(known_secrets(own.settings)):
                yield own
            return
        with _of_a_deployment(config, data) as context, secrets_withheld(known_secrets(context.settings)):
            yield context
    except GristmillError as error:
        create_markdown_artifact(markdown=failure_markdown(verb, error.facts()), key=f"gristmill-{verb}")
        raise


@contextmanager
def _of_a_deployment(config: str | None, data: str | None) -> Iterator[Context]:
    """Nobody waits for a scheduled run: it waits for the one before it, and is given up when its time is over."""
    atexit.register(_say_no_more)
    context = open_context(config, data=data)
    seconds = context.settings.orchestration.timeout_minutes * 60
    with timeout(seconds=seconds):
        yield replace(context, lock_wait_seconds=seconds)


def _say_no_more() -> None:
    """DuckDB's bindings print pages about leaked instances when the interpreter takes itself apart: into nothing."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _run_name() -> str:
    """What a run is called: its verb and business date; tonight's date where none is asked for."""
    verb, asked = runtime.flow_run.flow_name.removeprefix("gristmill-"), runtime.flow_run.parameters
    if "first" in asked:
        return f"{verb} {asked['first']} to {asked['last']}"
    day = asked.get("as_of")
    with suppress(GristmillError):  # settings that can't be read: the run itself says so
        day = day or open_context(asked.get("config"), data=asked.get("data")).today
    return f"{verb} {day or ''}".rstrip()


@flow(name="gristmill-run", flow_run_name=_run_name, persist_result=False)
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
    with _opened("run", config, data) as context:
        result = pipelines.run(
            prefect_step,
            context=context,
            as_of=as_of,
            retrain=retrain,
            force=force,
            accept=accept or [],
            catch_up_nights=catch_up_nights,
            allow_volume_change=allow_volume_change,
            allow_empty=allow_empty,
        )
        return _shown_on_the_run_page(result)


@flow(name="gristmill-ingest", flow_run_name=_run_name, persist_result=False)
def ingest(
    config: str | None = None,
    data: str | None = None,
    *,
    force: bool = False,
    accept: list[str] | None = None,
    allow_empty: bool = False,
) -> Result:
    """Load the sources; table rules named in `accept` may be broken for this once."""
    with _opened("ingest", config, data) as context:
        result = pipelines.ingest(
            prefect_step, context=context, force=force, accept=accept or [], allow_empty=allow_empty
        )
        return _shown_on_the_run_page(result)


@flow(name="gristmill-train", flow_run_name=_run_name, persist_result=False)
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
    resume: bool = False,
) -> Result:
    """Train, grade, promote; with `resume` register what was trained while the registry did not answer."""
    with _opened("train", config, data) as context:
        result = pipelines.train(
            prefect_step,
            context=context,
            as_of=as_of,
            promote_anyway=promote_anyway,
            rolling=rolling,
            tune=tune,
            trials=trials,
            minutes=minutes,
            resume=resume,
        )
        return _shown_on_the_run_page(result)


@flow(name="gristmill-score", flow_run_name=_run_name, persist_result=False)
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
    with _opened("score", config, data) as context:
        result = pipelines.score(
            prefect_step,
            context=context,
            as_of=as_of,
            force=force,
            allow_volume_change=allow_volume_change,
            allow_empty=allow_empty,
        )
        return _shown_on_the_run_page(result)


@flow(name="gristmill-backfill", flow_run_name=_run_name, persist_result=False)
def backfill(  # noqa: PLR0913  # the options of the command, by name
    first: date,
    last: date,
    config: str | None = None,
    data: str | None = None,
    *,
    every: backfilling.Every = "day",
    train: backfilling.TrainWhen = "missing",
    champions: backfilling.ChampionsOf = "today",
    force: bool = False,
    allow_volume_change: bool = False,
    allow_empty: bool = False,
) -> Result:
    """Publish a range of past dates, each as it would have been."""
    with _opened("backfill", config, data) as context:
        result = backfilling.backfill(
            prefect_step,
            context=context,
            first=first,
            last=last,
            every=every,
            train=train,
            champions=champions,
            force=force,
            allow_volume_change=allow_volume_change,
            allow_empty=allow_empty,
        )
        return _shown_on_the_run_page(result)


@flow(name="gristmill-review", flow_run_name=_run_name, persist_result=False)
def review(config: str | None = None, data: str | None = None, as_of: date | None = None) -> Result:
    """Write the 90-day review of the newest published date, or of the one asked for."""
    with _opened("review", config, data) as context:
        return _shown_on_the_run_page(reviewing.write_review(context, as_of=as_of))


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
