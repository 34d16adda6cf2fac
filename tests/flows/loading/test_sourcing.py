"""The commands of the first hour, as their user meets them."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from flows.loading.source_drafting import draft

SETTINGS = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"

[inputs.sales]
files = "sales.csv"

[sources.sales]
entity = "orders"
input = "sales"
money = "major"

[sources.sales.columns]
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
def gristmill(gristmill, tmp_path):
    """The commands `gristmill source …`, run in a fresh folder with a file of sales."""
    (tmp_path / "sales.csv").write_text(f"{HEADER}\n{ROW}\n")
    return lambda *arguments, **changes: gristmill("source", *arguments, **changes)


def test_a_draft_needs_no_settings_and_can_be_pasted(gristmill, tmp_path):
    company = SETTINGS[: SETTINGS.index("[inputs")]
    drafted = gristmill("draft", "sales.csv")
    assert drafted.returncode == 0, drafted.stderr
    assert tomllib.loads(drafted.stdout)["sources"]["sales"]["columns"]["amount"] == "net"
    (tmp_path / "gristmill.toml").write_text(company + drafted.stdout)
    checked = gristmill("check", "--json")
    told = json.loads(checked.stdout)
    assert (checked.returncode, told["status"]) == (0, "done")
    (source,) = told["sources"]
    assert (source["read"], source["accepted"], source["failure"]) == (1, 1, None)
    assert source["rows"][0]["columns"]["amount"] == {"from": "net", "before": "9.99", "after": "999"}


def test_a_draft_can_be_appended_to_settings_that_are_not_whole_yet(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text("")  # what a shell makes of `draft … >> gristmill.toml` before draft runs
    drafted = gristmill("draft", "sales.csv")
    assert drafted.returncode == 0, drafted.stderr
    assert "[sources.sales]" in drafted.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        (["draft", "none.csv"], 2, "no file of an input"),
        (["draft", "sales.pdf"], 2, "format"),
        (["draft", "sales.csv", "--entity", "sales"], 2, "orders"),
        (["draft", "orders", "--database", "SHOP"], 2, "SHOP"),
        (["draft", 'a"b', "--database", "SHOP"], 2, "lower-case"),
        (["check"], 2, "no settings file"),
    ],
)
def test_slips_are_told_in_facts(gristmill, arguments, exit_code, told):
    ended = gristmill(*arguments)
    assert ended.returncode == exit_code
    assert told in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr


def test_what_would_be_blocked_ends_with_3_and_writes_nothing(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    (tmp_path / "sales.csv").write_text(f"{HEADER.replace('net', 'amount')}\n{ROW}\n")
    before = sorted(tmp_path.rglob("*"))
    ended = gristmill("check")
    assert ended.returncode == 3
    assert "a column" in ended.stdout
    assert "would be blocked" in ended.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_a_terminal_shows_before_and_after(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    (tmp_path / "sales.csv").write_text(f"{HEADER}\n{ROW}\n{ROW.replace('007', '')}\n")
    ended = gristmill("check", "sales", COLUMNS="160")
    assert ended.returncode == 0
    assert "1 would be loaded, 1 set aside" in ended.stdout
    assert "customer_id_is_present" in ended.stdout
    assert "9.99" in ended.stdout
    assert "999" in ended.stdout


LONG = "case when units::int > 0 then 'a rather long expression that would leave no room' else 'for anything' end"


@pytest.mark.parametrize("columns", [80, 120])
def test_long_expressions_are_told_once_and_leave_room_for_the_rows(gristmill, tmp_path, columns):
    text = SETTINGS.replace('product_id = "product"\n', "")
    (tmp_path / "gristmill.toml").write_text(text + f'[sources.sales.expressions]\nproduct_id = "{LONG}"\n')
    (tmp_path / "sales.csv").write_text(f"{HEADER}\n{ROW}\n{ROW.replace('1,1', '2,1', 1)}\n")
    told = gristmill("check", COLUMNS=str(columns)).stdout
    assert all(len(line) <= columns for line in told.splitlines())
    assert told.count("case when") == 1
    assert told.count("expression  units = 1") == 2


def test_rows_of_another_kind_are_told_apart_from_rows_set_aside(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS.replace("money =", "where = \"units = '1'\"\nmoney ="))
    (tmp_path / "sales.csv").write_text(f"{HEADER}\n{ROW}\n{ROW.replace(',1,9.99', ',2,9.99')}\n")
    told = gristmill("check")
    assert (told.returncode, "1 of all 2 rows are this table's (`where`): 1 would be loaded" in told.stdout) == (
        0,
        True,
    )
    source = json.loads(gristmill("check", "--json").stdout)["sources"][0]
    assert (source["read"], source["left_out"], source["unmapped_columns"]) == (1, 1, [])


def test_the_way_from_a_template_over_a_draft_to_a_check(gristmill, tmp_path):
    """What the README says, word for word: init, draft added to the file, check."""
    template = Path(__file__).parents[3] / "config" / "template.toml"
    (tmp_path / "raw").mkdir()
    (tmp_path / "sales.csv").rename(tmp_path / "raw" / "orders.csv")
    (tmp_path / "gristmill.toml").write_text(template.read_text())
    with (tmp_path / "gristmill.toml").open("a") as settings:
        settings.write(gristmill("draft", "raw/orders.csv").stdout)
    told = gristmill("check", "--json", "--config", str(tmp_path))
    assert (told.returncode, json.loads(told.stdout)["sources"][0]["accepted"]) == (0, 1)


def test_a_wrong_column_is_told_without_the_long_imports(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS.replace('"net"', '"nett"'))
    code = """
