"""The life table: how many subscribers end by age, plan and renewal, without looking at anything else.

hazard odds = odds of (age, whether a billing period ends in the step) x a factor of the plan. It is what the model is
measured against, what it starts from, and what stands in for it. Thin cells are drawn towards the whole.
Belongs here: fitting and asking it. Does not: the model on top (`hazard`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from models.contractual.steps import AGE, EVENT, LAST_STEP, STEP_DAYS, moved_on
from models.learners.encoding import Floats

AGE_EDGES = (1, 2, 3, 6, 12, 18, 24, 36)  # lower edges of the later bands, in steps of 30 days
PRIOR_HAZARD = 0.02  # a month, where a company's data say nothing at all
PRIOR_ENDS = 1.0
CELL_WEIGHT = 5.0  # ends' worth of pull of a cell, and of a plan, towards the whole
LOWEST, HIGHEST = 1e-5, 0.9


@dataclass(frozen=True, kw_only=True)
class LifeTable:
    """Hazards of a step.

    Attributes:
        cells: hazard by age band and by whether a billing period ends in the step: (band, 0 or 1) in one row,
            band by band.
        plans: factor on the odds, by plan.
    """

    cells: tuple[float, ...]
    plans: dict[str, float]

    def log_odds(self, frame: pl.DataFrame) -> Floats:
        """Log-odds of the hazard of rows moved on to a step (`steps.moved_on`), shape (rows,)."""
        hazard = np.array(self.cells)[_cell(frame)]
        factors = frame["contract_plan"].replace_strict(self.plans, default=1.0, return_dtype=pl.Float64)
        odds: Floats = np.log(hazard / (1 - hazard)) + np.log(factors.fill_null(1.0).to_numpy())
        return odds

    def curve(self, frame: pl.DataFrame, steps: int = LAST_STEP) -> Floats:
        """Log-odds of the hazards of coming steps, shape (rows, steps)."""
        plain = frame.select("contract_plan", AGE, "contract_days_to_renewal", "contract_period_months")
        return np.stack([self.log_odds(moved_on(plain, step)) for step in range(steps)], axis=1)

    def described(self) -> dict[str, Any]:
        """The table as JSON-able values."""
        return {"cells": list(self.cells), "plans": self.plans}


def life_table_from(content: dict[str, Any]) -> LifeTable:
    """The inverse of `LifeTable.described`."""
    return LifeTable(cells=tuple(content["cells"]), plans=dict(content["plans"]))


def fit_life_table(rows: pl.DataFrame) -> LifeTable:
    """Count ends and steps at risk.

    Args:
        rows: of `steps.steps_at_risk`, the first step of each snapshot (so that no day counts twice); may be empty.
    """
    happened = rows[EVENT].cast(pl.Float64).to_numpy()
    whole = (happened.sum() + PRIOR_ENDS) / (len(happened) + PRIOR_ENDS / PRIOR_HAZARD)
    cell, flags, size = _cell(rows), rows["renews_in_step"].to_numpy(), 2 * (len(AGE_EDGES) + 1)
    by_flag = np.array([_drawn(happened[flags == flag].sum(), float((flags == flag).sum()), whole) for flag in (0, 1)])
    cells = [
        _drawn(ends, count, float(by_flag[place % 2]))
        for place, (ends, count) in enumerate(
            zip(np.bincount(cell, happened, size), np.bincount(cell, minlength=size), strict=True)
        )
    ]
    table = LifeTable(cells=tuple(cells), plans={})
    expected = 1 / (1 + np.exp(-table.log_odds(rows))) if rows.height else np.zeros(0)
    counted = (
        rows.select("contract_plan", pl.Series("happened", happened), pl.Series("expected", expected))
        .drop_nulls("contract_plan")
        .group_by("contract_plan")
        .agg(pl.col("happened", "expected").sum())
        .sort("contract_plan")
    )
    factors = {
        plan: float(f"{(ends + CELL_WEIGHT) / (risk + CELL_WEIGHT):.9g}") for plan, ends, risk in counted.iter_rows()
    }
    return LifeTable(cells=tuple(cells), plans=factors)


def _drawn(ends: float, count: float, towards: float) -> float:
    """A rate drawn towards another as if that had been seen over `CELL_WEIGHT` ends."""
    rate = (ends + CELL_WEIGHT) / (count + CELL_WEIGHT / max(towards, LOWEST))
    return float(f"{min(max(rate, LOWEST), HIGHEST):.9g}")


def _cell(frame: pl.DataFrame) -> "np.typing.NDArray[np.int64]":
    band = np.searchsorted(np.array(AGE_EDGES) * STEP_DAYS, frame[AGE].to_numpy(), side="right")
    return np.asarray(2 * band + frame["renews_in_step"].to_numpy(), dtype=np.int64)
