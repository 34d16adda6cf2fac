"""Whether a customer is one still, and when they order next: from their own rhythm, and from all silences there were.

Every silence a customer ended by ordering, and the one that lasts now, is measured in their usual gap (the mean of the
gaps before it, drawn towards the company's). Of all these silences, by how many gaps came before, a survival curve is
drawn (Kaplan and Meier 1958); what lasts now counts as censored. The level it falls to is the share of silences that
nobody ended: those customers have left. So a customer whose silence has lasted u is one still with probability
(S(u) - S(end)) / S(u), and orders, if so, by the day the rest of the curve has halved.
Belongs here: fitting on purchase days, asking by features, JSON. Does not: churn within a horizon (`churn`).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from data_contracts.orders import known_before, purchase_orders, snapshot_instant
from models.errors import FeaturesMismatchError
from models.learners.encoding import Floats

FILE = "next_order.json"
FEATURES = ("purchase_day_count", "days_since_first_order", "days_since_last_order")
GROUPS = (0, 1, 3)  # gaps before, from: none, one or two, three and more
PULL = 1.0  # gaps' worth of pull of a customer's usual gap towards the company's
EDGES = np.concatenate([[0.0], np.geomspace(0.02, 40.0, 160)])  # of silences, in usual gaps
FEWEST_AT_RISK = 30  # silences, below which a curve says nothing more
STILL = 0.5  # a date is given to who is rather a customer than not


@dataclass(frozen=True, kw_only=True)
class NextOrder:
    """Fitted curves.

    Attributes:
        typical_gap_days: the company's usual gap.
        curves: by group of gaps before, the share of silences that last as long as each of `EDGES`; the last number is
            what it falls to.
    """

    typical_gap_days: float
    curves: tuple[tuple[float, ...], ...]

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """By customer, rows as in `frame`.

        Args:
            frame: `customer_id`, `snapshot_date` and `FEATURES`.

        Returns:
            `customer_id`, `probability_alive` (Float64; null for who never bought, and
            where fewer than 30 silences of the kind are on record) and `expected_next_order_on` (Date;
            null too for who is rather no customer any more).

        Raises:
            FeaturesMismatchError: a feature is not there.
        """
        if missing := [name for name in FEATURES if name not in frame.columns]:
            raise FeaturesMismatchError(model="next order", missing=missing, retyped=[], there=frame.columns)
        count, first, last = (frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in FEATURES)
        gaps = np.maximum(np.nan_to_num(count) - 1, 0)
        usual = (np.nan_to_num(first - last) + PULL * self.typical_gap_days) / (gaps + PULL)
        silence = np.maximum(np.nan_to_num(last), 0)
        alive, wait = np.zeros(len(gaps)), np.zeros(len(gaps))
        group = np.searchsorted(np.array(GROUPS), gaps, side="right") - 1
        for number, curve in enumerate(self.curves):
            mine = group == number
            if curve[-1] >= 1:  # too few silences of the kind to say anything
                alive[mine] = np.nan
                continue
            alive[mine], wait[mine] = _read(np.array(curve), silence[mine] / usual[mine], usual[mine])
        told = frame.select(
            "customer_id",
            "snapshot_date",
            pl.Series("probability_alive", np.where(np.isnan(last), np.nan, np.round(alive, 6))).fill_nan(None),
            pl.Series("wait", np.maximum(np.rint(wait), 0)).cast(pl.Int64),
        )
        on = pl.col("snapshot_date") + pl.duration(days="wait")
        return told.select(
            "customer_id",
            "probability_alive",
            pl.when(pl.col("probability_alive") >= STILL).then(on).alias("expected_next_order_on"),
        )

    def file(self) -> bytes:
        """As JSON."""
        return json.dumps({"typical_gap_days": self.typical_gap_days, "curves": self.curves}, sort_keys=True).encode()


def next_order_from(content: bytes) -> NextOrder:
    """The inverse of `NextOrder.file`."""
    parsed = json.loads(content)
    return NextOrder(typical_gap_days=parsed["typical_gap_days"], curves=tuple(map(tuple, parsed["curves"])))


def fit_next_order(orders: pl.LazyFrame, *, as_of: date, time_zone: str) -> NextOrder:
    """Fit on all purchase days known before a date.

    Args:
        orders: core order lines, all versions.
        as_of: nothing known at or after this date is looked at.
        time_zone: the company's, in which days begin.
    """
    lines = known_before(orders, snapshot_instant(as_of, time_zone=time_zone))
    day = pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date().alias("day")
    days = purchase_orders(lines).filter("is_purchase").select("customer_id", day).unique().sort("customer_id", "day")
    silences = (
        days.with_columns(
            (pl.col("day").shift(-1).over("customer_id").fill_null(as_of) - pl.col("day"))
            .dt.total_days()
            .alias("days"),
            pl.col("day").shift(-1).over("customer_id").is_not_null().alias("ended"),
            pl.int_range(pl.len()).over("customer_id").alias("gaps"),
            (pl.col("day") - pl.col("day").first().over("customer_id")).dt.total_days().alias("span"),
        )
        .select("days", "ended", "gaps", "span")
        .collect()
    )
    ended = silences.filter("ended")
    typical = float(f"{ended['days'].mean() or 365.0:.6g}")  # type: ignore[str-bytes-safe]  # a mean of days is a number
    usual = (pl.col("span") + PULL * typical) / (pl.col("gaps") + PULL)
    measured = silences.with_columns((pl.col("days") / usual).alias("ratio"))
    edges = [*GROUPS[1:], None]
    curves = []
    for low, high in zip(GROUPS, edges, strict=True):
        mine = measured.filter(pl.col("gaps") >= low, True if high is None else pl.col("gaps") < high)
        curves.append(_curve(mine["ratio"].to_numpy(), mine["ended"].to_numpy()))
    return NextOrder(typical_gap_days=typical, curves=tuple(curves))


def _curve(ratios: Floats, ended: Iterable[bool]) -> tuple[float, ...]:
    """The share of silences as long as each edge: Kaplan and Meier on intervals, half of the censored at risk."""
    happened = np.asarray(ended, dtype=bool)
    place = np.clip(np.searchsorted(EDGES, ratios, side="right") - 1, 0, len(EDGES) - 2)
    ends = np.bincount(place[happened], minlength=len(EDGES) - 1).astype(np.float64)
    cut = np.bincount(place[~happened], minlength=len(EDGES) - 1).astype(np.float64)
    entered = np.cumsum((ends + cut)[::-1])[::-1]
    at_risk = np.maximum(entered - cut / 2, 1e-9)
    kept = np.where(entered >= FEWEST_AT_RISK, 1 - np.minimum(ends / at_risk, 1 - 1e-9), 1.0)
    curve = np.concatenate([[1.0], np.cumprod(kept)])
    return tuple(float(f"{value:.6g}") for value in curve)


def _read(curve: Floats, silence: Floats, usual: Floats) -> tuple[Floats, Floats]:
    """P(still a customer), and days until half of those who are have ordered; silence in usual gaps."""
    end = curve[-1]
    now = np.interp(silence, EDGES, curve)
    alive = np.clip((now - end) / np.maximum(now, 1e-12), 0.0, 1.0)
    halved = end + (now - end) / 2
    falling = curve[::-1] + np.arange(len(curve)) * 1e-15  # strictly rising, for the interpolation
    by = np.interp(halved, falling, EDGES[::-1])
    return alive, np.maximum(by - silence, 0.0) * usual
