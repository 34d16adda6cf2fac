"""Log-odds into probabilities that mean what they say, learnt on a later period than the scores were.

Belongs here: the candidate curves (none, Platt, beta, isotonic), the choice between them, their JSON. Does not: scores.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learners.encoding import Floats
from models.learners.logistic import fit_logistic

SAFE = 1e-4  # no customer is ever certain
PULL = 10.0  # rows' worth of pull of a Platt curve towards "already right"


@dataclass(frozen=True, kw_only=True)
class Calibrator:
    """A monotone curve from log-odds to probability.

    Attributes:
        kind: `none`, `platt` (intercept + slope · log-odds; Platt 1999), `beta` (Kull et al. 2017) or `isotonic`.
        values: its coefficients, or for `isotonic` the knots: first half log-odds, second half probabilities.
    """

    kind: str
    values: tuple[float, ...] = ()

    def probabilities(self, log_odds: Floats) -> Floats:
        """Probabilities, shape (rows,), within [0.0001, 0.9999]."""
        if self.kind == "isotonic":
            knots = np.array(self.values).reshape(2, -1)
            curve: Floats = np.interp(log_odds, knots[0], knots[1])
            return np.clip(curve, SAFE, 1 - SAFE)
        shifted = log_odds
        if self.kind == "platt":
            shifted = self.values[0] + self.values[1] * log_odds
        elif self.kind == "beta":
            shifted = _beta_design(log_odds) @ np.array(self.values)
        return np.clip(sigmoid(shifted), SAFE, 1 - SAFE)

    def described(self) -> dict[str, Any]:
        """The curve as JSON-able values."""
        return {"kind": self.kind, "values": list(self.values)}


def calibrator_from(content: dict[str, Any]) -> Calibrator:
    """The inverse of `Calibrator.described`."""
    return Calibrator(kind=content["kind"], values=tuple(content["values"]))


def sigmoid(log_odds: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow."""
    return 1 / (1 + np.exp(-np.clip(log_odds, -35, 35)))


def log_loss(probabilities: Floats, target: Floats) -> float:
    """Mean -ln of the probability given to what happened."""
    safe = np.clip(probabilities, 1e-9, 1 - 1e-9)
    return float(-np.mean(np.where(target > 0, np.log(safe), np.log(1 - safe))))


def fit_calibrator(kind: str, log_odds: Floats, target: Floats) -> Calibrator:
    """Fit one kind of curve to log-odds and what happened (0 or 1)."""
    return _FITS[kind](log_odds, target)


def choose_calibrator(log_odds: Floats, target: Floats, groups: Floats) -> tuple[str, dict[str, float]]:
    """Choose the kind with the lowest log loss on the group left out.

    Groups are snapshots where there are several, else five parts.
    A snapshot left out shows whether a curve carries over to another month, which is what it will be asked to do.

    Args:
        log_odds: shape (rows,).
        target: 0 or 1.
        groups: a number a row; rows of one group are left out together.

    Returns:
        The kind, and the cross-validated log loss of each.
    """
    if len(np.unique(groups)) == 1:
        groups = np.mod(np.arange(len(target), dtype=np.float64), 5)
    losses = {kind: cross_validated(kind, log_odds, target, groups) for kind in _FITS}
    return min(losses, key=lambda kind: (round(losses[kind], 4), list(_FITS).index(kind))), losses


def cross_validated(kind: str, log_odds: Floats, target: Floats, groups: Floats) -> float:
    """Log loss of one kind of curve on groups left out one after the other."""
    predicted = np.empty(len(target))
    for group in np.unique(groups):
        inside = groups == group
        predicted[inside] = fit_calibrator(kind, log_odds[~inside], target[~inside]).probabilities(log_odds[inside])
    return log_loss(predicted, target)


def _fit_none(_log_odds: Floats, _target: Floats) -> Calibrator:
    return Calibrator(kind="none")


def _fit_platt(log_odds: Floats, target: Floats) -> Calibrator:
    design = np.column_stack([np.ones(len(target)), log_odds])
    values = fit_logistic(design, target, penalty=np.full(2, PULL), start=np.array([0.0, 1.0]))
    values[1] = max(values[1], 0.05)
    return Calibrator(kind="platt", values=tuple(float(f"{value:.9g}") for value in values))


def _fit_beta(log_odds: Floats, target: Floats) -> Calibrator:
    from scipy.optimize import minimize  # noqa: PLC0415 - heavy: imported when used

    design = _beta_design(log_odds)
    start = np.array([0.0, 1.0, 1.0])

    def loss(values: Floats) -> tuple[float, Floats]:
        scores = design @ values
        gap = values - start
        total = np.sum(np.logaddexp(0, scores) - target * scores) + PULL / 2 * float(gap @ gap)
        return float(total) / len(target), (design.T @ (sigmoid(scores) - target) + PULL * gap) / len(target)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (0.01, None), (0.01, None)])
    return Calibrator(kind="beta", values=tuple(float(f"{value:.7g}") for value in found.x))


def _fit_isotonic(log_odds: Floats, target: Floats) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - heavy: imported when used

    order = np.argsort(log_odds, kind="stable")
    curve = IsotonicRegression(out_of_bounds="clip").fit(log_odds[order], target[order])
    probabilities = np.clip(curve.y_thresholds_, 1 / (len(target) + 2), 1 - 1 / (len(target) + 2))
    return Calibrator(kind="isotonic", values=tuple(float(v) for v in (*curve.X_thresholds_, *probabilities)))


def _beta_design(log_odds: Floats) -> Floats:
    """Columns 1, ln p and -ln(1 - p): with weights (0, 1, 1) the log-odds themselves."""
    return np.column_stack([np.ones(len(log_odds)), -np.logaddexp(0, -log_odds), np.logaddexp(0, log_odds)])


_FITS: Mapping[str, Callable[[Floats, Floats], Calibrator]] = {
    "none": _fit_none,
    "platt": _fit_platt,
    "beta": _fit_beta,
    "isotonic": _fit_isotonic,
}
