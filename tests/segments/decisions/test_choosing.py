"""From candidates to reasons: blocks, values, choice, words, prices."""

from datetime import date

import polars as pl
import pytest

from segments.decisions.choosing import ChoiceRules, Minimum, choose
from segments.decisions.eligibility import Blocking, with_blocks
from segments.decisions.explaining import best_losers, shadow_price_contract, shadow_prices, with_reasons
from segments.decisions.exploration import explored, propensities
from segments.decisions.values import with_values
from segments.money import Currency

AS_OF = date(2026, 1, 1)
GBP = Currency(code="GBP")
COLUMNS = ("customer_id", "offer_id", "channel", "gain_amount", "cost_amount", "blocked")


def made_candidates(*rows):
    frame = pl.DataFrame(rows, schema=[*COLUMNS[:5]], orient="row")
    return frame.with_columns(blocked=pl.lit(None, pl.String), offer_name="offer_id", evidence=pl.lit("randomised"))


FIVE = made_candidates(
    ("anna", "lamp", "e-mail", 500, 10),
    ("anna", "vase", "e-mail", 300, 10),
    ("bert", "lamp", "e-mail", 900, 10),
    ("carl", "lamp", "e-mail", -5, 10),
    ("dora", "lamp", "e-mail", 200, 10),
)


def chosen(choice):
    return set(choice.candidates.filter("chosen").select("customer_id", "offer_id").rows())


def test_the_best_offers_are_chosen_within_the_budget():
    assert chosen(choose(FIVE, ChoiceRules())) == {("anna", "lamp"), ("bert", "lamp"), ("dora", "lamp")}
    assert chosen(choose(FIVE, ChoiceRules(budget_amount=20))) == {("anna", "lamp"), ("bert", "lamp")}
    assert chosen(choose(FIVE, ChoiceRules(stock={"lamp": 1}))) == {("anna", "vase"), ("bert", "lamp")}
    vases = Minimum(name="vases", column="offer_id", value="vase", at_least=1)
    assert ("anna", "vase") in chosen(choose(FIVE, ChoiceRules(minimums=[vases])))


def test_every_candidate_says_why():
    blocked = FIVE.with_columns(
        blocked=pl.when(pl.col("customer_id") == "bert").then(pl.lit("is on the suppression list"))
    )
    reasoned = with_reasons(choose(blocked, ChoiceRules(budget_amount=10)), currency=GBP)
    why = {(row[0], row[1]): row[2] for row in reasoned.select("customer_id", "offer_id", "why").rows()}
    assert why["anna", "lamp"].startswith("chosen: ")
    assert why["anna", "vase"] == "lamp brings more (£5.00 against £3.00)"
    assert why["bert", "lamp"] == "not open: the customer or offer is on the suppression list"
    assert why["carl", "lamp"] == "costs more than it brings (-£0.05)"
    assert "the budget" in why["dora", "lamp"]
    losers = best_losers(reasoned)
    assert losers["customer_id"].to_list() == ["anna", "bert", "carl", "dora"]
    assert losers["best_loser"].to_list() == ["vase", "lamp", "lamp", "lamp"]


def test_prices_are_told_in_words_and_keep_their_contract():
    choice = choose(FIVE, ChoiceRules(channel_capacity={"e-mail": 2}, budget_amount=1_000_000))
    prices = shadow_prices(choice, as_of=AS_OF, currency=GBP, run_key="run")
    assert prices.schema == shadow_price_contract(GBP).schema
    told = dict(prices.select("rule", "in_words").rows())
    assert told["contacts by e-mail"].startswith("contacts by e-mail: one more is worth £")
    assert told["the budget"] == "the budget: there is more than is of use"
    worth = dict(prices.select("rule", "one_more_brings").rows())["contacts by e-mail"]
    assert 2 <= worth <= 5  # the third best brings 2.00, the second 5.00


def test_what_each_rule_blocks():
    rows = pl.DataFrame(
        {
            "customer_id": ["agreed", "refused", "listed", "control", "tired", "tired", "agreed", "agreed"],
            "channel": ["e-mail"] * 5 + ["letter", "e-mail", "e-mail"],
            "valid_to": [None] * 6 + [date(2025, 12, 31), None],
            "stock": [None] * 7 + [0],
        },
        schema_overrides={"valid_to": pl.Date, "stock": pl.Int64},
    )
    consent = {"customer_id": ["agreed", "refused", "listed", "control", "tired"]}
    blocking = Blocking(
        may_be_contacted=pl.DataFrame(consent | {"may_be_contacted": [True, False, True, True, True]}),
        suppressed=["listed"],
        control=["control"],
        recent_contacts=pl.DataFrame({"customer_id": ["tired"], "channel": ["e-mail"], "contacts": [4]}),
        most_contacts={"e-mail": 4},
    )
    blocked = with_blocks(rows, blocking, as_of=AS_OF)["blocked"].to_list()
    assert blocked[0] is None
    assert blocked[1] == "did not agree to be contacted"
    assert blocked[2] == "is on the suppression list"
    assert blocked[3].startswith("is in the control group")
    assert blocked[4] == "had 4 contacts by e-mail in the last 30 days, at most 4 are allowed"
    assert blocked[5] is None
    assert blocked[6] == "was valid until 2025-12-31"
    assert blocked[7] == "is out of stock"


@pytest.mark.parametrize(
    ("columns", "gain", "evidence"),
    [
        # 0.1 more buy at 1000 - 200; 0.3 would have bought anyway and get 200 for nothing; the contact costs 5
        ({"effect": 0.1, "effect_error": 0.02}, round(0.1 * 800 - 0.3 * 200 - 5), "randomised"),
        ({"effect_amount": 70.0, "effect_amount_error": 10.0}, 65, "randomised"),
        ({}, round(0.3 * 800 - 5), "response"),
    ],
)
def test_the_value_of_an_offer(columns, gain, evidence):
    nothing = dict.fromkeys(("effect", "effect_error", "effect_amount", "effect_amount_error"))
    content = {"purchase_probability": 0.3, "margin_amount": 1000, "discount_amount": 200, "cost_amount": 5}
    schema = dict.fromkeys(nothing, pl.Float64)
    frame = pl.DataFrame([content | nothing | columns], schema_overrides=schema)
    row = with_values(frame).row(0, named=True)
    assert (row["gain_amount"], row["evidence"]) == (gain, evidence)
    assert row["gain_low_amount"] < gain < row["gain_high_amount"]


def test_exploration_is_persistent_and_its_propensities_add_up():
    ids = pl.Series([f"c{number}" for number in range(5_000)])
    drawn = explored(ids, audience="spring", share=0.2)
    assert drawn.to_list() == explored(ids, audience="spring", share=0.2).to_list()
    assert drawn.mean() == pytest.approx(0.2, abs=0.02)
    assert explored(ids, audience="autumn", share=0.2).to_list() != drawn.to_list()
    shares = propensities(pl.Series([1, 4]), control_share=0.1, exploration_share=0.3)
    whole = shares.select(pl.col("best") + pl.col("other") * (pl.Series([1, 4]) - 1) + pl.col("nothing")).to_series()
    assert whole.to_list() == pytest.approx([1.0, 1.0])