import sys
from flows.command_line import app
try:
    app(["ingest", "--orchestration", "none"])
except SystemExit as end:
    print(end.code, "great_expectations" in sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603  # our own interpreter
    assert ended.stdout.split()[-2:] == ["3", "False"], ended.stderr


def test_a_file_that_is_not_there_is_told_from_data_that_would_be_blocked(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS.replace('files = "sales.csv"', 'files = "sale.csv"'))
    ended = gristmill("check", COLUMNS="200")
    assert ended.returncode == 2
    assert "can't be tried" in ended.stdout
    assert "would be blocked" not in ended.stdout
    assert 'did you mean "sales.csv"?' in " ".join(ended.stdout.split())


def test_a_file_whose_lines_are_in_part_no_rows_can_be_tried(gristmill, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    (tmp_path / "sales.csv").write_text(f"{HEADER}\n{ROW}\n2,1,007\n{ROW.replace('1,1', '3,1', 1)}\n")
    ended = gristmill("check", "--json")
    (source,) = json.loads(ended.stdout)["sources"]
    assert (ended.returncode, source["read"], source["accepted"]) == (0, 3, 2)
    assert {rule["rule"]: rule["rows"] for rule in source["rules"]} == {"line_is_readable": 1}


def test_a_draft_knows_what_unfinished_settings_say_already(gristmill, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "sales.csv").write_text(f"{HEADER.removesuffix(',currency')}\n{ROW.removesuffix(',GBP')}\n")
    (tmp_path / "gristmill.toml").write_text('[company]\ncurrency = "USD"\n[paths]\ndata = "raw"\n')
    drafted = tomllib.loads(gristmill("draft", "raw/sales.csv").stdout)
    assert drafted["inputs"]["sales"]["files"] == "sales.csv"
    assert drafted["sources"]["sales"]["constants"]["currency"] == "USD"


def test_a_file_outside_the_data_folder_is_named_so_that_a_load_finds_it(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "gristmill.toml").write_text('[paths]\ndata = "raw"\n')
    monkeypatch.chdir(tmp_path / "shop")
    for where, folder in (("../sales.csv", tmp_path), ("..", tmp_path), ("sales.csv", tmp_path / "shop")):
        (folder / "sales.csv").write_text(f"{HEADER}\n{ROW}\n")
        inputs = tomllib.loads(draft(where, config=None))["inputs"]
        assert inputs["sales"]["files"] == str(folder / "sales.csv")
