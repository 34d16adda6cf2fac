from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.errors import ThresholdsInvalidError
from segments.tiers import value_tiers

ORDER = ["platinum", "gold", "iron", "lead", "not scored"]


def _tiers(values, **options):
    frame = pl.DataFrame(
        {"customer_id": [f"c{index:04d}" for index in range(len(values))], "value": values},
        schema={"customer_id": pl.String, "value": pl.Int64},
    )
    return dict(value_tiers(frame, value_column="value", **options).iter_rows())


def test_a_hundred_customers_fall_into_the_shares_of_the_pyramid():
    tiers = list(_tiers(list(range(1, 101))).values())
    assert [tiers.count(name) for name in ORDER] == [5, 20, 50, 25, 0]


def test_the_customer_worth_most_is_platinum_even_alone():
    assert _tiers([7]) == {"c0000": "platinum"}


def test_no_customers_have_no_tiers():
    assert _tiers([]) == {}


def test_equal_values_are_told_apart_by_id():
    tiers = _tiers([10] * 20)
    assert [tiers[f"c{index:04d}"] for index in (0, 1, 4, 5, 14, 15)] == [
        "platinum", "gold", "gold", "iron", "iron", "lead",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 0], ["lead", "lead", "lead"]),
        ([-5, 3], ["lead", "platinum"]),
        ([None, 3], ["not scored", "platinum"]),
        ([None, None], ["not scored", "not scored"]),
    ],
)
def test_nothing_expected_is_lead_and_unknown_is_not_scored(values, expected):
    assert list(dict(sorted(_tiers(values).items())).values()) == expected


def test_a_share_that_binary_fractions_miss_is_cut_exactly():
    tiers = list(_tiers(list(range(1, 101)), shares=(0.07, 0.2, 0.5)).values())
    assert tiers.count("platinum") == 7


@pytest.mark.parametrize("shares", [(0.5, 0.6, 0.1), (-0.1, 0.5, 0.5), (0.1, 0.2)])
def test_shares_that_do_not_cut_are_refused(shares):
    with pytest.raises(ThresholdsInvalidError):
        _tiers([1], shares=shares)


@given(st.lists(st.integers(1, 50), max_size=80))
def test_shares_hold_within_one_customer_and_tiers_follow_value(values):
    tiers = _tiers(values)
    held = list(tiers.values())
    for upto, share in ((1, 0.05), (2, 0.25), (3, 0.75)):
        above = sum(held.count(name) for name in ORDER[:upto])
        assert 0 <= above - share * len(values) < 1 + 1e-9
    by_value = sorted((ORDER.index(tiers[f"c{index:04d}"]), -value) for index, value in enumerate(values))
    for (tier, value), (next_tier, next_value) in pairwise(by_value):
        assert tier == next_tier or value <= next_value


@given(st.lists(st.integers(-5, 20), max_size=40), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(values, random):
    frame = pl.DataFrame(
        {"customer_id": [str(index) for index in range(len(values))], "value": values},
        schema={"customer_id": pl.String, "value": pl.Int64},
    )
    order = list(range(len(values)))
    random.shuffle(order)
    shuffled = frame[order] if values else frame
    expected = value_tiers(frame, value_column="value")
    assert value_tiers(shuffled, value_column="value").equals(expected)


def test_close_to_a_cut_yesterdays_tier_stays():
    values = pl.DataFrame({"customer_id": [f"{n:03d}" for n in range(100)], "value": list(range(100, 0, -1))})
    plain = value_tiers(values, value_column="value", shares=(0.2, 0.2, 0.4))
    changed = pl.col("customer_id").replace_strict({"019": 80, "021": 82}, default=pl.col("value"))
    swapped = values.with_columns(changed.alias("value"))
    again = value_tiers(swapped, value_column="value", shares=(0.2, 0.2, 0.4), previous=plain, margin=0.1)
    assert dict(again.iter_rows()) == dict(plain.iter_rows())
    strict = dict(value_tiers(swapped, value_column="value", shares=(0.2, 0.2, 0.4), previous=plain).iter_rows())
    assert strict["019"] == "gold"
    fallen = values.with_columns(pl.when(pl.col("customer_id") == "019").then(70).otherwise("value").alias("value"))
    moved = value_tiers(fallen, value_column="value", shares=(0.2, 0.2, 0.4), previous=plain, margin=0.1)
    assert dict(moved.iter_rows())["019"] == "gold"
