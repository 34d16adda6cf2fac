"""TIFU-KNN and UP-CF against their definitions, worked by hand."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from models.next_basket.baskets import cut
from models.next_basket.neighbours import (
    TifuCrowd,
    TifuOptions,
    UpCfCrowd,
    UpCfOptions,
    shared_weights,
    tifu_vectors,
)


def now(baskets):
    return cut(baskets, steps_back=0)


@pytest.mark.parametrize(
    ("customer", "options", "expected"),
    [
        # fewer baskets than groups: every basket is a group; weights r_b^age * r_g^age / groups
        (["x", "y"], TifuOptions(groups=5, within_decay=0.5, group_decay=0.1), [0.5 * 0.1 / 2, 1 / 2]),
        # four baskets in two groups of two: mean within a group, then over groups
        (["x", "x", "y", "xy"], TifuOptions(groups=2, within_decay=0.5, group_decay=0.1),
         [(0.1 * (0.125 + 0.25) / 2 + 1 / 2) / 2, (0.5 + 1) / 2 / 2]),
        # three baskets in two groups: the later group holds the odd one
        (["x", "y", "y"], TifuOptions(groups=2, within_decay=1.0, group_decay=0.5), [0.5 / 2, (1 + 1) / 2 / 2]),
    ],
)  # fmt: skip
def test_tifu_vectors(make_baskets, customer, options, expected):
    vectors = tifu_vectors(now(make_baskets({"a": customer})), 2, options).toarray()
    assert vectors[0] == pytest.approx(np.array(expected))


def test_tifu_takes_the_nearest_others_and_not_the_customer_itself(make_baskets):
    baskets = make_baskets({"a": ["x"], "b": ["xy"], "c": ["z"]})
    crowd = TifuCrowd.of(now(baskets), 3, TifuOptions(neighbours=1), seed=1)
    _, near = crowd.scores(np.array([0]))
    assert near[0].tolist() == [1.0, 1.0, 0.0]  # b's vector: a's nearest other


def test_up_cf_mixes_recent_shares_by_asymmetric_cosine(make_baskets):
    baskets = make_baskets({"a": ["x"], "b": ["y", "xy"], "c": ["z"]})
    crowd = UpCfCrowd.of(now(baskets), 3, UpCfOptions(recent=2, asymmetry=0.5, locality=2), seed=1)
    likeness = 1 / np.sqrt(1 * 2)
    mixed = np.array([1.0 + likeness**2 * 0.5, likeness**2 * 1.0, 0.0])
    assert crowd.scores(np.array([0]))[0] == pytest.approx(mixed / mixed.max())


@pytest.mark.parametrize("share_held", [0.02, 0.6])  # rows that hardly meet, and rows that all do: either form
def test_shared_weights_are_the_same_to_the_last_bit_in_either_form(share_held):
    draws = np.random.default_rng(3)
    rows = np.where(draws.random((60, 40)) < share_held, draws.random((60, 40)), 0.0).astype(np.float32)
    others = csr_array(rows)
    assert np.array_equal(shared_weights(others[:7], others), (others[:7] @ others.T).toarray())
