"""Figures of an effect model: average effect, Qini beside simpler methods, calibration, the best policy's value.

Belongs here: figures from held-out effects. Does not: fitting.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.learners.encoding import Floats
from models.uplift.clusters import summed
from models.uplift.cross_validation import OURS, SINGLE_RULE, HeldOutEffects
from models.uplift.off_policy import Logged, policy_value
from models.uplift.qini import Interval, Pairs, qini_curve, qini_intervals
from models.uplift.trial import CONTROL, Trial

Z = 1.959964
TENTHS = 10
SHARES = (0.1, 0.2, 0.3, 0.5)
LEAST_ROWS_A_TENTH = 50


@dataclass(frozen=True, kw_only=True)
class Graded:
    """Figures of one treatment.

    Attributes:
        treatment: its name.
        average: the average effect.
        qini: coefficient by method, see `qini.qini_coefficient`; random order is 0.
        gains: by how much ours is above each other method, on the same rows.
        details: curve, calibration, effects at the top, JSON-able.
    """

    treatment: str
    average: Interval
    qini: dict[str, Interval]
    gains: dict[str, Interval]
    details: dict[str, Any]


def grade(trial: Trial, held_out: HeldOutEffects, *, seed: int) -> list[Graded]:
    """Figures of every treatment.

    Args:
        trial: the rows.
        held_out: what was said of them.
        seed: of the bootstrap.
    """
    return [_graded(trial, held_out, place, seed) for place in range(len(trial.treatments))]


def _graded(trial: Trial, held_out: HeldOutEffects, place: int, seed: int) -> Graded:
    treatment = trial.treatments[place]
    of_pair, treated, share = trial.pair(treatment)
    pairs = Pairs(treated=treated, share=share, outcome=trial.outcome[of_pair], customer=trial.customer_of(of_pair))
    scores = {method: values[place][of_pair] for method, values in held_out.scores.items()}
    qini, gains = qini_intervals(scores, pairs, ours=OURS, seed=seed)
    details = {
        "rows": {"control": int((treated == 0).sum()), "treated": int(treated.sum())},
        "mean_outcome": {
            "control": float(pairs.outcome[treated == 0].mean()),
            "treated": float(pairs.outcome[treated > 0].mean()),
        },
        "curve": qini_curve(scores[OURS], pairs),
        "calibration": calibration(scores[OURS], pairs),
        "effect_at_the_top": {f"{share_:.0%}": asdict(_at_the_top(scores[OURS], pairs, share_)) for share_ in SHARES},
        "single_rule": Counter(held_out.rules[place]).most_common(1)[0][0],
    }
    return Graded(
        treatment=trial.arms[treatment],
        average=observed_effect(pairs, np.ones(len(treated), dtype=np.bool_)),
        qini=qini,
        gains=gains,
        details=details,
    )


def calibration(effects: Floats, pairs: Pairs) -> list[dict[str, float]]:
    """Predicted and observed effects of equal parts by predicted effect, tenths where there are rows enough."""
    parts = int(np.clip(len(effects) // LEAST_ROWS_A_TENTH, 1, TENTHS))
    order = np.lexsort((np.arange(len(effects)), effects))
    rows = []
    for part in np.array_split(order, parts):
        chosen = np.zeros(len(effects), dtype=np.bool_)
        chosen[part] = True
        seen = observed_effect(pairs, chosen)
        rows.append(
            {
                "rows": float(len(part)),
                "predicted": float(effects[part].mean()),
                "observed": seen.value,
                "low": seen.low,
                "high": seen.high,
            }
        )
    return rows


def observed_effect(pairs: Pairs, chosen: "np.typing.NDArray[np.bool_]") -> Interval:
    """Mean outcome of the treated less that of the control group among some rows, with a 95 % interval."""
    means, parts = [], np.zeros(len(chosen))
    for arm in (1, 0):
        rows = chosen & (pairs.treated == arm)
        weight = 1 / np.where(arm, pairs.share, 1 - pairs.share)[rows]
        outcome = pairs.outcome[rows]
        if not len(outcome):
            return Interval(value=0.0, low=float("-inf"), high=float("inf"))
        mean = float(np.average(outcome, weights=weight))
        means.append(mean)
        parts[rows] = (weight if arm else -weight) * (outcome - mean) / weight.sum()
    effect, error = means[0] - means[1], float(np.sqrt((summed(parts, pairs.customer) ** 2).sum()))
    return Interval(value=effect, low=effect - Z * error, high=effect + Z * error)


def _at_the_top(effects: Floats, pairs: Pairs, share: float) -> Interval:
    order = np.lexsort((np.arange(len(effects)), -effects))
    chosen = np.zeros(len(effects), dtype=np.bool_)
    chosen[order[: max(round(share * len(effects)), 1)]] = True
    return observed_effect(pairs, chosen)


def policy_figures(trial: Trial, held_out: HeldOutEffects) -> dict[str, Any]:
    """What each fixed policy, and the one that gives everybody their best arm, brings per customer."""
    rows = np.arange(len(trial.arm))
    logged = Logged(
        action=trial.arm,
        propensity=trial.propensity[rows, trial.arm],
        outcome=trial.outcome,
        customer=trial.customer,
    )
    effects = np.vstack([np.zeros(len(rows)), held_out.scores[OURS]])
    expected = (held_out.untreated + effects).T
    policies = {f"{name} for everybody": np.full(len(rows), arm) for arm, name in enumerate(trial.arms)}
    policies["the best arm for each"] = effects.argmax(axis=0)
    figures = {}
    for name, action in policies.items():
        chosen = np.zeros((len(rows), len(trial.arms)))
        chosen[rows, action] = 1.0
        value = policy_value(logged, chosen, expected)
        figures[name] = asdict(value) | {"treated": float((action != CONTROL).mean())}
    return figures


def verdict(graded: list[Graded]) -> tuple[bool, list[str]]:
    """Whether some treatment's effects can be told apart between customers, with the reasons in words."""
    reasons, passed = [], False
    for one in graded:
        ours, rule = one.qini[OURS], one.gains[SINGLE_RULE]
        sure = ours.low > 0
        passed |= sure and rule.high > 0
        spread = "customers can be told apart by it" if sure else "no customers can be told apart by it for sure"
        works = "works" if one.average.low > 0 else "harms" if one.average.high < 0 else "does nothing for sure"
        reasons.append(
            f"{one.treatment}: {works} on average ({one.average.value:+.4g} [{one.average.low:+.4g}, "
            f"{one.average.high:+.4g}]); {spread} (Qini {ours.value:.4g} [{ours.low:.4g}, {ours.high:.4g}], best "
            f"single column {one.qini[SINGLE_RULE].value:.4g})"
        )
    return passed, reasons
