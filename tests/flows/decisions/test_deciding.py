"""Decisions of a night that was run whole: what is published, what other rules would change, what is refused."""

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from config.decisions import Channel, Decisions, Minimum
from flows.buckets.core_tables import CoreTables
from flows.decisions import offers as deciding_offers
from flows.decisions.asking import ask, evaluate_policy
from flows.decisions.contact_effects import Effects
from flows.decisions.facts import DecisionNight
from flows.decisions.inputs import suppressed_customers, uncapped_contacts
from flows.decisions.lists import decided_lists
from flows.decisions.offer_candidates import stock_wanted, tight_stock
from flows.errors import NothingDecidedError, SuppressionListError, WhatIfUnreadableError
from flows.published.showing import read_segment
from segments.decisions.choice_rules import ChoiceRules
from segments.decisions.choosing import choose
from segments.decisions.lists import ListStamp
from segments.money import currency_of

ROOT = Path(__file__).parents[3] / "tests/shop.toml"


@pytest.fixture(scope="module")
def published(trained, open_at):
    return open_at(trained[0])


def test_a_night_publishes_its_decisions(published, trained):
    assert set(trained[1]["rows"]) >= {
        "next_best_offer",
        "retention_list",
        "winback_list",
        "upgrade_path",
        "standard_service",
        "offer_shadow_prices",
    }
    offers = read_segment(published, "next_best_offer", where=[], columns=None)
    chosen = offers.filter("is_chosen")
    assert chosen.height == trained[1]["decisions"]["offers"]["contacts"] > 0
    assert chosen["customer_id"].is_unique().all()
    assert chosen["is_open"].all()
    assert set(offers["evidence"].drop_nulls()) == {"response"}
    assert "no contacts are loaded" in trained[1]["decisions"]["effects"]["in_words"]
    assert offers["contact_cost"].null_count() == offers.height  # nobody says what a contact costs
    assert chosen["decision_reason"].str.contains("before its cost, which is not known", literal=True).all()
    in_control = offers.filter(offers["decision_reason"].str.contains("control group"))
    assert 0.01 < in_control["customer_id"].n_unique() / offers["customer_id"].n_unique() < 0.12
    held_out = offers.filter("is_held_out")
    assert set(held_out["customer_id"]) <= set(in_control["customer_id"])
    assert held_out["customer_id"].is_unique().all()
    for who in (chosen, held_out):  # nobody is drawn by lot: addressed is whoever is not in the control group
        assert set(who["propensity"]) == set(who["offer_propensity"]) == {0.95}
    others = offers.filter(pl.col("is_open") & ~pl.col("is_chosen"))
    assert set(others["offer_propensity"]) == {0.0}
    assert offers.filter(pl.col("best_loser").is_not_null())["best_loser_reason"].null_count() == 0


def test_another_rule_is_tried_without_publishing(published):
    now = ask(published, what_if=[])["now"]
    assert "what a contact costs is not known: gains are told before it; say it in" in now["costs_not_known"]
    told = ask(published, what_if=["capacity.any=20", "budget=1000"])
    assert (told["now"], told["what_if"]["contacts"]) == (now, 20)
    assert "no budget limits them" in told["what_if"]["costs_not_known"]
    assert told["change"]["expected_gain"] < 0
    assert any("contacts by any: one more is worth £" in words for words in told["what_if"]["prices"])
    assert ask(published, what_if=[])["now"] == now
    explored = ask(published, what_if=["exploration_share=0.2", "budget=1000"])["what_if"]
    assert 0.1 < explored["drawn_by_lot"] / explored["contacts"] < 0.3


@pytest.mark.parametrize("asked", ["budget", "budget=much", "capacity.pigeon=3", "offers_per_customer=0", "x=1"])
def test_a_question_that_makes_no_sense_is_refused(published, asked):
    with pytest.raises(WhatIfUnreadableError):
        ask(published, what_if=[asked])


