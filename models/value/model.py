"""Lifetime value: expected net spend (or margin) over the next 90 days, 12 and 24 months, what is typical, the range.

Two heads: the near horizon (90 days) and the far one, the longest horizon that the history lets us learn and test.
Where that is shorter than a year, the rest of the year is an extension factor, read off the snapshots with a whole
year observed after them. The second year is the first one's purchases carried on by the purchase model, and both years
are discounted from their middle. Belongs here: putting horizons together as a `Bundle`, and asking it. Does not: the
training of one horizon (`training`), how a head is made (`head`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle, with_graded
from models.judging.baselines import RunRate
from models.learners.encoding import Floats
from models.snapshots.labels import KEYS
from models.snapshots.rows import TrainingData
from models.snapshots.splits import YEAR_DAYS, ValuePlan
from models.snapshots.value_basis import outcomes_of
from models.value.grading import BASELINE, PARAMETRIC, TREES, amounts_by
from models.value.head import MODEL, ValueHead, value_head_from
from models.value.intervals import Intervals, intervals_from
from models.value.training import TrainedHead, intervals_of, train_head

NAME = MODEL
NEAR, FAR = "value_90d", "value_long"
HEADS_FILE = "value_heads.json"
PURCHASES = f"{NEAR}_purchase_model"
"""The purchase model of the near horizon, kept beside trees and run rate: to be asked what it would say."""
SAME_SEASON_DAYS = 45
DISCOUNT_RATE_PER_YEAR = 0.10
MONTH_DAYS = 30


def train_value(
    data: TrainingData,
    outcomes: Mapping[int, pl.DataFrame],
    plan: ValuePlan,
    *,
    threads: int = 1,
    seed: int = 1,
    discount_rate_per_year: float = DISCOUNT_RATE_PER_YEAR,
    tuned: Mapping[str, float] | None = None,
) -> Bundle:
    """Train and grade both horizons, and fit them again on everything that is complete.

    Args:
        data: features of all the plan's snapshots (the population only).
        outcomes: `labels.outcomes` by horizon in days, for `plan.outcome_windows()`.
        plan: see `splits.plan_value`.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM and the bootstrap.
        discount_rate_per_year: of money that comes later, for the 24 months.
        tuned: settings of the near horizon's trees that were searched for (`tuning`), in place of ours.

    Returns:
        A bundle named `value`. A head whose trees don't pass the gate is the better baseline: the purchase model or the
        run rate. `beats_baseline`: the near head's trees passed, or they gave way to a purchase model that passes
        against the run rate; else both heads are baselines, and the bundle is not to be promoted as a model.

    Raises:
        TooFewOutcomesError: a part of a plan has fewer than 50 customers who spent, or who didn't.
        OutcomesMissingError: features and outcomes don't belong together.
        FeaturesMismatchError: a named feature is absent, or no number or text.
    """
    outcomes = {days: outcomes_of(frame, data.value_of) for days, frame in outcomes.items()}
    near = train_head(data, outcomes[plan.near.horizon_days], plan.near, NEAR, threads=threads, seed=seed, tuned=tuned)
    far = near
    if plan.far != plan.near:
        far = train_head(data, outcomes[plan.far.horizon_days], plan.far, FAR, threads=threads, seed=seed)
    tested_far = far
    if not near.verdict.passed:
        far = near if far is near else far.by(near.method)
    elif not far.verdict.passed and plan.year_snapshots:
        far = near
    extension, basis = _extension(data, outcomes, plan, far)
    heads = _heads(data, near, far, extension) | {
        "discount_rate_per_year": discount_rate_per_year,
        "intervals_90d": near.intervals.described(),
        "intervals_12m": _year_intervals(data, outcomes, plan, far, extension).described(),
    }
    files = {HEADS_FILE: json.dumps(heads, sort_keys=True).encode(), **near.head.files(NEAR)}
    files |= far.head.files(FAR) if far is not near else {}
    files |= near.purchases.files(PURCHASES) if near.purchases and near.method != PARAMETRIC else {}
    bundle = Bundle(
        name=NAME,
        method=near.method,
        trained_as_of=data.as_of,
        features=_features(data, near.head, far.head),
        files=files,
        parameters=_parameters(near, tested_far, plan, basis)
        | {
            "seed": seed,
            "heads": heads,
            "value_of": data.value_of,
            "known_cost_share": round(data.known_cost_share, 4),
            **({"tuned": dict(tuned)} if tuned else {}),
        },
        metrics=near.figures | tested_far.figures,
        reasons=tuple(dict.fromkeys(near.verdict.reasons + tested_far.verdict.reasons)),
        beats_baseline=near.verdict.passed,
    )
    return with_graded(bundle, _as_graded(bundle, near, data))


def predict_value(bundle: Bundle, features: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """Score customers.

    Args:
        bundle: a value bundle.
        features: keys and (at least) the bundle's features; columns in any order.
        threads: for LightGBM.

    Returns:
        Rows as in `features`: `customer_id`, `snapshot_date`; in minor units, Int64, at least 0:
        `expected_value_90d_amount`; `expected_value_12m_amount`, at least the former; the 80 % interval of the latter,
        `expected_value_12m_low_amount` and `expected_value_12m_high_amount`; `typical_value_90d_amount` (absent where
        a bundle is older than it) and `typical_value_12m_amount`, as many customers alike bring more as bring less;
        `expected_value_24m_amount`, discounted to the snapshot. And
        `expected_orders_30d`, `expected_orders_90d` (Float64): purchases.

    Raises:
        FeaturesMismatchError: a feature of training is absent or of another type.
    """
    asked = _Asked.of(bundle)
    near = asked.near_amounts(features, threads=threads)
    far = near if asked.far is asked.near else asked.far_amounts(features, threads=threads)
    year = np.maximum(far * asked.heads["extension_factor"], near)
    low, typical, high = asked.intervals.around(year)
    half_a_year = (1 + asked.heads["discount_rate_per_year"]) ** -0.5
    second = year * asked.near.anchor.second_year_share(features)
    orders = asked.near.orders(features, threads=threads)
    monthly, quarterly = (
        asked.near.anchor.orders(features, horizon_days=days) for days in (MONTH_DAYS, asked.near.horizon_days)
    )
    amounts = {
        "expected_value_90d": near,
        **({"typical_value_90d": asked.near_intervals.around(near)[1]} if asked.near_intervals else {}),
        "expected_value_12m": year,
        "expected_value_24m": year * half_a_year + second * half_a_year**3,
        "expected_value_12m_low": low,
        "typical_value_12m": typical,
        "expected_value_12m_high": high,
    }
    return features.select(KEYS).with_columns(
        *(pl.Series(f"{name}_amount", _whole(values), dtype=pl.Int64) for name, values in amounts.items()),
        pl.Series("expected_orders_30d", orders * monthly / np.maximum(quarterly, 1e-12), dtype=pl.Float64),
        pl.Series("expected_orders_90d", orders, dtype=pl.Float64),
    )


def explain_value(bundle: Bundle, features: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """What each feature adds to the logarithm of a customer's expected value of 90 days, above 0: worth more.

    What is expected without learning, over the usual customer's, counts for the spend it mostly comes from.

    Returns:
        `customer_id`, `snapshot_date` and one Float64 column a feature of the bundle, rows as in `features`.
    """
    asked = _Asked.of(bundle)
    head, spend = asked.near, asked.near.anchor.run_rate.feature
    parts = {spend: head.anchor_over_usual(features)}
    if head.amount_trees:
        trees = head.contributions(features, threads=threads)
        for place, name in enumerate(head.encoder.features):
            parts[name] = trees[:, place] + (parts[name] if name == spend else 0.0)
    columns = [pl.Series(name, values, dtype=pl.Float64) for name, values in parts.items()]
    return features.select(KEYS).with_columns(columns)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A bundle, opened."""

    heads: dict[str, Any]
    near: ValueHead
    far: ValueHead
    intervals: Intervals
    near_intervals: Intervals | None

    @classmethod
    def of(cls, bundle: Bundle) -> "_Asked":
        heads = json.loads(bundle.files[HEADS_FILE])
        stored = heads["run_rate"]
        run_rate = RunRate(feature=stored["feature"], first_event=date.fromisoformat(stored["first_event"]))
        purchases_asked = heads["near"]["method"] == PARAMETRIC and f"{PURCHASES}.json" in bundle.files
        near = value_head_from(bundle.files, PURCHASES if purchases_asked else NEAR, run_rate)
        far = near if heads["far"]["is_near"] else value_head_from(bundle.files, FAR, run_rate)
        near_intervals = intervals_from(heads["intervals_90d"]) if "intervals_90d" in heads else None
        intervals = intervals_from(heads["intervals_12m"])
        return cls(heads=heads, near=near, far=far, intervals=intervals, near_intervals=near_intervals)

    def near_amounts(self, features: pl.DataFrame, *, threads: int) -> Floats:
        return amounts_by(self.heads["near"]["method"], self.near, features, threads=threads)

    def far_amounts(self, features: pl.DataFrame, *, threads: int) -> Floats:
        return amounts_by(self.heads["far"]["method"], self.far, features, threads=threads)


