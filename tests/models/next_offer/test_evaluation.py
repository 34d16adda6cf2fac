import numpy as np
import polars as pl
import pytest

from models.next_offer.evaluation import BOOTSTRAP_DRAWS, paired_gain, paired_gains, per_customer, summary

RANKED = pl.DataFrame({"customer": [1, 1, 1, 2, 2], "product": [10, 11, 12, 10, 13], "rank": [1, 2, 3, 1, 2]})


@pytest.mark.parametrize(
    ("bought", "recall", "ndcg"),
    [
        ([10], 1.0, 1.0),
        ([11], 1.0, 1 / np.log2(3)),
        ([12], 0.0, 0.0),  # beyond the first two
        ([10, 11, 12, 99], 0.5, 1.0),  # the ideal list is no longer than k
        ([11, 99], 0.5, (1 / np.log2(3)) / (1 + 1 / np.log2(3))),
    ],
)
def test_grades_of_one_customer(bought, recall, ndcg):
    truth = pl.DataFrame({"customer": [1] * len(bought), "product": bought})
    grades = per_customer(RANKED, truth, k=2).row(0, named=True)
    assert grades["recall"] == pytest.approx(recall)
    assert grades["ndcg"] == pytest.approx(ndcg)


def test_a_customer_without_a_ranking_counts_as_zero():
    grades = per_customer(RANKED, pl.DataFrame({"customer": [1, 7], "product": [10, 10]}), k=2)
    assert grades["ndcg"].to_list() == [1.0, 0.0]
    catalogue = pl.DataFrame({"product": [10, 11, 13, 14, 15, 16]})
    assert summary(grades, RANKED, catalogue, k=2) == {
        "recall_at_2": 0.5,
        "ndcg_at_2": 0.5,
        "hit_rate_at_2": 0.5,
        "coverage_at_2": 0.5,
    }


@pytest.mark.parametrize(
    ("catalogue", "coverage"),
    [
        ([10, 11, 13], 1.0),
        ([10], 1.0),  # 11 and 13 are shown too, but not for sale: no more than everything can be covered
        ([12, 10], 0.5),  # 12 is ranked, but beyond the first two
        ([99], 0.0),
        ([], 0.0),
    ],
)
def test_coverage_is_a_share_of_what_is_for_sale(catalogue, coverage):
    grades = per_customer(RANKED, pl.DataFrame({"customer": [1], "product": [10]}), k=2)
    for_sale = pl.DataFrame({"product": catalogue}, schema={"product": pl.Int64})
    assert summary(grades, RANKED, for_sale, k=2)["coverage_at_2"] == coverage


def test_the_bootstrap_is_paired():
    theirs = np.linspace(0, 1, 50)
    mean, lower, upper = paired_gain(theirs + 0.01, theirs, seed=1)
    assert (mean, lower, upper) == pytest.approx((0.01, 0.01, 0.01))


def test_several_gains_are_those_of_plain_resampling_of_customers():
    gains = np.random.default_rng(2).normal(size=(30, 2))
    draws = np.random.default_rng(1)
    means = np.array([gains[draws.integers(0, 30, 30)].mean(axis=0) for _ in range(BOOTSTRAP_DRAWS)])
    expected = np.vstack([gains.mean(axis=0), *np.quantile(means, [0.025, 0.975], axis=0)]).T
    assert np.array(paired_gains(gains, seed=1)) == pytest.approx(expected)
