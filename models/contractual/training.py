"""Training the subscription model in time: fit, calibrate later, grade later still, fit again on everything.

Belongs here: the bundle `subscription_churn`, and what scoring asks of it. Does not: the hazard model itself
(`hazard`), the gate's rules (`models.judging.gate`).
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.contractual.evidence import card_evidence
from models.contractual.facts import KEYS, SCHEMA
from models.contractual.hazard import MODEL, Hazard, fit_hazard, hazard_from
from models.contractual.life_table import LifeTable, fit_life_table
from models.contractual.plan import ContractPlan
from models.contractual.steps import (
    DAYS_A_MONTH,
    KNOTS,
    STEP_DAYS,
    STEP_FEATURES,
    median_days,
    moved_on,
    steps_at_risk,
    subscribed_days,
    survival,
)
from models.judging.calibration import Calibrator, choose_calibrator, fit_calibrator, log_loss
from models.judging.evaluation import auc, figures_beside, paired_gain, probability_figures
from models.judging.gate import Verdict, judge_probabilities, suspicious_features
from models.learners.encoding import Encoder, Floats, fit_encoder, usable_features

NAME = MODEL
OWN_FEATURES = tuple(name for name in SCHEMA if name not in KEYS and name not in STEP_FEATURES)
FEWEST_ENDS = 30  # in training, calibration and test; below, the life table stands in
LARGEST_ROWS = 150_000
NEAR_DAYS, YEAR_DAYS = 90, 365


@dataclass(frozen=True, kw_only=True)
class ContractData:
    """What the model is trained from.

    Attributes:
        rows: facts of `facts.subscriber_facts` at the plan's snapshots, `days_until_end` of `facts.leaving_days`, and
            any other features of the same customers and snapshots (null where there are none).
        feature_names: those other features, in order.
        as_of: nothing known at or after this date is in here.
    """

    rows: pl.DataFrame
    feature_names: tuple[str, ...]
    as_of: date


def train_subscription_churn(data: ContractData, plan: ContractPlan, *, threads: int = 1, seed: int = 1) -> Bundle:
    """Train, calibrate on a later period, grade on a later one still, and fit again on everything that is over.

    Where there are too few snapshots or ends to learn from, the life table is the model, and the reasons say so.

    Returns:
        A bundle named `subscription_churn`; `method` is `lightgbm`, or `baseline` for the life table alone.
    """
    rows = data.rows.sort("snapshot_date", "customer_id")
    table = fit_life_table(_first_steps(rows, plan.settled))
    short = _too_little(rows, plan)
    if short:
        verdict, figures = Verdict(passed=False, reasons=(f"no: {short}",)), _told(rows, plan)
        found: dict[str, Any] = {}
        final = _table_only(table, plan.horizon_days)
    else:
        final, figures, verdict, found = _graded(data, rows, plan, table, threads=threads, seed=seed)
    return Bundle(
        name=NAME,
        method="lightgbm" if verdict.passed else "baseline",
        trained_as_of=data.as_of,
        features=tuple(name for name in final.encoder.features if name not in STEP_FEATURES),
        files=final.files(),
        parameters={
            "plan": plan.described(),
            "rows": rows.height,
            "seed": seed,
            "calibrator": final.calibrator.kind,
            **found,
        },
        metrics=figures,
        reasons=verdict.reasons,
        beats_baseline=verdict.passed,
    )


def predict_subscriptions(bundle: Bundle, frame: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """Score subscribers.

    Args:
        bundle: of `train_subscription_churn`.
        frame: facts of `facts.subscriber_facts` and (at least) the bundle's features.
        threads: for LightGBM.

    Returns:
        Keys; `subscription_churn_probability` (leaves within the horizon); `leaves_at_renewal_probability` (has left by
        the end of the thirty days in which the running billing period ends); `renews_on` (Date, when the next one
        begins); `expected_end_on` (Date: half of such customers have left by then; null where that is more than five
        years away); `expected_value_90d_amount`, `expected_value_12m_amount` (Int64, minor units: the price of what
        runs, for as long as it is expected to run). Rows as in `frame`.

    Raises:
        FeaturesMismatchError: a feature of training is absent or of another type.
    """
    model = hazard_from(bundle.files)
    hazards = model.hazards(frame, threads=threads)
    monthly = frame["contract_monthly_amount"].cast(pl.Float64).fill_null(0.0).to_numpy()
    # the whole step in which the period ends: a decision falls on its last day, not evenly on all
    to_renewal = np.ceil(frame["contract_days_to_renewal"].to_numpy() / STEP_DAYS) * STEP_DAYS
    today = pl.col("snapshot_date")
    days = pl.Series("days", median_days(hazards)).fill_nan(None).round().cast(pl.Int64)
    columns = {
        "subscription_churn_probability": np.round(1 - survival(hazards, float(model.horizon_days)), 6),
        "leaves_at_renewal_probability": np.round(1 - survival(hazards, to_renewal), 6),
    }
    for name, horizon in (("90d", NEAR_DAYS), ("12m", YEAR_DAYS)):
        months = subscribed_days(hazards, horizon) / DAYS_A_MONTH
        columns[f"expected_value_{name}_amount"] = np.rint(monthly * months)
    return (
        frame.select(*KEYS, "contract_days_to_renewal", days)
        .with_columns(pl.Series(name, values) for name, values in columns.items())
        .select(
            *KEYS,
            "subscription_churn_probability",
            "leaves_at_renewal_probability",
            (today + pl.duration(days="contract_days_to_renewal")).alias("renews_on"),
            (today + pl.duration(days="days")).alias("expected_end_on"),
            pl.col("expected_value_90d_amount", "expected_value_12m_amount").cast(pl.Int64),
        )
    )


def explain_subscriptions(bundle: Bundle, frame: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
    """What each feature adds to the log-odds of leaving: keys, a Float64 column a feature; rows as in `frame`.

    Before calibration; the mean of the steps within the horizon. What the life table says of age, plan and renewal
    stands under `contract_age_days`.
    """
    model = hazard_from(bundle.files)
    parts, _ = model.contributions(frame, threads=threads)
    names = model.encoder.features
    return frame.select(KEYS).with_columns(pl.Series(name, parts[:, place]) for place, name in enumerate(names))


def _graded(
    data: ContractData, rows: pl.DataFrame, plan: ContractPlan, table: LifeTable, *, threads: int, seed: int
) -> tuple[Hazard, dict[str, float], Verdict, dict[str, Any]]:
    """What is kept, its test figures, the gate's verdict, and what else a reader wants to know."""
    assert plan.test is not None  # noqa: S101 - _too_little says so
    learnt = _thinned(rows.filter(pl.col("snapshot_date") < plan.learnt_until))
    names = (*OWN_FEATURES, *(name for name in data.feature_names if name not in SCHEMA))
    kept, left_out = usable_features(learnt, names)
    encoder = _encoder(learnt, kept)
    then = fit_life_table(_first_steps(rows, plan.learnt_until))
    graded = fit_hazard(
        steps_at_risk(learnt, steps=KNOTS, until=plan.learnt_until),
        then,
        encoder,
        horizon_days=plan.horizon_days,
        threads=threads,
        seed=seed,
    )
    later, test = (_within(rows, days, plan.horizon_days) for days in (plan.calibrate, (plan.test,)))
    kind = "none"
    if later.height:
        scores = graded.horizon_log_odds(later, threads=threads)
        groups = later["snapshot_date"].to_physical().to_numpy().astype(np.float64)
        kind, _ = choose_calibrator(scores, _left(later), groups)
        graded = replace(graded, calibrator=fit_calibrator(kind, scores, _left(later)))
    figures, verdict, evidence = _grade(graded, then, test, threads=threads, seed=seed)
    found = {"features_left_out": left_out, "card": evidence}
    if not verdict.passed:
        return _table_only(table, plan.horizon_days), figures, verdict, found
    everything = _thinned(rows)
    final = fit_hazard(
        steps_at_risk(everything, steps=KNOTS, until=plan.settled),
        table,
        _encoder(everything, kept),
        horizon_days=plan.horizon_days,
        threads=threads,
        seed=seed,
    )
    both = pl.concat([later, test])
    scores = replace(graded, calibrator=Calibrator(kind="none")).horizon_log_odds(both, threads=threads)
    return replace(final, calibrator=fit_calibrator(kind, scores, _left(both))), figures, verdict, found


