"""Decisions of a night that was run whole: what is published, what other rules would change, what is refused."""

import json
from pathlib import Path

import pytest

from config.decisions import Channel, Decisions, Minimum
from flows.asking_decisions import ask, evaluate_policy
from flows.decision_inputs import suppressed_customers
from flows.errors import NothingDecidedError, SuppressionListError, WhatIfUnreadableError
from flows.showing import read_segment

ROOT = Path(__file__).parents[2] / "gristmill.toml"


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
    in_control = offers.filter(offers["decision_reason"].str.contains("control group"))
    assert 0.01 < in_control["customer_id"].n_unique() / offers["customer_id"].n_unique() < 0.12


def test_another_rule_is_tried_without_publishing(published):
    now = ask(published, what_if=[])["now"]
    told = ask(published, what_if=["capacity.any=20", "budget=1000"])
    assert (told["now"], told["what_if"]["contacts"]) == (now, 20)
    assert told["change"]["expected_gain"] < 0
    assert any("contacts by any: one more is worth £" in words for words in told["what_if"]["prices"])
    assert ask(published, what_if=[])["now"] == now


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
