"""Features of a company's own and its extra attributes, from the settings file to lists, nights and proofs."""

import json
from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

from config import load_settings
from flows.command_line import app
from flows.context import Context
from flows.featuring.looking import customer_features, list_features
from flows.featuring.proofs import Request, prove
from flows.running.progress import Reporter
from tests.flows.feature_company import DAY, NOW, company, proof, with_load, with_night
from tests.flows.test_command_line import SETTINGS

OWN = """
[inputs.customers]
files = "customers.csv"

[sources.customers]
entity = "customers"
input = "customers"
columns = { customer_id = "id" }

[sources.customers.keep]
level = { type = "text", personal = false, meaning = "level of the club" }
joined = { type = "date", meaning = "first day in the club" }
nickname = "text"

[[features]]
name = "big_line_share"
meaning = "Share of lines above 100."
unit = "share (0 to 1)"
entity = "orders"
sql = "avg((amount > 100)::int)"

[[features]]
name = "median_quantity"
meaning = "Median quantity of a line."
unit = "units"
entity = "orders"
polars = 'pl.col("quantity").median()'

[[features]]
name = "dearest_product"
meaning = "List price of the dearest product."
unit = "minor units"
entities = ["orders", "products"]
python = "ours:dearest"

[[features]]
name = "per_year"
meaning = "Purchases a year."
unit = "purchases"
expression = "365 * purchase_count_life / nullif(days_since_first_order, 0) + coalesce(big_line_share, 0)"

[[features]]
name = "of_surveys"
meaning = "Surveys."
unit = "surveys"
entity = "surveys"
sql = "count(*)"
when_null = 0
"""
WRONG = """
[[features]]
name = "to_the_mean"
meaning = "Spend against everybody's."
unit = "ratio"
entities = ["orders"]
python = "ours:to_the_mean"

[[features]]
name = "now_and_then"
meaning = "Something else every time."
unit = "number"
entities = ["orders"]
python = "ours:now_and_then"
"""
MODULE = """
import itertools

import polars as pl
from helping import value

COUNTER = itertools.count()


def dearest(frames, snapshot):
    priced = frames["orders"].join(frames["products"].select("product_id", "list_price"), on="product_id")
    return priced.group_by("customer_id").agg(value(pl.col("list_price").max()))


def to_the_mean(frames, snapshot):
    spent = frames["orders"].group_by("customer_id").agg(value(pl.col("amount").sum()))
    return spent.with_columns(pl.col("value") / pl.col("value").sum())


def now_and_then(frames, snapshot):
    return frames["orders"].select(pl.col("customer_id").unique(), value=next(COUNTER))
"""
GOOD = ["big_line_share", "median_quantity", "dearest_product", "per_year"]


@pytest.fixture
def opened(tmp_path):
    """A context on settings with features of somebody's own; what more they say is given."""

    def made(more=""):
        (tmp_path / "gristmill.toml").write_text(SETTINGS + OWN + more)
        (tmp_path / "ours.py").write_text(MODULE)
        (tmp_path / "helping.py").write_text("def value(expression):\n    return expression.alias('value')\n")
        settings = load_settings(tmp_path, environment={})
        return Context(settings=settings, now=NOW, clock=lambda: NOW, reporter=Reporter(quiet=True), run_by="tests")

    return made


@pytest.fixture(scope="module")
def tables():
    """The company, with the extra attributes on its customers' records."""
    made = company()
    extra = {"level": pl.lit("gold"), "joined": pl.lit(date(2025, 11, 1)), "nickname": pl.lit("Bo")}
    return made | {"customers": made["customers"].with_columns(**extra)}


def test_they_are_listed_shown_and_left_out_like_any_other(opened, tables):
    context = opened()
    with_load(context, "one", tables)
    listed = list_features(context)
    found = {one["name"]: one for one in listed["features"]}
    assert [name for name, one in found.items() if one["family"] == "own"] == GOOD
    assert found["per_year"]["needs"] == ["orders"]
    assert [name for name, one in found.items() if one["family"] == "attributes"] == ["level", "days_since_joined"]
    gaps = {one["name"]: one for one in listed["left_out"]}
    assert gaps["of_surveys"]["missing"] == ["surveys"]
    assert "personal" in gaps["nickname"]["reason"]
    shown = {one["name"]: one for one in customer_features(context, "003", as_of=DAY)["features"]}
    assert (shown["level"]["value"], shown["days_since_joined"]["value"]) == ("gold", 30)
    assert shown["dearest_product"]["value"] >= shown["dearest_product"]["low"]
    assert json.dumps(shown)


def test_proofs_hold_of_them_and_catch_those_that_look_beyond_their_customer(opened, tables):
    context = opened(WRONG)
    with_load(context, "one", tables)
    with_night(context, DAY)
    found = prove(context, Request(days=(DAY,), sample=1, buckets=1))
    caught = {one["proof"]: sorted(one["differing"]) for one in found["proofs"]}
    assert caught == {
        "nothing of later": ["now_and_then"],
        "order of rows": ["now_and_then"],
        "threads": ["now_and_then"],
        "buckets": ["now_and_then", "to_the_mean"],
        "slow definition": [],
        "stored nights": ["now_and_then"],
    }
    assert proof(found, "stored nights")["notes"] == []


def test_what_a_function_says_is_part_of_the_configuration(opened, tmp_path):
    before = opened().settings.configuration_hash
    assert opened().settings.configuration_hash == before
    for module in ("ours.py", "helping.py"):
        path = tmp_path / module
        path.write_text(path.read_text() + "\n# changed\n")
        changed = load_settings(tmp_path, environment={}).configuration_hash
        assert changed != before
        before = changed
    assert opened(WRONG).settings.configuration_hash != before


def test_a_feature_that_cannot_be_made_ends_every_command(opened, monkeypatch, tmp_path):
    opened(WRONG.replace("ours:to_the_mean", "ours:to_the_maen"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["status", "--json"])
    assert done.exit_code == 2
    assert "to_the_maen" in done.output
