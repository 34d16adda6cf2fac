"""Whether the ranking may stand before its baseline: both graded on the same customers of the test snapshot.

Belongs here: the gate and its words. Not: the measures themselves (evaluation), or what is trained.
"""

from dataclasses import dataclass

import polars as pl

from models.next_offer.baseline import baseline_score
from models.next_offer.evaluation import paired_gain, per_customer, summary
from models.next_offer.examples import Examples
from models.next_offer.probability import Floats

LIST_LENGTH = 10
RECALL_KEPT = 0.98  # of the baseline's: among a few customers equal recall falls to either side by chance


@dataclass(frozen=True)
class Verdict:
    """Test figures of the model and of its baseline, the gate's decision, and its reasons in words."""

    metrics: dict[str, float]
    reasons: tuple[str, ...]
    beats_baseline: bool


def judge(test: Examples, scores: Floats, *, seed: int) -> Verdict:
    """Grade both rankings; the model passes when NDCG's gain is certain to 95 % and recall keeps RECALL_KEPT."""
    ours, our_figures = _graded(test, scores)
    theirs, their_figures = _graded(test, baseline_score(test.frame).to_numpy())
    gain, lower, upper = paired_gain(ours["ndcg"].to_numpy(), theirs["ndcg"].to_numpy(), seed=seed)
    recall = f"recall_at_{LIST_LENGTH}"
    passes = lower > 0 and our_figures[recall] >= RECALL_KEPT * their_figures[recall]
    metrics = {
        **our_figures,
        **{f"baseline_{name}": figure for name, figure in their_figures.items()},
        "ndcg_gain": gain,
        "ndcg_gain_lower": lower,
        "ndcg_gain_upper": upper,
        "test_customers": float(ours.height),
    }
    return Verdict(metrics, _in_words(metrics, ours.height), beats_baseline=bool(passes))


def _in_words(metrics: dict[str, float], customers: int) -> tuple[str, ...]:
    """What the gate looked at."""
    ndcg, recall = f"ndcg_at_{LIST_LENGTH}", f"recall_at_{LIST_LENGTH}"
    gain = (
        f"NDCG@{LIST_LENGTH} {metrics[ndcg]:.3f} against {metrics[f'baseline_{ndcg}']:.3f} of personal top and "
        f"popularity (gain {metrics['ndcg_gain']:+.3f}, 95 % interval {metrics['ndcg_gain_lower']:+.3f} to "
        f"{metrics['ndcg_gain_upper']:+.3f})"
    )
    share = (
        f"recall@{LIST_LENGTH} {metrics[recall]:.3f} against {metrics[f'baseline_{recall}']:.3f}, "
        f"on {customers} customers who bought in the window"
    )
    return gain, share


def with_ranks(frame: pl.DataFrame, scores: Floats) -> pl.DataFrame:
    """Candidates with `score` and `rank` (UInt32, 1 = best of the customer; ties by product), best first."""
    scored = frame.with_columns(pl.Series("score", scores, dtype=pl.Float64))
    return scored.sort(["customer", "score", "product"], descending=[False, True, False]).with_columns(
        (pl.int_range(pl.len()).over("customer") + 1).cast(pl.UInt32).alias("rank")
    )


def _graded(test: Examples, scores: Floats) -> tuple[pl.DataFrame, dict[str, float]]:
    ranked = with_ranks(test.frame.select("customer", "product"), scores)
    grades = per_customer(ranked, test.truth, k=LIST_LENGTH)
    return grades, summary(grades, ranked, test.catalogue, k=LIST_LENGTH)
