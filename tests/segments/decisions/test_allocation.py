"""Choosing for all at once: against an exact solver, within every limit, and told when it can't be."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from segments.decisions.allocation import allocate
from segments.decisions.problem import Bucket, Limit, Rules
from segments.errors import RulesClashError

OPTIONS = 12
CHANNEL = np.arange(OPTIONS) % 3
COST = np.array([20.0, 150.0, 500.0])[CHANNEL]


def made_buckets(customers, *, seed=0, width=6, count=3):
    rng = np.random.default_rng(seed)
    buckets = []
    for _ in range(count):
        option = np.argsort(rng.random((customers // count, OPTIONS)), axis=1)[:, :width]
        value = rng.gamma(0.7, 400, option.shape) * rng.gamma(1, 1, (len(option), 1)) - COST[option]
        buckets.append(Bucket(option=option.astype(np.int16), value=value.astype(np.int32)))
    return buckets


def budget(most):
    return Limit(name="the budget", uses=COST, most=most, unit="money")


def of_channel(channel, most, *, sign=1.0):
    return Limit(name=f"channel {channel}", uses=sign * (channel == CHANNEL), most=most)


def exact(buckets, rules):
    """The best value by HiGHS' branch and bound."""
    option, value = (np.concatenate([getattr(one, name) for one in buckets]) for name in ("option", "value"))
    row, column = np.nonzero(option >= 0)
    chosen, places = option[row, column], np.arange(len(row))
    count = len(option)
    parts = [rules.uses[:, chosen]]
    for group, groups in ((row, count), (row * 3 + rules.channel[chosen], count * 3)):
        parts.append(sparse.coo_array((np.ones(len(row)), (group, places)), shape=(groups, len(row))))
    most = [rules.most, np.full(count, rules.at_most), np.full(count * 3, rules.at_most_a_channel)]
    constraint = LinearConstraint(sparse.vstack(parts).tocsr(), -np.inf, np.concatenate(most))
    found = milp(-value[row, column], constraints=constraint, integrality=np.ones(len(row)), bounds=Bounds(0, 1))
    return -found.fun


@pytest.mark.parametrize(
    ("at_most", "limits"),
    [
        (1, ()),
        (1, (budget(8_000.0), of_channel(0, 120.0))),
        (2, (budget(20_000.0), of_channel(0, 100.0), of_channel(1, 30.0))),
        (1, (budget(20_000.0), of_channel(2, -40.0, sign=-1.0))),
        (2, (budget(0.0),)),
        (1, (Limit(name="a fifth", uses=0.2 - (CHANNEL == 1), most=0.0), budget(15_000.0))),
    ],
)
def test_the_choice_is_nearly_the_best_and_keeps_every_limit(at_most, limits):
    rules = Rules(channel=CHANNEL, at_most=at_most, limits=limits)
    buckets = made_buckets(300)
    found = allocate(buckets, rules)
    best = exact(buckets, rules)
    assert found.value >= 0.995 * best - 1
    assert best <= found.prices.bound + 1e-6 * abs(best)
    picks = found.picks
    counts = np.bincount(picks.option, minlength=OPTIONS)
    assert (rules.uses @ counts <= rules.most + 1e-6).all()
    whom = picks.bucket * 1_000 + picks.row
    assert np.bincount(whom).max(initial=0) <= at_most
    assert len(set(zip(whom.tolist(), CHANNEL[picks.option].tolist(), strict=True))) == len(whom)


def test_a_price_is_what_one_more_brings():
    buckets = made_buckets(600)
    few, more = (allocate(buckets, Rules(channel=CHANNEL, limits=(of_channel(0, most),))) for most in (60.0, 61.0))
    gained = exact(buckets, Rules(channel=CHANNEL, limits=(of_channel(0, 61.0),))) - exact(
        buckets, Rules(channel=CHANNEL, limits=(of_channel(0, 60.0),))
    )
    assert more.prices.of_limits[0] - 1 <= gained <= few.prices.of_limits[0] + 1


def test_the_order_of_buckets_and_equal_values_do_not_change_the_outcome_of_a_rerun():
    option = np.tile(np.arange(3, dtype=np.int16), (50, 1))
    buckets = [Bucket(option=option, value=np.full((50, 3), 700, dtype=np.int32))]
    rules = Rules(channel=CHANNEL, limits=(budget(1_000.0),))
    first, again = allocate(buckets, rules), allocate(buckets, rules)
    assert first.value == again.value == 50 * 700  # all by the cheapest
    np.testing.assert_array_equal(first.picks.option, again.picks.option)


def test_nobody_and_nothing_worth_it():
    empty = [Bucket(option=np.zeros((0, 0), dtype=np.int16), value=np.zeros((0, 0), dtype=np.int32))]
    assert allocate(empty, Rules(channel=CHANNEL, limits=(budget(10.0),))).value == 0
    losing = [Bucket(option=np.zeros((4, 1), dtype=np.int16), value=np.full((4, 1), -5, dtype=np.int32))]
    assert len(allocate(losing, Rules(channel=CHANNEL)).picks.option) == 0


def test_rules_that_clash_are_named_and_others_are_not():
    wanted = Limit(name="at least 100 calls", uses=-(CHANNEL == 2).astype(float), most=-100.0)
    rules = Rules(channel=CHANNEL, limits=(of_channel(0, 50.0), budget(5_000.0), wanted))
    with pytest.raises(RulesClashError) as caught:
        allocate(made_buckets(300), rules)
    assert caught.value.clashing == ["at least 100 calls", "the budget"]
    impossible = Limit(name="at least 1,000 calls", uses=-(CHANNEL == 2).astype(float), most=-1_000.0)
    with pytest.raises(RulesClashError) as caught:
        allocate(made_buckets(300), Rules(channel=CHANNEL, limits=(of_channel(0, 50.0), impossible)))
    assert caught.value.clashing == ["at least 1,000 calls"]
