"""The figure that decides on parameters, against plain sorting."""

import numpy as np
import pytest

from models.next_basket.baskets import cut
from models.next_basket.neighbours import UpCfCrowd, UpCfOptions
from models.next_basket.tuning import Panel


@pytest.mark.parametrize("products", [3, 30])
def test_the_figure_is_that_of_plain_sorting(make_baskets, products):
    random = np.random.default_rng(products)
    letters = "abcdefghijklmnopqrstuvwxyzABCD"[:products]
    baskets = make_baskets(
        {str(n): ["".join(random.choice(list(letters), 3)) for _ in range(4)] for n in range(12)}
        | {"all": [letters, letters]}
    )
    snapshot, count = cut(baskets, steps_back=1), len(baskets.product_ids)
    panel = Panel.of(snapshot, count, seed=1)
    scores = random.permuted(np.tile(np.arange(count, dtype=np.float32), (len(panel.rows), 1)), axis=1)
    expected = []
    for row, bought in zip(scores, panel.bought, strict=True):
        hits = bought[np.argsort(-row)[:10]]
        discounts = 1.0 / np.log2(np.arange(2, 12))
        ideal = discounts[: min(10, bought.sum())].sum()
        expected.append((hits.sum() / bought.sum() + (hits * discounts[: len(hits)]).sum() / ideal) / 2)
    assert panel.figure(scores) == pytest.approx(np.mean(expected))


def test_sparse_and_plain_mixing_of_likeness_agree(make_baskets):
    baskets = make_baskets({"a": ["xy", "x"], "b": ["xz", "zy"], "c": ["w", "wz"]})
    snapshot = cut(baskets, steps_back=0)
    crowd = UpCfCrowd.of(snapshot, len(baskets.product_ids), UpCfOptions(recent=2, locality=2), seed=1)
    rows = np.arange(3)
    plain = crowd.likeness(rows, 0.5) ** 2 @ crowd.recent.toarray()
    assert np.allclose(crowd.scores(rows), plain / plain.max(axis=1, keepdims=True))
