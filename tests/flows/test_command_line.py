"""The command as its user meets it: a real process, its exit code, its standard output and error."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ["init", "ingest", "train", "score", "run", "status", "show", "simulate", "serve"]

SETTINGS = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"

[inputs.orders]
files = "orders.csv"

[sources.orders]
entity = "orders"
input = "orders"
money = "major"

[sources.orders.columns]
order_id = "order"
line_number = "line"
customer_id = "customer"
ordered_at = "placed"
product_id = "product"
quantity = "units"
amount = "net"
currency = "currency"
known_at = "placed"
"""
HEADER = "order,line,customer,placed,product,units,net,currency"
ROW = "1,1,007,2025-03-01 10:00:00,p1,1,9.99,GBP"


@pytest.fixture
def shop(tmp_path):
    """A settings file and an orders file to spoil."""
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    (tmp_path / "orders.csv").write_text(f"{HEADER}\n{ROW}\n")
    return tmp_path


def test_help_names_every_command(gristmill):
    shown = gristmill("--help")
    assert shown.returncode == 0
    assert all(command in shown.stdout for command in [*COMMANDS, "config"])
    nightly = [shown.stdout.index(f"│ {name} ") for name in ("run", "ingest", "train", "score", "export", "recover")]
    assert nightly == sorted(nightly)  # what is used most first, though `train` and `score` have commands of their own


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(gristmill, command):
    shown = gristmill(command, "--help")
    assert shown.returncode == 0
    assert "Usage" in shown.stdout


def test_help_imports_nothing_heavy(gristmill):
    heavy = ["polars", "duckdb", "lightgbm", "mlflow", "prefect", "great_expectations", "pandas", "sklearn", "pydantic"]
    code = f"import flows.command_line, sys; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "[]"


def test_init_writes_settings_that_can_be_read(gristmill, tmp_path):
    assert gristmill("init").returncode == 0
    unfinished = gristmill("config", "show")
    assert (unfinished.returncode, "gristmill source draft" in unfinished.stderr) == (2, True)
    (tmp_path / "orders.csv").write_text("order,line,customer,placed,sku,units,net\n1,1,c,2024-05-01,p,1,9.99\n")
    with (tmp_path / "gristmill.toml").open("a") as settings:
        settings.write(gristmill("source", "draft", "orders.csv").stdout)
    assert gristmill("config", "show").returncode == 0
    assert "My company" in json.loads(gristmill("config", "show", "--json").stdout)["company"]["name"]
    again = gristmill("init")
    assert again.returncode == 2
    assert "--force" in again.stderr
    german = gristmill("init", "--force", "--currency", "EUR", "--time-zone", "Europe/Berlin")
    company = tomllib.loads((tmp_path / "gristmill.toml").read_text())["company"]
    assert (company["currency"], company["time_zone"], "assumed" in german.stdout) == ("EUR", "Europe/Berlin", False)
    assert "ASSUMED" not in (tmp_path / "gristmill.toml").read_text()
    assert gristmill("init", "--force", "--currency", "Euro").returncode == 2
    assumed = gristmill("init", "--force", "--currency", "EUR").stdout
    assert ("Europe/London" in assumed, "GBP" in assumed) == (True, False)


def test_passwords_are_not_shown(gristmill, shop):
    shown = gristmill("config", "show", MLFLOW_TRACKING_URI="postgresql://grist:hunter2@db/mlflow")
    assert shown.returncode == 0
    assert "hunter2" not in shown.stdout + shown.stderr
    assert "***@db" in shown.stdout


