"""The Qini curve: what is gained by treating first those on whom treatment is said to work best.

Belongs here: curve, coefficient, bootstrap intervals, alone and paired. Does not: models.

Radcliffe, "Using control groups to target on predicted lift" (2007). Treated and control rows are weighted by the
inverse of their propensity, so that logged, unequal propensities count as they should.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.learners.encoding import Floats
from models.uplift.clusters import Ints

REPEATS = 300
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Rows of one treatment and of the control group.

    Attributes:
        treated: 0 or 1, shape (rows,).
        share: probability of treatment among the two arms, shape (rows,).
        outcome: shape (rows,).
        customer: whose row it is, shape (rows,); None: every row is a customer of its own.
    """

    treated: Floats
    share: Floats
    outcome: Floats
    customer: Ints | None = None


@dataclass(frozen=True)
class _Ranked:
    """The four running sums' summands in order of score, and where groups of equal scores end."""

    parts: Floats
    ends: "np.typing.NDArray[np.int64]"


def qini_coefficient(score: Floats, pairs: Pairs) -> float:
    """Area between the Qini curve and the straight line of random order, per customer, in units of the outcome.

    The curve at a share s of the customers is s·(mean outcome of treated - mean outcome of control) among the s ranked
    highest; customers of equal score come at once (the curve is straight between). 0 is random order.
    """
    ranked = _rank(score, pairs)
    return float(_areas(ranked, np.ones((1, len(score))))[0])


def qini_curve(score: Floats, pairs: Pairs, *, points: int = 20) -> list[dict[str, float]]:
    """The curve at equal steps: `share` of customers treated, `gain` per customer, `random` beside it."""
    share, gain = _curve(_rank(score, pairs), np.ones((1, len(score))))
    grid = np.linspace(0, 1, points + 1)[1:]
    total = gain[0, -1]
    gains = np.interp(grid, share[0], gain[0])
    return [
        {"share": float(at), "gain": float(one), "random": float(at * total)}
        for at, one in zip(grid, gains, strict=True)
    ]


def qini_intervals(
    scores: Mapping[str, Floats], pairs: Pairs, *, ours: str, seed: int, repeats: int = REPEATS
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Qini coefficients of several scores, and by how much `ours` is above each other, on the same resamplings.

    Args:
        scores: by name, shape (rows,).
        pairs: the rows.
        ours: one of the names.
        seed: of the Poisson bootstrap over customers.
        repeats: resamplings.

    Returns:
        The coefficients, and the gains of `ours` over the others.
    """
    rng = np.random.default_rng(seed)
    ranked = {name: _rank(score, pairs) for name, score in scores.items()}
    order = {name: np.lexsort((np.arange(len(score)), -score)) for name, score in scores.items()}
    drawn: dict[str, list[Floats]] = {name: [] for name in scores}
    _, customer = np.unique(
        np.arange(len(pairs.outcome)) if pairs.customer is None else pairs.customer, return_inverse=True
    )
    for _ in range(repeats):
        weights = rng.poisson(1.0, int(customer.max()) + 1).astype(np.float64)[customer]
        for name in scores:
            drawn[name].append(_areas(ranked[name], weights[order[name]][None, :]))
    areas = {name: np.concatenate(values) for name, values in drawn.items()}
    exact = {name: qini_coefficient(score, pairs) for name, score in scores.items()}
    alone = {name: _interval(exact[name], areas[name]) for name in scores}
    gains = {name: _interval(exact[ours] - exact[name], areas[ours] - areas[name]) for name in scores if name != ours}
    return alone, gains


def _interval(value: float, drawn: Floats) -> Interval:
    low, high = np.percentile(drawn, INTERVAL)
    return Interval(value=value, low=float(low), high=float(high))


def _rank(score: Floats, pairs: Pairs) -> _Ranked:
    order = np.lexsort((np.arange(len(score)), -score))
    treated, outcome = pairs.treated[order], pairs.outcome[order]
    weight = np.where(treated > 0, 1 / pairs.share[order], 1 / (1 - pairs.share[order]))
    parts = np.stack([treated * weight, treated * weight * outcome, (1 - treated) * weight])
    parts = np.concatenate([parts, ((1 - treated) * weight * outcome)[None, :]])
    ordered = score[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], np.True_))
    return _Ranked(parts, ends)


def _curve(ranked: _Ranked, weights: Floats) -> tuple[Floats, Floats]:
    """Share of customers and gain at the end of each group of equal scores, shape (resamplings, groups + 1)."""
    sums = np.cumsum(ranked.parts[:, None, :] * weights[None, :, :], axis=2)[:, :, ranked.ends]
    rows = np.cumsum(weights, axis=1)[:, ranked.ends]
    share = rows / rows[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(sums[0] > 0, sums[1] / sums[0], 0.0) - np.where(sums[2] > 0, sums[3] / sums[2], 0.0)
    effect = np.where((sums[0] > 0) & (sums[2] > 0), effect, 0.0)
    start = np.zeros((len(weights), 1))
    return np.concatenate([start, share], axis=1), np.concatenate([start, share * effect], axis=1)


def _areas(ranked: _Ranked, weights: Floats) -> Floats:
    share, gain = _curve(ranked, weights)
    under = np.sum(np.diff(share, axis=1) * (gain[:, 1:] + gain[:, :-1]) / 2, axis=1)
    area: Floats = under - gain[:, -1] / 2
    return area
