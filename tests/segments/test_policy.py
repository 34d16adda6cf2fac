import tomllib
from importlib.resources import files

import polars as pl
import pytest

from segments.errors import PhraseTemplateError, PolicyIncompleteError
from segments.policy import CELLS, default_policy, headline, read_policy, recommended_actions


@pytest.fixture
def content():
    return tomllib.loads(files("segments").joinpath("policy.toml").read_text(encoding="utf-8"))


def _customers(cells, **columns):
    defaults = {"may_be_contacted": True, "next_offer_1": "TEA CUP"}
    rows = [dict(zip(("customer_status", "value_tier", "churn_risk_band"), cell, strict=True)) for cell in cells]
    schema = {"may_be_contacted": pl.Boolean, "next_offer_1": pl.String}
    return pl.DataFrame([row | defaults | columns for row in rows], schema_overrides=schema)


def test_there_is_a_cell_for_every_kind_of_customer():
    assert len(CELLS) == len(set(CELLS)) == 27


@pytest.mark.parametrize("offer", ["TEA CUP", None])
def test_every_cell_has_an_action_that_starts_with_what_to_do(offer):
    actions = recommended_actions(_customers(CELLS, next_offer_1=offer), policy=default_policy())
    assert actions.null_count() == 0
    assert not actions.str.contains("[{}]").any()
    heads = actions.to_frame().select(headline(pl.col("recommended_action"))).to_series()
    assert heads.to_list() == [default_policy().actions[cell].split("; ")[0] for cell in CELLS]
    assert not heads.str.contains("TEA CUP").any()


def test_the_key_cell_reads_as_a_marketer_says_it():
    actions = recommended_actions(_customers([("active", "platinum", "critical")]), policy=default_policy())
    assert actions.item() == "Call this week: platinum customer about to leave; offer TEA CUP"


def test_nobody_is_contacted_without_consent():
    actions = recommended_actions(_customers(CELLS, may_be_contacted=False), policy=default_policy())
    assert set(actions) == {"No marketing consent: serve when they come; have TEA CUP ready"}


def test_nobody_who_subscribes_is_let_go_for_what_they_order_beside_it():
    cells = [("active", "lead", "critical"), ("active", "not scored", "not scored"), ("active", "gold", "critical")]
    cells += [("active", "gold", "low"), ("active", "platinum", "not scored")]
    for standing in ("at risk", "staying", None):
        told = recommended_actions(_customers(cells, subscriber_is=standing), policy=default_policy()).to_list()
        assert told[2].startswith("Win back now")  # well known by their orders
        heads = [action.split("; ")[0] for action in told[:2]]
        saved = [action.startswith("Save the subscription") for action in told[3:]]
        assert saved == [standing == "at risk"] * 2  # about to end, and nothing of it in their orders
        if standing is None:
            assert heads == ["Spend nothing on keeping them", "Standard service: not scored"]
        else:
            assert heads == [default_policy().subscriber[standing].split("; ")[0]] * 2


def test_words_for_subscribers_left_out_are_named(content):
    del content["subscriber"]["at risk"]
    with pytest.raises(PolicyIncompleteError, match="subscriber / at risk"):
        read_policy(content)


def test_a_cell_left_out_is_named(content):
    del content["actions"]["active"]["gold"]["high"]
    with pytest.raises(PolicyIncompleteError, match="active / gold / high"):
        read_policy(content)


def test_a_cell_that_does_not_exist_is_named(content):
    content["actions"]["lapsed"]["gold"] = {"high": "Write"}
    with pytest.raises(PolicyIncompleteError, match="lapsed / gold / high"):
        read_policy(content)


def test_missing_words_for_no_consent_are_named(content):
    del content["no_consent"]
    with pytest.raises(PolicyIncompleteError, match="no_consent"):
        read_policy(content)


@pytest.mark.parametrize("action", ["Call; {offer", "Call; silent for {days_since_last_order} days", "Offer {offer}"])
def test_an_action_is_readable_and_moves_with_the_offer_only(content, action):
    content["actions"]["active"]["gold"]["high"] = action
    with pytest.raises(PhraseTemplateError):
        read_policy(content)
