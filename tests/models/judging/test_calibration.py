import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.judging.calibration import (
    Calibrator,
    calibrator_from,
    choose_calibrator,
    fit_calibrator,
    log_loss,
    sigmoid,
)

KINDS = ["none", "platt", "beta", "isotonic"]


def sample(rows=4000, *, slope=1.0, shift=0.0, seed=1):
    """Log-odds that are off by a slope and a shift, and what happened."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, rows)
    return (honest - shift) / slope, (random.random(rows) < sigmoid(honest)).astype(float)


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_overconfident_and_shifted_scores_are_put_right(kind):
    scores, happened = sample(slope=0.4, shift=-0.8)
    later, then = sample(slope=0.4, shift=-0.8, seed=2)
    fitted = fit_calibrator(kind, scores, happened)
    honest = log_loss(sigmoid(0.4 * later - 0.8), then)
    assert log_loss(fitted.probabilities(later), then) < honest + 0.01
    assert log_loss(sigmoid(later), then) > honest + 0.05


@pytest.mark.parametrize("kind", KINDS)
@given(scores=st.lists(st.floats(-60, 60), min_size=2, max_size=30), seed=st.integers(0, 50))
def test_probabilities_are_monotone_and_never_certain(kind, scores, seed):
    fitted = fit_calibrator(kind, *sample(300, slope=0.7, seed=seed))
    probabilities = fitted.probabilities(np.sort(np.array(scores)))
    assert (np.diff(probabilities) >= -1e-12).all()
    assert probabilities.min() >= 1e-4
    assert probabilities.max() <= 1 - 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_json_round_trip(kind):
    fitted = fit_calibrator(kind, *sample(500))
    assert calibrator_from(fitted.described()) == fitted


def test_the_choice_leaves_honest_scores_alone_and_mends_broken_ones():
    groups = np.repeat([1.0, 2.0, 3.0, 4.0], 1000)
    assert choose_calibrator(*sample(), groups)[0] in {"none", "platt", "beta"}
    kind, losses = choose_calibrator(*sample(slope=0.3), groups)
    assert kind != "none"
    assert losses["none"] > losses[kind]


def test_one_group_is_cut_into_parts():
    kind, losses = choose_calibrator(*sample(slope=0.3), np.ones(4000))
    assert kind != "none"
    assert all(np.isfinite(loss) for loss in losses.values())


def test_perfectly_separated_outcomes_stay_finite():
    scores = np.linspace(-5, 5, 200)
    for kind in KINDS:
        assert np.isfinite(fit_calibrator(kind, scores, (scores > 0).astype(float)).probabilities(scores)).all()


def test_none_is_the_logistic_curve():
    assert Calibrator(kind="none").probabilities(np.array([0.0]))[0] == 0.5
