"""Is there enough to learn from: what is there, what is missing, what more would bring, what scores meanwhile.

Belongs here: the requirements of each model as rules on plain facts, and the learning curve. Does not: gathering the
facts (the flows), refusing to train (the models themselves).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.errors import TooLittleHistoryError
from models.judging.calibration import log_loss, sigmoid
from models.judging.evaluation import auc
from models.learners.encoding import Floats, fit_encoder, usable_features
from models.learners.smooth import fit_smooth
from models.next_offer.training_sets import LEAST_BUYERS, LEAST_HISTORY_DAYS, LEAST_SNAPSHOTS
from models.prepared_table.folds import lots_of
from models.snapshots.rows import MINIMUM_OUTCOMES
from models.snapshots.splits import YEAR_DAYS, plan_splits, plan_value

MOST_ROWS = 30_000  # a curve is about its slope: more rows say nothing new
LEAST_ROWS = 200  # in the smallest part of a learning curve
SHARES = (0.25, 0.5, 1.0)
LEAST_SEASONS_DAYS = 2 * YEAR_DAYS
MEANWHILE = {
    "churn": "a purchase model (BG/NBD, buy till you die) scores, from 30 days of orders and 20 customers on",
    "value": "purchase models (BG/NBD and Gamma-Gamma, buy till you die) score, from 30 days and 20 customers on",
    "next_offer": "what the customer bought most, then what is popular, is offered",
    "subscription_churn": "nothing: customers are scored by their orders only",
    "demand": "the same season of the year before is repeated",
}


@dataclass(frozen=True, kw_only=True)
class History:
    """What a company's data hold, as plain facts.

    Attributes:
        first_event: first business date with orders.
        last_event: the last.
        as_of: the date asked about.
        customers: who ever bought.
        active: of them, those with a purchase in the last `active_within_days`.
        products: different products in the orders.
        buyers_lately: customers with a purchase in the last `window_days`.
        subscriptions: rows; 0 where there is no such table.
        cancellations: of them, those that ended.
        entities: the tables there are.
        absent_columns: optional columns that hold nothing, as `entity.column`.
    """

    first_event: date
    last_event: date
    as_of: date
    customers: int
    active: int
    products: int
    buyers_lately: int
    subscriptions: int
    cancellations: int
    entities: tuple[str, ...]
    absent_columns: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """Length of the history: silence after the last order is none."""
        return (min(self.as_of, self.last_event + timedelta(days=1)) - self.first_event).days


@dataclass(frozen=True, kw_only=True)
class ModelReadiness:
    """The answer for one model.

    Attributes:
        model: its name.
        ready: whether training it will be tried with a chance of success.
        there: what is there, in words.
        missing: what is missing; empty where it is ready.
        more: what more data would bring.
        meanwhile: what scores as long as it is not ready, or not promoted.
    """

    model: str
    ready: bool
    there: str
    missing: tuple[str, ...]
    more: tuple[str, ...]
    meanwhile: str


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """How good a simple model is that learns from part of what is there."""

    part: str
    customers: int
    snapshots: int
    rows: int
    auc: float
    log_loss: float


def readiness(
    history: History, *, churn_horizon_days: int, history_days: int, window_days: int
) -> list[ModelReadiness]:
    """The answers for all models, in a fixed order.

    Args:
        history: the facts.
        churn_horizon_days: see the settings.
        history_days: least history before the first snapshot.
        window_days: of next offers.
    """
    return [
        _churn(history, horizon_days=churn_horizon_days, history_days=history_days),
        _value(history, history_days=history_days),
        _next_offer(history, window_days=window_days),
        subscription_readiness(history.subscriptions, history.cancellations),
        _demand(history),
    ]


def learning_curve(
    train: pl.DataFrame, test: pl.DataFrame, features: Iterable[str], target: str, *, model: str
) -> list[CurvePoint]:
    """Figures on the test snapshot of a smooth curve that learns from a part of the customers, then of the snapshots.

    A quarter, half and all of the customers (drawn by a hash of their ids), then the latest snapshot and the later
    half of them. It is about the slope, not the figures: the models themselves are better.

    Args:
        train: features, keys and a 0/1 target of the training snapshots, in a stable order.
        test: the same of the test snapshot.
        features: columns to learn from.
        target: the target's column.
        model: for messages.
    """
    kept, _ = usable_features(train, features)
    drawn = lots_of(train["customer_id"].to_list(), seed=1)
    days = sorted(train["snapshot_date"].unique().to_list())
    parts = [(f"{share:.0%} of the customers", train.filter(pl.Series(drawn < share))) for share in SHARES]
    for count in sorted({1, max(len(days) // 2, 1)} - {len(days)}):
        latest = train.filter(pl.col("snapshot_date").is_in(days[-count:]))
        parts.append((f"the latest {count} of {len(days)} snapshots", latest))
    encoder = fit_encoder(train, kept, model=model)
    asked = encoder.matrix(_sample(test), model=model)
    happened = _sample(test)[target].cast(pl.Float64).to_numpy()
    points = []
    for part, rows in parts:
        seen = _sample(rows)
        outcome = seen[target].cast(pl.Float64).to_numpy()
        if rows.height < LEAST_ROWS or not 0 < outcome.mean() < 1:
            continue
        scores = _smooth_scores(encoder.matrix(seen, model=model), outcome, asked, encoder.numeric)
        points.append(
            CurvePoint(
                part=part,
                customers=rows["customer_id"].n_unique(),
                snapshots=rows["snapshot_date"].n_unique(),
                rows=rows.height,
                auc=round(auc(scores, happened), 4),
                log_loss=round(log_loss(sigmoid(scores), happened), 4),
            )
        )
    return points


def curve_in_words(points: Sequence[CurvePoint]) -> list[str]:
    """What more customers, and what more history, would bring."""
    whole = next((point for point in points if point.part.startswith("100%")), None)
    half = next((point for point in points if point.part.startswith("50%")), None)
    if whole is None or half is None:
        return ["too few rows for a learning curve: more customers would help most"]
    told = [_doubled(half, whole)]
    fewer = [point for point in points if "latest" in point.part]
    if fewer:
        least = fewer[0]
        told.append(
            f"{whole.snapshots} snapshots instead of {least.snapshots} moved the AUC by {whole.auc - least.auc:+.3f}, "
            f"the log loss by {whole.log_loss - least.log_loss:+.4f}: what a longer history brings"
        )
    return told


def _doubled(half: CurvePoint, whole: CurvePoint) -> str:
    return (
        f"twice the customers (from {half.customers:,} to {whole.customers:,}) moved the AUC by "
        f"{whole.auc - half.auc:+.3f}, the log loss by {whole.log_loss - half.log_loss:+.4f}; "
        "doubling them again would bring about as much or less"
    )


def _smooth_scores(matrix: Floats, target: Floats, asked: Floats, places: list[int]) -> Floats:
    return fit_smooth(matrix, target, places=places, offset=np.zeros(len(target))).scores(asked)


def _sample(rows: pl.DataFrame) -> pl.DataFrame:
    return rows[:: max(rows.height // MOST_ROWS, 1)]


def _churn(history: History, *, horizon_days: int, history_days: int) -> ModelReadiness:
    missing, more = [], []
    try:
        plan = plan_splits(
            first_event=history.first_event,
            as_of=history.as_of,
            horizon_days=horizon_days,
            history_days=history_days,
        )
        told = f", {len(plan.train)} snapshots to learn from, {len(plan.calibrate)} to calibrate on, 1 to test on"
        if history.days < 2 * YEAR_DAYS:
            more.append("two years of orders show each season twice: then the season is learnt, not guessed")
    except TooLittleHistoryError as error:
        told = ""
        missing.append(f"{error.missing_days} more days of orders (there are {error.has_days})")
    missing += _too_few(history)
    there = f"{_span(history)}, {history.active:,} active customers{told}"
    return _answer("churn", there, missing, more)


def _value(history: History, *, history_days: int) -> ModelReadiness:
    missing, more, told = [], [], ""
    try:
        plan = plan_value(first_event=history.first_event, as_of=history.as_of, history_days=history_days)
        days = plan.far.horizon_days
        told = f", horizons of {plan.near.horizon_days} and {days} days can be learnt and tested"
        if days < YEAR_DAYS:
            more.append(f"a longer history lets it learn 12 months whole instead of extending {days} days")
    except TooLittleHistoryError as error:
        missing.append(f"{error.missing_days} more days of orders (there are {error.has_days})")
    missing += _too_few(history)
    if "orders.cost_amount" in history.absent_columns:
        more.append("costs (orders.cost_amount) turn net sales into margin")
    return _answer("value", f"{_span(history)}, {history.active:,} active customers{told}", missing, more)


def _next_offer(history: History, *, window_days: int) -> ModelReadiness:
    needs = LEAST_HISTORY_DAYS + LEAST_SNAPSHOTS * window_days
    missing, more = [], []
    if history.days < needs:
        missing.append(f"{needs - history.days} more days of orders (there are {history.days})")
    if history.buyers_lately < LEAST_BUYERS:
        missing.append(f"{LEAST_BUYERS - history.buyers_lately} more customers who bought in {window_days} days")
    if history.products < 2:  # noqa: PLR2004 - of one there is nothing to choose
        missing.append("a second product: of one there is nothing to choose")
    if "products" not in history.entities:
        more.append("a products table with categories lets it offer what is new in a favourite category")
    there = f"{history.products:,} products, {history.buyers_lately:,} buyers in the last {window_days} days"
    return _answer("next_offer", there, missing, more)


def subscription_readiness(subscriptions: int, cancellations: int) -> ModelReadiness:
    """The answer for churn of subscribers, which needs no orders."""
    there = f"{subscriptions:,} subscriptions, {cancellations:,} of them ended"
    if not subscriptions:
        return _answer(
            "subscription_churn", "no subscriptions", ["a subscriptions table (only where there are any)"], []
        )
    few = MINIMUM_OUTCOMES - cancellations
    missing = [f"{few} more cancellations"] if few > 0 else []
    return _answer("subscription_churn", there, missing, [])


def _demand(history: History) -> ModelReadiness:
    short = LEAST_SEASONS_DAYS - history.days
    more = [f"{short} more days of orders show every season twice"] if short > 0 else []
    missing = [f"{YEAR_DAYS - history.days} more days: a whole year of orders"] if history.days < YEAR_DAYS else []
    return _answer("demand", _span(history), missing, more)


def _too_few(history: History) -> list[str]:
    few = 2 * MINIMUM_OUTCOMES - history.active
    return [f"{few} more active customers at least: both outcomes need {MINIMUM_OUTCOMES}"] if few > 0 else []


def _span(history: History) -> str:
    ends = min(history.last_event + timedelta(days=1), history.as_of)
    return f"{history.days:,} days of orders ({history.first_event} to {ends})"


def _answer(model: str, there: str, missing: list[str], more: list[str]) -> ModelReadiness:
    return ModelReadiness(
        model=model,
        ready=not missing,
        there=there,
        missing=tuple(missing),
        more=tuple(more),
        meanwhile=MEANWHILE[model],
    )
