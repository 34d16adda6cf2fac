"""Keeping the schedules (scoring, training, the quarterly review) as Prefect deployments served by this process.

Belongs here: what is scheduled when. Does not: what the flows do (`prefect_flows.py`). No concurrency limit of the
orchestrator's stands beside the warehouse's lock: it would keep the place of a run that was killed.
"""

import signal
from pathlib import Path

from flows.context import Context
from flows.errors import NoOrchestratorError, OrchestratorDownError
from flows.running.environment import use_orchestrator_home
from flows.running.local_server import answers


def serve_schedules(context: Context, *, config: Path | None, data: Path | None) -> None:
    """Serve until stopped (SIGTERM or Ctrl-C).

    Raises:
        NoOrchestratorError: no Prefect server is configured.
        OrchestratorDownError: it does not answer.
    """
    orchestration = context.settings.orchestration
    if not orchestration.api_url:
        raise NoOrchestratorError
    if not answers(orchestration.api_url):
        raise OrchestratorDownError(api_url=orchestration.api_url, reason="no answer from its health check")
    use_orchestrator_home(context.settings.workspace / "prefect")
    from prefect import serve  # noqa: PLC0415 4 s to import, and it reads the environment then
    from prefect.schedules import Cron  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    from flows.prefect_flows import backfill, review, run, train  # noqa: PLC0415

    zone = context.settings.company.time_zone
    places = {
        "config": str(config.absolute()) if config else None,
        "data": str(data.absolute()) if data else None,
    }
    nightly = {**places, "catch_up_nights": orchestration.catch_up_nights}
    lines = {
        "nightly-scoring": (run, orchestration.nightly_scoring, nightly),
        "weekly-training": (train, orchestration.weekly_training, places),
        "quarterly-review": (review, orchestration.quarterly_review, places),
    }
    schedules = {name: line for name, line in lines.items() if line[1]}
    with temporary_settings({PREFECT_API_URL: orchestration.api_url}):
        deployments = [
            flow.to_deployment(
                name,
                parameters=parameters,
                schedule=Cron(cron, timezone=zone),
                tags=["gristmill"],
                description=flow.description,
            )
            for name, (flow, cron, parameters) in schedules.items()
        ]
        deployments.append(backfill.to_deployment("backfill", parameters=places, tags=["gristmill"]))
        for name, (_, cron, _) in schedules.items():
            context.reporter.say(f"{name}: {cron} ({zone})")
        context.reporter.say("backfill: when it is started by hand")
        context.reporter.say(f"serving on {orchestration.api_url}; stop with Ctrl-C or SIGTERM")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until the runner takes it: nothing is under way yet
        serve(*deployments, limit=1)
