"""Who is told what when a verb is blocked, fails, or goes well again; a real program and a real server."""

import http.server
import json
import socket
import sys
import threading

import pytest

from data_contracts.errors import AlreadyRunningError, DataBlockedError, DependencyDownError, UsageError
from flows.running.notifying import notified, tell_of_drift
from flows.running.recording import alone, recorded

BLOCKED = DataBlockedError("the orders end too soon", got="nothing since Monday")


@pytest.fixture
def told(tmp_path):
    return tmp_path / "told.jsonl"


@pytest.fixture
def context(open_at, tmp_path, told):
    program = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    command = json.dumps([sys.executable, "-c", program])
    return open_at(tmp_path / "work", GRISTMILL__NOTIFICATIONS__COMMAND=command)


def events(told):
    return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []


def attempt(context, error=None):
    with notified(context, "score"), alone(context, "score"), recorded(context, "score", context.today):
        if error is not None:
            raise error


def test_blocked_then_recovered_and_nothing_more(context, told):
    attempt(context)
    with pytest.raises(DataBlockedError):
        attempt(context, BLOCKED)
    attempt(context)
    attempt(context)
    assert [event["event"] for event in events(told)] == ["blocked", "recovered"]
    assert events(told)[0] | {"text": ""} == {
        "event": "blocked",
        "company": context.settings.company.name,
        "verb": "score",
        "at": context.now.isoformat(),
        "run_by": "tests",
        "error": "DataBlockedError",
        "what": "the orders end too soon",
        "got": "nothing since Monday",
        "text": "",
    }


def test_new_alarms_of_drift_are_told_in_one_message(context, told):
    tell_of_drift(context, "score", [])
    tell_of_drift(context, "score", ["prices rose.", "a column is empty."])
    (event,) = events(told)
    assert (event["event"], event["what"]) == ("drift", "prices rose. a column is empty.")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DependencyDownError("the registry does not answer"), ["failed"]),
        (ZeroDivisionError("with a secret in its text"), ["failed"]),
        (UsageError("no such date"), []),
        (AlreadyRunningError("somebody else runs"), []),
    ],
)
def test_only_what_is_news_is_told(context, told, error, expected):
    with pytest.raises(type(error)):
        attempt(context, error)
    assert [event["event"] for event in events(told)] == expected
    assert "secret" not in told.read_text() if expected else not told.exists()


def test_what_nobody_asked_for_is_not_told(context, told, open_at, tmp_path):
    chosen = context.settings.notifications.model_copy(update={"on": ("failed",)})
    quiet = open_at(tmp_path / "work")
    object.__setattr__(quiet, "settings", context.settings.model_copy(update={"notifications": chosen}))
    with pytest.raises(DataBlockedError):
        attempt(quiet, BLOCKED)
    assert events(told) == []


def test_a_webhook_gets_the_same(open_at, tmp_path):
    received = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/hooks/s3cret"
        context = open_at(tmp_path / "work", GRISTMILL__NOTIFICATIONS__WEBHOOK=address)
        with pytest.raises(DataBlockedError):
            attempt(context, BLOCKED)
        server.shutdown()
    assert [event["event"] for event in received] == ["blocked"]
    assert "s3cret" not in json.dumps(context.settings.redacted())
    assert "s3cret" not in repr(context.settings)


def test_that_nobody_could_be_told_changes_nothing_else(open_at, tmp_path):
    context = open_at(
        tmp_path / "work",
        GRISTMILL__NOTIFICATIONS__WEBHOOK="http://127.0.0.1:9/hooks/s3cret",
        GRISTMILL__NOTIFICATIONS__COMMAND='["/no/such/program"]',
    )
    said = []
    object.__setattr__(context.reporter, "say", said.append)
    with pytest.raises(DataBlockedError):
        attempt(context, BLOCKED)
    assert [line.split("(")[0].strip() for line in said] == [
        "nobody was notified: the command of [notifications] failed",
        "nobody was notified: the webhook of [notifications] failed",
    ]
    assert "s3cret" not in " ".join(said)


def test_a_webhook_that_answers_nonsense_changes_nothing_else(open_at, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"this is no HTTP\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        context = open_at(tmp_path / "work", GRISTMILL__NOTIFICATIONS__WEBHOOK=address)
        with pytest.raises(DataBlockedError):
            attempt(context, BLOCKED)
