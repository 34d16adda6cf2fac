"""Grading one horizon of the value model: beside two baselines, and what stands when trees don't beat the better one.

The run rate is an easy rule where most customers buy once. So the purchase model (BG/NBD purchases times Gamma-Gamma
amounts, at the window's level), which needs no trees, stands beside it, and trees are held against the better of both;
the purchase model is held against the run rate. Belongs here: figures, the choice and the verdicts. Does not: fits
(`head`), the gate's rules (`gate`), letters (`grading`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from models.judging.evaluation import Gain, amount_figures, figures_beside, mae, normalised_gini, paired_gain, rmse
from models.judging.gate import Verdict, judge_value
from models.judging.grading import BY_PURCHASES, HELD_AGAINST_PURCHASES
from models.learners.encoding import Floats
from models.value.head import HeadRecipe, ValueHead

TREES, PARAMETRIC, BASELINE = "lightgbm", "buy_till_you_die", "baseline"
RUN_RATE_NAME, PURCHASES_NAME = "the run rate", "the purchase model"
METRICS = {"normalised_gini": (normalised_gini, True), "mae": (mae, False), "rmse": (rmse, False)}


@dataclass(frozen=True, kw_only=True)
class GradedHead:
    """One horizon's grade.

    Attributes:
        method: what stands: `lightgbm`, `buy_till_you_die` or `baseline` (the run rate).
        tested: whose figures these are: what stands, or the trees that did not pass.
        purchases: the purchase model as it was graded; None where features don't tell histories.
        rival: the method that `tested` was held against.
        figures: test figures beside the rival's (money in minor units), and those of both baselines.
        verdict: the gate's, on `tested`.
    """

    method: str
    tested: ValueHead
    purchases: ValueHead | None
    rival: str
    figures: dict[str, float]
    verdict: Verdict

    @property
    def standing(self) -> ValueHead:
        """The head of the method that stands; asked by `amounts_by`."""
        return self.purchases if self.method == PARAMETRIC and self.purchases is not None else self.tested


def amounts_by(method: str, head: ValueHead, frame: pl.DataFrame, *, threads: int) -> Floats:
    """Expected net amounts of a head, or of its run rate, shape (rows,)."""
    if method == BASELINE:
        return head.anchor.run_rate.amounts(frame, horizon_days=head.horizon_days)
    return head.amounts(frame, threads=threads)


def grade_head(
    head: ValueHead, train: pl.DataFrame, test: pl.DataFrame, *, prefix: str, recipe: HeadRecipe
) -> GradedHead:
    """Hold a head against the better of two baselines on the test snapshot.

    The purchase model is the better one where it passes the gate against the run rate, or else where two of three
    figures (normalised Gini, MAE, RMSE) say so. Where trees don't pass, the better baseline stands.

    Args:
        head: with trees, fitted on `train`.
        train: features and outcomes whose windows had ended by the test snapshot.
        test: features and outcomes of it.
        prefix: of the figures' names, without the underscore.
        recipe: what was fitted.
    """
    contest = _Contest.of(head, train, test, recipe)
    rival = PARAMETRIC if contest.purchases_better else BASELINE
    gains = contest.gains(TREES, rival)
    verdict = judge_value(contest.figures[TREES], gains, contest.figures[rival], contest.window, rival=_called(rival))
    told = replace(verdict, reasons=(*verdict.reasons, *contest.words()))
    graded = GradedHead(
        method=TREES if verdict.passed else rival,
        tested=head,
        purchases=contest.purchases,
        rival=rival,
        figures=contest.told(TREES, rival, gains, prefix),
        verdict=told,
    )
    if graded.method != PARAMETRIC or contest.purchases is None or not contest.proof.passed:
        return graded
    given_way = next(reason for reason in verdict.reasons if reason.startswith("no: "))
    return replace(
        graded,
        tested=contest.purchases,
        rival=BASELINE,
        figures=contest.told(PARAMETRIC, BASELINE, contest.purchase_gains, prefix),
        verdict=replace(contest.proof, reasons=(*contest.proof.reasons, f"trees gave way: {given_way}")),
    )


@dataclass(frozen=True, kw_only=True)
class _Contest:
    """Trees and both baselines on the test snapshot.

    Attributes:
        purchases: the purchase model; None where features don't tell histories.
        said: by method, expected amounts, shape (rows,).
        figures: by method, `amount_figures`.
        window: the horizon in words.
        seed: of the bootstrap.
    """

    purchases: ValueHead | None
    actual: Floats
    said: Mapping[str, Floats]
    figures: Mapping[str, dict[str, float]]
    window: str
    seed: int

    @classmethod
    def of(cls, head: ValueHead, train: pl.DataFrame, test: pl.DataFrame, recipe: HeadRecipe) -> "_Contest":
        actual = test["value_amount"].to_numpy().astype(np.float64)
        asked = {TREES: head, BASELINE: head}
        purchases = head.without_trees(train) if head.anchor.purchases is not None else None
        asked |= {} if purchases is None else {PARAMETRIC: purchases}
        said = {method: amounts_by(method, one, test, threads=recipe.threads) for method, one in asked.items()}
        return cls(
            purchases=purchases,
            actual=actual,
            said=said,
            figures={method: amount_figures(amounts, actual) for method, amounts in said.items()},
            window=f"{head.horizon_days} days",
            seed=recipe.seed,
        )

    @cached_property
    def purchases_better(self) -> bool:
        if self.purchases is None:
            return False
        ours, theirs = self.figures[PARAMETRIC], self.figures[BASELINE]
        differ = {name: higher for name, (_, higher) in METRICS.items() if ours[name] != theirs[name]}
        won = [(ours[name] > theirs[name]) is higher for name, higher in differ.items()]
        return self.proof.passed or 2 * sum(won) > len(won)

    @cached_property
    def purchase_gains(self) -> dict[str, Gain]:
        """Of the purchase model over the run rate."""
        return self.gains(PARAMETRIC, BASELINE)

    @cached_property
    def proof(self) -> Verdict:
        """The gate's verdict on the purchase model against the run rate."""
        pair = self.figures[PARAMETRIC], self.purchase_gains, self.figures[BASELINE]
        return judge_value(*pair, f"{self.window}, {PURCHASES_NAME}", rival=RUN_RATE_NAME)

    def gains(self, ours: str, theirs: str) -> dict[str, Gain]:
        pair = self.said[ours], self.said[theirs], self.actual
        return {
            name: paired_gain(metric, *pair, seed=self.seed, higher_is_better=higher)
            for name, (metric, higher) in METRICS.items()
        }

    def told(self, ours: str, theirs: str, gains: dict[str, Gain], prefix: str) -> dict[str, float]:
        """All figures by flat names, both baselines' as `<prefix>_baseline_run_rate_…` and `…_purchase_model_…`."""
        rows = len(self.actual)
        told = figures_beside(self.figures[ours], self.figures[theirs], gains, rows=rows, prefix=f"{prefix}_")
        for method, name in ((BASELINE, "run_rate"), (PARAMETRIC, "purchase_model")):
            found = self.figures.get(method, {})
            told |= {f"{prefix}_baseline_{name}_{figure}": round(value, 9) for figure, value in found.items()}
        flags = {HELD_AGAINST_PURCHASES: theirs == PARAMETRIC, BY_PURCHASES: ours == PARAMETRIC}
        return told | {f"{prefix}_{flag}": float(value) for flag, value in flags.items()}

    def words(self) -> tuple[str, ...]:
        """Which baseline is the better one, and by how much; amounts would need their currency."""
        if self.purchases is None:
            return ()
        better, other = (PARAMETRIC, BASELINE) if self.purchases_better else (BASELINE, PARAMETRIC)
        one, two = self.figures[better], self.figures[other]
        errors = [f"{name.upper()} {one[name] / two[name]:.1%}" for name in ("mae", "rmse") if two[name] > 0]
        order = f"normalised Gini {one['normalised_gini']:.3f} against {two['normalised_gini']:.3f}"
        told = "; ".join([order, *([" and ".join(errors) + " of those"] if errors else [])])
        return (f"{self.window}: {_called(better)} is a better baseline than {_called(other)}: {told}",)


def _called(method: str) -> str:
    return PURCHASES_NAME if method == PARAMETRIC else RUN_RATE_NAME
