"""Do predictions mean what they say: predicted beside observed, in groups, and in segments of customers.

Belongs here: tables of groups with their intervals, pure functions of arrays. Does not: drawing them (`card_drawing`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from models.judging.calibration import log_loss
from models.judging.evaluation import auc, mae, normalised_gini
from models.learners.encoding import Floats

GROUPS = 10
FEWEST_IN_SEGMENT = 50
MOST_SEGMENTS = 6  # of one kind; the rest are taken together
Z = 1.96
HUNDREDTH = 0.01


@dataclass(frozen=True, kw_only=True)
class Group:
    """Customers of like predictions: how many, the mean prediction, what was observed with its 95 % interval."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Segment:
    """How good the model is for some customers.

    Attributes:
        kind: what the customers are divided by.
        segment: which part.
        rows: customers.
        predicted, observed: means over them.
        figure, baseline: AUC of a probability, MAE of an amount; the baseline's on the same rows.
        loss, baseline_loss: log loss of a probability, MAE of an amount.
        is_worse: the model's loss here is above the baseline's, or its mean is surely off by a tenth or more.
    """

    kind: str
    segment: str
    rows: int
    predicted: float
    observed: float
    figure: float
    baseline: float
    loss: float
    baseline_loss: float
    is_worse: bool


def reliability_table(predicted: Floats, observed: Floats, *, groups: int = GROUPS) -> list[dict[str, float]]:
    """Groups of equal count, lowest first, each with its 95 % interval.

    Args:
        predicted: a probability or an amount, shape (rows,).
        observed: 0 or 1 (the interval is Wilson's, 1927), or amounts (mean and 1.96 standard errors), shape (rows,).
        groups: how many.
    """
    order = np.lexsort((observed, predicted))
    parts = [part for part in np.array_split(order, groups) if len(part)]
    is_share = bool(np.isin(observed, (0.0, 1.0)).all())
    return [asdict(_group(predicted[part], observed[part], is_share=is_share)) for part in parts]


def segment_table(
    predicted: Floats, baseline: Floats, observed: Floats, divisions: Mapping[str, pl.Series], *, is_probability: bool
) -> list[dict[str, object]]:
    """The same figures for parts of the customers, largest part first within each kind.

    Args:
        predicted: the model's, shape (rows,).
        baseline: the baseline's, shape (rows,).
        observed: what happened, shape (rows,).
        divisions: by kind, each row's segment as text; null is a segment of its own.
        is_probability: of 0/1 outcomes; else amounts.
    """
    told = []
    for kind, values in divisions.items():
        texts = values.cast(pl.String).fill_null("not known")
        counts = texts.value_counts(name="rows").sort(["rows", texts.name], descending=[True, False])
        large = counts.filter(pl.col("rows") >= FEWEST_IN_SEGMENT)[texts.name].to_list()[:MOST_SEGMENTS]
        for name in sorted(large):
            inside = (texts == name).to_numpy()
            parts = (predicted[inside], baseline[inside], observed[inside])
            told.append(asdict(_segment(kind, name, parts, is_probability=is_probability)))
    return told


def wilson(hits: float, rows: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    share = hits / rows
    middle = share + Z * Z / (2 * rows)
    half = Z * np.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows))
    scale = 1 + Z * Z / rows
    return float((middle - half) / scale), float((middle + half) / scale)


def _group(predicted: Floats, observed: Floats, *, is_share: bool) -> Group:
    rows, mean = len(observed), float(observed.mean())
    if is_share:
        low, high = wilson(float(observed.sum()), rows)
    else:
        half = Z * float(observed.std()) / np.sqrt(rows)
        low, high = mean - half, mean + half
    plain = [round(float(value), 6) for value in (predicted.mean(), mean, low, high)]
    return Group(rows=rows, predicted=plain[0], observed=plain[1], low=plain[2], high=plain[3])


def _segment(kind: str, name: str, parts: tuple[Floats, Floats, Floats], *, is_probability: bool) -> Segment:
    predicted, baseline, observed = parts
    order, loss = (auc, log_loss) if is_probability else (normalised_gini, mae)
    group = _group(predicted, observed, is_share=is_probability)
    losses = loss(predicted, observed), loss(baseline, observed)
    tolerance = max(HUNDREDTH, 0.1 * abs(group.observed))
    surely_off = group.predicted < group.low - tolerance or group.predicted > group.high + tolerance
    return Segment(
        kind=kind,
        segment=name,
        rows=group.rows,
        predicted=group.predicted,
        observed=group.observed,
        figure=round(order(predicted, observed), 6),
        baseline=round(order(baseline, observed), 6),
        loss=round(losses[0], 6),
        baseline_loss=round(losses[1], 6),
        is_worse=losses[0] > losses[1] or surely_off,
    )
