"""What being contacted changed, on average, with its error: a difference, adjusted for what was known beforehand.

Belongs here: the estimator and its interval. Does not: who is held against whom (`likeness.py`).

The difference of weighted means of Y - θ'X: X are figures from before the contact, θ is fitted within the groups (Deng,
Xu, Kohavi, Walker, "Improving the Sensitivity of Online Controlled Experiments by Utilizing Pre-Experiment Data", WSDM
2013; Lin, "Agnostic notes on regression adjustments to experimental data", Annals of Applied Statistics 7, 2013). A row
is a customer, so errors are clustered by customer; each group has its own variance (Welch). Nothing is winsorised. Few
customers, of whom fewer bought, tell their variance badly, and tell it small where their mean is small: it is drawn to
that of both groups, which counts as `PRIOR_ROWS` more customers, that of the contacted upwards only.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from segments.campaigns.likeness import Floats, Sides

ROWS_A_COVARIATE = 20
PRIOR_ROWS = 200
_RIDGE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The average effect on a contacted customer.

    Attributes:
        mean: in units of the outcome.
        error: its standard error.
        half: half of the 95 % interval.
        spread: standard deviation of the adjusted outcome among the contacted.
    """

    mean: float
    error: float
    half: float
    spread: float


def effects(outcomes: Floats, sides: Sides, *, by_lot: bool) -> list[Effect]:
    """The effect on each outcome.

    Args:
        outcomes: shape (rows, outcomes).
        sides: of the same rows.
        by_lot: θ is fitted in both groups; else only among those left alone, whom no effect has touched.
    """
    counting = sides.weights > 0
    contacted, weights = sides.contacted[counting], sides.weights[counting]
    adjusted = outcomes[counting] - _explained(
        outcomes[counting], sides.covariates[counting], contacted, weights, by_lot=by_lot
    )
    ours, others = _drawn(*(_moments(adjusted[side], weights[side]) for side in (contacted, ~contacted)))
    found = []
    for column in range(outcomes.shape[1]):
        variances = ours.variance[column], others.variance[column]
        error = math.sqrt(sum(variances))
        degrees = _degrees(variances, (ours.rows, others.rows))
        found.append(
            Effect(
                mean=float(ours.mean[column] - others.mean[column]),
                error=error,
                half=t_95(degrees) * error,
                spread=float(ours.spread[column]),
            )
        )
    return found


def t_95(degrees: float) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy: imported when used

    return float(stdtrit(degrees, 0.975))


def _explained(outcomes: Floats, covariates: Floats, contacted: np.ndarray, weights: Floats, *, by_lot: bool) -> Floats:
    """θ'X, X centred at the contacted's mean; no more columns of X than the smaller group can carry."""
    spread = covariates[contacted].std(axis=0)
    carried = min(int(contacted.sum()), int((~contacted).sum())) // ROWS_A_COVARIATE
    usable = np.flatnonzero(spread > 0)[:carried]
    if not len(usable):
        return np.zeros_like(outcomes)
    x = (covariates[:, usable] - covariates[contacted][:, usable].mean(axis=0)) / spread[usable]
    gram, cross = np.eye(len(usable)) * _RIDGE, np.zeros((len(usable), outcomes.shape[1]))
    for side in (contacted, ~contacted) if by_lot else (~contacted,):
        share = weights[side] / weights[side].sum() if not by_lot else weights[side]
        own, answer = x[side], outcomes[side]
        own = own - share @ own / share.sum()
        gram += (own * share[:, None]).T @ own
        cross += (own * share[:, None]).T @ (answer - share @ answer / share.sum())
    return np.asarray(x @ np.linalg.lstsq(gram, cross, rcond=None)[0])


@dataclass(frozen=True, kw_only=True)
class _Moments:
    mean: Floats
    variance: Floats
    spread: Floats
    rows: float


def _moments(values: Floats, weights: Floats) -> _Moments:
    """Weighted means with the variance of each, as of so many rows as the weights are worth (Kish)."""
    share = weights / weights.sum()
    worth = 1 / float(share @ share)
    mean = share @ values
    deviations = (values - mean) ** 2
    corrected = worth / max(worth - 1, 1.0)
    return _Moments(
        mean=mean,
        variance=(share**2) @ deviations * corrected,
        spread=np.sqrt(share @ deviations * corrected),
        rows=worth,
    )


def _drawn(ours: _Moments, others: _Moments) -> tuple[_Moments, _Moments]:
    """The same with variances drawn to what both groups say together.

    That of the contacted is only drawn up: it may be larger because of the contact, however many others say less.
    """
    together = (ours.rows * ours.spread**2 + others.rows * others.spread**2) / (ours.rows + others.rows)

    def drawn(own: _Moments) -> Floats:
        squared = own.spread**2
        wanted = (own.rows * squared + PRIOR_ROWS * together) / (own.rows + PRIOR_ROWS)
        times = np.divide(wanted, squared, out=np.ones_like(wanted), where=squared > 0)
        return np.where(squared > 0, own.variance * times, wanted / own.rows)

    up = np.maximum(drawn(ours), ours.variance)
    return replace(ours, variance=up), replace(others, variance=drawn(others))


def _degrees(variances: tuple[float, float], rows: tuple[float, float]) -> float:
    below = sum(v**2 / max(n - 1, 1.0) for v, n in zip(variances, rows, strict=True))
    return max(sum(variances) ** 2 / below, 3.0) if below > 0 else 1e9
