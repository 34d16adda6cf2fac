"""From candidates to reasons: blocks, values, choice, words, prices."""

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segments.decisions.choice_rules import ChoiceRules, Minimum
from segments.decisions.choosing import choose
from segments.decisions.eligibility import Blocking, with_blocks
from segments.decisions.explaining import best_losers, shadow_price_contract, shadow_prices, with_reasons
from segments.decisions.exploration import Exploration, with_propensities
from segments.decisions.values import with_values
from segments.errors import RulesClashError, SegmentKeyRepeatedError
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
    assert chosen(choose([FIVE], ChoiceRules())) == {("anna", "lamp"), ("bert", "lamp"), ("dora", "lamp")}
    assert chosen(choose([FIVE], ChoiceRules(budget_amount=20))) == {("anna", "lamp"), ("bert", "lamp")}
    assert chosen(choose([FIVE], ChoiceRules(stock={"lamp": 1}, stock_of="offer_id"))) == {
        ("anna", "vase"),
        ("bert", "lamp"),
    }
    vases = Minimum(name="vases", column="offer_id", value="vase", at_least=1)
    assert ("anna", "vase") in chosen(choose([FIVE], ChoiceRules(minimums=[vases])))


def test_every_candidate_says_why():
    blocked = FIVE.with_columns(
        blocked=pl.when(pl.col("customer_id") == "bert").then(pl.lit("the customer is on the suppression list"))
    )
    reasoned = with_reasons(choose([blocked], ChoiceRules(budget_amount=10)).candidates, currency=GBP)
    why = {(row[0], row[1]): row[2] for row in reasoned.select("customer_id", "offer_id", "why").rows()}
    assert why["anna", "lamp"].startswith("chosen: ")
    assert why["anna", "vase"] == "lamp brings more (£5.00 against £3.00)"
    assert why["bert", "lamp"] == "not open: the customer is on the suppression list"
    assert why["carl", "lamp"] == "costs more than it brings (-£0.05)"
    assert "the budget" in why["dora", "lamp"]
    losers = best_losers(reasoned)
    assert losers["customer_id"].to_list() == ["anna", "bert", "carl", "dora"]
    assert losers["best_loser"].to_list() == ["vase", "lamp", "lamp", "lamp"]


@pytest.mark.parametrize(
    ("gain", "cost_is_known", "said"),
    [
        (0, False, "brings nothing (£0.00), even before its cost, which is not known"),
        (-5, False, "brings nothing (-£0.05), even before its cost, which is not known"),
        (0, True, "brings no more than it costs (£0.00)"),
        (-5, True, "costs more than it brings (-£0.05)"),
        (500, True, "lamp brings as much (£5.00)"),
    ],
)
def test_nothing_is_said_of_a_cost_that_is_not_known_nor_of_more_where_two_are_equal(gain, cost_is_known, said):
    rows = made_candidates(("anna", "lamp", "e-mail", 500, 0), ("anna", "vase", "e-mail", gain, 0))
    told = with_reasons(
        choose([rows], ChoiceRules()).candidates.with_columns(cost_is_known=pl.lit(cost_is_known)), currency=GBP
    )
    assert dict(told.select("offer_id", "why").rows())["vase"] == said


def test_a_minimum_takes_no_more_than_it_asks_for_of_what_costs():
    rng = np.random.default_rng(1)
    losses = np.where(rng.random(400) < 0.5, 60, 60 + rng.integers(0, 40, 400)).tolist()
    rows = [(f"c{one:03}", "lamp", "letter", -loss, 60) for one, loss in enumerate(losses)]
    rows += [(name, offer, "e-mail", gain + 58, 2) for name, offer, _, gain, _ in rows]
    letters = Minimum(name="letters", column="channel", value="letter", at_least=68)
    choice = choose([made_candidates(*rows)], ChoiceRules(minimums=[letters], budget_amount=20_000))
    assert choice.candidates.filter("chosen").select(pl.len(), pl.sum("gain_amount")).row(0) == (68, -68 * 60)
    why = with_reasons(choice.candidates, currency=GBP).filter("chosen")["why"].unique().to_list()
    assert why == ["chosen to keep a minimum, though it costs £0.60 more than it brings"]


