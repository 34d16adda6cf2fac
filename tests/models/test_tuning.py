import builtins

import pytest

from models import tuning
from models.encoding import usable_features
from models.errors import TuningNotInstalledError
from models.propensity_fitting import tree_settings
from models.training import at
from models.tuning import Budget, tune_churn


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
