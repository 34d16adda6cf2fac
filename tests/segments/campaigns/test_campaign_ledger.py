"""The ledger as a whole: what it finds of a known effect, what it refuses to tell, and what it says."""

import importlib.util
import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from segments.campaigns.contract import BALANCE, ledger_contract
from segments.campaigns.in_memory import ledger_of_frames
from segments.campaigns.likeness import matched
from segments.campaigns.people import plans
from segments.campaigns.rules import (
    CONTACTED,
    EARNED,
    HOLD_OUT,
    LESS,
    LIKE,
    LOST,
    MATCHED,
    MORE,
    NO_COST,
    NO_SIGN,
    NOT_COMPARED,
    NOT_MATURED,
    NOT_MEASURABLE,
    NOT_SHOWN,
    CampaignRules,
)
from segments.contract_columns import as_published
from segments.money import Currency

BEFORE, SENT, AS_OF = date(2025, 1, 1), date(2025, 9, 1), date(2026, 1, 1)
ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
EUR = Currency(code="EUR")


def whole(made, **options):
    """The row of the whole campaign, and how many rows there are."""
    ledger, _ = ledger_of_frames(*made, **({"as_of": AS_OF} | options))
    return ledger.row(by_predicate=pl.col("cut") == "all", named=True)


def better_half(spent, rng):
    """Who spent more gets it rather."""
    return pl.Series(rng.random(spent.height) < spent["spent"].rank().to_numpy() / spent.height)


def test_a_hold_out_tells_what_was_caused_and_what_that_earned(make_company):
    contacts, lines = make_company(effect=500, later=-300)
    row = whole((contacts, lines))
    addressed = contacts.filter(~pl.col("held_out")).height
    assert (row["evidence"], row["contacted"], row["held_out"]) == (HOLD_OUT, addressed, contacts.height - addressed)
    assert row["caused_net_sales_low"] < 500 * addressed < row["caused_net_sales_high"]
    assert row["caused_net_sales"] == pytest.approx(500 * addressed, rel=0.4)
    assert row["cost"] == 50 * addressed
    assert row["net_gain"] == pytest.approx(row["caused_margin"] - row["cost"], abs=1)
    assert row["return_on_cost"] == pytest.approx(row["net_gain"] / row["cost"], rel=1e-4)
    assert row["verdict"] == EARNED
    assert row["sales_afterwards"] == LESS
    assert row["net_sales_of_contacted"] > 3 * row["caused_net_sales"]  # most of it they would have bought anyway
    assert "pulled forward" in row["in_words"]


@pytest.mark.parametrize(
    ("effect", "contact", "verdict"),
    [(0, {"cost": 3000}, LOST), (100, {}, NOT_SHOWN), (500, {"cost": None}, NO_COST)],
)
def test_verdicts_go_by_the_whole_interval(make_company, effect, contact, verdict):
    assert whole(make_company(effect=effect, contact=contact))["verdict"] == verdict


def test_a_cost_that_is_known_of_some_contacts_only_is_no_cost(make_company):
    contacts, lines = make_company(effect=500)
    some = contacts.with_columns(cost=pl.when(pl.col("customer_id") > "c00600").then("cost"))
    row = whole((some, lines))
    assert (row["cost"], row["net_gain"], row["verdict"]) == (None, None, NO_COST)


def test_without_a_hold_out_like_customers_are_found_and_named_as_no_experiment(make_company):
    contacts, lines = make_company(customers=3000, hold_out=0.0, effect=600, chosen=better_half)
    ledger, balance = ledger_of_frames(contacts, lines, as_of=AS_OF)
    row = ledger.row(0, named=True)
    assert row["evidence"] == MATCHED
    assert "not an experiment" in row["in_words"]
    assert row["caused_net_sales_low"] < 600 * contacts.height < row["caused_net_sales_high"]
    assert row["earlier_net_sales_low"] < 0 < row["earlier_net_sales_high"]
    assert row["largest_difference"] == pytest.approx(balance["standardised_difference"].abs().max())
    assert row["largest_difference"] < 0.25
    assert row["share_with_like"] > 0.95


def only_the_best(spent, _):
    return spent["spent"] > spent["spent"].quantile(0.5)


