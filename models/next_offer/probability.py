"""From a ranking score to the probability that an active customer buys the product within the window.

Belongs here: the calibration and its JSON form. A ranking score says nothing about whether the customer buys at all;
so a logistic regression joins it with the customer's own rhythm, and isotonic regression straightens the result
(Zadrozny and Elkan 2002). Within one customer the probability never falls where the score rises. It is a probability
over all active customers: those who bought nothing in the calibration window count as misses.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
RHYTHM = (
    "customer_orders",
    "customer_orders_90d",
    "customer_orders_365d",
    "days_since_order",
    "days_since_order_per_gap",
    "products_per_order",
)
MOST_KNOTS = 200
SMALLEST_PROBABILITY = 1e-6
NEWTON_STEPS = 30
RIDGE = 1.0


@dataclass(frozen=True)
class Calibration:
    """What turns scores into probabilities. Plain lists, so that it is kept as JSON.

    Attributes:
        centres, scales: of the score and of each log-transformed column of RHYTHM.
        weights: of the same, the intercept last. The score's is not negative.
        knots, values: the isotonic step function on the logistic regression's linear score, linear between knots.
    """

    centres: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    knots: tuple[float, ...]
    values: tuple[float, ...]

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()


def calibration_from_json(content: bytes) -> Calibration:
    """What `to_json` wrote."""
    return Calibration(**{name: tuple(values) for name, values in json.loads(content).items()})


def fit_calibration(frame: pl.DataFrame, scores: Floats, bought: Floats) -> Calibration:
    """Fit on candidates of all active customers of snapshots the ranking was not fitted on.

    Args:
        frame: candidates with the columns of RHYTHM.
        scores: their ranking scores, shape (rows,).
        bought: 1.0 where bought within the window, else 0.0, shape (rows,).
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  heavy to import

    columns = _columns(frame, scores)
    centres, scales = columns.mean(axis=0), np.maximum(columns.std(axis=0), 1e-9)
    design = np.column_stack([(columns - centres) / scales, np.ones(len(columns))])
    weights = _logistic(design, bought)
    if weights[0] < 0:  # a score that says less than nothing: the rhythm alone decides
        weights = np.append(0.0, _logistic(design[:, 1:], bought))
    linear = design @ weights
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(linear, bought)
    smoothed = steps_smoothed(isotonic.y_thresholds_, isotonic.predict(linear), bought)
    knots, values = thinned(isotonic.X_thresholds_, smoothed)
    return Calibration(*(tuple(map(float, numbers)) for numbers in (centres, scales, weights, knots, values)))


def purchase_probabilities(calibration: Calibration, frame: pl.DataFrame, scores: Floats) -> Floats:
    """Probabilities of candidates, shape (rows,), strictly between 0 and 1."""
    standard = (_columns(frame, scores) - np.array(calibration.centres)) / np.array(calibration.scales)
    weights = np.array(calibration.weights)
    linear = standard @ weights[:-1] + weights[-1]
    probabilities: Floats = np.interp(linear, calibration.knots, calibration.values)
    return np.clip(probabilities, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)


def calibration_error(probabilities: Floats, bought: Floats, *, bins: int = 10) -> float:
    """Expected calibration error over bins of equal size: mean |predicted - observed|, weighted by rows."""
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, bins)
    gaps = [abs(probabilities[part].mean() - bought[part].mean()) * len(part) for part in parts if len(part)]
    return float(sum(gaps) / max(len(probabilities), 1))


def steps_smoothed(values: Floats, fitted: Floats, bought: Floats) -> Floats:
    """Steps of an isotonic fit with half a hit and half a miss added to each: few rows can't make a certainty.

    Args:
        values: of the knots, each one of the steps' values.
        fitted: the step each row is on, shape (rows,).
        bought: 1.0 or 0.0, shape (rows,).
    """
    steps, place = np.unique(fitted, return_inverse=True)
    rows, hits = np.bincount(place), np.bincount(place, weights=bought)
    rising = np.maximum.accumulate((hits + 0.5) / (rows + 1.0))
    nearest: Floats = np.interp(values, steps, rising)
    return nearest


def _columns(frame: pl.DataFrame, scores: Floats) -> Floats:
    rhythm = frame.select(pl.col(*RHYTHM).cast(pl.Float64).fill_null(0.0).log1p()).to_numpy()
    return np.column_stack([scores, rhythm])


def _logistic(design: Floats, labels: Floats) -> Floats:
    """Ridge-penalised logistic regression by Newton's method; the last column is the intercept, not penalised."""
    penalty = np.full(design.shape[1], RIDGE)
    penalty[-1] = 1e-9
    weights = np.zeros(design.shape[1])
    share = np.clip(labels.mean(), 1e-6, 1 - 1e-6)
    weights[-1] = np.log(share / (1 - share))
    for _ in range(NEWTON_STEPS):
        expected = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (labels - expected) - penalty * weights
        curvature = (design * (expected * (1 - expected))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-8:  # noqa: PLR2004  the step no longer shows in a probability
            break
    return weights


def thinned(knots: Floats, values: Floats) -> tuple[Floats, Floats]:
    """At most MOST_KNOTS knots, evenly among them, the ends kept."""
    if len(knots) <= MOST_KNOTS:
        return knots, values
    kept = np.unique(np.linspace(0, len(knots) - 1, MOST_KNOTS).round().astype(int))
    return knots[kept], values[kept]
