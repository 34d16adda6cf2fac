"""How many orders and units are coming in a period, in all and by category, beside the seasonal-naive forecast.

    forecast = (same days a year before · trend^a)^b · (the latest eight weeks' pace)^(1 - b)

trend: the latest eight weeks over the same weeks a year before. Companies differ in how far a year repeats itself and
how far a trend lasts, so several a and b are asked about past periods, and the forecast is their geometric mean,
weighted by the inverse squares of their errors on periods that were over by then. With less than a year on record it
is the pace of the latest weeks. A year is 364 days, so that weekdays meet. Seasonal-naive is the same days a year
before as they were, or the latest period where there is no year. Both are asked at past days about periods that are
over; the interval is as wide as four in five of the forecast's own errors there (split conformal), pulled to those of
a third of the period, of which more are seen. Of the total, each category gets its share, so categories add up.
Belongs here: counting demand by day, forecasting it, its backtest. Does not: single customers (`value`, and
`customer_demand` by category).
"""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from data_contracts.orders import current_at, known_before, purchase_orders, snapshot_instant
from models.learners.encoding import Floats

TOTAL, NO_CATEGORY, OTHERS = "(all)", "(no category)", "(other)"
YEAR, DAYS_A_WEEK = 364, 7
PACE_DAYS = 56
SHORT_DAYS = 28
VARIANTS = ((0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (0.5, 0.7), (0.0, 0.5), (1.0, 0.3))  # a and b
MINIMUM_ERROR = 0.03  # logarithm: no variant is taken to be better than that
SHARE_DAYS = 91  # days that a category's share is read from, and as many of the same season a year before
MOST_CATEGORIES = 50
MOST_ORIGINS = 12
FEWEST_ORIGINS = 4  # below, an interval is taken from what totals of such size usually do
MILLION = 1_000_000
UNKNOWN_ERROR = 0.4  # log error of 80 % of forecasts where there is too little past to see
COLUMNS = ("orders", "units")


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """A total over the coming period.

    Attributes:
        expected: the forecast.
        low: lower end of the 80 % interval.
        high: upper end.
        seasonal_naive: the baseline's.
        periods: past periods it was tested on.
        error_ratio: mean absolute error there over the baseline's; None where that can't be said.
    """

    expected: float
    low: float
    high: float
    seasonal_naive: float
    periods: int
    error_ratio: float | None


def daily_demand(orders: pl.LazyFrame, products: pl.LazyFrame | None, *, as_of: date, time_zone: str) -> pl.DataFrame:
    """Purchases and units by day and category, as known before `as_of`; rows of several buckets may be put together.

    A purchase of several categories counts in parts, by its lines, so that categories add up to purchases.

    Args:
        orders: core order lines.
        products: core products; None: nothing has a category.
        as_of: the first day not looked at.
        time_zone: the company's.

    Returns:
        `day` (Date), `category` (String), `orders` (Int64, millionths), `units` (Int64, millionths); sorted.
    """
    return by_day(demand_lines(orders, products, as_of=as_of, time_zone=time_zone))


def by_day(lines: pl.DataFrame) -> pl.DataFrame:
    """`demand_lines` by day and category, as `daily_demand` says; sorted."""
    sums = lines.group_by("day", "category").agg(pl.col("orders", "units").sum())
    return sums.sort("day", "category")


def demand_lines(orders: pl.LazyFrame, products: pl.LazyFrame | None, *, as_of: date, time_zone: str) -> pl.DataFrame:
    """Every line of a purchase as a part of that purchase, as known before `as_of`; see `daily_demand`.

    Returns:
        `customer_id`, `day` (Date), `category` (String), `orders` and `units` (Int64, millionths); unsorted.
    """
    instant = snapshot_instant(as_of, time_zone=time_zone)
    lines = known_before(orders, instant)
    bought = purchase_orders(lines).filter("is_purchase").select("customer_id", "order_id", "ordered_at", "line_count")
    category = _categories(products, lines, as_of=as_of, time_zone=time_zone)
    parts = (
        lines.select("customer_id", "order_id", "product_id", "quantity")
        .join(bought, on=["customer_id", "order_id"], how="inner")
        .join(category, on="product_id", how="left")
        .select(
            "customer_id",
            pl.col("ordered_at").dt.convert_time_zone(time_zone).dt.date().alias("day"),
            pl.col("category").fill_null(NO_CATEGORY),
            (MILLION / pl.col("line_count")).round().cast(pl.Int64).alias("orders"),
            (pl.col("quantity").fill_null(0).clip(lower_bound=0) * MILLION).round().cast(pl.Int64).alias("units"),
        )
    )
    return parts.collect()


def forecast_demand(demand: pl.DataFrame, *, as_of: date, period_days: int) -> pl.DataFrame:
    """Forecast the period that begins on `as_of`.

    Args:
        demand: see `daily_demand`; at least one row.
        as_of: its first day.
        period_days: its length, at most a year.

    Returns:
        A row a category and one for all, `TOTAL` first: `category`, and of both orders and units (Float64)
        `expected_…`, `…_low`, `…_high`, `…_seasonal_naive`; `tested_periods` (Int32) and `error_ratio` (Float64, of
        orders), the total's on every row.
    """
    first: date = demand.select(pl.col("day").min()).item()
    named = _largest(demand, as_of)
    names = sorted(named["category"].unique().to_list())
    rows: dict[str, dict[str, object]] = {name: {"category": name} for name in [TOTAL, *names]}
    for column in COLUMNS:
        by_name = {
            name: _daily(named.filter(pl.col("category") == name), column, first=first, as_of=as_of) for name in names
        }
        whole = np.sum(list(by_name.values()), axis=0)
        total = forecast_total(whole, period_days)
        shares = _shares(by_name, whole, period_days)
        for name, row in rows.items():
            share = 1.0 if name == TOTAL else shares[name]
            naive = total.seasonal_naive if name == TOTAL else seasonal_naive(by_name[name], period_days)
            row |= {
                f"expected_{column}": total.expected * share,
                f"{column}_low": total.low * share,
                f"{column}_high": total.high * share,
                f"{column}_seasonal_naive": naive,
            }
            if column == "orders":
                row |= {"tested_periods": total.periods, "error_ratio": total.error_ratio}
    integers = {"tested_periods": pl.Int32, "error_ratio": pl.Float64}
    return pl.DataFrame(list(rows.values()), infer_schema_length=None).cast(integers)  # type: ignore[arg-type]  # by name


def forecast_total(daily: Floats, period_days: int) -> Forecast:
    """Forecast the total of the days that follow.

    Args:
        daily: one number a day, the latest last, shape (days,).
        period_days: days ahead.
    """
    tested = _asked_before(daily, period_days)
    shorter = DAYS_A_WEEK * max(1, round(period_days / 3 / DAYS_A_WEEK))
    reach = _shrunk_reach(tested, _asked_before(daily, shorter), shorter / period_days)
    error, baseline = (float(np.abs(said - tested.came).sum()) for said in (tested.said, tested.naive))
    return Forecast(
        expected=tested.now,
        low=tested.now * math.exp(-reach),
        high=tested.now * math.exp(reach),
        seasonal_naive=seasonal_naive(daily, period_days),
        periods=len(tested.came),
        error_ratio=error / baseline if baseline > 0 else None,
    )


@dataclass(frozen=True, kw_only=True)
class _AskedBefore:
    """The forecast of now, and what it said at past days whose period is over: shape (periods,) each."""

    now: float
    said: Floats
    naive: Floats
    came: Floats


def _asked_before(daily: Floats, period_days: int) -> _AskedBefore:
    ends = _origins(len(daily), period_days)
    said = {end: _variants(daily[:end], period_days) for end in [*ends, len(daily)]}
    came = {end: float(daily[end : end + period_days].sum()) for end in ends}

    def blended(now: int) -> float:
        over = [end for end in ends if end + period_days <= now][-MOST_ORIGINS:]
        return _blend(said[now], [said[end] for end in over], [came[end] for end in over])

    tested = ends[-MOST_ORIGINS:]
    return _AskedBefore(
        now=blended(len(daily)),
        said=np.array([blended(end) for end in tested]),
        naive=np.array([seasonal_naive(daily[:end], period_days) for end in tested]),
        came=np.array([came[end] for end in tested]),
    )


def seasonal_naive(daily: Floats, period_days: int) -> float:
    """The same days a year before; with less than a year, the latest period; that again at its pace where shorter."""
    if len(daily) >= YEAR:
        start = len(daily) - YEAR
        return float(daily[start : start + period_days].sum())
    return float(daily[-period_days:].mean() * period_days) if len(daily) else 0.0


def _variants(daily: Floats, period_days: int) -> Floats:
    """What each variant says, shape (variants,)."""
    paces = [float(daily[-days:].mean()) * period_days for days in (SHORT_DAYS, PACE_DAYS, SHARE_DAYS)]
    last_year = seasonal_naive(daily, period_days)
    if len(daily) < YEAR:
        return np.full(len(VARIANTS), float(np.mean(paces)))
    before = float(daily[-YEAR - PACE_DAYS : -YEAR].mean()) * period_days if len(daily) >= YEAR + PACE_DAYS else 0.0
    pace = paces[1]
    if min(pace, last_year) <= 0:
        return np.full(len(VARIANTS), (last_year + pace) / 2)
    trend = math.log(pace / before) if before > 0 else 0.0
    logs = [b * (math.log(last_year) + a * trend) + (1 - b) * math.log(pace) for a, b in VARIANTS]
    return np.exp(logs)


def _blend(said: Floats, before: list[Floats], came: list[float]) -> float:
    """The geometric mean of what the variants say, weighted by how they did before."""
    if said.min() <= 0:
        return float(said.mean())
    known = [(then, total) for then, total in zip(before, came, strict=True) if total > 0 and then.min() < then.max()]
    errors = np.full(len(said), MINIMUM_ERROR)
    if known:
        errors = errors + np.mean([np.abs(np.log(then / total)) for then, total in known], axis=0)
    weights = errors**-2
    return math.exp(float(np.average(np.log(said), weights=weights)))


def _origins(days: int, period_days: int) -> list[int]:
    """How many days had been seen at past days whose period is over, ascending."""
    latest, step = days - period_days, max(period_days // 2, 7)
    return list(range(latest, max(period_days, PACE_DAYS) - 1, -step))[::-1]


def _shrunk_reach(tested: _AskedBefore, shorter: _AskedBefore, share: float) -> float:
    """The logarithm by which four in five forecasts are off at most, of this period and of a third of it.

    Past periods overlap, so a dozen of them are few, and the widest of few is too wide. A third of the period is seen
    three times as often; if its days miss independently, the whole period misses by the root of its share. The truth
    lies between: the geometric mean of both; the period's own alone where a third of it was at times without any.
    """
    own, other = _reach(tested), _reach(shorter)
    own = UNKNOWN_ERROR if own is None else own
    return own if other is None else math.sqrt(own * other * math.sqrt(share))


def _reach(tested: _AskedBefore) -> float | None:
    """The logarithm by which four in five forecasts were off at most; None of too few, or where one is of nothing."""
    said, came = tested.said, tested.came
    if len(said) < FEWEST_ORIGINS or min(said.min(), came.min()) <= 0:
        return None
    errors = np.sort(np.abs(np.log(came / said)))
    return float(errors[min(math.ceil(0.8 * (len(errors) + 1)) - 1, len(errors) - 1)])


def _shares(by_name: dict[str, Floats], whole: Floats, period_days: int) -> dict[str, float]:
    """Each category's share of the coming total: half of the latest months, half of the same days a year before."""
    windows = [slice(max(len(whole) - SHARE_DAYS, 0), len(whole))]
    if len(whole) >= YEAR:
        start = len(whole) - YEAR
        windows.append(slice(start, start + period_days))
    windows = [window for window in windows if whole[window].sum() > 0] or [slice(0, len(whole))]
    total = sum(float(whole[window].sum()) for window in windows)
    if total <= 0:
        return dict.fromkeys(by_name, 1 / len(by_name))
    return {
        name: float(np.mean([daily[window].sum() / whole[window].sum() for window in windows]))
        for name, daily in by_name.items()
    }


def _daily(demand: pl.DataFrame, column: str, *, first: date, as_of: date) -> Floats:
    """Every day from the first to the day before `as_of`, days without anything 0."""
    days = np.zeros((as_of - first).days)
    places = (demand["day"] - first).dt.total_days().to_numpy()
    np.add.at(days, places, demand[column].to_numpy() / MILLION)
    return days


def _largest(demand: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The smallest of very many categories taken together; by the orders of the last year."""
    year = demand.filter(pl.col("day") >= pl.lit(as_of).dt.offset_by(f"-{YEAR}d"))
    sizes = year.group_by("category").agg(pl.col("orders").sum()).sort("orders", "category", descending=[True, False])
    if demand["category"].n_unique() <= MOST_CATEGORIES:
        return demand
    kept = sizes["category"].head(MOST_CATEGORIES - 1).to_list()
    return demand.with_columns(
        pl.when(pl.col("category").is_in(kept)).then("category").otherwise(pl.lit(OTHERS)).alias("category")
    )


def _categories(products: pl.LazyFrame | None, lines: pl.LazyFrame, *, as_of: date, time_zone: str) -> pl.LazyFrame:
    """`product_id` (unique), `category`."""
    if products is None:
        return lines.select("product_id", pl.lit(None, pl.String).alias("category")).unique()
    known = current_at(products, snapshot_instant(as_of, time_zone=time_zone))
    return known.select("product_id", pl.col("category").cast(pl.String)).unique(subset="product_id", keep="any")
