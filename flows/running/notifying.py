"""Telling people outside that a verb was blocked, failed, or went well again after that; and of new alarms of drift.

Belongs here: when that is, and what is told: the facts of the failure, none of which are personal. Does not: the verbs.
Whether anybody could be told never decides how a verb ends.
"""

import http.client
import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from config.notifications import Event, Notifications
from data_contracts.errors import AlreadyRunningError, DataBlockedError, DependencyDownError, GristmillError, UsageError
from flows.context import Context
from warehouse.ledger import history

_WENT_WRONG = {"blocked", "failed", "running"}  # "running" although we hold the lock: that process died


@contextmanager
def notified(context: Context, verb: str) -> Iterator[None]:
    """A frame around a verb: tells `[notifications]` how it ended, where that is news.

    Wrong usage and a run that is turned away are the caller's affair and told to nobody else.
    """
    wanted = context.settings.notifications
    if not (wanted.command or wanted.webhook.get_secret_value()):
        yield
        return
    went_wrong = _last_went_wrong(context)
    try:
        yield
    except (UsageError, AlreadyRunningError):
        raise
    except DataBlockedError as error:
        _tell(context, wanted, "blocked", verb, error.facts())
        raise
    except GristmillError as error:
        _tell(context, wanted, "failed", verb, error.facts())
        raise
    except Exception as error:
        _tell(context, wanted, "failed", verb, {"error": type(error).__name__, "what": "a bug in Gristmill"})
        raise
    if went_wrong:
        _tell(context, wanted, "recovered", verb, {"what": f"{verb} went well again"})


def tell_of_drift(context: Context, verb: str, alarms: Sequence[str]) -> None:
    """Tell of alarms that the night before did not have, all at once; nobody is told where there are none."""
    wanted = context.settings.notifications
    if alarms and (wanted.command or wanted.webhook.get_secret_value()):
        _tell(context, wanted, "drift", verb, {"what": " ".join(alarms)})


def _last_went_wrong(context: Context) -> bool:
    """Whether the last thing that was tried did not end well; no answer from the warehouse is news of its own."""
    try:
        place = context.warehouse()
        if not place.exists():
            return False
        with place as warehouse:
            last = history(warehouse, limit=1)
    except (DependencyDownError, AlreadyRunningError):
        return False
    return bool(last) and last[0].status in _WENT_WRONG


def _tell(context: Context, wanted: Notifications, event: Event, verb: str, facts: dict[str, str]) -> None:
    if event not in wanted.on:
        return
    company = context.settings.company.name
    content = {
        "event": event,
        "company": company,
        "verb": verb,
        "at": context.clock().isoformat(),
        "run_by": context.run_by,
        **facts,
        "text": f"{company}: {verb} {event}: {facts.get('what', '')}",
    }
    if wanted.command:
        _say_if_not(context, "the command", lambda: _by_command(wanted, content))
    if wanted.webhook.get_secret_value():
        _say_if_not(context, "the webhook", lambda: _by_webhook(wanted, content))


def _by_command(wanted: Notifications, content: dict[str, Any]) -> None:
    subprocess.run(  # noqa: S603 the company's own program, from its own settings
        list(wanted.command),
        input=json.dumps(content, ensure_ascii=False),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=wanted.timeout_seconds,
    )


def _by_webhook(wanted: Notifications, content: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
        wanted.webhook.get_secret_value(),
        data=json.dumps(content, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "gristmill"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=wanted.timeout_seconds):  # noqa: S310 likewise
        pass


def _say_if_not(context: Context, what: str, tell: Any) -> None:  # noqa: ANN401 a function without arguments
    """A failure to tell is said, by its kind only: its text may hold the address."""
    try:
        tell()
    except (OSError, subprocess.SubprocessError, http.client.HTTPException, ValueError) as error:
        context.reporter.say(f"nobody was notified: {what} of [notifications] failed ({type(error).__name__})")
