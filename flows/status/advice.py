"""What to do, given what the ledger says: first for readers' tables, then for training, then for alarms. Words only.

Belongs here: the order of what matters, and the sentences. Does not: finding out (`ledger_facts.py` and
its neighbours).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flows.status.schedule import in_words

LONG_MINUTES = 10
LONG_FACTOR = 3
NIGHTLY = ("ingest", "score")
"""Kinds of runs without which readers have no new tables."""
_CALLED = {"ingest": "load", "score": "scoring", "train": "training"}
_ENDED = {"died": "died", "blocked": "was blocked", "failed": "failed"}


def advice(told: Mapping[str, Any]) -> list[str]:
    """Sentences, the most urgent first; never empty.

    Args:
        told: of `read_status`: `today`, `running`, `runs`, `schedule`, `published`, `drift`.
    """
    if told["running"]:
        return [_about_running(told["running"])]
    if not told["runs"]:
        return ["run `gristmill run`"]
    unmended = _unmended(told["runs"])
    found = [_about(run) for run in unmended if run["kind"] in NIGHTLY]
    for late in told["schedule"]["late"]:
        if late["missed"]:
            found += _about_nights(late["missed"], today=told["today"], published=told["published"])
    found += [_about(run) for run in unmended if run["kind"] not in NIGHTLY]
    if any(not late["missed"] for late in told["schedule"]["late"]):
        found.append("training is late: run `gristmill train`, or see why it does not begin")
    if told["drift"]:
        found.append("look at the drift alarms above: each says what to do (`gristmill drift`)")
    return found or ["nothing to do"]


def _about_running(running: Mapping[str, Any]) -> str:
    seconds, usual = running["seconds"], running["usual_seconds"]
    if seconds is None or usual is None:
        return "a run is under way; wait for it"
    if seconds > max(LONG_FACTOR * usual, LONG_MINUTES * 60):
        where = f"process {running['process']} on {running['machine']}"
        return f"a run is under way for {in_words(seconds)}; it usually takes {in_words(usual)}: look at {where}"
    return f"a run is under way; wait for it: it usually takes {in_words(usual)}"


def _unmended(runs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of every kind the newest run, where it did not go well: what went well later is mended. Newest first."""
    newest: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        newest.setdefault(run["kind"], run)
    return [run for run in newest.values() if run["status"] in _ENDED]


def _about(run: Mapping[str, Any]) -> str:
    what = f"the {_CALLED.get(run['kind'], run['kind'])} of {run['as_of']} {_ENDED[run['status']]}"
    if run["status"] == "died":
        return f"{what}; run it again: what was published before it is whole"
    to_do = (run["error"] or {}).get("action")
    return f"{what}: {to_do or 'see why above'}; what is published is whole"


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
