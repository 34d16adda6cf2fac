"""Lines for programs on standard error: what they hold, and what they never hold."""

import io
import json
import logging
import warnings
from datetime import date

import pytest

from data_contracts.errors import DataBlockedError
from flows.running import logs
from flows.running.progress import Reporter
from flows.running.recording import alone, recorded


@pytest.fixture
def lines():
    """Turns JSON lines on, into memory; returns a function that parses what was written."""
    stream = io.StringIO()
    logs.use_log_format("json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logs.use_log_format("text")


def test_a_run_is_told_from_its_beginning_to_its_end(lines, open_at, tmp_path):
    context = open_at(tmp_path / "work")
    context.reporter.quiet = False
    with alone(context, "score"), recorded(context, "score", date(2026, 1, 1)) as recording:
        with context.reporter.step("segments", parts=3):
            pass
        recording.counts = {"customer": 900, "orders": {"read": 3, "quarantined": 1}}
    told = lines()
    assert [line["event"] for line in told] == [
        *("run started", "step started", "step ended", "counted", "counted", "run ended"),
    ]
    key = recording.run.run_key
    assert all((line["run_key"], line["attempt"], line["level"]) == (key, 1, "info") for line in told)
    assert {"step", "seconds", "cpu_seconds", "peak_memory_mb"} <= set(told[2])
    assert [(line["table"], line["counts"]) for line in told[3:5]] == [
        ("customer", {"rows": 900}),
        ("orders", {"read": 3, "quarantined": 1}),
    ]
    assert (told[5]["status"], told[5]["seconds"]) == ("done", 0.0)
    context.reporter.say("after it")
    assert "run_key" not in lines()[-1]


def test_a_run_that_is_blocked_says_why(lines, open_at, tmp_path):
    context = open_at(tmp_path / "work")
    context.reporter.quiet = False
    with (
        pytest.raises(DataBlockedError),
        alone(context, "score"),
        recorded(context, "score", date(2026, 1, 1)),
        context.reporter.step("features"),
    ):
        raise DataBlockedError("the orders end too soon", action="load them")
    failed, ended = lines()[-2:]
    assert (failed["event"], failed["level"], failed["step"]) == ("step failed", "error", "features")
    assert (ended["status"], ended["what"], ended["action"]) == ("blocked", "the orders end too soon", "load them")


def test_the_text_of_an_unforeseen_error_and_of_debugging_stays_out(lines):
    try:
        int("ada@example.com")
    except ValueError as error:
        logs.tell("bug", level=logging.CRITICAL, exception=error)
        logging.getLogger("some.library").exception("it failed")
    logging.getLogger("some.library").info("ada@example.com was read")
    logging.getLogger("some.library").warning("no such customer: %s", "ada@example.com")
    logging.getLogger("some.library").warning("no such customer: ada@example.com")
    warnings.warn("old-fashioned", DeprecationWarning, stacklevel=1)
    bug, library, pattern, whole, *others = lines()
    assert "ada@example.com" not in json.dumps(lines())
    assert (bug["error"], library["error"], library["logger"]) == ("ValueError", "ValueError", "some.library")
    assert "test_logs.py" in bug["places"][0]
    assert (pattern["message"], "message" in whole) == ("no such customer: %s", False)
    assert "test_logs.py" in whole["place"]
    assert [line["event"] for line in others] in ([], ["library"])  # whether warnings are shown is the process's choice


def test_people_get_words_and_no_json():
    watcher = Reporter()
    watcher.console.file = io.StringIO()
    with watcher.about(run_key="k"), watcher.step("count"):
        watcher.tell("counted", table="customer")
    (line,) = watcher.console.file.getvalue().splitlines()
    assert line.startswith("count ")
