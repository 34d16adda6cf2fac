"""How good predictions are: figures, and paired bootstrap intervals between two predictions of the same customers.

Belongs here: pure functions of arrays, shape (customers,), one row a customer. Does not: verdicts (`gate`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.judging.calibration import log_loss
from models.learners.encoding import Floats

Metric = Callable[[Floats, Floats], float]
REPEATS = 300
MAXIMUM_ROWS = 50_000  # the bootstrap draws from at most this many customers; its interval is then the wider one


@dataclass(frozen=True, kw_only=True)
class Gain:
    """By how much one prediction is better than another on the same customers (above 0: better).

    Attributes:
        mean: the gain.
        low: 2.5 % bound of the paired bootstrap over customers.
        high: 97.5 % bound.
    """

    mean: float
    low: float
    high: float


def auc(predicted: Floats, happened: Floats) -> float:
    """Area under the ROC curve: P(a positive ranks above a negative), ties half (Mann-Whitney). Half if one-class."""
    positives = happened > 0
    count, rest = int(positives.sum()), int((~positives).sum())
    if not count or not rest:
        return 0.5
    return float((_ranks(predicted)[positives].sum() - count * (count + 1) / 2) / (count * rest))


def calibration_error(predicted: Floats, happened: Floats, *, bins: int = 10) -> float:
    """Expected calibration error: mean |predicted - observed rate| over bins of equal count (Naeini et al. 2015)."""
    order = np.lexsort((happened, predicted))
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [abs(predicted[part].mean() - happened[part].mean()) * len(part) for part in parts]
    return float(sum(gaps) / len(predicted))


def lift(predicted: Floats, happened: Floats, *, share: float = 0.1) -> float:
    """The rate among the `share` ranked highest over the rate of all; ties at the edge count with their mean."""
    rate = happened.mean()
    return float(_mean_of_top(predicted, happened, share) / rate) if rate > 0 else 1.0


def brier(predicted: Floats, happened: Floats) -> float:
    """Mean squared error of a probability (Brier 1950)."""
    return float(np.mean((predicted - happened) ** 2))


def mae(predicted: Floats, actual: Floats) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(predicted - actual)))


def rmse(predicted: Floats, actual: Floats) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def spearman(predicted: Floats, actual: Floats) -> float:
    """Rank correlation, ties with mean ranks; 0 when either is constant."""
    left, right = _ranks(predicted), _ranks(actual)
    spread = left.std() * right.std()
    return float(np.mean((left - left.mean()) * (right - right.mean())) / spread) if spread > 0 else 0.0


def normalised_gini(predicted: Floats, actual: Floats) -> float:
    """Gini of the actual amounts ranked by prediction over that ranked by themselves: 1 perfect, 0 random.

    Ties in prediction count with their mean amount, so that order in the file is without effect.
    """
    best = _concentration(actual, actual)
    return _concentration(predicted, actual) / best if best > 0 else 0.0


def top_capture(predicted: Floats, actual: Floats, *, share: float = 0.2) -> float:
    """The part of the total amount that the `share` of customers ranked highest brought."""
    total = actual.sum()
    count = max(round(share * len(actual)), 1)
    return float(_mean_of_top(predicted, actual, share) * count / total) if total > 0 else 0.0


def ratio_of_totals(predicted: Floats, actual: Floats) -> float:
    """Predicted total over actual total."""
    total = actual.sum()
    return float(predicted.sum() / total) if total > 0 else 0.0


def probability_figures(predicted: Floats, happened: Floats) -> dict[str, float]:
    """The figures of a probability."""
    return {
        "auc": auc(predicted, happened),
        "log_loss": log_loss(predicted, happened),
        "calibration_error": calibration_error(predicted, happened),
        "brier": brier(predicted, happened),
        "lift_at_10_percent": lift(predicted, happened),
        "predicted_rate": float(predicted.mean()),
    }


def amount_figures(predicted: Floats, actual: Floats) -> dict[str, float]:
    """The figures of an expected amount (errors in the amounts' unit)."""
    return {
        "mae": mae(predicted, actual),
        "rmse": rmse(predicted, actual),
        "spearman": spearman(predicted, actual),
        "normalised_gini": normalised_gini(predicted, actual),
        "top_20_percent_capture": top_capture(predicted, actual),
        "predicted_to_actual": ratio_of_totals(predicted, actual),
    }


def paired_gain(
    metric: Metric, ours: Floats, theirs: Floats, actual: Floats, *, seed: int, higher_is_better: bool
) -> Gain:
    """Gain of `ours` over `theirs`, with a paired bootstrap interval over customers (percentile; Efron 1979)."""
    sign = 1.0 if higher_is_better else -1.0
    random = np.random.default_rng(seed)
    rows = min(len(actual), MAXIMUM_ROWS)
    gains = np.empty(REPEATS)
    for repeat in range(REPEATS):
        drawn = random.integers(0, len(actual), rows)
        gains[repeat] = sign * (metric(ours[drawn], actual[drawn]) - metric(theirs[drawn], actual[drawn]))
    low, high = np.quantile(gains, [0.025, 0.975])
    return Gain(mean=sign * (metric(ours, actual) - metric(theirs, actual)), low=float(low), high=float(high))


def figures_beside(
    figures: dict[str, float], baseline: dict[str, float], gains: dict[str, Gain], *, rows: int, prefix: str = ""
) -> dict[str, float]:
    """All test figures under flat names: `<figure>`, `baseline_<figure>`, `<figure>_gain[_low|_high]`."""
    told = {f"{prefix}{name}": value for name, value in figures.items()}
    told |= {f"{prefix}baseline_{name}": value for name, value in baseline.items()}
    for name, gain in gains.items():
        told |= {
            f"{prefix}{name}_gain": gain.mean,
            f"{prefix}{name}_gain_low": gain.low,
            f"{prefix}{name}_gain_high": gain.high,
        }
    return {name: round(value, 9) for name, value in told.items()} | {f"{prefix}test_rows": float(rows)}


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, ties with their mean."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    group = np.cumsum(first) - 1
    starts = np.append(np.flatnonzero(first), len(values))
    middle = (starts[:-1] + starts[1:] + 1) / 2
    ranks = np.empty(len(values))
    ranks[order] = middle[group]
    return ranks


def _smoothed(predicted: Floats, actual: Floats) -> Floats:
    """Actual amounts from the highest prediction down, each tie group with its mean."""
    order = np.argsort(-predicted, kind="stable")
    ranked, sums = predicted[order], actual[order]
    first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
    group: npt.NDArray[np.int64] = np.cumsum(first) - 1
    means = np.bincount(group, weights=sums) / np.bincount(group)
    smoothed: Floats = means[group]
    return smoothed


def _mean_of_top(predicted: Floats, actual: Floats, share: float) -> float:
    count = max(round(share * len(actual)), 1)
    return float(_smoothed(predicted, actual)[:count].mean())


def _concentration(predicted: Floats, actual: Floats) -> float:
    total = actual.sum()
    if total <= 0:
        return 0.0
    return float(np.mean(np.cumsum(_smoothed(predicted, actual)) / total) - (len(actual) + 1) / (2 * len(actual)))
