"""Whether a model may be promoted: verdicts on test figures, each with its reason in words.

Belongs here: the rules, as pure functions. Does not: computing figures (`evaluation`), moving aliases (`registry`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.judging.evaluation import Gain, auc
from models.learners.encoding import Encoder, Floats

TOO_GOOD = 0.99  # no honest churn model is this sure
WORST_CALIBRATION_ERROR = 0.10
WORST_RATIO = 2.0  # predicted total over actual, or its inverse
HARMLESS = 0.02  # a loss of at most this share of the rival's figure, however sure, keeps no model of value back


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """May it be promoted, and why (not), in words."""

    passed: bool
    reasons: tuple[str, ...]


def judge_probabilities(
    figures: Mapping[str, float],
    baseline: Mapping[str, float],
    gains: Mapping[str, Gain],
    leaks: Mapping[str, float],
    *,
    rival: str,
) -> Verdict:
    """Churn: better than the baseline for sure in order or in probabilities, worse in neither, fairly calibrated.

    Passed when the paired 95 % interval of the gain in AUC or in log loss lies above 0, neither figure is worse than
    the baseline's, the calibration error is at most .10 (or the baseline's), and the AUC is at most .99.

    Args:
        figures: test figures `auc`, `log_loss`, `calibration_error`.
        baseline: the baseline's, on the same rows.
        gains: paired gains `auc` and `log_loss`.
        leaks: features that alone order the outcome almost perfectly, with their AUC.
        rival: what the baseline is called.
    """
    allowed_error = max(WORST_CALIBRATION_ERROR, baseline["calibration_error"])
    sure = gains["auc"].low > 0 or gains["log_loss"].low > 0
    worse = figures["auc"] < baseline["auc"] or figures["log_loss"] > baseline["log_loss"]
    order = f"AUC {figures['auc']:.3f} against {baseline['auc']:.3f}, gain {_interval(gains['auc'])}"
    loss = f"log loss {figures['log_loss']:.3f} against {baseline['log_loss']:.3f}, gain {_interval(gains['log_loss'])}"
    error = f"calibration error {figures['calibration_error']:.3f}, at most {allowed_error:.3f} is allowed"
    return _verdict(
        [
            (sure, f"better than {rival}: {order}; {loss}"),
            (not worse, f"neither order nor probabilities are worse than those of {rival}"),
            (figures["calibration_error"] <= allowed_error, error),
            (figures["auc"] <= TOO_GOOD, _too_good(figures["auc"], leaks)),
        ]
    )


def judge_value(
    figures: Mapping[str, float],
    gains: Mapping[str, Gain],
    baseline: Mapping[str, float],
    what: str,
    *,
    rival: str,
) -> Verdict:
    """Value: better than its rival for sure in order or in error, worse for sure in none, totals not far off.

    Means, medians and ranks are three questions, and heavy tails make the squared error of one test date a matter of
    a handful of customers. So: the paired 95 % interval of the gain in normalised Gini or in MAE lies above 0; neither
    of both is lower than the rival's by more than 2 %, and no RMSE that is has its whole interval below 0; and the
    predicted total is within a factor 2 of the actual one.

    Args:
        figures: test figures `normalised_gini`, `mae`, `predicted_to_actual`.
        gains: paired gains `normalised_gini`, `mae` and `rmse`.
        baseline: the rival's figures, on the same rows.
        what: what is judged.
        rival: what it is held against.
    """
    gini, error = gains["normalised_gini"], gains["mae"]
    much = [name for name, gain in gains.items() if gain.mean < -HARMLESS * baseline[name]]
    worse = [name for name in much if name != "rmse" or gains[name].high < 0]
    ratio = figures["predicted_to_actual"]
    order = f"normalised Gini {figures['normalised_gini']:.3f} against {baseline['normalised_gini']:.3f}"
    told = f"{order}, gain {_interval(gini)}; {_relative_error(figures['mae'], baseline['mae'], error, rival)}"
    allowed = f"{1 / WORST_RATIO:.1f} to {WORST_RATIO:.1f}"
    return _verdict(
        [
            (gini.low > 0 or error.low > 0, f"{what}: better than {rival}: {told}"),
            (not worse, f"{what}: in no figure clearly worse than {rival}{_named(worse)}"),
            (
                1 / WORST_RATIO <= ratio <= WORST_RATIO,
                f"{what}: predicted total {ratio:.2f} times the actual one, allowed {allowed}",
            ),
        ]
    )


def suspicious_features(matrix: Floats, encoder: Encoder, happened: Floats) -> dict[str, float]:
    """Features that alone order the outcome almost perfectly (AUC above .98, either way round): copies of the label."""
    found = {}
    for place in encoder.numeric:
        column = matrix[:, place]
        there = np.isfinite(column)
        alone = max(
            _either_way(np.where(there, column, np.nanmin(column) - 1 if there.any() else 0.0), happened),
            _either_way(there.astype(np.float64), happened),
        )
        if alone > 0.98:  # noqa: PLR2004 - stated in the docstring
            found[encoder.features[place]] = alone
    return found


def _either_way(column: Floats, happened: Floats) -> float:
    area = auc(column, happened)
    return max(area, 1 - area)


def _too_good(area: float, leaks: Mapping[str, float]) -> str:
    named = ", ".join(f"{name} (alone {value:.3f})" for name, value in leaks.items()) or "no single feature explains it"
    if area > TOO_GOOD:
        return f"too good to be true: AUC {area:.4f}; a feature probably knows the outcome: {named}"
    return f"not too good to be true (AUC at most {TOO_GOOD})"


def _named(worse: list[str]) -> str:
    return f" (it is in {', '.join(worse)})" if worse else ""


def _relative_error(ours: float, theirs: float, gain: Gain, rival: str) -> str:
    """The error beside the rival's as shares of it: amounts would need their currency."""
    if theirs <= 0:
        return f"MAE of {rival} 0"
    shares = [each / theirs for each in (gain.mean, gain.low, gain.high)]
    return f"MAE {ours / theirs:.1%} of that of {rival}, gain {shares[0]:+.1%} [{shares[1]:+.1%}, {shares[2]:+.1%}]"


def _interval(gain: Gain) -> str:
    return f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"


def _verdict(checks: list[tuple[bool, str]]) -> Verdict:
    passed = all(good for good, _ in checks)
    return Verdict(passed=passed, reasons=tuple(f"{'yes' if good else 'no'}: {words}" for good, words in checks))
