"""Figures of held-out predictions beside the baseline's, with bootstrap intervals, and the verdict in words.

Belongs here: what a report says of a table's model. Does not: making predictions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.judging.calibration import log_loss
from models.judging.evaluation import REPEATS, auc, brier, calibration_error, lift
from models.judging.gate import TOO_GOOD, WORST_CALIBRATION_ERROR
from models.judging.reliability import reliability_table
from models.learners.encoding import Floats
from models.prepared_table.cross_validation import HeldOut
from models.prepared_table.profit import expected_maximum_profit

MOST_ROWS = 50_000  # the bootstrap draws from at most this many rows; its interval is then the wider one
CALIBRATION_BINS = 10


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A figure people are shown.

    Attributes:
        name: its key.
        label: what it is called.
        metric: of predicted and happened.
        higher_is_better: which way is better.
    """

    name: str
    label: str
    metric: Callable[[Floats, Floats], float]
    higher_is_better: bool


def _profit(predicted: Floats, happened: Floats) -> float:
    return expected_maximum_profit(predicted, happened).a_customer


MEASURES = (
    Measure(name="auc", label="AUC", metric=auc, higher_is_better=True),
    Measure(name="brier", label="Brier score", metric=brier, higher_is_better=False),
    Measure(name="log_loss", label="log loss", metric=log_loss, higher_is_better=False),
    Measure(name="calibration_error", label="calibration error", metric=calibration_error, higher_is_better=False),
    Measure(name="lift_at_10_percent", label="lift@10 %", metric=lift, higher_is_better=True),
    Measure(name="expected_maximum_profit", label="expected maximum profit", metric=_profit, higher_is_better=True),
)


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One figure: the model's with its 95 % interval, the baseline's, and the gain (above 0: better) with its own."""

    name: str
    label: str
    value: float
    low: float
    high: float
    baseline: float
    gain: float
    gain_low: float
    gain_high: float
    trees: float
    curve: float


def grade(held_out: HeldOut, happened: Floats, *, seed: int) -> list[Graded]:
    """Figures over all rows held out: the mean over repeats, each repeat's rows taken together.

    Intervals are percentiles of a bootstrap over rows (Efron 1979), the same rows for all, moved so that their mean
    is the figure itself: resampled rows repeat, which alone makes a calibration error larger.
    """
    asked = np.isfinite(held_out.model).all(axis=0)
    target = happened[asked]
    parts = [part[:, asked] for part in (held_out.model, held_out.baseline, held_out.trees, held_out.curve)]
    random = np.random.default_rng(seed)
    draws = [random.integers(0, len(target), min(len(target), MOST_ROWS)) for _ in range(REPEATS)]
    return [_graded(measure, parts, target, draws) for measure in MEASURES]


def fold_figures(held_out: HeldOut, happened: Floats) -> list[dict[str, float]]:
    """AUC, Brier score, log loss and calibration error of each fold, for those who average over folds."""
    found = []
    for repeat, fold in sorted({(r, int(f)) for r, row in enumerate(held_out.fold) for f in np.unique(row) if f >= 0}):
        inside = held_out.fold[repeat] == fold
        predicted, target = held_out.model[repeat, inside], happened[inside]
        figures = {measure.name: round(measure.metric(predicted, target), 6) for measure in MEASURES[:4]}
        found.append({"repeat": repeat + 1.0, "fold": fold + 1.0, "rows": float(len(target))} | figures)
    return found


def calibration_table(predicted: Floats, happened: Floats) -> list[dict[str, float]]:
    """Predicted and observed rates over ten groups of equal count, lowest first."""
    groups = reliability_table(predicted, happened, groups=CALIBRATION_BINS)
    return [
        {"rows": group["rows"]} | {name: round(group[name], 4) for name in ("predicted", "observed")}
        for group in groups
    ]


def verdict(graded: Sequence[Graded], close: Mapping[str, str]) -> tuple[bool, list[str]]:
    """May it be used, and why (not), in words: better than the single column for sure, no worse in probability."""
    by_name = {one.name: one for one in graded}
    order, loss, error = by_name["auc"], by_name["log_loss"], by_name["calibration_error"]
    allowed = max(WORST_CALIBRATION_ERROR, error.baseline)
    told = f"AUC {order.value:.3f} against {order.baseline:.3f}, gain {_interval(order)}"
    checks = [
        (order.gain_low > 0, f"orders rows better than the best single column: {told}"),
        (loss.gain >= 0, f"probabilities no worse: log loss {loss.value:.4f} against {loss.baseline:.4f}"),
        (error.value <= allowed, f"calibration error {error.value:.3f}, at most {allowed:.3f} is allowed"),
    ]
    reasons = [f"{'yes' if good else 'no'}: {words}" for good, words in checks]
    if order.value > TOO_GOOD:
        named = "; ".join(f"{name}: {how}" for name, how in close.items()) or "no single column explains it"
        reasons.append(f"look twice: an AUC of {order.value:.4f} is rarely honest ({named})")
    return all(good for good, _ in checks), reasons


def _graded(
    measure: Measure, parts: Sequence[Floats], target: Floats, draws: Sequence[npt.NDArray[np.int64]]
) -> Graded:
    def over_repeats(part: Floats, happened: Floats) -> float:
        return float(np.mean([measure.metric(row, happened) for row in part]))

    sign = 1.0 if measure.higher_is_better else -1.0
    values, gains = np.empty(len(draws)), np.empty(len(draws))
    for place, drawn in enumerate(draws):
        model, baseline = (over_repeats(part[:, drawn], target[drawn]) for part in parts[:2])
        values[place], gains[place] = model, sign * (model - baseline)
    value, baseline, trees, curve = (over_repeats(part, target) for part in parts)
    gain = sign * (value - baseline)
    low, high = np.quantile(values - values.mean() + value, [0.025, 0.975])
    gain_low, gain_high = np.quantile(gains - gains.mean() + gain, [0.025, 0.975])
    plain = [value, max(float(low), 0.0), high, baseline, gain, gain_low, gain_high, trees, curve]
    names = ("value", "low", "high", "baseline", "gain", "gain_low", "gain_high", "trees", "curve")
    rounded = {name: round(float(one), 6) for name, one in zip(names, plain, strict=True)}
    return Graded(name=measure.name, label=measure.label, **rounded)


def _interval(one: Graded) -> str:
    return f"{one.gain:+.3f} [{one.gain_low:+.3f}, {one.gain_high:+.3f}]"
