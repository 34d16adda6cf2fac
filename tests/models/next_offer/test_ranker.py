"""Two boosters added up: the second counts, both spread alike, and bundles with one are still read."""

import numpy as np
import polars as pl
import pytest

from models.next_offer.ranker import PAIRWISE_FILE, Ranker, fit_ranker, rank_scores, ranker_of, refit_ranker

FEATURES = ("liked", "noise")


def questions(count, seed):
    """Customers with ten candidates each, of which the best liked is mostly bought."""
    rng = np.random.default_rng(seed)
    liked = rng.random((count, 10))
    bought = (liked + 0.3 * rng.random((count, 10))).argmax(axis=1)[:, None] == np.arange(10)
    return pl.DataFrame(
        {
            "query": np.repeat(np.arange(count, dtype=np.uint32), 10),
            "bought": bought.ravel().astype(np.int8),
            "liked": liked.ravel(),
            "noise": rng.random(10 * count),
        }
    )


@pytest.fixture(scope="module")
def ranker():
    return fit_ranker(questions(300, 1), questions(100, 2), FEATURES, threads=1, seed=20)


def test_the_second_ranking_counts_as_much_as_the_first(ranker):
    rows = questions(100, 2)
    alone = [rank_scores(Ranker((text,), (1,), 0.0), rows, FEATURES) for text in ranker.boosters]
    assert rank_scores(ranker, rows, FEATURES) == pytest.approx(alone[0] + ranker.listwise_weight * alone[1])
    spreads = [one.reshape(-1, 10).std(axis=1).mean() for one in alone]
    assert ranker.listwise_weight * spreads[1] == pytest.approx(spreads[0])
    assert not np.allclose(alone[0], ranker.listwise_weight * alone[1])


def test_a_stored_ranker_says_the_same_and_one_of_before_is_read(ranker):
    rows = questions(20, 3)
    kept = refit_ranker(ranker, questions(300, 1), FEATURES, threads=1, seed=20)
    again = ranker_of(kept.files(), kept.parameters())
    assert rank_scores(again, rows, FEATURES).tobytes() == rank_scores(kept, rows, FEATURES).tobytes()
    older = ranker_of({PAIRWISE_FILE: kept.boosters[0].encode()}, {"trees": 5})
    first = rank_scores(Ranker(kept.boosters[:1], kept.trees[:1], 0.0), rows, FEATURES)
    assert rank_scores(older, rows, FEATURES).tobytes() == first.tobytes()
