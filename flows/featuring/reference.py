"""A few dozen features by definition: plain Python over the rows of one customer. Slow and obvious.

Belongs here: features written a second time, from their meaning alone, to hold the engine against on a company's own
data. Does not: anything the engine uses. Not covered: features of products, discounts, seasons and decayed sums.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from statistics import mean, median
from typing import Any
from zoneinfo import ZoneInfo

from data_contracts.orders import snapshot_instant

Row = Mapping[str, Any]
Values = dict[str, Any]
SATURDAY = 6
NOON = 12


def reference(rows: Mapping[str, Sequence[Row]], day: date, *, time_zone: str) -> Values | None:
    """Features of one customer as of a date.

    Args:
        rows: the customer's core rows by entity, all versions.
        day: the date.
        time_zone: the company's time zone (IANA name).

    Returns:
        Values by feature, of the entities that are there; None when the customer has no features as of the date.
    """
    moment = _Moment(day, time_zone)
    known = {entity: [row for row in some if moment.knows(row)] for entity, some in rows.items()}
    purchases = _orders(known.get("orders", []), moment)
    subscribed = [row for row in known.get("subscriptions", []) if row["started_on"] < day]
    if not any(order.is_purchase for order in purchases) and not subscribed:
        return None
    found: Values = _of_orders(purchases, day) if "orders" in known else {}
    for entity, count in _COUNTS.items():
        if entity in known:
            found |= count(known[entity], moment)
    return found


class _Moment:
    """A date, its first instant, and what was known before it."""

    def __init__(self, day: date, time_zone: str) -> None:
        self.day = day
        self.zone = ZoneInfo(time_zone)
        self.instant = snapshot_instant(day, time_zone=time_zone)

    def knows(self, row: Row) -> bool:
        """Whether this version was known, and in force, before the instant."""
        until = row.get("superseded_at")
        return bool(row["known_at"] < self.instant and (until is None or until >= self.instant))

    def local(self, moment: datetime) -> datetime:
        """An instant on the company's clocks."""
        return moment.astimezone(self.zone)

    def age(self, moment: date) -> int:
        """Days from a date or instant to the day."""
        then = self.local(moment).date() if isinstance(moment, datetime) else moment
        return (self.day - then).days


class _Order:
    """Lines of one order: its time is its first line's."""

    def __init__(self, lines: Sequence[Row], moment: _Moment) -> None:
        self.at = moment.local(min(line["ordered_at"] for line in lines))
        self.amount = sum(line["amount"] for line in lines)
        self.is_purchase = self.amount > 0
        self.age = (moment.day - self.at.date()).days


def _orders(lines: Sequence[Row], moment: _Moment) -> list[_Order]:
    by_order = defaultdict(list)
    for line in lines:
        if line["ordered_at"] < moment.instant:
            by_order[line["order_id"]].append(line)
    return [_Order(some, moment) for some in by_order.values()]


def _of_orders(orders: Sequence[_Order], day: date) -> Values:
    purchases = [order for order in orders if order.is_purchase]
    days = sorted({order.at.date() for order in purchases})
    counts: Values = {
        "purchase_count_life": len(purchases),
        "net_amount_life": sum(order.amount for order in orders),
        "purchase_day_count": len(days),
    }
    for window in (30, 90, 365):
        counts[f"purchase_count_{window}_days"] = sum(order.age <= window for order in purchases)
        counts[f"net_amount_{window}_days"] = sum(order.amount for order in orders if order.age <= window)
    if not purchases:
        return counts
    on_day: dict[date, int] = defaultdict(int)
    for order in purchases:
        on_day[order.at.date()] += order.amount
    weekdays = Counter(order.at.isoweekday() for order in purchases)
    return (
        counts
        | _rhythm(days, day)
        | {
            "amount_per_purchase": mean(order.amount for order in purchases),
            "largest_purchase_day_amount": max(on_day.values()),
            "favourite_weekday_share": max(weekdays.values()) / len(purchases),
            "weekend_share": sum(order.at.isoweekday() >= SATURDAY for order in purchases) / len(purchases),
            "morning_share": sum(order.at.hour < NOON for order in purchases) / len(purchases),
        }
    )


def _rhythm(days: Sequence[date], day: date) -> Values:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return {
        "days_since_last_order": (day - days[-1]).days,
        "days_since_first_order": (day - days[0]).days,
        "median_days_between_orders": median(gaps) if gaps else None,
        "mean_days_between_orders": mean(gaps) if gaps else None,
        "longest_days_between_orders": max(gaps, default=None),
        "last_days_between_orders": gaps[-1] if gaps else None,
    }


def _of_payments(rows: Sequence[Row], moment: _Moment) -> Values:
    asked = [row for row in rows if row["amount"] > 0 and row["issued_on"] < moment.day]
    unpaid = [row for row in asked if row["paid_on"] is None or row["paid_on"] >= moment.day]
    overdue = [row for row in unpaid if row["due_on"] is not None and row["due_on"] < moment.day]
    return {
        "invoice_count_365_days": sum(moment.age(row["issued_on"]) <= 365 for row in asked),  # noqa: PLR2004 a year, as the name says
        "overdue_invoice_count": len(overdue),
        "overdue_amount": sum(row["amount"] for row in overdue),
    }


def _of_contacts(rows: Sequence[Row], moment: _Moment) -> Values:
    ages = [moment.age(row["sent_at"]) for row in rows if row["sent_at"] < moment.instant and not row["held_out"]]
    return {
        "contact_count_90_days": sum(age <= 90 for age in ages),  # noqa: PLR2004 as the name says
        "days_since_last_contact": min(ages, default=None),
    }


def _of_tickets(rows: Sequence[Row], moment: _Moment) -> Values:
    opened = [row for row in rows if row["opened_at"] < moment.instant]
    still = [row for row in opened if row["resolved_at"] is None or row["resolved_at"] >= moment.instant]
    return {
        "ticket_count_365_days": sum(moment.age(row["opened_at"]) <= 365 for row in opened),  # noqa: PLR2004 as the name says
        "open_ticket_count": len(still),
    }


def _of_subscriptions(rows: Sequence[Row], moment: _Moment) -> Values:
    begun = [row for row in rows if row["started_on"] < moment.day]
    running = [row for row in begun if row["ended_on"] is None or row["ended_on"] >= moment.day]
    return {"subscription_count": len(begun), "running_subscription_count": len(running)}


def _of_events(rows: Sequence[Row], moment: _Moment) -> Values:
    ages = [moment.age(row["at"]) for row in rows if row["at"] < moment.instant]
    return {
        "event_count_30_days": sum(age <= 30 for age in ages),  # noqa: PLR2004 as the name says
        "days_since_last_event": min(ages, default=None),
    }


_COUNTS = {
    "payments": _of_payments,
    "contacts": _of_contacts,
    "tickets": _of_tickets,
    "subscriptions": _of_subscriptions,
    "events": _of_events,
}
ENTITIES = ("orders", *_COUNTS)
