"""Expected purchases in the time to come: a purchase model, and what it misses, learnt on the company's own past.

A purchase model knows a customer by three numbers. What amounts, rhythm and silence tell beyond them, and by how much
the model's totals drift, is learnt where it can be seen: at a day inside the history that stands to what came after it
as today stands to the horizon (history : horizon the same). There, P(any purchase) is learnt from facts and the model's
own posterior, and the model's total is held against what came. Today both are applied, and

    expected = sqrt( (P(any) · E[purchases | any] · its factor) · (purchase model · its factor) )

the geometric mean of two forecasts whose errors differ (Bates and Granger 1969). Belongs here: this forecast. Does not:
amounts of money.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.buy_till_you_die.beta_geometric import BetaGeometric, fit_beta_geometric
from models.buy_till_you_die.customer_facts import (
    DAYS_A_WEEK,
    FACTS,
    customer_facts,
    histories_of,
    purchases_after,
    statistics,
)
from models.buy_till_you_die.pareto_nbd import ParetoNbd, fit_pareto_nbd
from models.learners.encoding import Floats
from models.prepared_table.table_model import FitOptions, TableModel, fit_table_model

WIDEST_FACTOR = 2.0
MINIMUM_AGE_WEEKS = 1.0  # younger customers teach nothing yet


@dataclass(frozen=True, kw_only=True)
class Parametric:
    """The two purchase models fitted on one day's histories."""

    pareto: ParetoNbd
    beta_geometric: BetaGeometric

    def table(self, facts: pl.DataFrame, horizon_weeks: float) -> pl.DataFrame:
        """Facts and posteriors as columns to learn from; ages relative to the mean, so that another day compares."""
        there = statistics(facts)
        age = facts["age_weeks"]
        posterior = {
            "alive_pareto": self.pareto.probability_alive(*there),
            "alive_beta_geometric": self.beta_geometric.probability_alive(*there),
            "expected_log": np.log(self.pareto.expected_purchases(*there, horizon=horizon_weeks)),
            "any_log_odds": _log_odds(self.pareto.probability_any(*there, horizon=horizon_weeks)),
        }
        relative = facts.select(FACTS).with_columns(age / age.mean(), pl.col("gap_weeks") / age.mean())
        return relative.with_columns(pl.Series(name, values) for name, values in posterior.items())


@dataclass(frozen=True, kw_only=True)
class PurchaseForecast:
    """A fitted forecast.

    Attributes:
        models: fitted on everything known.
        any_purchase: P(any) from facts and posteriors.
        factor: what came over what the purchase model expected, on the day inside the history.
        any_factor: the same of P(any) · E[purchases | any].
        horizon_weeks: the time asked about.
        learnt_on: the day inside the history.
    """

    models: Parametric
    any_purchase: TableModel
    factor: float
    any_factor: float
    horizon_weeks: float
    learnt_on: date

    def expected(self, facts: pl.DataFrame) -> Floats:
        """Expected purchases (days with one) of customers by their `customer_facts`, shape (rows,)."""
        table = self.models.table(facts, self.horizon_weeks)
        model, if_any = _parametric(self.models.pareto, facts, self.horizon_weeks)
        learnt = self.any_purchase.probabilities(table) * if_any * self.any_factor
        expected: Floats = np.sqrt(learnt * model * self.factor)
        return expected


def fit_purchase_forecast(
    purchases: pl.DataFrame, *, as_of: date, horizon_days: int, threads: int = 1, seed: int = 1
) -> PurchaseForecast:
    """Fit on what was known before `as_of`.

    Args:
        purchases: `customer_id`, `day`, `amount`; later rows are not looked at.
        as_of: the first day of the horizon.
        horizon_days: its length.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM and folds.
    """
    known = purchases.filter(pl.col("day") < as_of)
    first = known.select(pl.col("day").min()).item()
    inside = inner_day(first, as_of, horizon_days)
    earlier = customer_facts(known, inside).filter(pl.col("age_weeks") >= MINIMUM_AGE_WEEKS)
    came = purchases_after(known, earlier, inside, as_of)
    weeks = (as_of - inside).days / DAYS_A_WEEK
    then = _fit_models(earlier)
    table = then.table(earlier, weeks)
    options = FitOptions(folds=3, threads=threads, seed=seed)
    any_purchase = fit_table_model(table, (came > 0).astype(np.float64), earlier["customer_id"].to_list(), options)
    model, if_any = _parametric(then.pareto, earlier, weeks)
    learnt = any_purchase.probabilities(table, threads=threads) * if_any
    return PurchaseForecast(
        models=_fit_models(customer_facts(known, as_of)),
        any_purchase=any_purchase,
        factor=_ratio(came, model),
        any_factor=_ratio(came, learnt),
        horizon_weeks=horizon_days / DAYS_A_WEEK,
        learnt_on=inside,
    )


def inner_day(first: date, as_of: date, horizon_days: int) -> date:
    """The day whose history is to what came after it as today's is to the horizon."""
    length = (as_of - first).days
    return first + timedelta(days=round(length * length / (length + horizon_days)))


def _fit_models(facts: pl.DataFrame) -> Parametric:
    seen = histories_of(facts)
    return Parametric(pareto=fit_pareto_nbd(seen), beta_geometric=fit_beta_geometric(seen))


def _parametric(model: ParetoNbd, facts: pl.DataFrame, weeks: float) -> tuple[Floats, Floats]:
    """Expected purchases, and those of customers who make any."""
    there = statistics(facts)
    expected = model.expected_purchases(*there, horizon=weeks)
    return expected, expected / np.maximum(model.probability_any(*there, horizon=weeks), 1e-12)


def _ratio(came: Floats, expected: Floats) -> float:
    ratio = float(came.sum() / expected.sum()) if expected.sum() > 0 else 1.0
    return float(f"{min(max(ratio, 1 / WIDEST_FACTOR), WIDEST_FACTOR):.9g}")


def _log_odds(probability: Floats) -> Floats:
    safe = np.clip(probability, 1e-9, 1 - 1e-9)
    odds: Floats = np.log(safe / (1 - safe))
    return odds
