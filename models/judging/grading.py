"""A grade for a trained model, A to D against its baseline, in words that need no statistics.

Belongs here: from test figures and the gate's verdict to a letter and a sentence. Does not: figures (`evaluation`), the
gate (`gate`), or what follows from a grade (the flows).

A purchase model that scores by itself is a baseline that another one gave way to: B at best.

A figure's gain is put as a share of what could be gained at all: for figures that are best at 1 (AUC, Gini, NDCG) the
gap to 1, for errors the baseline's own error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from models.bundle import Bundle

Letter = Literal["A", "B", "C", "D"]
PROMOTED_GRADES = ("A", "B")
MUCH = 0.10  # share of the possible gain that the lower bound must reach for an A
GOOD_CALIBRATION_ERROR = 0.05  # the worst for an A
GOOD_TOTAL = 0.25  # the farthest a predicted total may be off for an A
SMALLER_IS_BETTER = ("log_loss", "brier", "mae", "rmse", "error", "deviance")
TOO_GOOD_WORDS = "no: too good to be true"
UNGRADED_WORDS = "no: not graded, there is too little to learn from and to be graded on"
FITTED_WITHOUT_OUTCOMES = "fitted_without_outcomes"
"""Figure (1.0) that marks a stand-in wherever figures are kept, the ledger of champions too."""
RULES: Mapping[str, str] = {
    "churn": "the rule that looks only at the days since the last purchase",
    "value": "carrying last year's spend on at the same pace",
    "next_offer": "offering what the customer bought most, then what is popular",
    "churn_table": "the best single column",
    "subscription_churn": "the usual cancellation rate of the plan and age",
    "contractual_churn": "the usual cancellation rate of the plan and age",
    "demand": "repeating what was ordered in the same season a year before",
}
PURCHASE_RULE = "the purchase model, which looks only at how often, how lately and for how much customers bought"
HELD_AGAINST_PURCHASES, BY_PURCHASES = "held_against_purchase_model", "by_purchase_model"
"""Figures (1.0 or 0.0) of a horizon of value: held against the purchase model, and being the purchase model itself."""
NEAR, FAR = "value_90d_", "value_long_"
"""What figures of value begin with, by horizon. The near one makes the grade; the far one must not be surely worse."""
QUALITY: Mapping[Letter, str] = {
    "A": "surely and much better than",
    "B": "surely better than",
    "C": "not surely better than",
    "D": "worse than",
}
USE: Mapping[Letter, str] = {
    "A": "fit for decisions about single customers",
    "B": "fit for ranking customers and for totals; look twice at single customers",
    "C": "the champion before goes on scoring, or that rule itself",
    "D": "not to be used",
}
ALONE = ("churn_table",)
"""Models learnt from a table of somebody's own: there is no champion of theirs."""
USE_ALONE: Mapping[Letter, str] = {**USE, "C": "go by that column, or bring more rows or columns"}


@dataclass(frozen=True, kw_only=True)
class GainShare:
    """A gain over the baseline as a share of the possible one, with the bounds of its 95 % interval."""

    figure: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Grade:
    """A letter, the sentence that goes with it, and the gains it rests on."""

    letter: Letter
    words: str
    gains: tuple[GainShare, ...]

    @property
    def may_be_promoted(self) -> bool:
        """Whether it is good enough to be promoted without anybody's word for it."""
        return self.letter in PROMOTED_GRADES


def grade_bundle(bundle: Bundle) -> Grade:
    """The grade of a trained bundle; a gate that was not passed is C at best."""
    return grade_figures(bundle.name, bundle.metrics, passed=bundle.beats_baseline, reasons=bundle.reasons)


