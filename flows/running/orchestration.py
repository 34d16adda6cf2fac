"""Who carries a verb's steps out: this process, the configured Prefect server, or a server of the run's own.

Belongs here: that choice, saying which it was, and the plain way. Does not: Prefect itself (`prefect_flows.py`,
imported only when it is chosen).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flows import pipelines
from flows.backfilling import backfill
from flows.context import Context
from flows.errors import NoOrchestratorError, OrchestratorDownError
from flows.running.local_server import answers, local_server
from flows.running.withholding import known_secrets, secrets_withheld
from flows.steps import Result

VERBS: Mapping[str, Callable[..., Result]] = {
    "run": pipelines.run,
    "ingest": pipelines.ingest,
    "train": pipelines.train,
    "score": pipelines.score,
    "backfill": backfill,
}


def carry_out(
    verb: str,
    context: Context,
    *,
    mode: str,
    config: Path | None,
    data: Path | None,
    parameters: Mapping[str, Any],
) -> Result:
    """Carry a verb out.

    Args:
        verb: `run`, `ingest`, `train`, `score` or `backfill`.
        context: the surroundings.
        mode: `none` (this process), `server` (the configured Prefect server), `local` (a server for this run only) or
            `auto` (the configured server, else this process).
        config: what the command was given; a parameter of the flow, so that its run page shows it.
        data: likewise.
        parameters: the verb's own arguments.

    Raises:
        NoOrchestratorError: `server`, but none is configured.
        OrchestratorDownError: the server does not answer.
    """
    with secrets_withheld(known_secrets(context.settings)):
        return _carried_out(verb, context, mode, config, data, parameters)


def _carried_out(  # noqa: PLR0917 hands `carry_out`'s arguments on
    verb: str,
    context: Context,
    mode: str,
    config: Path | None,
    data: Path | None,
    parameters: Mapping[str, Any],
) -> Result:
    api_url = context.settings.orchestration.api_url
    if mode == "server" and not api_url:
        raise NoOrchestratorError
    if mode == "local":
        context.reporter.say("starting a Prefect server for this run")
        with local_server(context.settings.workspace / "prefect") as own_url:
            return _through_prefect(verb, context, own_url, config, data, parameters)
    if mode == "none" or not api_url:
        context.reporter.say("running in this process")
        return {**VERBS[verb](plain_step, context=context, **parameters), "orchestration": "in this process"}
    if not answers(api_url):
        raise OrchestratorDownError(api_url=api_url, reason="no answer from its health check")
    return _through_prefect(verb, context, api_url, config, data, parameters)


def plain_step(
    name: str,
    function: Callable[..., Any],
    *,
    context: Context,
    parts: int | None = None,
    **arguments: Any,  # noqa: ANN401 whatever the function takes
) -> Any:  # noqa: ANN401 a step returns what its function returns
    """A step without an orchestrator: the function, shown and measured."""
    with context.reporter.step(name, parts=parts) as ticker:
        return function(context, tick=ticker.tick, **arguments)


def _through_prefect(  # noqa: PLR0917 hands `carry_out`'s arguments on
    verb: str,
    context: Context,
    api_url: str,
    config: Path | None,
    data: Path | None,
    parameters: Mapping[str, Any],
) -> Result:
    from flows.running.environment import use_orchestrator_home  # noqa: PLC0415 Prefect takes 4 s to import

    use_orchestrator_home(context.settings.workspace / "prefect")
    from flows.prefect_flows import run_flow  # noqa: PLC0415

    context.reporter.say(f"running through the Prefect server at {api_url}")
    result = run_flow(verb, context, api_url=api_url, config=config, data=data, parameters=parameters)
    return {**result, "orchestration": f"Prefect at {api_url}"}
