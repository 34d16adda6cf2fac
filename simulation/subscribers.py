"""A simulated subscription business whose chances to lose each customer are known.

Customers begin on any day, pay every month or every year, and decide when a billing period ends. The odds to leave then
depend on the plan, on how new they are, and on whether they complained in the sixty days before.
Belongs here: the frames in the core layer's shape, and the truth. Does not: the simulated retailer.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

PLANS = {"basic": (1, 900), "plus": (1, 1900), "annual": (12, 12_000)}  # months, minor units a period
LOG_ODDS = {"basic": -2.6, "plus": -3.2, "annual": -1.0}  # of leaving when a period ends
NEW_MONTHS, NEW_EFFECT = 3, 0.8
COMPLAINT_DAYS, COMPLAINT_EFFECT, COMPLAINTS_A_DAY = 60, 2.0, 1 / 400
CHANGE_SHARE = 0.03  # of those who stay, a month: another plan from the next day on

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SubscriptionCompany:
    """Core frames and what is true of them.

    Attributes:
        subscriptions: contract columns with `known_at` (every row known from its first day, the end from its own).
        tickets: complaints.
        first, last: the first day, and the day the data end.
        seed: of everything random.
    """

    subscriptions: pl.DataFrame
    tickets: pl.DataFrame
    first: date
    last: date
    seed: int


def simulate_subscribers(*, customers: int, first: date, last: date, seed: int) -> SubscriptionCompany:
    """Simulate a company between two days."""
    random = np.random.default_rng(seed)
    days = (last - first).days
    subscriptions: list[tuple[object, ...]] = []
    tickets: list[tuple[str, float]] = []
    for number in range(customers):
        customer = f"s{number:06d}"
        begun = int(random.integers(0, max(int(days * 0.9), 1)))
        complaints = np.sort(random.uniform(begun, days, random.poisson((days - begun) * COMPLAINTS_A_DAY)))
        rows = _life(random, first + timedelta(days=begun), last, complaints + _number(first))
        gone = _number(rows[-1][2]) if rows[-1][2] else _number(last)
        subscriptions += [(f"{customer}-{place}", customer, *row) for place, row in enumerate(rows)]
        tickets += [(customer, float(day)) for day in complaints + _number(first) if day <= gone]
    return SubscriptionCompany(_subscriptions(subscriptions), _tickets(tickets), first, last, seed)


def leaving_probability(company: SubscriptionCompany, asked: pl.DataFrame, *, horizon_days: int) -> Floats:
    """The true P(leaves within the horizon) of subscribers at their snapshot, as far as the past tells, shape (rows,).

    Args:
        company: whose.
        asked: `customer_id`, `snapshot_date`, `contract_plan`, `contract_age_days`, `contract_days_to_renewal`.
        horizon_days: counted from the snapshot.
    """
    complaints: dict[str, list[float]] = {}
    for customer, opened in company.tickets.select("customer_id", "opened_at").iter_rows():
        complaints.setdefault(customer, []).append(_number(opened.date()))
    columns = ("customer_id", "snapshot_date", "contract_plan", "contract_age_days", "contract_days_to_renewal")
    truth = []
    for customer, day, plan, age, to_renewal in asked.select(columns).iter_rows():
        today, stays = _number(day), 1.0
        known = [one for one in complaints.get(customer, []) if one < today]
        months, _ = PLANS[plan]
        ends = to_renewal
        while ends <= horizon_days:
            stays *= 1 - _mean_hazard(plan, (age + ends) / 30.4375, today + ends, today, known)
            ends += months * 30.4375
        truth.append(1 - stays)
    return np.array(truth)


def _life(
    random: np.random.Generator, started: date, last: date, complaints: Floats
) -> list[tuple[str, date, date | None, int, int]]:
    """(plan, first day, last day or None, amount, months) of each subscription of one customer."""
    plan = str(random.choice(list(PLANS), p=[0.5, 0.3, 0.2]))
    rows: list[tuple[str, date, date | None, int, int]] = []
    begun, row_start, periods = started, started, 0
    while True:
        months, amount = PLANS[plan]
        periods += 1
        ends = _add_months(row_start, months * periods)
        if ends >= last:
            return [*rows, (plan, row_start, None, amount, months)]
        complained = bool(((complaints < _number(ends)) & (complaints >= _number(ends) - COMPLAINT_DAYS)).any())
        if random.random() < _hazard(plan, (ends - begun).days / 30.4375, complained=complained):
            return [*rows, (plan, row_start, ends - timedelta(days=1), amount, months)]
        if random.random() < CHANGE_SHARE * months:
            rows.append((plan, row_start, ends - timedelta(days=1), amount, months))
            plan = str(random.choice([other for other in PLANS if other != plan]))
            row_start, periods = ends, 0


def _hazard(plan: str, age_months: float, *, complained: bool) -> float:
    odds = LOG_ODDS[plan] + NEW_EFFECT * (age_months <= NEW_MONTHS + 0.5) + COMPLAINT_EFFECT * complained
    return float(1 / (1 + np.exp(-odds)))


def _mean_hazard(plan: str, age_months: float, at: float, today: float, known: list[float]) -> float:
    if any(one >= at - COMPLAINT_DAYS for one in known):
        return _hazard(plan, age_months, complained=True)
    ahead = min(at - today, COMPLAINT_DAYS)
    chance = 1 - np.exp(-COMPLAINTS_A_DAY * ahead)
    calm, upset = (_hazard(plan, age_months, complained=which) for which in (False, True))
    return float((1 - chance) * calm + chance * upset)


def _number(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _subscriptions(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    names = ["subscription_id", "customer_id", "plan", "started_on", "ended_on", "amount", "billing_period_months"]
    types = {"amount": pl.Int64, "billing_period_months": pl.Int32, "ended_on": pl.Date}
    frame = pl.DataFrame(rows, schema=names, orient="row", schema_overrides=types, infer_schema_length=None)
    known = pl.col("started_on").cast(pl.Datetime("us", "UTC")).alias("known_at")
    return frame.with_columns(pl.lit("EUR").alias("currency"), known)


def _tickets(rows: list[tuple[str, float]]) -> pl.DataFrame:
    opened = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day) for _, day in rows]
    frame = pl.DataFrame(
        {
            "ticket_id": [f"t{place}" for place in range(len(rows))],
            "customer_id": [customer for customer, _ in rows],
            "opened_at": pl.Series(opened, dtype=pl.Datetime("us", "UTC")),
        },
        schema_overrides={"ticket_id": pl.String, "customer_id": pl.String},
    )
    empty: dict[str, pl.DataType | type[pl.DataType]] = {
        "resolved_at": pl.Datetime("us", "UTC"),
        "channel": pl.String,
        "severity": pl.Int32,
    }
    numbers: dict[str, pl.DataType | type[pl.DataType]] = {"compensation": pl.Int64, "satisfaction": pl.Float64}
    return frame.with_columns(
        pl.lit("complaint").alias("kind"),
        *(pl.lit(None, dtype).alias(name) for name, dtype in {**empty, **numbers}.items()),
        pl.col("opened_at").alias("known_at"),
    )
