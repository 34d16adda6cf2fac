"""Churn without outcomes: P(no purchase within the horizon) by a BG/NBD model of the company's own customers.

Belongs here: the bundle, its check, and who is a customer still. Does not: amounts (`value`), the ordinary churn model
(`models.purchases.churn`), which asks such a bundle as well.
"""

from dataclasses import replace

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.buy_till_you_die.from_features import NEEDED, PurchaseOdds, fit_purchase_odds
from models.judging.calibration import Calibrator
from models.judging.evaluation import auc, figures_beside, probability_figures
from models.judging.grading import FITTED_WITHOUT_OUTCOMES
from models.learners.encoding import Encoder
from models.purchases.churn import NAME, PREFIX, predict_churn
from models.purchases.propensity import Propensity, Shares, propensity_from
from models.short_history.checking import (
    CHECKED,
    METHOD,
    CheckPlan,
    checked_rows,
    customers_now,
    in_order,
    opening_reasons,
)
from models.snapshots.rows import TrainingData
from models.snapshots.season import Season
from models.snapshots.splits import YEAR_DAYS

STILL = 0.5  # a date is given to who is rather a customer than not


def churn_from_purchases(data: TrainingData, outcomes: pl.DataFrame, plan: CheckPlan) -> Bundle:
    """P(no purchase within the horizon) by a BG/NBD model of the company's own customers.

    Args:
        data: features of the population at both dates of the plan.
        outcomes: `labels.outcomes` of the same over `plan.check_days`.
        plan: see `plan_check`.

    Returns:
        A bundle named `churn`, `method` `buy_till_you_die`; `churn.predict_churn` and `still_customers` ask it.

    Raises:
        TooFewOutcomesError: fewer than 20 customers with a purchase before the day of the check.
        FeaturesMismatchError: features don't tell when customers bought.
    """
    then = checked_rows(data, outcomes, plan, model=NAME)
    churned = then["churned"].to_numpy().astype(np.float64)
    early = _churn_bundle(data, plan, fit_purchase_odds(then, horizon_days=plan.check_days))
    said = predict_churn(early, then)["churn_probability"].to_numpy()
    figures = probability_figures(said, churned)
    recency = {"auc": auc(then[data.recency_feature].cast(pl.Float64).fill_null(0.0).to_numpy(), churned)}
    told = figures_beside(figures, recency, {}, rows=then.height, prefix=f"{CHECKED}_")
    told |= {f"{CHECKED}_churn_rate": float(churned.mean()), FITTED_WITHOUT_OUTCOMES: 1.0}
    checked = (
        f"checked on {plan.check}: of {then.height:,} customers {churned.mean():.1%} bought nothing in the "
        f"{plan.check_days} days that followed, {said.mean():.1%} were expected; AUC {figures['auc']:.3f} "
        f"(days since the last purchase alone: {recency['auc']:.3f})"
    )
    odds = fit_purchase_odds(customers_now(data, plan), horizon_days=plan.horizon.days)
    return replace(_churn_bundle(data, plan, odds), metrics=told, reasons=(*opening_reasons(plan), checked))


def tells_by_purchases(bundle: Bundle) -> bool:
    """Whether a churn bundle is such a stand-in, whom `still_customers` asks."""
    return bundle.method == METHOD


def still_customers(bundle: Bundle, frame: pl.DataFrame) -> pl.DataFrame:
    """Whether customers are still some, and when they order next, by the purchase model of a churn bundle.

    A few months of history don't tell who has left for good: BG/NBD's own P(alive) is 1 for nearly everybody then. What
    it can tell is who will have bought again within a year, and that is what is said here.

    Args:
        bundle: of `churn_from_purchases`.
        frame: keys and `from_features.NEEDED`.

    Returns:
        `customer_id`, `probability_alive` (Float64: P(a purchase within 365 days)), `expected_next_order_on` (Date: by
        when half of those who come back within the year have; null for who rather doesn't); rows as in `frame`.
    """
    odds = propensity_from(bundle.files, PREFIX).purchases
    chance, wait = (np.zeros(frame.height),) * 2 if odds is None else odds.within_a_year(frame)
    told = frame.select(
        "customer_id",
        "snapshot_date",
        pl.Series("probability_alive", np.round(chance, 6), dtype=pl.Float64),
        pl.Series("wait", np.rint(np.minimum(wait, YEAR_DAYS))).cast(pl.Int64),
    )
    on = pl.col("snapshot_date") + pl.duration(days="wait")
    return told.select(
        "customer_id",
        "probability_alive",
        pl.when(pl.col("probability_alive") >= STILL).then(on).alias("expected_next_order_on"),
    )


def _churn_bundle(data: TrainingData, plan: CheckPlan, odds: PurchaseOdds) -> Bundle:
    """A bundle of the purchase model alone."""
    features = in_order(data, NEEDED)
    alone = Propensity(
        encoder=Encoder(features=features, categories={}),
        trees=b"",
        smooth=None,
        purchases=odds,
        shares=Shares(trees=0.0, smooth=0.0, purchases=1.0),
        season=Season(known_at=plan.as_of),
        season_weight=0.0,
        level=0.0,
        horizon_days=odds.horizon_days,
        calibrator=Calibrator(kind="none"),
    )
    return Bundle(
        name=NAME,
        method=METHOD,
        trained_as_of=plan.as_of,
        features=features,
        files=alone.files(PREFIX),
        parameters={"plan": plan.described(), "recency_feature": data.recency_feature, "purchases": odds.described()},
    )
