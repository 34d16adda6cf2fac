"""What a published score said, beside what happened: the receipt of one night and one score.

Belongs here: pure functions of a night's scores and outcomes, and what the result means. Does not: which nights have
matured, or reading outcomes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.contract_columns import AS_OF, RUN_KEY, count, number, one_of, share
from segments.statistics import Z_95, share_interval

CHURN, VALUE_90D, VALUE_12M = "churn_probability", "expected_value_90d", "expected_value_12m"
SCORES: Final = (CHURN, VALUE_90D, VALUE_12M)
MODEL_OF: Final = {CHURN: "churn", VALUE_90D: "value", VALUE_12M: "value"}
ALL, TIER, DECILE = "all", "tier", "decile"
SLICES: Final = (ALL, TIER, DECILE)
KEPT, BROKEN, TOO_FEW, NO_PROMISE = "as promised", "below its promise", "too few to tell", "no promise"
VERDICTS: Final = (KEPT, BROKEN, TOO_FEW, NO_PROMISE)
FEWEST: Final = 100  # customers, below which no verdict is given
RANKING_SLACK: Final = 0.02  # by which ranking may fall short whatever the numbers: no customer would feel it
LEVEL_SLACK: Final = 0.05  # of a probability; of amounts the share `AMOUNT_SLACK` of what came
AMOUNT_SLACK: Final = 0.15

SCORE_RECEIPTS = OutputContract(
    table="score_receipts",
    key=("scored_as_of", "score", "slice", "part"),
    columns=(
        OutputColumn("scored_as_of", pl.Date, meaning="The night whose scores these were."),
        one_of("score", SCORES, "Which score."),
        one_of("slice", SLICES, "all customers, by tier of that night, or by tenth of the score."),
        OutputColumn("part", pl.String, meaning="The tier, or the tenth: 01 had the highest scores."),
        AS_OF,
        count("horizon_days", "Length of the window that was predicted."),
        OutputColumn("window_end", pl.Date, meaning="The first day after the window."),
        OutputColumn("model_version", pl.Int32, nullable=True, meaning="Version of the model that scored."),
        OutputColumn("model_digest", pl.String, nullable=True, meaning="SHA-256 of that model's manifest."),
        OutputColumn("load_id", pl.String, meaning="The load of data that was scored."),
        OutputColumn("features_hash", pl.String, meaning="SHA-256 of the features that were scored."),
        count("customers", "Scored customers whose outcome is known."),
        count("customers_without_outcome", "Scored customers not known any more: joined with another, or erased."),
        number("predicted", "Mean of the score: a share of customers, or an amount a customer in major units."),
        number("actual", "What came, in the same unit."),
        number("actual_low", "The lower end of its 95 % interval."),
        number("actual_high", "The upper end of its 95 % interval."),
        number("error", "Predicted minus actual."),
        number("calibration_error", "Mean distance of predicted and actual over tenths; only for all customers."),
        number("lift", "Actual of the tenth scored highest over that of all; only for all customers."),
        number(
            "ranking",
            "Only for all customers. Of churn: chance that who left was scored above who stayed (0.5 is a coin, 1 "
            "perfect); of amounts: rank correlation of predicted and actual.",
        ),
        number("promised_ranking", "The same when the model was tested before it was made champion."),
        share("coverage", "Share of customers whose amount lay in the interval published (80 %); empty: none was."),
        one_of("verdict", VERDICTS, "Whether the model kept what its test promised; only for all.", nullable=True),
        OutputColumn("why", pl.String, nullable=True, meaning="What fell short, in words."),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="Published scores held against what happened, once the window they spoke of is over.",
    may_be_empty=True,
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a model's test said of it; None where it said nothing.

    Attributes:
        ranking: area under the curve (churn), or rank correlation (amounts).
        customers: of the test.
        level_error: by how much the level was off: of churn the calibration error, of amounts |predicted / actual - 1|.
    """

    ranking: float | None = None
    customers: int = 0
    level_error: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Of which night and score a receipt is.

    Attributes:
        scored_as_of: the night.
        score: one of `SCORES`.
        horizon_days: length of the window.
        model_version, model_digest: of the model.
        load_id, features_hash: of what it was asked.
        promise: of the model's test.
    """

    scored_as_of: date
    score: str
    horizon_days: int
    model_version: int | None
    model_digest: str | None
    load_id: str
    features_hash: str
    promise: Promise = Promise()


def promise_of(score: str, metrics: Mapping[str, float]) -> Promise:
    """What the test figures of a model promise of a score.

    A year's value is mostly extended from a shorter window, so that its test promises nothing of the year itself.
    """
    if score == CHURN and "auc" in metrics:
        return Promise(
            ranking=metrics["auc"],
            customers=int(metrics.get("test_rows", 0)),
            level_error=metrics.get("calibration_error", 0.0),
        )
    if score == VALUE_90D and "value_90d_spearman" in metrics:
        return Promise(
            ranking=metrics["value_90d_spearman"],
            customers=int(metrics.get("value_90d_test_rows", 0)),
            level_error=abs(metrics.get("value_90d_predicted_to_actual", 1.0) - 1),
        )
    return Promise()


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
    joined = joined.sort("predicted", "customer_id", descending=[True, False])
    known = pl.col("actual").is_not_null()
    place = known.cum_sum() - 1
    tenth = (place.clip(lower_bound=0) * 10 // known.sum().clip(lower_bound=1)) + 1
    joined = joined.with_columns(tenth.cast(pl.String).str.zfill(2).alias("tenth"))
    slices = {
        ALL: joined.with_columns(pl.lit("all customers").alias("part")),
        TIER: joined.with_columns(pl.col("value_tier").alias("part")),
        DECILE: joined.filter(known).with_columns(pl.col("tenth").alias("part")),
    }
    rows = [
        {"slice": name, "part": part, **_figures(group, subject)}
        for name, frame in slices.items()
        for (part,), group in frame.group_by("part", maintain_order=True)
    ]
    if rows:
        rows[0] |= _overall(joined.filter(known), rows[0], subject)
    return _stamped(rows, subject)


def _figures(group: pl.DataFrame, subject: Subject) -> dict[str, float | int | None]:
    """Predicted and actual of one group of customers."""
    known = group.filter(pl.col("actual").is_not_null())
    predicted, actual = _mean(known["predicted"]), _mean(known["actual"])
    low, high = _interval(known["actual"], subject)
    error = None if predicted is None or actual is None else predicted - actual
    sure = known.filter(pl.col("low").is_not_null() & pl.col("high").is_not_null())
    inside = sure.select(pl.col("actual").is_between("low", "high").mean()).item()
    return {
        "customers": known.height,
        "customers_without_outcome": group.height - known.height,
        "predicted": predicted,
        "actual": actual,
        "actual_low": low,
        "actual_high": high,
        "error": error,
        "coverage": inside,
    }


def _overall(
    known: pl.DataFrame, figures: Mapping[str, float | int | None], subject: Subject
) -> dict[str, float | str | None]:
    """What is told of all customers together: calibration, lift, ranking and the verdict."""
    if known.is_empty():
        return {"promised_ranking": subject.promise.ranking, "verdict": TOO_FEW}
    tenths = known.group_by("tenth").agg(pl.len(), pl.col("predicted").mean(), pl.col("actual").mean()).sort("tenth")
    gap = (pl.col("predicted") - pl.col("actual")).abs() * pl.col("len")
    total = _mean(known["actual"]) or 0.0
    ranking = ranking_of(known["predicted"], known["actual"], score=subject.score)
    verdict, why = _verdict(known, ranking, figures, subject)
    return {
        "calibration_error": tenths.select(gap.sum() / pl.col("len").sum()).item(),
        "lift": tenths["actual"][0] / total if total > 0 else None,
        "ranking": ranking,
        "promised_ranking": subject.promise.ranking,
        "verdict": verdict,
        "why": why,
    }


def ranking_of(predicted: pl.Series, actual: pl.Series, *, score: str) -> float | None:
    """Area under the curve of churn (Mann-Whitney, ties half), rank correlation (Spearman) of amounts; None: can't be.

    Args:
        predicted: Float64.
        actual: Float64, as long.
        score: one of `SCORES`.
    """
    if score != CHURN:
        found = pl.select(pl.corr(predicted.rank(), actual.rank())).item()
        return found if found is not None and math.isfinite(found) else None
    left = int(actual.sum())
    stayed = len(actual) - left
    if not left or not stayed:
        return None
    ranks = float(predicted.rank().filter(actual > 0).sum())
    return (ranks - left * (left + 1) / 2) / (left * stayed)


def _verdict(
    known: pl.DataFrame, ranking: float | None, figures: Mapping[str, float | int | None], subject: Subject
) -> tuple[str, str | None]:
    """Whether the model kept its promise; a shortfall counts only where chance and a little slack do not explain it."""
    promise = subject.promise
    if promise.ranking is None:
        return NO_PROMISE, None
    if known.height < FEWEST or ranking is None:
        return TOO_FEW, None
    share = _mean(known["actual"]) or 0.0
    doubt = math.hypot(
        _ranking_error(ranking, known.height, share, subject.score),
        _ranking_error(promise.ranking, promise.customers or known.height, share, subject.score),
    )
    short = []
    if promise.ranking - ranking > max(RANKING_SLACK, Z_95 * doubt):
        short.append(f"it ranks customers worse: {ranking:.3f}, promised {promise.ranking:.3f}")
    predicted, low, high = (figures[name] for name in ("predicted", "actual_low", "actual_high"))
    if predicted is not None and low is not None and high is not None:
        slack = max(LEVEL_SLACK, promise.level_error)
        slack = slack if subject.score == CHURN else max(AMOUNT_SLACK, promise.level_error) * share
        if not low - slack <= predicted <= high + slack:
            short.append(f"its level is off: {predicted:.3f} predicted, {share:.3f} came")
    return (BROKEN, "; ".join(short)) if short else (KEPT, None)


def _ranking_error(ranking: float, customers: int, share: float, score: str) -> float:
    """Standard error of a ranking figure.

    Of an area: Hanley and McNeil, Radiology 143, 1982. Of a rank correlation: Bonett and Wright,
    Psychometrika 65, 2000.
    """
    if score != CHURN:
        return (1 - ranking**2) * math.sqrt((1 + ranking**2 / 2) / max(customers - 3, 1))
    left = max(customers * share, 1.0)
    stayed = max(customers - left, 1.0)
    one, two = ranking / (2 - ranking), 2 * ranking**2 / (1 + ranking)
    variance = ranking * (1 - ranking) + (left - 1) * (one - ranking**2) + (stayed - 1) * (two - ranking**2)
    return math.sqrt(max(variance, 0.0) / (left * stayed))


def _interval(actual: pl.Series, subject: Subject) -> tuple[float | None, float | None]:
    """95 % interval of the mean: Wilson's of a share, normal of amounts."""
    if subject.score == CHURN:
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
        "model_version": subject.model_version,
        "model_digest": subject.model_digest,
        "load_id": subject.load_id,
        "features_hash": subject.features_hash,
    }
    schema = {name: dtype for name, dtype in SCORE_RECEIPTS.schema.items() if name not in ("as_of", "run_key")}
    return pl.DataFrame([same | row for row in rows], schema=schema)