def test_prices_are_told_in_words_and_keep_their_contract():
    choice = choose([FIVE], ChoiceRules(channel_capacity={"e-mail": 2}, budget_amount=1_000_000))
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
            "customer_id": ["agreed", "refused", "listed", "control", "tired", "tired", "agreed", "agreed", "vague"],
            "channel": ["e-mail"] * 5 + ["letter", "e-mail", "e-mail", "letter"],
            "valid_to": [None] * 6 + [date(2025, 12, 31), None, None],
            "stock": [None] * 7 + [0, None],
        },
        schema_overrides={"valid_to": pl.Date, "stock": pl.Int64},
    )
    consent = {"customer_id": ["agreed", "refused", "listed", "control", "tired", "vague"]}
    blocking = Blocking(
        may_be_contacted=pl.DataFrame(consent | {"may_be_contacted": [True, False, True, True, True, True]}),
        suppressed=["listed"],
        control=["control"],
        recent_contacts=pl.DataFrame(
            {"customer_id": ["tired", "vague", "vague"], "channel": ["e-mail", "letter", None], "contacts": [4, 1, 2]}
        ),
        most_contacts={"e-mail": 4, "letter": 3},
    )
    blocked = with_blocks(rows, blocking, as_of=AS_OF)["blocked"].to_list()
    assert blocked[0] is None
    assert blocked[1] == "the customer did not agree to be contacted"
    assert blocked[2] == "the customer is on the suppression list"
    assert blocked[3].startswith("the customer is in the control group")
    assert blocked[4] == "the customer had 4 contacts by e-mail in the last 30 days, at most 4 are allowed"
    assert blocked[5] is None
    assert blocked[6] == "the offer was valid until 2025-12-31"
    assert blocked[7] == "the offer is out of stock"
    assert (
        blocked[8]
        == "the customer had 3 contacts by letter or an unknown channel in the last 30 days, at most 3 are allowed"
    )


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


CUSTOMERS = 3_000
OFFERS = ("lamp", "vase", "mug", "bowl")


def many_candidates(audience="spring", *, customers=CUSTOMERS):
    """Everybody has all offers; the lamp brings most, the mug costs more than it brings."""
    gains = dict(zip(OFFERS, (500, 300, -20, 100), strict=True))
    rows = [(f"{audience}{one}", name, "e-mail", gains[name], 10) for one in range(customers) for name in OFFERS]
    return made_candidates(*rows)


def explored(rules, *, share, candidates=None, control_share=0.0):
    candidates = many_candidates() if candidates is None else candidates
    choice = choose([candidates], rules, Exploration(audience="spring", share=share))
    return with_propensities(choice.candidates, control_share=control_share, exploration_share=share), choice


def test_who_is_drawn_gets_any_offer_for_sure_and_the_log_says_how_likely_that_was():
    told, _ = explored(ChoiceRules(), share=0.2)
    drawn = told.filter(pl.col("chosen") & pl.col("by_lot"))
    assert drawn.height == pytest.approx(0.2 * CUSTOMERS, rel=0.1)
    assert drawn["customer_id"].is_unique().all()
    assert drawn["offer_id"].value_counts()["count"].min() > 0.2 * drawn.height  # losing offers too
    by_offer = dict(told.group_by("offer_id").agg(pl.first("offer_propensity")).iter_rows())
    assert by_offer == pytest.approx({"lamp": 0.85, "vase": 0.05, "mug": 0.05, "bowl": 0.05})
    assert told["propensity"].unique().to_list() == pytest.approx([1.0])
    again, _ = explored(ChoiceRules(), share=0.2)
    assert again.equals(told)
    fewer, _ = explored(ChoiceRules(), share=0.1)
    assert set(fewer.filter("by_lot")["customer_id"]) < set(drawn["customer_id"])


def test_lots_use_their_share_of_a_limit_and_what_was_logged_is_what_was_done():
    """Two thirds of the customers can be paid for; the vases are few: lots fall on them until their share is gone."""
    rules = ChoiceRules(budget_amount=20_000, stock={"vase": 200}, stock_of="offer_id")
    parts = [explored(rules, share=0.3, candidates=many_candidates(f"{name} "))[0] for name in ("a", "b", "c", "d")]
    done = pl.concat(parts)
    assert all(part.filter("chosen")["cost_amount"].sum() <= 20_000 for part in parts)
    by_lot = done.filter(pl.col("chosen") & pl.col("by_lot"))
    assert by_lot.filter(offer_id="vase").height == 4 * 60
    assert by_lot.height * 10 == pytest.approx(4 * 0.3 * 20_000, rel=0.02)
    for name in OFFERS:  # the mean logged chance of a lot is the share of customers it fell on
        chance = 0.3 * done.filter(offer_id=name)["lot_probability"].mean()
        assert by_lot.filter(offer_id=name).height / (4 * CUSTOMERS) == pytest.approx(chance, rel=0.08)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=4), share=st.sampled_from([0.0, 0.3]), seed=st.integers(0, 5))
