"""The effect model against a trial whose true effects are known, and what it does where there is nothing to tell."""

import numpy as np
import polars as pl
import pytest

from models.uplift.keeping import trial_model_files, trial_model_from
from models.uplift.learning import fit_single_rule, fit_trial
from models.uplift.trial import Trial, shares_as_propensity

ROWS = 4_000


def made_trial(effect, *, seed=3, rows=ROWS):
    """A coin decides; the outcome is likelier by `effect(other)`."""
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=rows), rng.integers(0, 2, rows).astype(float)
    arm = rng.integers(0, 2, rows)
    chance = 0.2 + 0.1 * (one > 0) + arm * effect(other)
    arms = ("left alone", "letter")
    return Trial(
        table=pl.DataFrame({"one": one, "other": other}),
        arm=arm,
        arms=arms,
        outcome=(rng.random(rows) < chance).astype(float),
        propensity=shares_as_propensity(arm, arms),
        groups=[f"c{row}" for row in range(rows)],
    )


@pytest.fixture(scope="module")
def moderated():
    trial = made_trial(lambda other: 0.3 * other)
    return trial, fit_trial(trial, folds=3)


def test_effects_follow_what_moderates_them(moderated):
    trial, model = moderated
    effects, errors = model.predict(trial.table)
    with_it, without = (effects[0][trial.table["other"].to_numpy() == value].mean() for value in (1.0, 0.0))
    assert with_it == pytest.approx(0.3, abs=0.06)
    assert without == pytest.approx(0.0, abs=0.06)
    assert (errors > 0).all()
    assert fit_single_rule(trial, 1).column == "other"


def test_expected_outcomes_without_treatment_are_those_of_the_control_group(moderated):
    trial, model = moderated
    assert model.untreated(trial.table).mean() == pytest.approx(trial.outcome[trial.arm == 0].mean(), abs=0.02)


def test_where_all_have_the_same_effect_nobody_is_told_apart_by_much():
    trial = made_trial(lambda other: np.full(len(other), 0.1))
    effects, _ = fit_trial(trial, folds=3).predict(trial.table)
    assert effects[0].std() < 0.03
    assert effects[0].mean() == pytest.approx(0.1, abs=0.03)


def test_a_kept_model_says_the_same(moderated):
    trial, model = moderated
    again = trial_model_from(trial_model_files(model))
    np.testing.assert_array_equal(again.predict(trial.table)[0], model.predict(trial.table)[0])