def _grade(
    model: Hazard, table: LifeTable, test: pl.DataFrame, *, threads: int, seed: int
) -> tuple[dict[str, float], Verdict, dict[str, Any]]:
    left = _left(test)
    ours = 1 - survival(model.hazards(test, threads=threads), model.horizon_days)
    plain = _table_only(table, model.horizon_days)
    theirs = 1 - survival(plain.hazards(test, threads=threads), model.horizon_days)
    figures, baseline = probability_figures(ours, left), probability_figures(theirs, left)
    gains = {
        "auc": paired_gain(auc, ours, theirs, left, seed=seed, higher_is_better=True),
        "log_loss": paired_gain(log_loss, ours, theirs, left, seed=seed, higher_is_better=False),
    }
    leaks = suspicious_features(model.encoder.matrix(moved_on(test, 0), model=NAME), model.encoder, left)
    verdict = judge_probabilities(figures, baseline, gains, leaks, rival="the life table (age, plan, renewal)")
    told = figures_beside(figures, baseline, gains, rows=test.height) | {"churn_rate": float(left.mean())}
    return told, verdict, card_evidence(ours, theirs, left, test)


def _too_little(rows: pl.DataFrame, plan: ContractPlan) -> str:
    """Why nothing but a life table can be learnt; empty where something can."""
    if plan.test is None:
        return f"subscriptions are seen for too short a time to be graded over {plan.horizon_days} days"
    parts = {
        "learn from": steps_at_risk(
            rows.filter(pl.col("snapshot_date") < plan.learnt_until), steps=[0], until=plan.learnt_until
        )["ends"].to_numpy(),
        "calibrate on": _left(_within(rows, plan.calibrate, plan.horizon_days)),
        "be graded on": _left(_within(rows, (plan.test,), plan.horizon_days)),
    }
    for what, ends in parts.items():
        if (plan.calibrate or what != "calibrate on") and not FEWEST_ENDS <= ends.sum() <= len(ends) - FEWEST_ENDS:
            return (
                f"too few customers who left (or stayed) to {what}: {int(ends.sum())} of {len(ends)} left, "
                f"{FEWEST_ENDS} of each are needed"
            )
    return ""


