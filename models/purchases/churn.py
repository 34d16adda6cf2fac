"""Churn: the probability that a customer does not buy within the horizon.

Belongs here: training, grading, asking and explaining the churn model, as a `Bundle`. Does not: what it is made of
(`propensity`, `baselines`), or when it is promoted (`gate`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import polars as pl

from models.bundle import Bundle, with_graded
from models.judging.baselines import RecencyRule, fit_recency_rule, recency_rule_from
from models.judging.calibration import log_loss, sigmoid
from models.judging.evaluation import Gain, auc, figures_beside, paired_gain, probability_figures
from models.judging.gate import Verdict, judge_probabilities, suspicious_features
from models.learners.encoding import Floats, fit_encoder, usable_features
from models.purchases.propensity import Propensity, propensity_from
from models.purchases.propensity_fitting import Recipe, fit_propensity
from models.snapshots.labels import KEYS
from models.snapshots.levels import intercept
from models.snapshots.rows import TrainingData, at, refuse_too_few, training_frame
from models.snapshots.season import Season
from models.snapshots.splits import SplitPlan

NAME = "churn"
PREFIX = "churn"
BASELINE_FILE = "churn_baseline.json"
BOUGHT = "bought"


def train_churn(
    data: TrainingData,
    outcomes: pl.DataFrame,
    plan: SplitPlan,
    *,
    threads: int = 1,
    seed: int = 1,
    tuned: Mapping[str, float] | None = None,
) -> Bundle:
    """Train, calibrate on a later period, grade on a later one still, and fit again on everything that is complete.

    Args:
        data: features of all the plan's snapshots (the population only), and the company's months.
        outcomes: `labels.outcomes` of the same snapshots over the plan's horizon.
        plan: see `splits.plan_splits`.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM and the bootstrap.
        tuned: settings of the trees that were searched for (`tuning`), in place of ours.

    Returns:
        A bundle named `churn`. Where the model does not pass the gate, `method` is `baseline`, and the recency rule
        itself is the model, so that scoring always works.

    Raises:
        TooFewOutcomesError: a part of the plan has fewer than 50 customers who left, or who stayed.
        OutcomesMissingError: features and outcomes don't belong together.
        FeaturesMismatchError: a named feature is absent, or no number or text.
    """
    rows = training_frame(data.features, outcomes, snapshots=plan.all_snapshots, model=NAME).with_columns(
        (1 - pl.col("churned")).cast(pl.Int8).alias(BOUGHT)
    )
    _refuse(rows, plan)
    kept, left_out = usable_features(at(rows, plan.train), data.feature_names)
    recipe = Recipe(
        model=NAME,
        target=BOUGHT,
        encoder=fit_encoder(at(rows, plan.complete), kept, model=NAME),
        horizon_days=plan.horizon_days,
        threads=threads,
        seed=seed,
        tuned=dict(tuned or {}),
    )
    graded = _fit(rows, (plan.train, plan.calibrate, plan.complete), recipe, data.season(plan.test))
    rule = _fit_rule(at(rows, plan.complete), data.recency_feature)
    figures, verdict = _grade(graded, rule, at(rows, [plan.test]), threads=threads, seed=seed)
    recipe = replace(recipe, encoder=fit_encoder(at(rows, plan.final_complete), kept, model=NAME))
    parts = (plan.final_train, plan.final_calibrate, plan.final_complete)
    final = _fit(rows, parts, recipe, data.season(data.as_of))
    final_rule = _fit_rule(rows, data.recency_feature)
    bundle = Bundle(
        name=NAME,
        method="lightgbm" if verdict.passed else "baseline",
        trained_as_of=data.as_of,
        features=kept if verdict.passed else (data.recency_feature,),
        files={BASELINE_FILE: final_rule.file(), **(final.files(PREFIX) if verdict.passed else {})},
        parameters={
            "plan": plan.described(),
            "rows": rows.height,
            "seed": seed,
            "season_weight": final.season_weight,
            "shares": asdict(final.shares),
            "calibrator": final.calibrator.kind,
            "features_left_out": left_out,
            "recency_feature": data.recency_feature,
            **({"tuned": recipe.tuned} if recipe.tuned else {}),
        },
        metrics=figures,
        reasons=verdict.reasons,
        beats_baseline=verdict.passed,
    )
    files = {BASELINE_FILE: rule.file(), **graded.files(PREFIX)}
    as_graded = replace(bundle, method="lightgbm", features=kept, trained_as_of=plan.test, files=files)
    return with_graded(bundle, as_graded)


def predict_churn(bundle: Bundle, features: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """Score customers.

    Args:
        bundle: a churn bundle.
        features: keys and (at least) the bundle's features; columns in any order.
        threads: for LightGBM.

    Returns:
        `customer_id`, `snapshot_date`, `churn_probability` (Float64, 0 to 1), rows as in `features`.

    Raises:
        FeaturesMismatchError: a feature of training is absent or of another type.
    """
    if bundle.method == "baseline":
        probabilities = recency_rule_from(bundle.files[BASELINE_FILE]).probabilities(features)
    else:
        model = propensity_from(bundle.files, PREFIX)
        probabilities = 1 - model.probabilities(features, model=NAME, threads=threads)
    rounded = np.round(probabilities, 6)  # the last bits depend on how rows were batched
    return features.select(KEYS).with_columns(pl.Series("churn_probability", rounded, dtype=pl.Float64))


def explain_churn(bundle: Bundle, features: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """What each feature adds to a customer's log-odds of churn, above 0: towards leaving.

    Before calibration, and without the season, which is the same for everybody.

    Returns:
        `customer_id`, `snapshot_date` and one Float64 column a feature of the bundle, rows as in `features`. For a
        baseline the one column is the days since the last purchase, against the average customer.
    """
    if bundle.method == "baseline":
        rule = recency_rule_from(bundle.files[BASELINE_FILE])
        parts = (rule.log_odds(features) - rule.mean_log_odds)[:, None]
        names: tuple[str, ...] = (rule.feature,)
    else:
        model = propensity_from(bundle.files, PREFIX)
        parts, names = -model.contributions(features, model=NAME, threads=threads), model.encoder.features
    columns = [pl.Series(name, parts[:, place], dtype=pl.Float64) for place, name in enumerate(names)]
    return features.select(KEYS).with_columns(columns)


def unseen_category_shares(bundle: Bundle, features: pl.DataFrame) -> dict[str, float]:
    """By text feature, the share of rows with a text unknown in training (scored as missing)."""
    if bundle.method == "baseline":
        return {}
    return propensity_from(bundle.files, PREFIX).encoder.unseen_shares(features)


def _refuse(rows: pl.DataFrame, plan: SplitPlan) -> None:
    parts = {"training": plan.train, "calibration": plan.calibrate, "test": (plan.test,)}
    for part, snapshots in parts.items():
        if snapshots:
            refuse_too_few(at(rows, snapshots), "churned", model=NAME, part=part, names=("leavers", "stayers"))


def _fit(
    rows: pl.DataFrame, parts: tuple[Sequence[date], Sequence[date], Sequence[date]], recipe: Recipe, season: Season
) -> Propensity:
    """Fit on the snapshots that train, calibrate, and are complete."""
    train, calibrate, complete = (at(rows, days) for days in parts)
    more = complete.height > train.height
    return fit_propensity(
        train,
        calibrate if calibrate.height else None,
        recipe,
        season,
        everything=complete if more else None,
    )


def _fit_rule(rows: pl.DataFrame, feature: str) -> RecencyRule:
    return fit_recency_rule(rows, feature=feature, churned=_numbers(rows, "churned"))


def _grade(
    model: Propensity, rule: RecencyRule, test: pl.DataFrame, *, threads: int, seed: int
) -> tuple[dict[str, float], Verdict]:
    """Test figures of the model, of the baseline beside them (`baseline_*`), and the gate's verdict.

    Until the season is known (a year, and half a year before it), how high the test window is as a whole is luck, for
    the rule as for the model. Then both are judged as if they had known it; the figures stay what they were.
    """
    churned = _numbers(test, "churned")
    ours, theirs = 1 - model.probabilities(test, model=NAME, threads=threads), rule.probabilities(test)
    figures, baseline = probability_figures(ours, churned), probability_figures(theirs, churned)
    gains = _gains(ours, theirs, churned, seed=seed)
    judged = (figures, baseline, gains)
    if not model.season.is_known:
        ours, theirs = _levelled(ours, churned), _levelled(theirs, churned)
        judged = (
            probability_figures(ours, churned),
            probability_figures(theirs, churned),
            _gains(ours, theirs, churned, seed=seed),
        )
    matrix = model.encoder.matrix(test, model=NAME)
    leaks = suspicious_features(matrix, model.encoder, churned)
    verdict = judge_probabilities(*judged, leaks, rival="the recency rule")
    if not model.season.is_known:
        told = (
            f"the season is not known yet, so both were judged at the test window's own level: {churned.mean():.3f} "
            f"left, {figures['predicted_rate']:.3f} were expected, {baseline['predicted_rate']:.3f} by the recency rule"
        )
        verdict = replace(verdict, reasons=(*verdict.reasons, told))
    return figures_beside(figures, baseline, gains, rows=test.height) | {"churn_rate": float(churned.mean())}, verdict


def _gains(ours: Floats, theirs: Floats, churned: Floats, *, seed: int) -> dict[str, Gain]:
    return {
        "auc": paired_gain(auc, ours, theirs, churned, seed=seed, higher_is_better=True),
        "log_loss": paired_gain(log_loss, ours, theirs, churned, seed=seed, higher_is_better=False),
    }


def _levelled(predicted: Floats, happened: Floats) -> Floats:
    """The same probabilities, moved together so that they mean what happened on the whole."""
    log_odds = np.log(predicted / (1 - predicted))
    return sigmoid(log_odds + intercept(log_odds, happened))


def _numbers(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].to_numpy().astype(np.float64)
