"""Making a receipt: what a published score said, beside what happened, and whether the promise was kept.

Belongs here: pure functions of a night's scores and outcomes. Does not: which scores there are and what is promised of
them (`receipts`), which nights have matured, or reading outcomes.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import polars as pl

from segments.receipts.contract import (
    ALL,
    BROKEN,
    DECILE,
    KEPT,
    LEFT_OR_STAYED,
    LISTED,
    NO_PROMISE,
    RANK,
    SCORE_RECEIPTS,
    TIER,
    TOO_FEW,
    Subject,
)
from segments.statistics import Z_95, clustered_share_interval, share_interval

FEWEST: Final = 100  # customers, below which no verdict is given
RANKING_SLACK: Final = 0.02  # by which ranking may fall short whatever the numbers: no customer would feel it
LEVEL_SLACK: Final = 0.05  # of a probability to leave; of amounts the share `RELATIVE_SLACK` of what came
RELATIVE_SLACK: Final = 0.15
LIST_SLACK: Final = 0.25  # lists are for their order; a season moves the level of all

_Figures = Mapping[str, float | int | None]


def receipt(scored: pl.DataFrame, outcomes: pl.DataFrame, subject: Subject) -> pl.DataFrame:
    """The receipt of one night's score.

    Args:
        scored: `customer_id`, `value_tier` (String), `predicted` (Float64: a probability, or major units), `low`,
            `high` (Float64, null where no interval was published); one row a scored customer.
        outcomes: `customer_id`, `actual` (Float64: 1 left, 0 stayed; or major units); one row a customer.
        subject: what it is the receipt of.

    Returns:
        Rows for all customers, each tier and each tenth: the columns of `SCORE_RECEIPTS` without `as_of`, `run_key`.
    """
    joined = scored.join(outcomes, on="customer_id", how="left", validate="1:1", maintain_order="left")
    joined = _in_tenths(joined.sort("predicted", "customer_id", descending=[True, False]))
    known = joined.filter(pl.col("actual").is_not_null())
    ranking = ranking_of(known["predicted"], known["actual"], score=subject.score)
    share = _mean(known["actual"]) or 0.0
    error = 0.0 if ranking is None else _ranking_error(ranking, known.height, share, subject.score)
    promise = subject.promise
    promised = _ranking_error(promise.ranking or 0.5, promise.customers or known.height, share, subject.score)
    return _receipt(joined, subject, ranking, math.hypot(error, promised), {})


def list_receipt(listed: pl.DataFrame, grades: pl.DataFrame, subject: Subject) -> pl.DataFrame:
    """The receipt of one night's ranked lists; means are over rows of the lists.

    Args:
        listed: `customer_id`, `value_tier` (String), `rank` (Int32), `predicted` (Float64: the chance to buy it),
            `actual` (Float64: 1 bought, 0 not; null: the customer is not known any more); one row a customer and rank.
        grades: `customer_id`, `ndcg` (Float64) of customers who bought anything in the window, one row each.
        subject: what it is the receipt of.

    Returns:
        As `receipt`, and rows by place in the list.
    """
    none = pl.lit(None, pl.Float64)
    ordered = listed.with_columns(none.alias("low"), none.alias("high")).sort(
        "predicted", "customer_id", "rank", descending=[True, False, False]
    )
    spread = grades["ndcg"].std() if grades.height > 1 else None
    ranking = _mean(grades["ndcg"])
    one = spread if isinstance(spread, float) else 0.0
    both = one * math.sqrt(1 / max(grades.height, 1) + 1 / max(subject.promise.customers or grades.height, 1))
    place = pl.col("rank").cast(pl.String).str.zfill(2)
    return _receipt(_in_tenths(ordered), subject, ranking, both, {RANK: place})


def ranking_of(predicted: pl.Series, actual: pl.Series, *, score: str) -> float | None:
    """Area under the curve of who left (Mann-Whitney, ties half), rank correlation (Spearman) of amounts.

    Args:
        predicted: Float64.
        actual: Float64, as long.
        score: one of `SCORES` with a row a customer.

    Returns:
        None where all are alike, so that nothing can be ranked.
    """
    if score not in LEFT_OR_STAYED:
        found = pl.select(pl.corr(predicted.rank(), actual.rank())).item()
        return found if found is not None and math.isfinite(found) else None
    left = int(actual.sum())
    stayed = len(actual) - left
    if not left or not stayed:
        return None
    ranks = float(predicted.rank().filter(actual > 0).sum())
    return (ranks - left * (left + 1) / 2) / (left * stayed)


def _in_tenths(ordered: pl.DataFrame) -> pl.DataFrame:
    """Rows from the highest score, with their `tenth` among those whose outcome is known."""
    known = pl.col("actual").is_not_null()
    place = known.cum_sum() - 1
    tenth = (place.clip(lower_bound=0) * 10 // known.sum().clip(lower_bound=1)) + 1
    return ordered.with_columns(tenth.cast(pl.String).str.zfill(2).alias("tenth"))


def _receipt(
    joined: pl.DataFrame, subject: Subject, ranking: float | None, doubt: float, further: Mapping[str, pl.Expr]
) -> pl.DataFrame:
    """All rows of a receipt; `doubt` is the standard error of the ranking less the promised one."""
    known = joined.filter(pl.col("actual").is_not_null())
    slices = {
        ALL: joined.with_columns(pl.lit("all customers").alias("part")),
        TIER: joined.with_columns(pl.col("value_tier").alias("part")),
        DECILE: known.with_columns(pl.col("tenth").alias("part")),
        **{name: joined.with_columns(part.alias("part")) for name, part in further.items()},
    }
    rows = [
        {"slice": name, "part": part, **_figures(group, subject)}
        for name, frame in slices.items()
        for (part,), group in frame.group_by("part", maintain_order=True)
    ]
    if rows:
        rows[0] |= _overall(known, rows[0], subject, ranking, doubt)
    return _stamped(rows, subject)


def _figures(group: pl.DataFrame, subject: Subject) -> dict[str, float | int | None]:
    """Predicted and actual of one group of customers."""
    known = group.filter(pl.col("actual").is_not_null())
    predicted, actual = _mean(known["predicted"]), _mean(known["actual"])
    low, high = _interval(known, subject)
    error = None if predicted is None or actual is None else predicted - actual
    sure = known.filter(pl.col("low").is_not_null() & pl.col("high").is_not_null())
    inside = sure.select(pl.col("actual").is_between("low", "high").mean()).item()
    customers = known["customer_id"].n_unique()
    return {
        "customers": customers,
        "customers_without_outcome": group["customer_id"].n_unique() - customers,
        "predicted": predicted,
        "actual": actual,
        "actual_low": low,
        "actual_high": high,
        "error": error,
        "coverage": inside,
    }


def _overall(
    known: pl.DataFrame, figures: _Figures, subject: Subject, ranking: float | None, doubt: float
) -> dict[str, float | str | None]:
    """What is told of all customers together: calibration, lift, ranking and the verdict."""
    if known.is_empty():
        return {"promised_ranking": subject.promise.ranking, "verdict": TOO_FEW}
    tenths = known.group_by("tenth").agg(pl.len(), pl.col("predicted").mean(), pl.col("actual").mean()).sort("tenth")
    gap = (pl.col("predicted") - pl.col("actual")).abs() * pl.col("len")
    total = _mean(known["actual"]) or 0.0
    verdict, why = _verdict(figures, subject, ranking, doubt)
    return {
        "calibration_error": tenths.select(gap.sum() / pl.col("len").sum()).item(),
        "lift": tenths["actual"][0] / total if total > 0 else None,
        "ranking": ranking,
        "promised_ranking": subject.promise.ranking,
        "verdict": verdict,
        "why": why,
    }


def _verdict(figures: _Figures, subject: Subject, ranking: float | None, doubt: float) -> tuple[str, str | None]:
    """Whether the model kept its promise; a shortfall counts only where chance and a little slack do not explain it."""
    promise = subject.promise
    if promise.ranking is None:
        return NO_PROMISE, None
    if (figures["customers"] or 0) < FEWEST or ranking is None:
        return TOO_FEW, None
    short = []
    if promise.ranking - ranking > max(RANKING_SLACK, Z_95 * doubt):
        short.append(f"it ranks customers worse: {ranking:.3f}, promised {promise.ranking:.3f}")
    came, predicted, low, high = (figures[name] for name in ("actual", "predicted", "actual_low", "actual_high"))
    if came is not None and predicted is not None and low is not None and high is not None:
        slack = max(_slack(subject.score), promise.level_error) * (1 if subject.score in LEFT_OR_STAYED else came)
        if not low - slack <= predicted <= high + slack:
            short.append(f"its level is off: {predicted:.3f} predicted, {came:.3f} came")
    return (BROKEN, "; ".join(short)) if short else (KEPT, None)


def _slack(score: str) -> float:
    """By how much a level may be off whatever the numbers: of who left a difference, else a share of what came."""
    if score in LEFT_OR_STAYED:
        return LEVEL_SLACK
    return LIST_SLACK if score in LISTED else RELATIVE_SLACK


def _ranking_error(ranking: float, customers: int, share: float, score: str) -> float:
    """Standard error of a ranking figure.

    Of an area: Hanley and McNeil, Radiology 143, 1982. Of a rank correlation: Bonett and Wright,
    Psychometrika 65, 2000.
    """
    if score not in LEFT_OR_STAYED:
        return (1 - ranking**2) * math.sqrt((1 + ranking**2 / 2) / max(customers - 3, 1))
    left = max(customers * share, 1.0)
    stayed = max(customers - left, 1.0)
    one, two = ranking / (2 - ranking), 2 * ranking**2 / (1 + ranking)
    variance = ranking * (1 - ranking) + (left - 1) * (one - ranking**2) + (stayed - 1) * (two - ranking**2)
    return math.sqrt(max(variance, 0.0) / (left * stayed))


def _interval(known: pl.DataFrame, subject: Subject) -> tuple[float | None, float | None]:
    """95 % interval of the mean: Wilson's of a share, by customers of lists, normal of amounts."""
    actual = known["actual"]
    if subject.score in LISTED:
        counted = known.group_by("customer_id").agg(pl.col("actual").sum(), pl.len())
        return clustered_share_interval(counted.select("actual", "len"))
    if subject.score in LEFT_OR_STAYED:
        return share_interval(int(actual.sum()), len(actual))
    mean, spread = _mean(actual), actual.std()
    if mean is None or not isinstance(spread, float):
        return None, None
    half = Z_95 * spread / math.sqrt(len(actual))
    return mean - half, mean + half


def _mean(values: pl.Series) -> float | None:
    mean = values.mean()
    return mean if isinstance(mean, float) else None


def _stamped(rows: list[dict[str, float | int | str | None]], subject: Subject) -> pl.DataFrame:
    """The rows with what is the same in all of them, as the contract has them."""
    same = {
        "scored_as_of": subject.scored_as_of,
        "score": subject.score,
        "horizon_days": subject.horizon_days,
        "window_end": subject.scored_as_of + timedelta(days=subject.horizon_days),
        "model": subject.model,
        "model_version": subject.model_version,
        "model_digest": subject.model_digest,
        "load_id": subject.load_id,
        "features_hash": subject.features_hash,
    }
    schema = {name: dtype for name, dtype in SCORE_RECEIPTS.schema.items() if name not in ("as_of", "run_key")}
    return pl.DataFrame([same | row for row in rows], schema=schema)
