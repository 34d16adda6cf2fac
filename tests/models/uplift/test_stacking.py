"""Smoothings to one effect, where there is nothing to tell."""

import numpy as np

from models.uplift.stacking import stacked


def test_a_signal_that_is_everywhere_the_same_has_that_effect_and_no_other():
    smoothed = np.random.default_rng(0).normal(size=(50, 3))
    stack = stacked(smoothed, np.full(50, 0.0), np.ones(50), np.ones(50), None)
    assert stack.effects(smoothed).tolist() == [0.0] * 50
    assert np.isfinite(stack.errors(smoothed)).all()
