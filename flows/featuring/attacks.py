"""Rows that must change no feature as of a date: of what happened later, was known later, or was not in force.

Belongs here: how a copy of the core frames of one bucket is poisoned. Does not: building features of it and comparing
(`proofs`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from data_contracts.contracts import core_contract
from data_contracts.orders import snapshot_instant

INSTANT = pl.Datetime("us", "UTC")
RECORDS = frozenset({"customers", "products", "offers"})
"""Entities of which there is one record in force at a time; rows of the others are events, of which there are many."""
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "payments": ("paid_on",),
    "contacts": ("opened_at", "clicked_at", "responded_at"),
    "tickets": ("resolved_at",),
    "subscriptions": ("ended_on",),
}
"""Columns that say what became of a row on a day of their own: they count once that day lies before the date."""
NEVER_TWISTED = ("customer_id", "referrer_id", "referred_id", "load_id", "currency")
STRANGER = "~"  # added to a customer's id: somebody nobody knew before the date


@dataclass(frozen=True)
class Moment:
    """A business date and its first instant (UTC)."""

    day: date
    instant: datetime

    def at(self, dtype: pl.DataType) -> pl.Expr:
        """The date as a value of a column of dates, its first instant as one of instants."""
        return pl.lit(self.day) if dtype == pl.Date else pl.lit(self.instant, dtype=INSTANT)

    def not_before(self, column: str, dtype: pl.DataType) -> pl.Expr:
        """A column's values, moved to the moment where they lie before it, or are missing."""
        return pl.max_horizontal(pl.col(column), self.at(dtype)).cast(dtype).alias(column)


Attack = Callable[[str, pl.DataFrame, Moment], pl.DataFrame]


def happened_later(entity: str, frame: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """Copies, under the same keys, of events on or after the date: known in advance, and known then."""
    event = core_contract(entity).event_time
    if entity in RECORDS or not event:
        return frame.clear()
    announced = twisted(entity, frame).with_columns(moment.not_before(event, frame.schema[event]))
    return pl.concat([announced, announced.with_columns(moment.not_before("known_at", INSTANT))])


def known_later(entity: str, frame: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """Copies of what happened when it did, but became known on or after the date; of strangers too."""
    late = twisted(entity, frame).with_columns(moment.not_before("known_at", INSTANT))
    if "customer_id" not in frame.columns:
        return late
    return pl.concat([late, late.with_columns(pl.col("customer_id") + STRANGER)])


def no_longer_in_force(entity: str, frame: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """Copies that were in force until the last microsecond before the date."""
    rows = twisted(entity, frame).filter(pl.col("known_at") < moment.at(INSTANT))
    return rows.with_columns((moment.at(INSTANT) - pl.duration(microseconds=1)).cast(INSTANT).alias("superseded_at"))


def corrections(entity: str, frame: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """Corrected versions, known from the date on, of all rows in force."""
    return twisted(entity, frame).with_columns(
        moment.at(INSTANT).alias("known_at"), pl.lit(None, dtype=INSTANT).alias("superseded_at")
    )


ADDED: Mapping[str, Attack] = {
    "happened later": happened_later,
    "known later": known_later,
    "no longer in force": no_longer_in_force,
    "corrected later": corrections,
}
CHANGED = "outcome later"
ATTACKS = (*ADDED, CHANGED)


def poisoned(
    frames: Mapping[str, pl.DataFrame], day: date, *, time_zone: str, attacks: Sequence[str] = ATTACKS
) -> dict[str, pl.LazyFrame]:
    """A copy of core frames with rows and values that nobody could have known before a date.

    Args:
        frames: core frames by entity.
        day: the date; every row added becomes known, happens or counts no earlier than its first instant, or was
            superseded before it.
        time_zone: the company's time zone (IANA name).
        attacks: which of `ATTACKS`.

    Returns:
        Frames by entity, with `superseded_at`; nothing of the rows that count before the date is changed.
    """
    moment = Moment(day, snapshot_instant(day, time_zone=time_zone))
    return {entity: _poisoned(entity, frame, moment, attacks).lazy() for entity, frame in frames.items()}


def _poisoned(entity: str, frame: pl.DataFrame, moment: Moment, attacks: Sequence[str]) -> pl.DataFrame:
    rows = frame
    if "superseded_at" not in rows.columns:
        rows = rows.with_columns(pl.lit(None, dtype=INSTANT).alias("superseded_at"))
    added = [attack(entity, rows, moment) for name, attack in ADDED.items() if name in attacks]
    if CHANGED in attacks:
        rows = _with_later_outcomes(entity, rows, moment)
    if "corrected later" in attacks:
        until = pl.col("superseded_at")
        now = moment.at(INSTANT)
        rows = rows.with_columns(
            pl.when(until.is_null() | (until >= now)).then(now).otherwise(until).alias(until.meta.output_name())
        )
    return pl.concat([rows, *added])


def _with_later_outcomes(entity: str, rows: pl.DataFrame, moment: Moment) -> pl.DataFrame:
    """What is open at the date is settled on it, and judged as badly as can be."""
    changes = []
    for column in OUTCOMES.get(entity, ()):
        then = moment.at(rows.schema[column])
        still_open = pl.col(column).is_null() | (pl.col(column) >= then)
        changes.append(pl.when(still_open).then(then).otherwise(pl.col(column)).cast(rows.schema[column]).alias(column))
        if entity == "tickets":
            changes += [
                pl.when(still_open).then(value).otherwise(pl.col(name)).cast(rows.schema[name]).alias(name)
                for name, value in (("satisfaction", 1.0), ("compensation", 99_999))
            ]
    return rows.with_columns(changes)


def twisted(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The same keys with other values: other numbers, truths turned round, texts of other rows."""
    kept = {*NEVER_TWISTED, *core_contract(entity).key}
    changes = []
    for name, dtype in frame.schema.items():
        if name in kept:
            continue
        if dtype.is_numeric():
            changes.append((pl.col(name) * 7 + 1).cast(dtype))
        elif dtype == pl.String:
            changes.append(pl.col(name).reverse())
        elif dtype == pl.Boolean:
            changes.append(~pl.col(name))
    return frame.with_columns(changes)
