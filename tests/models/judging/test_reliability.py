import numpy as np
import polars as pl
import pytest

from models.judging.reliability import reliability_table, segment_table, wilson


def test_groups_hold_everybody_once_and_their_intervals_the_truth():
    random = np.random.default_rng(3)
    predicted = random.random(5000)
    happened = (random.random(5000) < predicted).astype(float)
    groups = reliability_table(predicted, happened)
    assert sum(group["rows"] for group in groups) == 5000
    assert [group["predicted"] for group in groups] == sorted(group["predicted"] for group in groups)
    assert sum(group["low"] <= group["predicted"] <= group["high"] for group in groups) >= 8
    amounts = reliability_table(predicted * 100, happened * 100)
    assert all(group["low"] < group["observed"] < group["high"] for group in amounts)


def test_a_share_s_interval_is_wilson_s():
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)


def test_segments_where_it_is_worse_are_marked_and_small_ones_are_not_shown():
    random = np.random.default_rng(4)
    chance = random.random(1000)
    happened = (random.random(1000) < chance).astype(float)
    kinds = np.array(["good"] * 500 + ["bad"] * 460 + ["few"] * 40)
    predicted = np.where(kinds == "bad", np.clip(1 - chance, 0.01, 0.99), np.clip(chance, 0.01, 0.99))
    told = segment_table(
        predicted, np.full(1000, 0.5), happened, {"kind": pl.Series(kinds), "all": pl.Series([None] * 1000)},
        is_probability=True,
    )  # fmt: skip
    marked = {(one["kind"], one["segment"]): one["is_worse"] for one in told}
    assert marked == {("kind", "bad"): True, ("kind", "good"): False, ("all", "not known"): told[-1]["is_worse"]}