@pytest.mark.parametrize(
    ("made", "options", "words"),
    [
        ({"hold_out": 0.0, "chosen": only_the_best}, {}, "have a like"),
        ({"hold_out": 0.0}, {}, "customers were left alone, at least 100"),
        ({"hold_out": 0.02, "customers": 400}, {}, "held out are too few: at least 100 are needed; "),
        ({"customers": 90}, {}, "are too few: at least 100"),
        ({"contact": {"sent_on": date(2022, 12, 1)}}, {"as_of": date(2025, 11, 1)}, "they begin later"),
        ({"hold_out": 0.0, "contact": {"sent_on": date(2023, 2, 1)}, "chosen": better_half}, {}, "31 days before it"),
    ],
)
def test_what_cannot_be_compared_is_said_and_nothing_is_claimed(make_company, made, options, words):
    row = whole(make_company(effect=500, **made), **options)
    assert (row["verdict"], row["evidence"]) == (NOT_MEASURABLE, NOT_COMPARED)
    assert words in row["in_words"]
    assert row["caused_margin"] is None
    assert row["net_gain"] is None


def test_those_who_already_bought_more_in_the_year_before_last_are_not_alike(make_company):
    contacts, lines = make_company(customers=2500, hold_out=0.0)
    year = timedelta(days=365)
    earlier = lines.filter(pl.col("day").is_between(SENT - 2 * year, SENT - year, closed="left"))
    spent = earlier.group_by("customer_id").agg(pl.sum("net_amount")).sort("net_amount", "customer_id")
    chance = (pl.int_range(pl.len()) / pl.len()) > pl.col("customer_id").hash(3) % 1000 / 1000
    best = spent.filter(chance)["customer_id"]
    row = whole((contacts.filter(pl.col("customer_id").is_in(best.implode())), lines))
    assert row["evidence"] == NOT_COMPARED
    assert "year before last" in row["in_words"]
    assert row["earlier_net_sales_low"] > 0


def test_a_hold_out_that_no_lot_drew_is_no_experiment(make_company):
    contacts, lines = make_company(customers=2500, hold_out=0.0)
    spent = lines.filter(pl.col("day") < SENT).group_by("customer_id").agg(pl.sum("net_amount")).sort("net_amount")
    poor = spent.head(900)["customer_id"]
    row = whole((contacts.with_columns(held_out=pl.col("customer_id").is_in(poor.implode())), lines))
    assert row["evidence"] != HOLD_OUT
    assert "no lot was drawn" in row["in_words"]


def test_chances_that_were_logged_and_differ_are_weighed(make_company):
    contacts, lines = make_company(customers=3000, hold_out=0.5, effect=600)
    spent = lines.filter(pl.col("day") < SENT).group_by("customer_id").agg(pl.sum("net_amount")).sort("net_amount")
    poor = spent.head(1500)["customer_id"].implode()
    chance = pl.when(pl.col("customer_id").is_in(poor)).then(0.25).otherwise(0.75)
    lot = pl.col("customer_id").hash(7) % 1000 / 1000
    base = lines.filter(~pl.col("order_id").str.starts_with("tea-"))
    drawn = contacts.with_columns(propensity=chance).with_columns(held_out=lot > pl.col("propensity"))
    addressed = drawn.filter(~pl.col("held_out")).select("customer_id")
    added = lines.filter(pl.col("order_id").str.starts_with("tea-")).unique("customer_id").head(1)
    extra = addressed.join(added.drop("customer_id"), how="cross").select(lines.columns)
    row = whole((drawn, pl.concat([base, extra])))
    assert row["evidence"] == HOLD_OUT
    assert row["caused_net_sales_low"] < 600 * addressed.height < row["caused_net_sales_high"]
    ignored = whole((drawn.drop("propensity"), pl.concat([base, extra])))
    assert ignored["evidence"] != HOLD_OUT


@pytest.mark.parametrize(("without", "evidence"), [(0.05, HOLD_OUT), (0.6, MATCHED)])
def test_whoever_has_no_logged_chance_does_not_count(make_company, without, evidence):
    contacts, lines = make_company(effect=500)
    chance = pl.when(pl.col("customer_id").hash(seed=1) % 2 == 0).then(0.6).otherwise(0.8)
    unlogged = pl.Series([number < without * contacts.height for number in range(contacts.height)])
    row = whole((contacts.with_columns(propensity=pl.when(~unlogged).then(chance)), lines))
    assert row["evidence"] == evidence
    if evidence == HOLD_OUT:
        assert 0.9 < row["share_with_like"] < 1
    else:
        assert "chance logged" in row["in_words"]