@pytest.mark.parametrize(
    ("spoil", "arguments", "exit_code", "told"),
    [
        (lambda shop: (shop / "gristmill.toml").unlink(), ["run"], 2, ["no settings file", "gristmill init"]),
        (lambda shop: (shop / "orders.csv").unlink(), ["run"], 2, ["orders.csv"]),
        (lambda shop: (shop / "orders.csv").write_text(""), ["run"], 3, ["orders.csv"]),
        (lambda shop: (shop / "orders.csv").write_text(HEADER + "\n"), ["run"], 3, ["orders.csv"]),
        (
            lambda shop: (shop / "orders.csv").write_text(f"{HEADER.replace('net', 'amount')}\n{ROW}\n"),
            ["run"],
            3,
            ["net", "amount", "orders"],
        ),
        (
            lambda shop: (shop / "orders.csv").write_text(f"{HEADER}\n{ROW.replace('2025-03-01 10:00:00', 'soon')}\n"),
            ["run"],
            3,
            ["ordered_at", '"aaaa"'],
        ),
        (
            lambda shop: (shop / "orders.csv").write_text(f"{HEADER}\n{ROW.replace('GBP', 'ZZZ')}\n"),
            ["run"],
            3,
            ["currency", "ZZZ"],
        ),
        (lambda _: None, ["run", "--as-of", "2999-01-01"], 2, ["future", "2999-01-01"]),
        (lambda _: None, ["run", "--as-of", "yesterday"], 2, ["--as-of", "YYYY-MM-DD"]),
        (lambda _: None, ["run", "--as-of", "2024-01-01"], 2, ["before the data", "2025-03-01"]),
        (lambda _: None, ["run", "--as-of", "2025-03-10"], 3, ["too little history", "days"]),
        (lambda _: None, ["score"], 3, ["nothing has been loaded"]),
        (lambda _: None, ["show"], 2, ["no warehouse"]),
        (lambda _: None, ["run", "--orchestration", "server"], 2, ["no Prefect server", "PREFECT_API_URL"]),
        (lambda _: None, ["serve"], 2, ["no Prefect server"]),
    ],
    ids=[
        "no settings",
        "no file",
        "empty file",
        "header only",
        "column renamed",
        "dates unreadable",
        "currency unknown",
        "as of the future",
        "as of nonsense",
        "as of before the data",
        "too little history",
        "score before ingest",
        "show before run",
        "no server configured",
        "serve without a server",
    ],
)
def test_bad_input_is_told_in_facts(gristmill, shop, spoil, arguments, exit_code, told):
    spoil(shop)
    ended = gristmill(*arguments)
    assert ended.returncode == exit_code, ended.stderr
    missing = [fact for fact in told if _without_breaks(fact) not in _without_breaks(ended.stderr)]
    assert not missing, ended.stderr
    assert "Traceback" not in ended.stderr


def _without_breaks(words):
    """Lower case and without spaces: a terminal breaks lines where it must, in the middle of a long path too."""
    return "".join(words.lower().split())


def test_a_server_that_does_not_answer_is_worth_another_try(gristmill, shop):
    ended = gristmill("run", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert ended.returncode == 4
    assert "does not answer" in ended.stderr


def test_a_failure_is_one_json_document_for_programs(gristmill, shop):
    ended = gristmill("run", "--as-of", "2024-01-01", "--json")
    told = json.loads(ended.stdout)
    assert ended.returncode == told["exit_code"] == 2
    assert told["error"] == "AsOfBeforeDataError"
    assert {"what", "got", "expected", "action"} <= set(told)


def test_whoever_stops_reading_ends_the_command_quietly(shop):
    """As `gristmill config show | head -1` does; here nobody reads from the beginning."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from flows.command_line import main; main()", "config", "show"]
    ended = subprocess.run(command, cwd=shop, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")


def test_an_error_in_our_code_is_told_as_a_bug(gristmill, shop):
    (shop / "work").mkdir()
    (shop / "work" / "lake").write_text("a file where a folder should be")
    ended = gristmill("ingest")
    assert ended.returncode == 1
    assert "this is a bug" in ended.stderr
    ended = gristmill("--log-format", "json", "ingest")
    told = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [line["event"] for line in told][-3:] == ["bug", "failed", "command ended"]
    assert told[-1]["exit_code"] == ended.returncode == 1


def test_the_installed_command_is_this_one():
    command = Path(sys.executable).with_name("gristmill")
    shown = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.startswith("gristmill 0.")


@pytest.mark.parametrize("below", [("train", "churn"), ("score", "uplift"), ("train", "next-offer")])
def test_an_option_before_the_command_it_is_meant_for_is_told(gristmill, below):
    ended = gristmill(below[0], "--json", below[1], "--table", "x.csv", "--history", "x.csv")
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["error"]) == (2, "OptionMisplacedError")
    assert told["got"] == f"--json before the last word of `{' '.join(below)}`"
