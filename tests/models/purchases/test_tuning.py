import builtins

import numpy as np
import pytest

from models.errors import TuningNotInstalledError
from models.learners import boosting
from models.learners.encoding import usable_features
from models.purchases import tuning
from models.purchases.propensity_fitting import tree_settings
from models.purchases.tuning import Budget, tune_churn
from models.snapshots.rows import at
from models.value import tuning as value_tuning


def budget(folder, trials, minutes=1.0):
    return Budget(trials=trials, minutes=minutes, storage=f"sqlite:///{folder}/studies.db", study="churn")


def test_a_search_goes_on_where_it_stopped_and_never_sees_the_test_period(
    data, happened, churn_plan, tmp_path, monkeypatch
):
    looked_at, frames = set(), tuning.training_frame

    def watched(features, outcomes, *, snapshots, model):
        looked_at.update(snapshots)
        return frames(features, outcomes, snapshots=snapshots, model=model)

    monkeypatch.setattr(tuning, "training_frame", watched)
    monkeypatch.setattr(tuning, "WORTH_IT", -1.0)
    ticks = []
    first = tune_churn(
        data, happened[90], churn_plan, budget=budget(tmp_path, 1), threads=1, seed=1, tick=lambda: ticks.append(1)
    )
    rows = at(frames(data.features, happened[90], snapshots=churn_plan.train, model="churn"), churn_plan.train)
    kept, _ = usable_features(rows, data.feature_names)
    ours = tree_settings(rows.height, len(kept))  # what training takes without a search is what has to be beaten
    assert (first.trials, first.settings, first.loss) == (1, ours, first.default_loss)
    again = tune_churn(
        data, happened[90], churn_plan, budget=budget(tmp_path, 3), threads=1, seed=1, tick=lambda: ticks.append(1)
    )
    assert (again.trials, len(ticks)) == (3, 3)
    assert again.loss <= again.default_loss == first.default_loss
    assert looked_at == {*churn_plan.train, *churn_plan.calibrate}
    assert churn_plan.test not in looked_at


def test_without_the_library_it_says_what_to_install(data, happened, churn_plan, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TuningNotInstalledError, match="Optuna"):
        tune_churn(data, happened[90], churn_plan, budget=budget(tmp_path, 1), threads=1, seed=1, tick=lambda: None)


def test_value_is_searched_for_too_and_never_sees_its_test_period(data, happened, value_plan, tmp_path, monkeypatch):
    looked_at, frames = set(), value_tuning.training_frame

    def watched(features, outcomes, *, snapshots, model):
        looked_at.update(snapshots)
        return frames(features, outcomes, snapshots=snapshots, model=model)

    monkeypatch.setattr(value_tuning, "training_frame", watched)
    monkeypatch.setattr(value_tuning, "WORTH_IT", -1.0)
    near = value_plan.near
    given = {"threads": 1, "seed": 1, "tick": lambda: None}
    first = value_tuning.tune_value(data, happened[90], near, budget=budget(tmp_path, 1), **given)
    assert first.loss == first.default_loss == pytest.approx(1.0)  # ours over ours
    again = value_tuning.tune_value(data, happened[90], near, budget=budget(tmp_path, 2), **given)
    assert (again.trials, again.loss <= 1.0) == (2, True)
    assert set(again.settings) == {*boosting.mean_settings(1000)}
    assert looked_at == {*near.train, *near.calibrate}


def test_the_deviance_is_least_for_the_true_mean():
    actual = np.array([0.0, 0.0, 100.0, 300.0])
    losses = [value_tuning.tweedie_deviance(np.full(4, mean), actual) for mean in (60.0, 100.0, 140.0)]
    assert losses[1] < min(losses[0], losses[2])