def grade_figures(name: str, metrics: Mapping[str, float], *, passed: bool, reasons: tuple[str, ...] = ()) -> Grade:
    """Grade test figures.

    Args:
        name: the model, for the words of its baseline.
        metrics: figures with `baseline_*` and `*_gain`, `*_gain_low`, `*_gain_high` (see `evaluation.figures_beside`).
        passed: the gate's verdict.
        reasons: the gate's reasons; one that says "too good to be true" makes a D, one that says "not graded" a C.
    """
    gains = gain_shares(metrics)
    if any(reason.startswith(TOO_GOOD_WORDS) for reason in reasons):
        return Grade(
            letter="D",
            words="D: too good to be true; a feature probably knows the outcome; not to be used",
            gains=gains,
        )
    if any(reason.startswith(UNGRADED_WORDS) for reason in reasons):
        words = "C: not graded yet: too little to learn from; a stand-in that needs no outcomes scores meanwhile"
        return Grade(letter="C", words=words, gains=gains)
    letter = _letter(metrics, gains, passed=passed)
    best = max(_deciding(gains), key=lambda one: one.low, default=None)
    told = f" ({_in_words(best)})" if best is not None else ""
    use = USE_ALONE if name in ALONE else USE
    rule = PURCHASE_RULE if metrics.get(f"{NEAR}{HELD_AGAINST_PURCHASES}") else RULES.get(name, "its baseline")
    alone = "the purchase model by itself, " if metrics.get(f"{NEAR}{BY_PURCHASES}") else ""
    return Grade(letter=letter, words=f"{letter}: {alone}{QUALITY[letter]} {rule}{told}; {use[letter]}", gains=gains)


def gain_shares(metrics: Mapping[str, float]) -> tuple[GainShare, ...]:
    """Every gain among the figures as a share of what could be gained, in the figures' order.

    But for calibration errors: small ones are mostly chance, and a share of chance says nothing.
    """
    found = []
    for key, gain in metrics.items():
        low = metrics.get(f"{key}_low", metrics.get(f"{key}_lower"))
        high = metrics.get(f"{key}_high", metrics.get(f"{key}_upper"))
        figure = key.removesuffix("_gain")
        baseline = _baseline(metrics, figure)
        if (
            not key.endswith("_gain")
            or figure.endswith("calibration_error")
            or low is None
            or high is None
            or baseline is None
        ):
            continue
        possible = baseline if figure.endswith(SMALLER_IS_BETTER) else 1 - baseline
        if possible > 0:
            found.append(GainShare(figure=figure, share=gain / possible, low=low / possible, high=high / possible))
    return tuple(found)


def _letter(metrics: Mapping[str, float], gains: tuple[GainShare, ...], *, passed: bool) -> Letter:
    surely_worse = [one for one in gains if one.high < 0]
    surely_better = [one for one in gains if one.low > 0]
    if not passed:
        return "D" if surely_worse and not surely_better else "C"
    much = any(one.low >= MUCH for one in _deciding(gains)) and not metrics.get(f"{NEAR}{BY_PURCHASES}")
    honest = metrics.get("calibration_error", 0.0) <= GOOD_CALIBRATION_ERROR
    totals = [value for key, value in metrics.items() if key.endswith("predicted_to_actual") and "baseline" not in key]
    near = all(abs(value - 1) <= GOOD_TOTAL for value in totals)
    return "A" if much and honest and near and not surely_worse else "B"


def _deciding(gains: tuple[GainShare, ...]) -> tuple[GainShare, ...]:
    """Without those of a far horizon, which has a test snapshot and a baseline of its own."""
    return tuple(one for one in gains if not one.figure.startswith(FAR))


def _baseline(metrics: Mapping[str, float], figure: str) -> float | None:
    """`auc` → `baseline_auc`; `value_90d_mae` → `value_90d_baseline_mae`; `ndcg` → `baseline_ndcg_at_10`."""
    names = [name for name in metrics if "baseline_" in name]
    exact = [name for name in names if name.replace("baseline_", "", 1) == figure]
    longer = [name for name in names if name.replace("baseline_", "", 1).startswith(f"{figure}_at_")]
    chosen = (exact or longer)[:1]
    return metrics[chosen[0]] if chosen else None


def _in_words(best: GainShare) -> str:
    is_error = best.figure.endswith(SMALLER_IS_BETTER)
    what = "of its error gone" if is_error else "of the way from it to a perfect order"
    return f"{best.share:.0%} {what}, between {best.low:.0%} and {best.high:.0%} for sure"
