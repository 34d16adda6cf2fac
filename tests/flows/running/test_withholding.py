"""What failures say of secrets: nothing, whoever raised them and wherever they are told."""

import re
import traceback
import urllib.error
from pathlib import Path

import psycopg
import pytest
import typer

from config import load_settings
from data_contracts.errors import GristmillError
from flows.commands.outcome import command
from flows.running.withholding import known_secrets, secrets_withheld

ROOT = Path(__file__).parents[3]
SECRET = "hunter2/@x"  # noqa: S105 made up
ESCAPED = "hunter2%2F%40x"
HOOK = "/services/T0/B0/hunter2hook"
ENVIRONMENT = {
    "GRISTMILL_WAREHOUSE_URL": f"postgresql://mill:{ESCAPED}@db:5432/shop",
    "MLFLOW_TRACKING_URI": f"http://mill:{ESCAPED}@registry:5000",
    "GRISTMILL__NOTIFICATIONS__WEBHOOK": f"https://hooks.example{HOOK}",
    "SHOP_API_TOKEN": "hunter2token",
    "GRISTMILL_WORKSPACE": "/work",
}


class OddError(Exception):
    """Its words are not among its arguments."""

    def __str__(self):
        return f"no answer from {ESCAPED}"


class DownError(GristmillError):
    def __init__(self, address):
        super().__init__(
            f"{address} is down", where=address, got=SECRET, expected="an answer", action="call hunter2token"
        )


@pytest.fixture
def secrets():
    return known_secrets(load_settings(ROOT / "gristmill.toml", environment=ENVIRONMENT), ENVIRONMENT)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"connection to postgresql://mill:{ESCAPED}@db failed", {"password": 1}),
        RuntimeError(f"password={SECRET} refused"),
        psycopg.OperationalError(f'connection to "{ENVIRONMENT["GRISTMILL_WAREHOUSE_URL"]}" failed'),
        urllib.error.URLError(RuntimeError(f"no route to https://hooks.example{HOOK}")),
        KeyError("hunter2token"),
        DownError(f"postgresql://mill:{ESCAPED}@db:5432/shop"),
        OddError(),
    ],
)
def test_a_failure_says_nothing_secret_nor_does_what_it_came_of(secrets, error):
    def failing():
        with secrets_withheld(secrets):
            raise ValueError(f"given up: {error}") from error

    with pytest.raises(ValueError, match=r"given up") as told:
        failing()
    with pytest.raises(Exception) as alone, secrets_withheld(secrets):  # noqa: PT011 of any type
        raise error
    for failure in (told.value, alone.value):
        said = "".join(traceback.format_exception(failure)) + repr(failure)
        facts = str(failure.facts()) if isinstance(failure, GristmillError) else ""
        assert "hunter2" not in (said + facts).replace('"hunter2token"', "")  # the line of this very file


def test_a_command_that_meets_a_bug_says_nothing_secret(monkeypatch, capsys):
    monkeypatch.setenv("GRISTMILL_WAREHOUSE_URL", ENVIRONMENT["GRISTMILL_WAREHOUSE_URL"])

    @command
    def failing():
        raise RuntimeError("could not connect: " + ENVIRONMENT["GRISTMILL_WAREHOUSE_URL"])

    with pytest.raises(typer.Exit) as ended:
        failing()
    told = "".join(capsys.readouterr())
    assert ended.value.exit_code == 1
    assert "could not connect: ***" in told
    assert "hunter2" not in told


def test_a_programs_arguments_are_shown_nowhere():
    told = load_settings(
        ROOT / "gristmill.toml",
        environment={**ENVIRONMENT, "GRISTMILL__NOTIFICATIONS__COMMAND": '["tell", "--token", "hunter2"]'},
    ).redacted()
    assert told["notifications"]["command"] == ["tell", "***", "***"]
    assert "hunter2" not in str(told)


def test_harmless_words_stay(secrets):
    said = "shop/db: sqlite:////shop/mlflow.db at http://127.0.0.1:4200/api"
    all_known = (
        *secrets,
        *known_secrets(None, {"PREFECT_API_URL": "http://127.0.0.1:4200/api", "BASE_URL": "shop/db"}),
    )
    with pytest.raises(RuntimeError, match=f"^{re.escape(said)}$"), secrets_withheld(all_known):
        raise RuntimeError(said)