def test_without_a_published_night_or_a_hold_out_there_is_no_answer(published, open_at, tmp_path):
    with pytest.raises(NothingDecidedError):
        ask(open_at(tmp_path / "empty"), what_if=[])
    told = evaluate_policy(published, as_of=None)
    assert (told["status"], told["message"]) == ("unknown", "no policy can be evaluated: no contacts are loaded")


def test_a_suppression_list_that_can_not_be_read_stops_the_night(trained, open_at):

    with pytest.raises(SuppressionListError):
        suppressed_customers(open_at(trained[0], GRISTMILL__DECISIONS__SUPPRESSION_LIST="no such file.csv"))


LISTS = ("retention_list", "winback_list")
AMOUNTS = (
    "margin_365_amount",
    "subscription_margin_365_amount",
    "contact_cost_amount",
    "compensation_amount",
    "tickets",
    "expected_value_12m_amount",
    "expected_margin_12m_amount",
)


def made_lists(context):
    """Who is on the lists of a night with six customers about to leave and six who left."""
    core, day = CoreTables.latest(context), date(2026, 1, 1)
    ids = core.orders().select("customer_id").unique().sort("customer_id").head(12).collect()
    customers = ids.with_columns(
        pl.Series("customer_status", ["active", "lapsed"] * 6),
        pl.Series("churn_probability", [0.9, None] * 6),
        pl.lit(None, pl.Float64).alias("subscription_churn_probability"),
        value_tier=pl.lit("lead"),
        next_offer_1=pl.lit("lamp"),
        main_reason=pl.lit("is silent"),
        may_be_contacted=True,
    ).with_columns(pl.lit(90_000, pl.Int64).alias(name) for name in AMOUNTS)
    night = DecisionNight(
        context=context,
        core=core,
        as_of=day,
        stamp=ListStamp(as_of=day, run_key="run", currency=currency_of("GBP")),
        customers=customers,
        contacts=None,
        effects=Effects(by_customer=None, words="", facts={}),
        margin_share=0.3,
        margin_measured=False,
    )
    features = ids.with_columns(net_amount_life=90_000, days_between_first_and_last_order=0)
    made = decided_lists(night, SimpleNamespace(features=features)).tables
    return ids["customer_id"].to_list(), [set(made[name].frame["customer_id"]) for name in LISTS]


def test_nobody_on_the_suppression_list_is_to_be_saved_or_won_back(trained, open_at, tmp_path):
    ids, (saved, won_back) = made_lists(open_at(trained[0]))
    assert saved == set(ids[::2])
    assert won_back == {ids[1]}
    (tmp_path / "never.csv").write_text(f"customer_id\n{ids[0]}\n{ids[1]}\n")
    listed = open_at(trained[0], GRISTMILL__DECISIONS__SUPPRESSION_LIST=str(tmp_path / "never.csv"))
    assert made_lists(listed)[1] == [set(ids[2::2]), set()]


def test_contacts_that_count_otherwise_than_expected_are_told():
    recent = pl.DataFrame(
        {"customer_id": ["a", "a", "b"], "channel": ["e-mail", "Email", None], "contacts": [2, 1, 3]},
        schema_overrides={"contacts": pl.Int64},
    )
    assert uncapped_contacts(recent, ["e-mail"]) == {"Email": 1, "no channel: counted towards every one": 3}


def test_a_minimum_says_one_of_both():
    Minimum(name="letters", column="channel", value="letter", at_least=3)
    for wrong in ({}, {"at_least": 3, "share": 0.1}):
        with pytest.raises(ValueError, match="exactly one"):
            Minimum(name="letters", column="channel", value="letter", **wrong)
    assert Decisions(channels={"e-mail": {"cost": 0.02}}).channels["e-mail"] == Channel(cost=0.02)