def test_a_choice_is_the_same_whatever_parts_its_customers_come_in(cuts, share, seed):
    rng = np.random.default_rng(seed)
    rows = [
        (f"c{one:02}", name, channel, int(rng.integers(-50, 900)), 10 + 30 * (channel == "letter"))
        for one in range(60)
        for name in OFFERS
        for channel in ("e-mail", "letter")
        if rng.random() < 0.6
    ]
    whole = made_candidates(*rows).with_columns(held_out=pl.col("customer_id").is_in(["c07", "c31"]))
    whole = whole.with_columns(blocked=pl.when("held_out").then(pl.lit("is in the control group")))
    rules = ChoiceRules(budget_amount=900, channel_capacity={"letter": 5}, stock={"vase": 9}, stock_of="offer_id")
    names = [f"c{cut:02}" for cut in sorted(cuts)]
    edges = [0, *whole["customer_id"].search_sorted(pl.Series(names, dtype=pl.String)), whole.height]
    told = [
        choose(parts, rules, Exploration(audience="spring", share=share))
        for parts in ([whole.sample(fraction=1.0, shuffle=True, seed=seed)], [whole[a:b] for a, b in pairwise(edges)])
    ]
    assert told[0].candidates.equals(told[1].candidates)
    assert told[0].used.tolist() == told[1].used.tolist()
    done, letters, vases = (
        told[0].candidates.filter("chosen"),
        pl.col("channel") == "letter",
        pl.col("offer_id") == "vase",
    )
    spent = done.select(pl.sum("cost_amount"), letters.sum().alias("letters"), vases.sum().alias("vases")).row(0)
    budget_letters_vases = dict(zip([rule.name for rule in told[0].rules.limits], told[0].used.tolist(), strict=True))
    assert tuple(budget_letters_vases.values()) == spent
    usual = told[0].candidates.filter(pl.col("blocked").is_null() & ~pl.col("by_lot"))
    assert usual["usual"].equals(usual["chosen"], check_names=False)


@pytest.mark.parametrize("share", [0.0, 0.3, 1e-9])
def test_parts_and_lots_without_candidates(share):
    """No candidates at all, parts without any, nobody drawn, and nothing open."""
    explore, rules = Exploration(audience="spring", share=share), ChoiceRules(budget_amount=20, at_most=2)
    nothing = choose([FIVE.clear()], rules, explore)
    assert nothing.candidates.columns == choose([FIVE], rules, explore).candidates.columns
    assert (nothing.candidates.height, nothing.used.tolist(), nothing.allocation) == (0, [0.0], None)
    told = choose([FIVE.clear(), FIVE, FIVE.clear()], rules, explore).candidates
    assert told.equals(choose([FIVE], rules, explore).candidates)
    shut = choose([FIVE.with_columns(blocked=pl.lit("no"))], rules, explore).candidates
    assert not shut["chosen"].any()
    assert shut["lot_probability"].null_count() == FIVE.height


def test_amounts_beyond_four_bytes_are_kept():
    rich = FIVE.with_columns(gain_amount=pl.col("gain_amount") + 5_000_000_000)
    choice = choose([rich[:2], rich[2:]], ChoiceRules(budget_amount=20))
    assert choice.candidates.filter("chosen")["gain_amount"].to_list() == [5_000_000_500, 5_000_000_900]
    assert choice.allocation.value == 10_000_001_400


def test_a_customer_in_two_parts_is_refused():
    with pytest.raises(SegmentKeyRepeatedError):
        choose([FIVE[:1], FIVE[1:]], ChoiceRules())
    with pytest.raises(SegmentKeyRepeatedError):
        choose([FIVE[2:], FIVE[:2]], ChoiceRules())
    with pytest.raises(SegmentKeyRepeatedError):
        choose([FIVE[2:], FIVE.clear(), FIVE[:2]], ChoiceRules())


def test_those_held_out_are_logged_with_the_chance_they_had():
    rows = many_candidates(customers=40).with_columns(held_out=pl.col("customer_id") == "spring7")
    rows = rows.with_columns(blocked=pl.when("held_out").then(pl.lit("is in the control group")))
    told, choice = explored(ChoiceRules(), share=0.2, candidates=rows, control_share=0.05)
    mine = told.filter("held_out")
    assert not mine["chosen"].any()
    assert mine.filter("usual")["offer_id"].to_list() == ["lamp"]
    assert mine["propensity"].to_list() == pytest.approx([0.95] * 4)
    assert mine.filter("usual")["offer_propensity"].item() == pytest.approx(0.95 * 0.85)
    why = with_reasons(choice.candidates, currency=GBP).filter("held_out", "usual")["why"].item()
    assert why.endswith("it would be made otherwise")


def test_a_minimum_that_only_lots_stand_in_the_way_of_says_so():
    vases = Minimum(name="vases", column="offer_id", value="vase", at_least=200)
    rows = many_candidates(customers=200)
    told = choose([rows], ChoiceRules(minimums=[vases])).candidates
    assert told.filter("chosen")["offer_id"].to_list() == ["vase"] * 200
    with pytest.raises(RulesClashError) as told:
        explored(ChoiceRules(minimums=[vases]), share=0.3, candidates=rows)
    assert "the exploration share" in str(told.value)
