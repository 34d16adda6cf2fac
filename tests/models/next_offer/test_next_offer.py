"""Training and ranking together, on a shop small enough for seconds."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models.bundle import MANIFEST, open_bundle
from models.next_offer import (
    OfferModelMismatchError,
    combine_item_facts,
    item_facts,
    partial_item_facts,
    rank_brands,
    rank_categories,
    rank_offers,
    score_candidates,
    train_next_offer,
)
from models.next_offer.candidates import SOURCES
from models.next_offer.errors import FactsDateError
from models.next_offer.examples import Examples
from models.next_offer.verdict import Verdict, judge

AS_OF = date(2024, 7, 1)
AT = {"as_of": AS_OF, "time_zone": "UTC"}


@pytest.fixture(scope="module")
def shop_products():
    return pl.LazyFrame(
        {
            "product_id": [f"p{number:02d}" for number in range(40)],
            "category": [f"category {number // 5}" for number in range(40)],
            "active": [number != 1 for number in range(40)],
            "known_at": [datetime(2020, 1, 1, tzinfo=UTC)] * 40,
        }
    )


@pytest.fixture(scope="module")
def bundle(simulated_shop, shop_products):
    return train_next_offer(simulated_shop, shop_products, **AT)


@pytest.fixture(scope="module")
def facts(simulated_shop, shop_products):
    return item_facts(simulated_shop, shop_products, **AT)


@pytest.fixture(scope="module")
def scored(bundle, simulated_shop, facts):
    return score_candidates(bundle, simulated_shop, facts, **AT)


@pytest.fixture(scope="module")
def offers(scored, shop_products):
    return rank_offers(scored, shop_products)


def test_a_rhythm_that_can_be_learnt_beats_the_baseline(bundle):
    assert bundle.method == "lightgbm"
    assert bundle.beats_baseline
    assert bundle.metrics["ndcg_at_10"] > bundle.metrics["baseline_ndcg_at_10"]
    assert bundle.metrics["ndcg_gain_lower"] > 0
    assert 0 < bundle.metrics["coverage_at_10"] <= 1


def test_the_card_shows_what_first_offers_promised_and_for_whom(bundle):
    card, plan = bundle.parameters["card"], bundle.parameters["plan"]
    asked = sum(group["rows"] for group in card["reliability"])
    assert sum(one["rows"] for one in card["segments"] if one["kind"] == "orders so far") <= asked
    assert all(0 <= group["low"] <= group["observed"] <= group["high"] <= 1 for group in card["reliability"])
    assert card["reliability"][0]["predicted"] < card["reliability"][-1]["predicted"]
    assert max(plan["train"]) < min(plan["calibrate"]) < plan["test"]


def test_training_twice_gives_the_same_bytes(bundle, simulated_shop, shop_products):
    shuffled = simulated_shop.collect().sample(fraction=1.0, shuffle=True, seed=4).lazy()
    assert train_next_offer(shuffled, shop_products, **AT).digest() == bundle.digest()


def test_the_bundle_survives_storage(bundle):
    files = {**bundle.files, MANIFEST: bundle.manifest()}
    assert open_bundle(files, digest=bundle.digest()) == bundle


def test_ranks_are_whole_and_probabilities_fall(offers):
    per_customer = offers.group_by("customer_id", maintain_order=True).agg("rank", "purchase_probability", "product_id")
    for _, ranks, probabilities, products in per_customer.iter_rows():
        assert ranks == list(range(1, 11))
        assert probabilities == sorted(probabilities, reverse=True)
        assert len(set(products)) == 10
    assert offers["purchase_probability"].is_between(0, 1).all()
    assert set(offers["source"]) <= set(SOURCES)


def test_what_is_not_sold_any_more_is_not_offered(offers):
    assert "p01" not in set(offers["product_id"])
    assert offers["customer_id"].n_unique() == 120


def test_evidence_tells_of_the_own_past(offers, simulated_shop):
    times = simulated_shop.group_by("customer_id", "product_id").agg(pl.col("order_id").n_unique().alias("true"))
    checked = offers.join(times.collect(), on=["customer_id", "product_id"], how="left")
    assert checked["times_bought"].equals(checked["true"].fill_null(0).cast(pl.Int64), check_names=False)
    assert (checked["days_since_bought"].is_null() == (checked["times_bought"] == 0)).all()
    assert ((checked["source"] == SOURCES[0]) == (checked["times_bought"] > 0)).all()


def test_buckets_rank_as_the_whole(bundle, simulated_shop, shop_products, facts, offers):
    in_bucket = pl.col("customer_id") < "c050"
    buckets = [
        simulated_shop.filter(in_bucket),
        simulated_shop.filter(~in_bucket),
        simulated_shop.filter(pl.lit(value=False)),
    ]
    parts = [partial_item_facts(bucket, **AT) for bucket in buckets]
    combined = combine_item_facts(
        parts,
        facts.products.select(facts.product_ids.gather(facts.products["product"]).alias("product_id"), "category"),
    )
    scored = [score_candidates(bundle, bucket, combined, **AT) for bucket in buckets]
    assert_frame_equal(pl.concat([rank_offers(part, shop_products) for part in scored]), offers)
    categories = rank_categories(bundle, score_candidates(bundle, simulated_shop, facts, **AT))
    assert_frame_equal(pl.concat([rank_categories(bundle, part) for part in scored]), categories)


def test_nothing_from_the_future_changes_a_ranking(bundle, simulated_shop, shop_products, offers):
    later = simulated_shop.with_columns(
        pl.col("ordered_at", "known_at") + timedelta(days=366), pl.lit("p39").alias("product_id")
    )
    both = pl.concat([simulated_shop, later])
    facts = item_facts(both, shop_products, **AT)
    assert_frame_equal(rank_offers(score_candidates(bundle, both, facts, **AT), shop_products), offers)


def test_categories_are_ranked_with_probabilities(bundle, scored):
    categories = rank_categories(bundle, scored)
    assert categories.columns == ["customer_id", "rank", "category", "purchase_probability"]
    assert categories["rank"].max() == 3
    assert categories["purchase_probability"].is_between(0, 1).all()
    assert categories["customer_id"].n_unique() == 120


def test_ranking_leaves_the_scored_candidates_as_they_were(bundle, scored, shop_products, offers):
    before = scored.frame.clone()
    rank_categories(bundle, scored)
    assert_frame_equal(rank_offers(scored, shop_products, top=3), offers.filter(pl.col("rank") <= 3))
    assert_frame_equal(scored.frame, before)


def test_without_categories_there_is_no_ranking_of_them(bundle, simulated_shop):
    scored = score_candidates(bundle, simulated_shop, item_facts(simulated_shop, None, **AT), **AT)
    assert rank_categories(bundle, scored) is None


def test_a_model_trained_without_categories_ranks_none(bundle, scored):
    untaught = replace(bundle, files={name: file for name, file in bundle.files.items() if "category" not in name})
    assert rank_categories(untaught, scored) is None


def test_a_shop_without_pattern_falls_back_to_the_baseline(simulated_shop):
    random = np.random.default_rng(11)
    height = simulated_shop.collect().height
    noise = simulated_shop.with_columns(pl.Series("product_id", [f"p{n:02d}" for n in random.integers(0, 40, height)]))
    bundle = train_next_offer(noise, None, **AT)
    assert (bundle.method, bundle.beats_baseline, bundle.features) == ("baseline", False, ())
    ranked = rank_offers(score_candidates(bundle, noise, item_facts(noise, None, **AT), **AT), None, top=3)
    assert ranked["rank"].max() == 3
    assert ranked["purchase_probability"].is_between(0, 1).all()


def test_facts_of_another_day_are_refused(bundle, simulated_shop, facts):
    with pytest.raises(FactsDateError, match="not as of the date"):
        score_candidates(bundle, simulated_shop, facts, as_of=date(2024, 7, 2), time_zone="UTC")


def test_a_model_with_unknown_features_is_refused(bundle, simulated_shop, facts):
    stranger = replace(bundle, features=("horoscope",))
    with pytest.raises(OfferModelMismatchError) as caught:
        score_candidates(stranger, simulated_shop, facts, **AT)
    assert caught.value.got == "horoscope"


def test_a_bundle_from_before_taste_scores_the_candidates_it_knew(bundle, simulated_shop, facts):
    options = {name: value for name, value in bundle.parameters["options"].items() if name != "taste_candidates"}
    known = tuple(name for name in bundle.features if "taste" not in name)
    older = replace(bundle, method="baseline", features=known, parameters={**bundle.parameters, "options": options})
    fewer = {"options": {**bundle.parameters["options"], "taste_candidates": 0}}
    without = replace(older, parameters={**older.parameters, **fewer})
    assert_frame_equal(
        score_candidates(older, simulated_shop, facts, **AT).frame,
        score_candidates(without, simulated_shop, facts, **AT).frame,
    )


def test_the_gate_asks_for_a_certain_gain_and_for_recall():
    """Twelve candidates a customer; the baseline lists the first ten in their order."""
    customers, products = 40, 12
    frame = pl.DataFrame({"customer": np.repeat(np.arange(customers), products)}).with_columns(
        pl.Series("product", np.tile(np.arange(products), customers)),
        pl.Series("times_bought_365d", np.tile(np.arange(products, 0, -1), customers)),
        pl.lit(1.0).alias("product_buyers_30d"),
    )
    truth = frame.select("customer", "product").filter(pl.col("product").is_in([1, 8, 9]))
    examples = Examples(AS_OF, frame, truth, frame.select("product").unique())

    def judged(*first: int) -> Verdict:
        places = [*first, *(number for number in range(products) if number not in first)]
        return judge(examples, np.tile(-np.argsort(places).astype(float), customers), seed=1)

    assert not judged().beats_baseline  # the same list
    assert "gain +0.000" in judged().reasons[0]
    assert judged(1).beats_baseline  # one hit earlier for everybody, the others where they were
    lost = judged(1, 8, 0, 2, 3, 4, 5, 6, 7, 10)  # much the better order, at the price of a third of the hits
    assert lost.metrics["ndcg_gain_lower"] > 0
    assert not lost.beats_baseline


def test_modes_and_exclusions_choose_what_is_offered(scored, shop_products):
    new, repeat = (rank_offers(scored, shop_products, mode=mode) for mode in ("new", "repeat"))
    assert (new["times_bought"] == 0).all()
    assert (repeat["times_bought"] > 0).all()
    first = rank_offers(scored, shop_products)["product_id"][0]
    assert first not in rank_offers(scored, shop_products, out_of_stock=[first])["product_id"]


def test_what_is_bought_but_once_is_not_offered_again_at_once(scored, shop_products):
    once = replace(scored, frame=scored.frame.with_columns(pl.lit(0.01).alias("product_repeat_share")))
    offered = rank_offers(once, shop_products)
    assert (offered["days_since_bought"].fill_null(99) >= 30).all()
    assert (rank_offers(scored, shop_products)["days_since_bought"] < 30).any()


def test_brands_are_ranked_like_categories(simulated_shop, shop_products, facts):
    named = shop_products.with_columns(pl.col("category").alias("brand"))
    bundle = train_next_offer(simulated_shop, named, **AT)
    scored = score_candidates(bundle, simulated_shop, facts, **AT)
    brands = rank_brands(bundle, scored, named)
    assert_frame_equal(brands.rename({"brand": "category"}), rank_categories(bundle, scored))
    assert rank_brands(bundle, scored, shop_products) is None