def test_the_command_answers_in_one_document(trained, gristmill):
    done = gristmill("decide", "-c", ROOT, "--what-if", "budget=0", "--json", GRISTMILL_WORKSPACE=str(trained[0]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "done"
    refused = gristmill("decide", "-c", ROOT, "--what-if", "budget=lots", GRISTMILL_WORKSPACE=str(trained[0]))
    assert refused.returncode == 2


def test_words_are_the_same_however_many_customers_are_told_of_at_a_time(monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    ids = [f"c{number:02}" for number in range(9)]
    rows = pl.DataFrame({"customer_id": ids}).join(pl.DataFrame({"product_id": ["lamp", "vase"]}), how="cross")
    ranked = rows.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("customer_id").alias("rank"),
        pl.lit(date(2026, 1, 1)).alias("as_of"),
        pl.col("product_id").alias("product_name"),
        pl.lit("home").alias("category"),
        pl.lit(0.1).alias("purchase_probability"),
        pl.lit("popular").alias("reason"),
        pl.lit(1, pl.Int32).alias("next_offer_model_version"),
        pl.lit("run").alias("run_key"),
    )
    candidates = rows[1:-3].with_columns(  # of the first and the last customers some or all are missing
        *(pl.Series(f"{name}_amount", rng.integers(-50, 500, 14)) for name in ("gain", "gain_low", "gain_high")),
        pl.col("product_id").alias("offer_id"),
        pl.col("product_id").alias("offer_name"),
        pl.lit(None, pl.String).alias("declared_offer_id"),
        pl.lit("letter").alias("channel"),
        pl.lit(40).cast(pl.Int64).alias("cost_amount"),
        pl.lit(value=True).alias("cost_is_known"),
        pl.lit("response").alias("evidence"),
        pl.when(pl.col("customer_id") == "c04").then(pl.lit("no consent")).alias("blocked"),
        pl.lit(value=False).alias("held_out"),
    )
    settings = SimpleNamespace(
        segments=SimpleNamespace(control_group_share=0.05), decisions=SimpleNamespace(exploration_share=0.0)
    )
    told = {}
    for count in (2, 50_000):
        monkeypatch.setattr(deciding_offers, "CUSTOMERS_AT_ONCE", count)
        listed = list(deciding_offers._by_customers(ranked))
        parts = [candidates.join(one, on="customer_id", how="semi", maintain_order="left") for one in listed]
        choice = choose(parts, ChoiceRules(budget_amount=120))
        told[count], _ = deciding_offers._told(listed, choice, settings, currency=currency_of("GBP"), folder=tmp_path)
    assert len(listed) == 1
    assert told[2].equals(told[50_000])
    assert told[2]["is_chosen"].sum() == 3
    assert told[2].select("customer_id", "rank").equals(ranked.select("customer_id", "rank"))


def test_stock_is_short_for_the_customers_of_all_parts_together():
    schema = {"customer_id": pl.String, "declared_offer_id": pl.String, "stock": pl.Int64, "blocked": pl.String}
    rows = [("a", "lamp", 2, None), ("b", "lamp", 2, None), ("c", "lamp", 2, None), ("c", "vase", 1, None)]
    rows += [("d", "vase", 1, "no consent"), ("d", "mug", None, None)]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    parts = [stock_wanted(one.lazy()).collect() for one in (frame[:2], frame[2:])]
    assert tight_stock(pl.concat(parts)) == {"lamp": 2}


def test_unknown_costs_of_any_part_are_told():
    told = pl.DataFrame({"customer_id": ["a", "b"], "channel": ["letter", "call"], "cost_is_known": [True, False]})
    told = told.with_columns(chosen=True, by_lot=False, gain_amount=5, cost_amount=1)
    whole = deciding_offers.ChosenOffers.together([deciding_offers.ChosenOffers.of(told[:1])] * 2)
    assert (whole.chosen.height, deciding_offers.costs_not_known(whole.costs, limited=True)) == (2, None)
    both = deciding_offers.ChosenOffers.together([deciding_offers.ChosenOffers.of(one) for one in (told[:1], told[1:])])
    words = deciding_offers.costs_not_known(both.costs, limited=True)
    assert (
        "a contact by call costs is not known: gains are told before it, so that it looks cheaper than by the others"
        in words
    )
    assert "[decisions.channels.call] cost" in words
