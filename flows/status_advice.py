"""What to do, given what the ledger says, the most urgent first. Words only.

Belongs here: the order of what matters, and the sentences. Does not: finding out (`status.py` and its neighbours).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.status_schedule import in_words

LONG_MINUTES = 10
LONG_FACTOR = 3


def advice(told: Mapping[str, Any]) -> list[str]:
    """Sentences, the most urgent first; never empty.

    Args:
        told: of `read_status`: `today`, `running`, `runs`, `schedule`, `published`.
    """
    if told["running"]:
        return [_about_running(told["running"])]
    found = [*_about_the_last_run(told["runs"])]
    for late in told["schedule"]["late"]:
        if late["missed"]:
            found += _about_nights(late["missed"], today=told["today"], published=told["published"])
        else:
            found.append("training is late: run `gristmill train`, or see why it does not begin")
    return found or ["nothing to do"]


def _about_running(running: Mapping[str, Any]) -> str:
    seconds, usual = running["seconds"], running["usual_seconds"]
    if seconds is None or usual is None:
        return "a run is under way; wait for it"
    if seconds > max(LONG_FACTOR * usual, LONG_MINUTES * 60):
        where = f"process {running['process']} on {running['machine']}"
        return f"a run is under way for {in_words(seconds)}; it usually takes {in_words(usual)}: look at {where}"
    return f"a run is under way; wait for it: it usually takes {in_words(usual)}"


def _about_the_last_run(runs: list[Mapping[str, Any]]) -> list[str]:
    if not runs:
        return ["run `gristmill run`"]
    if any(run["status"] == "died" for run in runs):
        return ["a run died; run it again: what was published before it is whole"]
    last = runs[0]
    if last["status"] not in {"blocked", "failed"}:
        return []
    ended = "was blocked" if last["status"] == "blocked" else "failed"
    to_do = (last["error"] or {}).get("action")
    return [f"the last run {ended}: {to_do or 'see why above'}; what is published is whole"]


def _about_nights(missed: list[str], *, today: str, published: Mapping[str, Any] | None) -> list[str]:
    """Dates after the newest published one are caught up with tonight's; those before it are gaps to be filled."""
    newest = published["as_of"] if published else ""
    behind, gaps = [day for day in missed if day > newest], [day for day in missed if day <= newest]
    found = []
    if behind:
        between = (date.fromisoformat(today) - date.fromisoformat(newest)).days - 1 if newest else 0
        catch_up = f" --catch-up {between}" if between else ""
        found.append(f"a night is late: run `gristmill run{catch_up}`, or see why it does not begin")
    if gaps:
        found.append(f"fill the gaps: `gristmill backfill --from {gaps[0]} --to {gaps[-1]}`")
    return found