def test_lines_without_a_cost_have_the_margin_of_the_campaign_s_own_days(make_company):
    """Half of the sales were margin then, a tenth is now; what too few lines tell is assumed."""
    contacts, lines = make_company(effect=500)
    then = pl.col("day") < date(2025, 10, 1)
    margins = pl.when(then).then(pl.col("net_amount") // 2).otherwise(pl.col("net_amount") // 10)
    for margin_is, every, assumed in (("measured", 20, 0.0), ("assumed", 4, 0.5)):
        told = lines.with_columns(margin_amount=pl.when(pl.int_range(pl.len()) % every > 0).then(margins))
        row = whole((contacts, told), assumed_margin_share=assumed)
        assert row["margin_is"] == margin_is
        assert row["caused_margin"] / row["caused_net_sales"] == pytest.approx(0.5, abs=0.01)


def test_customers_who_came_later_change_nothing_and_who_never_bought_is_like_nobody_who_did():
    counted = pl.DataFrame({"campaign_id": ["letter"], "side": [1], "index_on": [SENT], "customers": [5_000]})
    known = pl.DataFrame({"known_from": [BEFORE, SENT, None], "customers": [45_000, 900_000, 10_000]})
    (plan,) = plans(counted, {}, known=known, as_of=AS_OF, rules=CampaignRules())
    assert plan.like_share == pytest.approx(20_000 / 40_000)
    one = {"net_sales_365_days_before": 0, "net_sales_90_days_before": 0, "purchases_365_days_before": 0}
    one |= {"purchases_90_days_before": 0, "contacts_90_days_before": 0, "side": LIKE}
    long_gone, prospect = (one | {"days_since_last_purchase": days} for days in (731, 732))
    sides = matched(pl.DataFrame([long_gone | {"side": CONTACTED}, long_gone, prospect]), least_with_like=0.8)
    assert sides.weights.tolist() == [1.0, 1.0, 0.0]


def test_a_window_that_is_not_over_has_no_figures(make_company):
    made = make_company(effect=500)
    for as_of, verdict in ((SENT + timedelta(days=30), EARNED), (SENT + timedelta(days=29), NOT_MATURED)):
        contacts, lines = made
        row = whole((contacts, lines.filter(pl.col("day") < as_of)), as_of=as_of)
        assert row["verdict"] == verdict
        assert row["later_net_sales"] is None
    assert row["net_sales_of_contacted"] is None
    assert "window ends on 2025-09-30" in row["in_words"]
    assert row["cost"] is not None


def test_the_window_is_as_long_as_responses_count_within_reason(make_company):
    made = make_company()
    for ends_on, days in ((date(2025, 9, 10), 30), (date(2025, 10, 15), 45), (date(2099, 1, 1), 92)):
        campaigns = pl.DataFrame({"campaign_id": ["letter"], "ends_on": [ends_on]})
        assert whole(made, recorded={"campaigns": campaigns})["window_days"] == days


def test_what_is_promoted_is_held_against_everything_else(make_company):
    contacts, lines = make_company(customers=2500, effect=800)
    contacts = contacts.with_columns(offer_id=pl.lit("O"))
    products = pl.DataFrame({"product_id": ["tea", "salt"], "category": ["drinks", "spices"]})
    offers = pl.DataFrame({"offer_id": ["O"], "category": ["drinks"], "cost": [7]})
    row = whole(
        (contacts.with_columns(responded=~pl.col("held_out")), lines), recorded={"products": products, "offers": offers}
    )
    assert row["promoted_net_sales_low"] > 0
    assert row["sales_of_other_products"] == NO_SIGN
    assert row["promoted_net_sales"] + row["other_net_sales"] == pytest.approx(row["caused_net_sales"], abs=2)
    assert row["responses"] == row["contacted"]
    assert row["cost"] == (50 + 7) * row["contacted"]
    salted = lines.filter(~((pl.col("product_id") == "salt") & pl.col("day").is_between(SENT, date(2025, 9, 30))))
    kept = pl.concat(
        [
            salted,
            lines.join(contacts.filter("held_out"), on="customer_id", how="semi").join(
                salted, on="order_id", how="anti"
            ),
        ]
    )
    less = whole((contacts, kept), recorded={"products": products, "offers": offers})
    assert less["sales_of_other_products"] == LESS
    more = whole(
        (contacts, lines.with_columns(product_id=pl.lit("salt"))), recorded={"products": products, "offers": offers}
    )
    assert more["sales_of_other_products"] == MORE


def test_offers_and_channels_have_rows_of_their_own_and_share_the_fixed_cost(make_company):
    contacts, lines = make_company(effect=500)
    half = contacts["customer_id"].str.slice(-1).is_in(list("01234"))
    contacts = contacts.with_columns(
        offer_id=pl.when("held_out").then(None).when(pl.Series(half)).then(pl.lit("A")).otherwise(pl.lit("B"))
    )
    campaigns = pl.DataFrame({"campaign_id": ["letter"], "name": ["Autumn"], "cost": [10_001]})
    ledger, _ = ledger_of_frames(contacts, lines, as_of=AS_OF, recorded={"campaigns": campaigns})
    assert ledger.select("cut", "cut_value", "campaign_name").rows() == [
        ("all", "all contacts", "Autumn"),
        ("offer", "A", "Autumn"),
        ("offer", "B", "Autumn"),
    ]
    total, one, other = (ledger[name].to_list() for name in ("cost", "contacted", "held_out"))
    assert total[0] == pytest.approx(total[1] + total[2], abs=1)
    assert total[0] == 10_001 + 50 * one[0]
    assert one[0] == one[1] + one[2]
    assert len(set(other)) == 1


def test_contacts_without_a_campaign_are_told_by_month_and_repeats_count_once(make_company):
    contacts, lines = make_company(effect=500)
    again = contacts.with_columns(
        contact_id=pl.concat_str("contact_id", pl.lit("-2")), sent_on=pl.lit(SENT + timedelta(days=3)), held_out=False
    )
    both = pl.concat([contacts, again]).drop("campaign_id")
    row = whole((both, lines))
    assert row["campaign_id"] == "without campaign, 2025-09"
    assert row["held_out"] == contacts.filter("held_out").height  # addressed later, still of the hold-out
    assert row["contacted"] + row["held_out"] == contacts.height


def test_rows_in_another_order_and_other_buckets_tell_the_same(make_company):
    contacts, lines = make_company(effect=500, contact={"offer_id": "O"})
    one = ledger_of_frames(contacts, lines, as_of=AS_OF)
    other = ledger_of_frames(contacts.reverse(), lines.sample(fraction=1.0, shuffle=True, seed=1), as_of=AS_OF)
    assert one[0].equals(other[0])
    assert one[1].equals(other[1])
    published = as_published(one[0], ledger_contract(EUR), as_of=AS_OF, run_key="r", currency=EUR)
    assert published["cost"].dtype == pl.Decimal(18, 2)
    as_published(one[1], BALANCE, as_of=AS_OF, run_key="r", currency=EUR)


def test_no_contacts_no_rows(make_company):
    contacts, lines = make_company()
    ledger, balance = ledger_of_frames(contacts.clear(), lines, as_of=AS_OF)
    assert ledger.is_empty()
    assert balance.is_empty()


@pytest.mark.skipif(not (DATA / "hillstrom").is_dir(), reason=f"no hillstrom in {DATA}: set GRISTMILL_SHARED_DATA")
def test_the_public_email_test_and_the_grocers_mailings():
    spec = importlib.util.spec_from_file_location("quality_campaigns", ROOT / "benchmarks" / "quality_campaigns.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    ledger, _ = bench.hillstrom_ledger()
    told = {row["cut_value"]: row for row in ledger.iter_rows(named=True)}
    for name, spend in (("Mens E-Mail", 1.4226), ("Womens E-Mail", 1.0772)):  # as published, against 0.6528
        row = told[name]
        published = (spend - 0.6528) * row["contacted"] * 100
        assert row["evidence"] == HOLD_OUT
        assert row["caused_net_sales"] == pytest.approx(published, rel=0.02)  # adjusting moves it a little
        assert row["caused_net_sales_low"] > 0
    mailings, balance = bench.complete_journey_ledger()
    assert mailings["campaign_id"].n_unique() == 27
    assert set(mailings["evidence"]) == {MATCHED, NOT_COMPARED}  # targeted, no hold-out: never an experiment
    refused = mailings.filter(pl.col("evidence") == MATCHED).join(balance, on="campaign_id")
    assert refused["standardised_difference"].abs().max() <= 0.25
    assert (mailings["verdict"] == NOT_MATURED).sum() == 4
