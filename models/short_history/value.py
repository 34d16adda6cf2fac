"""Value without outcomes: BG/NBD purchases times Gamma-Gamma amounts, both of the company's own customers.

Belongs here: the bundle and its check. Does not: churn (`churn`), the ordinary value model (`models.value`), which asks
such a bundle as well.
"""

import json
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.judging.baselines import RunRate
from models.judging.evaluation import amount_figures, figures_beside
from models.judging.grading import FITTED_WITHOUT_OUTCOMES
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
from models.snapshots.splits import NEAR_DAYS, YEAR_DAYS
from models.snapshots.value_basis import outcomes_of
from models.value.head import ValueHead, purchase_head
from models.value.intervals import coverage
from models.value.model import DISCOUNT_RATE_PER_YEAR, FAR, HEADS_FILE, NAME, NEAR
from models.value.training import intervals_of


def value_from_purchases(
    data: TrainingData,
    outcomes: pl.DataFrame,
    plan: CheckPlan,
    *,
    discount_rate_per_year: float = DISCOUNT_RATE_PER_YEAR,
) -> Bundle:
    """Expected value by BG/NBD purchases times Gamma-Gamma amounts of the company's own customers.

    Args:
        data: features of the population at both dates of the plan.
        outcomes: `labels.outcomes` of the same over `plan.check_days`.
        plan: see `plan_check`.
        discount_rate_per_year: of money that comes later, for the 24 months.

    Returns:
        A bundle named `value`, `method` `buy_till_you_die`; `value.predict_value` asks it.

    Raises:
        TooFewOutcomesError: fewer than 20 customers with a purchase before the day of the check.
    """
    then = checked_rows(data, outcomes_of(outcomes, data.value_of), plan, model=NAME)
    run_rate = RunRate(feature=data.spend_feature, first_event=data.first_event)
    actual = then["value_amount"].to_numpy().astype(np.float64)
    early = purchase_head(then, run_rate=run_rate, horizon_days=plan.check_days)
    said = early.amounts(then, threads=1)
    pace = run_rate.amounts(then, horizon_days=plan.check_days)
    rival, figures = amount_figures(pace, actual), amount_figures(said, actual)
    asked = then.select("snapshot_date", "value_amount", pl.Series("expected", said))
    half, rest = asked.gather_every(2), asked.gather_every(2, offset=1)
    known = intervals_of(half)
    covered = coverage(known, rest["expected"].to_numpy(), rest["value_amount"].cast(pl.Float64).to_numpy())
    told = figures_beside(figures, rival, {}, rows=then.height, prefix=f"{CHECKED}_")
    told |= {f"{CHECKED}_coverage_{name}": share for name, share in covered.items()} | {FITTED_WITHOUT_OUTCOMES: 1.0}
    near, far = (
        purchase_head(customers_now(data, plan), run_rate=run_rate, horizon_days=days)
        for days in (NEAR_DAYS, YEAR_DAYS)
    )
    heads = _heads(data, intervals_of(asked).described(), discount_rate_per_year)
    return Bundle(
        name=NAME,
        method=METHOD,
        trained_as_of=plan.as_of,
        features=in_order(data, near.anchor.features),
        files={HEADS_FILE: json.dumps(heads, sort_keys=True).encode(), **near.files(NEAR), **far.files(FAR)},
        parameters=_value_parameters(data, plan, near, heads),
        metrics=told,
        reasons=(*opening_reasons(plan), _value_check(plan, then.height, figures, rival)),
    )


def _heads(data: TrainingData, intervals: dict[str, Any], discount_rate_per_year: float) -> dict[str, Any]:
    return {
        "run_rate": {"feature": data.spend_feature, "first_event": str(data.first_event)},
        "near": {"horizon_days": NEAR_DAYS, "method": METHOD},
        "far": {"horizon_days": YEAR_DAYS, "method": METHOD, "is_near": False},
        "extension_factor": 1.0,
        "discount_rate_per_year": discount_rate_per_year,
        "intervals_90d": intervals,
        "intervals_12m": intervals,
    }


def _value_parameters(data: TrainingData, plan: CheckPlan, near: ValueHead, heads: dict[str, Any]) -> dict[str, Any]:
    window = {name: value for name, value in plan.described().items() if not name.startswith("horizon")}
    return {
        "plan_near": {"horizon_days": NEAR_DAYS, **window},
        "plan_far": {"horizon_days": YEAR_DAYS, **window},
        "value_12m_basis": "12 months of purchases expected by the purchase models; nothing was learnt from outcomes, "
        f"and how wide intervals are was read off {plan.check_days} days",
        "anchor": near.anchor.described(),
        "heads": heads,
        "value_of": data.value_of,
        "known_cost_share": round(data.known_cost_share, 4),
    }


def _value_check(plan: CheckPlan, rows: int, figures: dict[str, float], rival: dict[str, float]) -> str:
    return (
        f"checked on {plan.check}: expected of {rows:,} customers was {figures['predicted_to_actual']:.2f} times what "
        f"they brought in the {plan.check_days} days that followed (by their pace so far: "
        f"{rival['predicted_to_actual']:.2f} times); normalised Gini {figures['normalised_gini']:.3f} "
        f"({rival['normalised_gini']:.3f})"
    )
