"""The rows a plan asks for: features beside outcomes, in one stable order, refused when they can't teach anything.

Belongs here: joining, cutting and checking training frames. Does not: models.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from models.errors import OutcomesMissingError, TooFewOutcomesError
from models.snapshots.labels import KEYS
from models.snapshots.season import Season, read_season
from models.snapshots.value_basis import NET_SALES, SPEND_FEATURES

MINIMUM_OUTCOMES = 50


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What churn and value are trained from.

    Attributes:
        features: `customer_id`, `snapshot_date` and features, the population of every snapshot of the plans; any order.
        feature_names: the features that may be used, in order.
        activity: the company's months (`labels.monthly_activity`), known before `as_of`.
        first_event: the first business date with orders.
        as_of: nothing known at or after this date is in here.
        recency_feature: days since the last purchase, for the recency rule.
        spend_feature: what value is learnt of, of the last 365 days (minor units), for the run rate.
        value_of: what value is learnt of, `value_basis.NET_SALES` or `value_basis.MARGIN`.
        known_cost_share: of the amount bought and returned, the part with a known cost.
    """

    features: pl.DataFrame
    feature_names: tuple[str, ...]
    activity: pl.DataFrame
    first_event: date
    as_of: date
    recency_feature: str = "days_since_last_order"
    spend_feature: str = SPEND_FEATURES[NET_SALES]
    value_of: str = NET_SALES
    known_cost_share: float = 0.0

    def season(self, known_at: date) -> Season:
        """The season as it was known on a date of the plan's grid."""
        return read_season(self.activity, first_event=self.first_event, known_at=known_at)


def training_frame(
    features: pl.DataFrame, outcomes: pl.DataFrame, *, snapshots: Iterable[date], model: str
) -> pl.DataFrame:
    """Features of the snapshots with their outcomes, sorted by snapshot and customer.

    Args:
        features: keys and features, the population only.
        outcomes: see `labels.outcomes`.
        snapshots: the ones wanted.
        model: its name, for messages.

    Raises:
        OutcomesMissingError: a snapshot has no rows, or a row no outcome.
    """
    wanted = sorted(set(snapshots))
    asked = features.select(KEYS).with_row_index("row").filter(pl.col("snapshot_date").is_in(wanted))
    joined = asked.join(outcomes, on=KEYS, how="left", validate="1:1").sort("snapshot_date", "customer_id")
    missing = joined.filter(pl.col("value_amount").is_null())
    empty = set(wanted) - set(joined["snapshot_date"].unique().to_list())
    if missing.height or empty:
        days = empty | set(missing["snapshot_date"].unique().to_list())
        raise OutcomesMissingError(model=model, rows=missing.height, snapshots=days)
    return features[joined["row"]].hstack(joined.drop("row", *KEYS))  # the wide rows are copied once


def at(frame: pl.DataFrame, snapshots: Iterable[date]) -> pl.DataFrame:
    """The rows of some snapshots, order kept; where they stand together, as in a sorted frame, without a copy."""
    wanted = frame["snapshot_date"].is_in(list(snapshots))
    first, count = wanted.arg_max() or 0, int(wanted.sum())
    return frame.slice(first, count) if wanted.slice(first, count).all() else frame.filter(wanted)


def refuse_too_few(frame: pl.DataFrame, target: str, *, model: str, part: str, names: tuple[str, str]) -> None:
    """Refuse a part of the plan where either outcome is too rare to learn from or to be graded on.

    Args:
        frame: the part's rows.
        target: a 0/1 column.
        model: for the message.
        part: `training`, `calibration` or `test`.
        names: what a 1 and what a 0 is called, in the plural.

    Raises:
        TooFewOutcomesError: fewer than 50 of one kind.
    """
    ones = int(frame[target].sum())
    for name, count in zip(names, (ones, frame.height - ones), strict=True):
        if count < MINIMUM_OUTCOMES:
            raise TooFewOutcomesError(
                model=model, what=name, where=f"{part} snapshots", got=count, needs=MINIMUM_OUTCOMES
            )
