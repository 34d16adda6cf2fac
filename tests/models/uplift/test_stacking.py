"""Smoothings to one effect: where there is nothing to tell, and how far effects lie from their average."""

import numpy as np
import pytest

from models.uplift.stacking import Signals, stacked, stretch_of_means

FOLDS = 5


def signals(signal, weight=None, customer=None):
    ones = np.ones(len(signal))
    return Signals(
        signal=signal,
        weight=ones if weight is None else weight,
        balance=ones,
        fold=np.arange(len(signal)) % FOLDS,
        customer=customer,
    )


def test_a_signal_that_is_everywhere_the_same_has_that_effect_and_no_other():
    smoothed = np.random.default_rng(0).normal(size=(50, 3))
    stack = stacked(smoothed, signals(np.full(50, 0.0)))
    assert stack.effects(smoothed).tolist() == [0.0] * 50
    assert np.isfinite(stack.errors(smoothed)).all()


def test_effects_that_are_larger_where_a_row_tells_less_are_stretched_to_their_size():
    """Half of the rows are noisy, and there the effect is 1.5 times what is smoothed: the slope over all is near it."""
    rng = np.random.default_rng(1)
    smoothed, noisy = rng.normal(size=(20_000, 1)), np.arange(20_000) % 2 == 0
    smoothed[noisy] *= 3
    truth = np.where(noisy, 1.5, 1.0) * smoothed[:, 0]
    given = signals(truth + rng.normal(size=20_000) * np.where(noisy, 10.0, 1.0), np.where(noisy, 0.01, 1.0))
    effects = stacked(smoothed, given).effects(smoothed)
    assert np.polyfit(effects, truth, 1)[0] == pytest.approx(1.0, abs=0.08)


def test_effects_bend_at_the_average_where_the_signal_does_and_keep_average_and_order():
    rng = np.random.default_rng(4)
    smoothed = rng.normal(size=(20_000, 1))
    truth = np.where(smoothed[:, 0] < 0, 0.4, 1.6) * smoothed[:, 0]
    stack = stacked(smoothed, signals(truth + rng.normal(size=20_000)))
    effects = stack.effects(smoothed)
    assert np.abs(effects - truth).max() < 0.2
    assert effects.mean() == pytest.approx(stack.average)
    assert (np.argsort(effects) == np.argsort(smoothed[:, 0])).all()


def test_the_mean_over_folds_is_stretched_by_what_averaging_takes_off_the_spread():
    rng = np.random.default_rng(2)
    shared, own = rng.normal(size=20_000), rng.normal(size=(FOLDS, 20_000))
    assert stretch_of_means(shared + own) == pytest.approx(2 / (1 + 1 / FOLDS), rel=0.03)
    assert stretch_of_means(np.zeros((FOLDS, 10))) == 1.0
