"""Learning from baskets, from end to end, and the honest ways out."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.next_basket import (
    Settings,
    code_baskets,
    evaluate_and_rank,
    evaluate_next_basket,
    rank_next_basket,
    train_next_basket,
)
from models.next_basket.errors import TooFewBasketsError

SETTINGS = Settings(threads=1, seed=1, trained_as_of=date(2026, 1, 1))


@pytest.fixture(scope="module")
def split(rhythmic_lines):
    last = pl.col("basket").max().over("customer_id")
    truth = rhythmic_lines.filter(pl.col("basket") == last).select("customer_id", "product_id")
    return code_baskets(rhythmic_lines.filter(pl.col("basket") < last)), truth


@pytest.fixture(scope="module")
def bundle(split):
    return train_next_basket(split[0], SETTINGS)


@pytest.fixture(scope="module")
def graded(bundle, split):
    """Figures and lists in one go, where of ten customers nobody knows what they bought next."""
    baskets, truth = split
    known = truth.filter(~pl.col("customer_id").is_in([f"c{number}" for number in range(10)]))
    return evaluate_and_rank(bundle, baskets, known, ranking={"top": 5, "mode": "all", "threads": 1})


def test_rhythm_is_learnt_and_beats_frequency_for_sure(bundle, graded):
    assert bundle.method == "lightgbm", bundle.reasons
    found, _ = graded
    for baseline in ("TIFU-KNN", "UP-CF", "personal top"):
        gain = found["all"]["at_10"]["gains"][baseline]["ndcg"]
        assert gain["lower"] > 0, (baseline, gain)
    assert found["customers"] == 150
    new, repeat = (found[mode]["at_10"]["figures"]["model"]["repeat_share"] for mode in ("new", "repeat"))
    assert (new, repeat) == (0.0, 1.0)


def test_a_gain_that_is_none_for_sure_leaves_the_baseline_standing():
    random, rows = np.random.default_rng(0), []
    for customer in range(120):  # fixed tastes, and nothing else to learn
        tastes = random.choice(40, 8, replace=False)
        for basket in range(6):
            rows += [(f"c{customer}", basket, f"p{one}") for one in random.choice(tastes, 3, replace=False)]
    lines = pl.DataFrame(rows, schema=["customer_id", "basket", "product_id"], orient="row")
    found = train_next_basket(code_baskets(lines), SETTINGS)
    assert found.metrics["ndcg_gain"] > 0 > found.metrics["ndcg_gain_lower"]
    assert found.method == "baseline"
    assert found.reasons[-1].endswith(f"not better for sure, so {found.parameters['baseline']} ranks")


def test_probabilities_are_those_of_the_next_basket(bundle, split, graded):
    baskets, truth = split
    ranked = rank_next_basket(bundle, baskets, top=5)
    assert graded[1].equals(ranked)
    bought = ranked.join(truth, on=["customer_id", "product_id"], how="semi").height
    assert ranked["purchase_probability"].sum() == pytest.approx(bought, rel=0.2)
    falling = ranked["purchase_probability"].diff().fill_null(0.0).to_numpy() <= 1e-12
    assert falling[ranked["rank"].to_numpy() > 1].all()


@pytest.mark.parametrize(
    "customers", [{"a": ["x"]}, {"a": ["xy", "x", "x"], "b": ["y"]}, {str(n): ["x"] for n in range(80)}]
)
def test_too_little_to_learn_from_ranks_by_frequency_and_says_so(make_baskets, customers):
    baskets = make_baskets(customers)
    found = train_next_basket(baskets, SETTINGS)
    assert (found.method, found.parameters["baseline"]) == ("baseline", "personal top")
    assert "customers have a basket to judge by" in found.reasons[0]
    ranked = rank_next_basket(found, baskets, top=3)
    assert ranked.filter(rank=1)["product_id"].to_list()[0] == "x"
    assert set(ranked["customer_id"]) == set(customers)
    told, lists = evaluate_and_rank(
        found, baskets, ranked.filter(rank=1).head(1), ranking={"top": 3, "mode": "all", "threads": 1}
    )
    assert lists.equals(ranked)
    assert told == evaluate_next_basket(found, baskets, ranked.filter(rank=1).head(1))
    assert told["all"]["at_10"]["figures"]["model"]["recall"] == 1.0


def test_of_histories_of_two_baskets_half_of_the_customers_teach():
    random, rows = np.random.default_rng(4), []
    for customer in range(240):  # what comes second follows from what came first
        pair = int(random.integers(0, 6))
        rows += [(f"c{customer}", 0, f"p{pair}"), (f"c{customer}", 0, f"p{random.integers(20, 60)}")]
        rows += [(f"c{customer}", 1, f"q{pair}"), (f"c{customer}", 1, f"p{random.integers(20, 60)}")]
    lines = pl.DataFrame(rows, schema=["customer_id", "basket", "product_id"], orient="row")
    found = train_next_basket(code_baskets(lines), SETTINGS)
    assert found.method == "lightgbm", found.reasons
    assert found.metrics["validation_customers"] == 120
    assert 100 < found.parameters["learning_baskets"] <= 120


def test_nothing_at_all_is_refused():
    empty = pl.DataFrame(schema={"customer_id": pl.String, "basket": pl.Int64, "product_id": pl.String})
    with pytest.raises(TooFewBasketsError):
        train_next_basket(code_baskets(empty), SETTINGS)


@pytest.fixture(scope="module")
def rich_lines(rhythmic_lines):
    """A hundred customers, with all columns a table of baskets can have."""
    few = rhythmic_lines.filter(pl.col("customer_id").str.len_chars() < 4)
    quantities = np.random.default_rng(1).integers(1, 5, few.height).astype(float)
    return few.with_columns(
        (pl.col("basket") * 7.0).alias("day"),
        pl.Series("quantity", quantities),
        pl.col("product_id").str.slice(1, 1).alias("category"),
    )


def test_more_columns_are_used_and_the_order_of_lines_changes_nothing(rich_lines):
    bundle = train_next_basket(code_baskets(rich_lines), SETTINGS)
    assert bundle.method == "lightgbm", bundle.reasons
    assert {"days_since", "quantity_usual", "category_share"} <= set(bundle.features)
    shuffled = rich_lines.sample(fraction=1.0, shuffle=True, seed=5)
    assert train_next_basket(code_baskets(shuffled), SETTINGS).digest() == bundle.digest()
