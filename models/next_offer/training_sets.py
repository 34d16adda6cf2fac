"""Which snapshots learn, stop, calibrate and test.

Belongs here: the division of the past, forward in time. Not: what is done with its parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from models.next_offer.errors import TooLittleOfferHistoryError
from models.next_offer.examples import Examples, Past, examples_at, to_learn_from
from models.next_offer.options import OfferOptions

LEAST_HISTORY_DAYS = 90  # before the first snapshot: something must have been bought to be bought again
LEAST_SNAPSHOTS = 3  # one to learn from, one to stop and calibrate on, one to test on
LEAST_BUYERS = 30  # active customers with a purchase in the window of the test, and of the validation


@dataclass(frozen=True)
class TrainingSets:
    """The past, divided. A snapshot's window ends before the features of the next part's first snapshot are taken.

    Attributes:
        learning: rows to learn from, with `query`; the oldest snapshots.
        stopping: the customers with a hit of one or two later snapshots, all their rows, with `query`: early stopping.
        calibration: the later of those snapshots, whole: what the probabilities that are tested are calibrated on.
        test: the latest fully observed snapshot, whole.
        everything: rows to learn from of all snapshots, with `query`: for the model that is kept.
        dates: all snapshots, latest first.
        stopping_dates: the snapshots of `stopping`, latest first.
    """

    learning: pl.DataFrame
    stopping: pl.DataFrame
    calibration: Examples
    test: Examples
    everything: pl.DataFrame
    dates: list[date]
    stopping_dates: list[date]


def gather(past: Past, options: OfferOptions, *, seed: int) -> TrainingSets:
    """Divide the past.

    Raises:
        TooLittleOfferHistoryError: fewer than three windows after 90 days of history, or too few buyers.
    """
    dates = snapshot_dates(past, options)
    validations = min(options.validation_snapshots, len(dates) - 2)
    test, calibration = (_enough_buyers(examples_at(past, day, options)) for day in dates[:2])
    earlier = [examples_at(past, day, options, only_buyers=True) for day in dates[validations:1:-1]]
    validation = [*map(_enough_buyers, earlier), calibration]
    older = [
        to_learn_from(examples_at(past, day, options, only_buyers=True), options, seed=seed)
        for day in dates[:validations:-1]
    ]
    later = [to_learn_from(examples, options, seed=seed) for examples in [*validation, test]]
    everything = in_queries([*older, *later])
    return TrainingSets(
        learning=everything.head(sum(frame.height for frame in older)),
        stopping=in_queries([with_hits(examples) for examples in validation]),
        calibration=calibration,
        test=test,
        everything=everything,
        dates=dates,
        stopping_dates=dates[1 : validations + 1],
    )


def snapshot_dates(past: Past, options: OfferOptions) -> list[date]:
    """Dates with a fully observed window and enough history before them, a window apart, latest first.

    Raises:
        TooLittleOfferHistoryError: fewer than three.
    """
    first = past.coded.lines["ordered_at"].min()
    history_days = (past.as_of - first.date()).days if isinstance(first, datetime) else 0
    windows = (history_days - LEAST_HISTORY_DAYS) // options.window_days
    if windows < LEAST_SNAPSHOTS:
        needed = LEAST_HISTORY_DAYS + LEAST_SNAPSHOTS * options.window_days
        raise TooLittleOfferHistoryError(
            what_lacks="the orders don't reach back far enough",
            has=f"{history_days} days of order history before {past.as_of.isoformat()}",
            needs=f"{needed} days ({LEAST_HISTORY_DAYS} and {LEAST_SNAPSHOTS} windows of {options.window_days})",
            missing=f"{needed - history_days} days",
        )
    most = 1 + options.validation_snapshots + options.train_snapshots
    return [past.as_of - timedelta(days=options.window_days * (step + 1)) for step in range(min(windows, most))]


def in_queries(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Snapshots, each sorted by customer, under each other, with `query` numbering their customers apart (UInt32)."""
    numbered = [frame.with_columns(pl.lit(place, pl.UInt32).alias("place")) for place, frame in enumerate(frames)]
    together = pl.concat(numbered)
    return together.with_columns(pl.struct("place", "customer").rle_id().alias("query")).drop("place")


def with_hits(examples: Examples) -> pl.DataFrame:
    """Rows of customers with a hit among their candidates: the others have nothing to rank, and only take time."""
    return examples.frame.filter((pl.col("bought") == 1).any().over("customer"))


def _enough_buyers(examples: Examples) -> Examples:
    buyers = examples.truth["customer"].n_unique()
    if buyers < LEAST_BUYERS:
        raise TooLittleOfferHistoryError(
            what_lacks=f"too few customers bought in the window after {examples.snapshot.isoformat()}",
            has=f"{buyers} buyers",
            needs=f"{LEAST_BUYERS} buyers",
            missing=f"{LEAST_BUYERS - buyers} buyers",
        )
    return examples