def _heads(data: TrainingData, near: TrainedHead, far: TrainedHead, extension: float) -> dict[str, Any]:
    return {
        "run_rate": {"feature": data.spend_feature, "first_event": str(data.first_event)},
        "near": {"horizon_days": near.horizon_days, "method": near.method, "rival": near.graded.rival},
        "far": {"horizon_days": far.horizon_days, "method": far.method, "is_near": far is near},
        "extension_factor": extension,
    }


def _as_graded(bundle: Bundle, near: TrainedHead, data: TrainingData) -> Bundle:
    """What was graded of the near head, alone: the far one's test snapshot is an earlier one.

    Trees that did not pass are kept here too: whoever looks at the figures, or insists on them, means them.
    """
    graded, tested = near.graded, near.graded.tested
    alone = replace(near, head=tested, method=TREES if tested.amount_trees else PARAMETRIC)
    heads = _heads(data, alone, alone, YEAR_DAYS / near.horizon_days) | {
        "discount_rate_per_year": DISCOUNT_RATE_PER_YEAR,
        "intervals_90d": near.intervals.described(),
        "intervals_12m": near.intervals.described(),
    }
    files = {HEADS_FILE: json.dumps(heads, sort_keys=True).encode(), **tested.files(NEAR)}
    files |= graded.purchases.files(PURCHASES) if graded.purchases and alone.method == TREES else {}
    return replace(
        bundle,
        method=alone.method,
        features=_features(data, tested),
        trained_as_of=date.fromisoformat(str(bundle.parameters["plan_near"]["test"])),
        files=files,
    )