def _told(rows: pl.DataFrame, plan: ContractPlan) -> dict[str, float]:
    """What can be said without a test."""
    if plan.test is None:
        return {}
    test = _within(rows, (plan.test,), plan.horizon_days)
    return {"churn_rate": float(_left(test).mean()), "test_rows": float(test.height)} if test.height else {}


def _first_steps(rows: pl.DataFrame, until: date) -> pl.DataFrame:
    return steps_at_risk(rows, steps=[0], until=until)


def _within(rows: pl.DataFrame, snapshots: tuple[date, ...], horizon_days: int) -> pl.DataFrame:
    """Rows of some snapshots, with `left` (Int8): the last day lies within the horizon."""
    left = (pl.col("days_until_end") < horizon_days).fill_null(value=False).cast(pl.Int8)
    return rows.filter(pl.col("snapshot_date").is_in(list(snapshots))).with_columns(left.alias("left"))


def _left(rows: pl.DataFrame) -> Floats:
    return rows["left"].to_numpy().astype(np.float64)


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    """At most so many rows as make `LARGEST_ROWS` steps: every n-th customer, the same at all snapshots."""
    keep = LARGEST_ROWS // len(KNOTS)
    if rows.height <= keep:
        return rows
    customers = rows["customer_id"].unique().sort()
    every = -(-rows.height // keep)
    return rows.join(customers.gather_every(every).to_frame(), on="customer_id", how="semi")


def _encoder(rows: pl.DataFrame, kept: tuple[str, ...]) -> Encoder:
    plain = fit_encoder(rows, kept, model=NAME)
    return Encoder(features=(*STEP_FEATURES, *plain.features), categories=plain.categories)


def _table_only(table: LifeTable, horizon_days: int) -> Hazard:
    return Hazard(
        table=table,
        encoder=Encoder(features=STEP_FEATURES, categories={}),
        trees=None,
        smooth=None,
        horizon_days=horizon_days,
        calibrator=Calibrator(kind="none"),
    )
