from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.comparing import as_it_stood, baseline_predictions, compare, in_words, judge_difference, predictions
from models.snapshots.rows import training_frame


@pytest.fixture(scope="module")
def test_rows(data, happened, churn_plan):
    return training_frame(data.features, happened[90], snapshots=[churn_plan.test], model="churn")


def test_a_version_is_asked_as_it_stood_on_the_date(churn_bundle, churn_plan):
    snapshot = churn_plan.test
    assert churn_bundle.trained_as_of > snapshot
    assert as_it_stood(churn_bundle, 3, snapshot).bundle is churn_bundle.graded
    assert as_it_stood(churn_bundle, 3, snapshot).as_graded
    assert as_it_stood(churn_bundle, 3, churn_bundle.trained_as_of).bundle is churn_bundle
    assert as_it_stood(churn_bundle, 3, snapshot - timedelta(days=1)) is None
    assert as_it_stood(replace(churn_bundle, graded=None), 3, snapshot) is None


def test_what_was_graded_says_what_its_figures_say(churn_bundle, churn_plan, test_rows):
    """The model kept as graded gives the bundle's own test figures again, on the same rows."""
    found = compare([as_it_stood(churn_bundle, 1, churn_plan.test)], test_rows, snapshot=churn_plan.test, seed=1)
    assert found.figures[1]["auc"] == pytest.approx(churn_bundle.metrics["auc"], abs=1e-4)
    assert found.rows == churn_bundle.metrics["test_rows"]
    churned = test_rows["churned"].to_numpy()
    rule = baseline_predictions(churn_bundle.graded, test_rows)
    assert np.corrcoef(rule, churned)[0, 1] > 0
    assert not np.allclose(rule, predictions(churn_bundle.graded, test_rows))


def test_a_challenger_that_is_the_baseline_is_surely_worse_and_the_other_way_round(churn_bundle, churn_plan, test_rows):
    model = as_it_stood(churn_bundle, 1, churn_plan.test)
    rule = replace(model, version=2, bundle=replace(model.bundle, method="baseline"))
    found = compare([model, rule], test_rows, snapshot=churn_plan.test, seed=1)
    assert found.verdicts == {2: "worse"}
    assert "worse" in in_words(found, 2)
    assert found.plain()["verdicts"] == {"2": "worse"}
    assert compare([rule, model], test_rows, snapshot=churn_plan.test, seed=1).verdicts == {1: "better"}
    assert compare([model, replace(model, version=3)], test_rows, snapshot=churn_plan.test, seed=1).verdicts == {
        3: "no sure difference"
    }


@pytest.mark.parametrize(
    ("auc", "loss", "verdict"),
    [
        ((0.01, 0.005, 0.02), (0.0, -0.01, 0.01), "better"),
        ((0.0, -0.01, 0.01), (0.0, -0.01, 0.01), "no sure difference"),
        ((-0.001, -0.002, -0.0005), (0.0, -0.01, 0.01), "no sure difference"),  # sure, and of no account
        ((-0.02, -0.03, -0.01), (0.01, 0.005, 0.02), "worse"),
    ],
)
def test_verdicts(auc, loss, verdict):
    gains = {
        name: dict(zip(("mean", "low", "high"), told, strict=True)) for name, told in (("auc", auc), ("log_loss", loss))
    }
    assert judge_difference("churn", gains, {"auc": 0.8, "log_loss": 0.5}) == verdict


def test_other_models_are_not_asked(churn_bundle):
    with pytest.raises(KeyError):
        predictions(replace(churn_bundle, name="next_offer"), pl.DataFrame())