def _features(data: TrainingData, *heads: ValueHead) -> tuple[str, ...]:
    """What the heads look at, in the catalogue's order."""
    used = {data.spend_feature}.union(*(head.encoder.features for head in heads), *(h.anchor.features for h in heads))
    return tuple(name for name in data.feature_names if name in used)


def _year_intervals(
    data: TrainingData, outcomes: Mapping[int, pl.DataFrame], plan: ValuePlan, far: TrainedHead, extension: float
) -> Intervals:
    """Intervals of 12 months: from years seen whole where there are any, else as wide as the far horizon's.

    The head has learnt from windows of those years, which makes them narrower by next to nothing: with customers that
    the fit had not seen, coverage was .003 more.
    """
    if far.horizon_days >= YEAR_DAYS or not plan.year_snapshots:
        return far.intervals
    whole = outcomes[YEAR_DAYS].select(*KEYS, "value_amount")
    asked = data.features.filter(pl.col("snapshot_date").is_in(plan.year_snapshots))
    rows = asked.join(whole, on=KEYS, how="inner", validate="1:1").sort("snapshot_date", "customer_id")
    if rows.is_empty():
        return far.intervals
    expected = pl.Series("expected", far.amounts(rows) * extension)
    return intervals_of(rows.select("snapshot_date", "value_amount", expected))


def _extension(
    data: TrainingData, outcomes: Mapping[int, pl.DataFrame], plan: ValuePlan, far: TrainedHead
) -> tuple[float, str]:
    """What a year brings over what the far horizon brings, and how that is known, in words.

    Read off years seen whole that began in the same season; in others, or where none is, what the coming window's own
    level has above or below the usual is not carried into the rest of the year.
    """
    days = far.horizon_days
    if days >= YEAR_DAYS:
        return 1.0, "12 months learnt and tested whole"
    steady = YEAR_DAYS / days
    seen = [day for day in plan.year_snapshots if day in set(outcomes[days]["snapshot_date"].unique())]
    near_season = [day for day in seen if _days_apart_in_the_year(day, data.as_of) <= SAME_SEASON_DAYS]
    snapshots = near_season or seen
    short, whole = (_total(data.features, outcomes, length, snapshots) for length in (days, YEAR_DAYS))
    correction = (
        1.0 if near_season or far.method == BASELINE else far.head.amount_levels.usual_over_expected(data.as_of)
    )
    told = f"{days} days learnt and tested, extended to 12 months"
    if not snapshots or short <= 0:
        factor = round(steady * correction, 6)
        return factor, f"{told} at the same pace (x {factor:.2f})"
    factor = round(min(max(whole / short * correction, 1.0), 2 * steady), 6)
    when = "of the same season" if near_season else "of other seasons"
    return factor, f"{told} (x {factor:.2f} = 12 months over {days} days after {len(snapshots)} snapshots {when})"


def _total(features: pl.DataFrame, outcomes: Mapping[int, pl.DataFrame], days: int, snapshots: Iterable[date]) -> float:
    wanted = list(snapshots)
    if not wanted:
        return 0.0
    asked = features.filter(pl.col("snapshot_date").is_in(wanted)).select(KEYS)
    return float(asked.join(outcomes[days], on=KEYS, how="inner", validate="1:1")["value_amount"].sum())


def _days_apart_in_the_year(one: date, other: date) -> int:
    apart = abs((one - other).days) % YEAR_DAYS
    return min(apart, YEAR_DAYS - apart)


def _parameters(near: TrainedHead, far: TrainedHead, plan: ValuePlan, basis: str) -> dict[str, Any]:
    stands = basis if far.verdict.passed else f"{basis}; the model of {far.horizon_days} days did not pass"
    return {
        "plan_near": plan.near.described(),
        "plan_far": plan.far.described(),
        "value_12m_basis": stands,
        "levels_90d": near.head.amount_levels.described(),
        "intervals_90d": near.intervals.described(),
        "anchor": near.head.anchor.described(),
    }


def _whole(amounts: Floats) -> Floats:
    """Minor units, rounded half to even, once, at the edge."""
    return np.rint(np.maximum(amounts, 0.0))
