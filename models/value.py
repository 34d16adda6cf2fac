"""Lifetime value: expected net spend over the next 90 days and 12 months.

Two heads: the near horizon (90 days) and the far one, the longest horizon that the history lets us learn and test.
Where that is shorter than a year, the rest of the year is an extension factor, read off the snapshots with a whole
year observed after them.
Belongs here: training, grading and asking the value model, as a `Bundle`. Does not: the hurdle of one horizon
(`value_head`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.baselines import RunRate
from models.bundle import Bundle
from models.encoding import Encoder, Floats, fit_encoder, usable_features
from models.evaluation import (
    amount_figures,
    figures_beside,
    mae,
    normalised_gini,
    paired_gain,
    rmse,
)
from models.gate import Verdict, judge_value
from models.labels import KEYS
from models.propensity import Recipe
from models.splits import YEAR_DAYS, SplitPlan, ValuePlan
from models.training import TrainingData, at, refuse_too_few, training_frame
from models.value_head import MODEL, SPENT, ValueHead, fit_value_head, value_head_from

NAME = MODEL
NEAR, FAR = "value_90d", "value_long"
HEADS_FILE = "value_heads.json"
SAME_SEASON_DAYS = 45


@dataclass(frozen=True, kw_only=True)
class _Trained:
    """One head, graded and fitted again."""

    head: ValueHead
    figures: dict[str, float]
    verdict: Verdict


def train_value(
    data: TrainingData, outcomes: Mapping[int, pl.DataFrame], plan: ValuePlan, *, threads: int = 1, seed: int = 1
) -> Bundle:
    """Train and grade both horizons, and fit them again on everything that is complete.

    Args:
        data: features of all the plan's snapshots (the population only), and the company's months.
        outcomes: `labels.outcomes` by horizon in days, for `plan.outcome_windows()`.
        plan: see `splits.plan_value`.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM and the bootstrap.

    Returns:
        A bundle named `value`. A head that does not pass the gate is the run rate instead; when the near head does
        not pass, both are, `method` is `baseline`, and the bundle is not to be promoted as a model.

    Raises:
        TooFewOutcomesError: a part of a plan has fewer than 50 customers who spent, or who didn't.
        OutcomesMissingError: features and outcomes don't belong together.
        FeaturesMismatchError: a named feature is absent, or no number or text.
    """
    near = _train_head(data, outcomes, plan.near, NEAR, threads=threads, seed=seed)
    far = near
    if plan.far != plan.near:
        far = _train_head(data, outcomes, plan.far, FAR, threads=threads, seed=seed)
    passed = near.verdict.passed
    far_passed = passed and far.verdict.passed
    extension, basis = _extension(data, outcomes, plan)
    heads = {
        "run_rate": {"feature": data.spend_feature, "first_event": str(data.first_event)},
        "near": {"horizon_days": plan.near.horizon_days, "method": _method(passed)},
        "far": {"horizon_days": plan.far.horizon_days, "method": _method(far_passed), "is_near": far is near},
        "extension_factor": extension,
    }
    files = {HEADS_FILE: json.dumps(heads, sort_keys=True).encode()}
    files |= near.head.files(NEAR) if passed else {}
    files |= far.head.files(FAR) if far_passed and far is not near else {}
    used = {*near.head.propensity.encoder.features, *far.head.propensity.encoder.features} if passed else set()
    return Bundle(
        name=NAME,
        method=_method(passed),
        trained_as_of=data.as_of,
        features=tuple(name for name in data.feature_names if name in used | {data.spend_feature}),
        files=files,
        parameters=_parameters(near, far, plan, basis) | {"seed": seed, "heads": heads},
        metrics=near.figures | ({} if far is near else far.figures),
        reasons=near.verdict.reasons + (() if far is near else far.verdict.reasons),
        beats_baseline=passed,
    )


def predict_value(bundle: Bundle, features: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """Score customers.

    Args:
        bundle: a value bundle.
        features: keys and (at least) the bundle's features; columns in any order.
        threads: for LightGBM.

    Returns:
        `customer_id`, `snapshot_date`, `expected_value_90d_amount` and `expected_value_12m_amount` (Int64, minor
        units, at least 0, the second at least the first), rows as in `features`.

    Raises:
        FeaturesMismatchError: a feature of training is absent or of another type.
    """
    heads = json.loads(bundle.files[HEADS_FILE])
    near = _amounts(bundle, heads, "near", features, threads=threads)
    far = near if heads["far"]["is_near"] else _amounts(bundle, heads, "far", features, threads=threads)
    year = np.maximum(far * heads["extension_factor"], near)
    return features.select(KEYS).with_columns(
        pl.Series("expected_value_90d_amount", _whole(near), dtype=pl.Int64),
        pl.Series("expected_value_12m_amount", _whole(year), dtype=pl.Int64),
    )


def _train_head(
    data: TrainingData, outcomes: Mapping[int, pl.DataFrame], plan: SplitPlan, prefix: str, *, threads: int, seed: int
) -> _Trained:
    days = plan.horizon_days
    rows = training_frame(data.features, outcomes[days], snapshots=plan.all_snapshots, model=NAME).with_columns(
        (pl.col("value_amount") > 0).cast(pl.Int8).alias(SPENT)
    )
    for part, snapshots in (("training", plan.train), ("calibration", plan.calibrate), ("test", (plan.test,))):
        if snapshots:
            names = ("customers who spent", "customers who didn't")
            refuse_too_few(at(rows, snapshots), SPENT, model=f"{days}-day value", part=part, names=names)
    kept, _ = usable_features(at(rows, plan.train), data.feature_names)
    recipe = Recipe(model=NAME, encoder=_encoder(rows, kept), horizon_days=days, threads=threads, seed=seed)
    run_rate = RunRate(feature=data.spend_feature, first_event=data.first_event)
    graded = fit_value_head(
        at(rows, plan.train),
        _or_none(rows, plan.calibrate),
        recipe,
        season=data.season(plan.test),
        run_rate=run_rate,
    )
    figures, verdict = _grade(graded, at(rows, [plan.test]), prefix, threads=threads, seed=seed)
    final = fit_value_head(
        at(rows, plan.final_train),
        _or_none(rows, plan.final_calibrate),
        recipe,
        season=data.season(data.as_of),
        run_rate=run_rate,
        like=graded,
    )
    return _Trained(head=final, figures=figures, verdict=verdict)


def _grade(
    head: ValueHead, test: pl.DataFrame, prefix: str, *, threads: int, seed: int
) -> tuple[dict[str, float], Verdict]:
    """Test figures (money in minor units) beside the run rate's, and the gate's verdict."""
    actual = test["value_amount"].to_numpy().astype(np.float64)
    ours = head.amounts(test, threads=threads)
    theirs = head.run_rate.amounts(test, horizon_days=head.horizon_days)
    gains = {
        "normalised_gini": paired_gain(normalised_gini, ours, theirs, actual, seed=seed, higher_is_better=True),
        "mae": paired_gain(mae, ours, theirs, actual, seed=seed, higher_is_better=False),
        "rmse": paired_gain(rmse, ours, theirs, actual, seed=seed, higher_is_better=False),
    }
    figures, baseline = amount_figures(ours, actual), amount_figures(theirs, actual)
    told = figures_beside(figures, baseline, gains, rows=test.height, prefix=f"{prefix}_")
    return told, judge_value(figures, gains, baseline, f"{head.horizon_days} days")


def _extension(data: TrainingData, outcomes: Mapping[int, pl.DataFrame], plan: ValuePlan) -> tuple[float, str]:
    """What a year brings over what the far horizon brings, and how that is known, in words."""
    days = plan.far.horizon_days
    if days >= YEAR_DAYS:
        return 1.0, "12 months learnt and tested whole"
    steady = YEAR_DAYS / days
    near_season = [day for day in plan.year_snapshots if _days_apart_in_the_year(day, data.as_of) <= SAME_SEASON_DAYS]
    snapshots = near_season or list(plan.year_snapshots)
    short, whole = (_total(data.features, outcomes, length, snapshots) for length in (days, YEAR_DAYS))
    if not snapshots or short <= 0:
        return steady, f"{days} days learnt and tested, extended to 12 months at the same pace (x {steady:.2f})"
    factor = round(min(max(whole / short, 1.0), 2 * steady), 6)
    when = "of the same season" if near_season else "of other seasons"
    told = f"(x {factor:.2f} = 12 months over {days} days after {len(snapshots)} snapshots {when})"
    return factor, f"{days} days learnt and tested, extended to 12 months {told}"


def _total(features: pl.DataFrame, outcomes: Mapping[int, pl.DataFrame], days: int, snapshots: Iterable[date]) -> float:
    wanted = list(snapshots)
    if not wanted:
        return 0.0
    asked = features.filter(pl.col("snapshot_date").is_in(wanted)).select(KEYS)
    return float(asked.join(outcomes[days], on=KEYS, how="inner", validate="1:1")["value_amount"].sum())


def _days_apart_in_the_year(one: date, other: date) -> int:
    apart = abs((one - other).days) % YEAR_DAYS
    return min(apart, YEAR_DAYS - apart)


def _amounts(bundle: Bundle, heads: dict[str, Any], which: str, features: pl.DataFrame, *, threads: int) -> Floats:
    stored = heads["run_rate"]
    run_rate = RunRate(feature=stored["feature"], first_event=date.fromisoformat(stored["first_event"]))
    if heads[which]["method"] == "baseline":
        return run_rate.amounts(features, horizon_days=heads[which]["horizon_days"])
    return value_head_from(bundle.files, NEAR if which == "near" else FAR, run_rate).amounts(features, threads=threads)


def _parameters(near: _Trained, far: _Trained, plan: ValuePlan, basis: str) -> dict[str, Any]:
    return {
        "plan_near": plan.near.described(),
        "plan_far": plan.far.described(),
        "value_12m_basis": basis if far.verdict.passed else f"{basis}; the run rate stands in for the far model",
        "season_weight": near.head.propensity.season_weight,
        "calibrator": near.head.propensity.calibrator.kind,
        "calibration_factor": near.head.factor,
    }


def _encoder(rows: pl.DataFrame, kept: tuple[str, ...]) -> Encoder:
    return fit_encoder(rows, kept, model=NAME)


def _or_none(rows: pl.DataFrame, snapshots: tuple[date, ...]) -> pl.DataFrame | None:
    return at(rows, snapshots) if snapshots else None


def _method(passed: bool) -> str:  # noqa: FBT001 - the one fact it names
    return "lightgbm" if passed else "baseline"


def _whole(amounts: Floats) -> Floats:
    """Minor units, rounded half to even, once, at the edge."""
    return np.rint(np.maximum(amounts, 0.0))
