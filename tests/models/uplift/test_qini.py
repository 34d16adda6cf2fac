import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.uplift.qini import Pairs, qini_coefficient, qini_curve, qini_intervals


def pairs_of(treated, outcome, share=0.5):
    treated = np.array(treated, dtype=float)
    return Pairs(treated=treated, share=np.full(len(treated), share), outcome=np.array(outcome, dtype=float))


# two customers gain 1, two gain 0; one of each kind was treated
FOUR = pairs_of([1, 0, 1, 0], [1, 0, 0, 0])


def test_the_right_order_has_the_area_counted_by_hand():
    # curve: 0 → 0.5·1 at half → 0.5 at all; area 0.125 + 0.25 = 0.375, the straight line's 0.25
    assert qini_coefficient(np.array([2.0, 2.0, 1.0, 1.0]), FOUR) == pytest.approx(0.125)
    assert qini_coefficient(np.array([1.0, 1.0, 2.0, 2.0]), FOUR) == pytest.approx(-0.125)


def test_one_score_for_all_is_random_order():
    assert qini_coefficient(np.zeros(4), FOUR) == pytest.approx(0.0)


@given(st.permutations(range(4)))
def test_the_order_of_rows_is_without_effect(order):
    score = np.array([2.0, 2.0, 1.0, 1.0])[list(order)]
    shuffled = pairs_of(FOUR.treated[list(order)], FOUR.outcome[list(order)])
    assert qini_coefficient(score, shuffled) == pytest.approx(0.125)


def test_propensities_are_weighed():
    """Treated rows were drawn with 0.8: each stands for fewer customers than a control row."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 2, 40_000)
    treated = (rng.random(40_000) < 0.8).astype(float)
    outcome = treated * kind
    coefficient = qini_coefficient(kind.astype(float), pairs_of(treated, outcome, share=0.8))
    assert coefficient == pytest.approx(0.125, abs=0.005)


def test_intervals_hold_the_figure_and_pairs_are_compared_on_the_same_draws():
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 2, 2_000).astype(float)
    treated = rng.integers(0, 2, 2_000)
    pairs = pairs_of(treated, treated * kind)
    alone, gains = qini_intervals(
        {"ours": kind, "same": kind * 5, "random": rng.random(2_000)}, pairs, ours="ours", seed=1, repeats=60
    )
    assert alone["ours"].low < alone["ours"].value < alone["ours"].high
    assert (gains["same"].low, gains["same"].high) == pytest.approx((0.0, 0.0))
    assert gains["random"].low > 0


def test_the_curve_ends_at_the_average_effect():
    assert qini_curve(np.array([2.0, 2.0, 1.0, 1.0]), FOUR)[-1] == pytest.approx(
        {"share": 1.0, "gain": 0.5, "random": 0.5}
    )
