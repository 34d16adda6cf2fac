"""The engine beside a slow, obvious reference: plain Python over one customer's lines at a time."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import log
from random import Random
from statistics import median, stdev
from zoneinfo import ZoneInfo

import pytest

SNAPSHOTS = [date(2023, 12, 1), date(2024, 2, 29), date(2024, 4, 1), date(2024, 10, 28)]
ZONE = "Europe/London"
CATEGORIES = {"p0": "x", "p1": "x", "p2": "y", "p3": "z"}


def _local_day(moment):
    return moment.astimezone(ZoneInfo(ZONE)).date()


def _reference(lines, snapshot):
    """A handful of features of one customer, by definition; None without a purchase."""
    instant = datetime.combine(snapshot, datetime.min.time(), tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    known = [line for line in lines if line["at"] < instant and line["known"] < instant]
    orders = defaultdict(list)
    for line in known:
        orders[line["order_id"]].append(line)
    dated = [(_local_day(min(line["at"] for line in order)), order) for order in orders.values()]
    purchases = [(day, order) for day, order in dated if sum(line["amount"] for line in order) > 0]
    if not purchases:
        return None
    days = sorted({day for day, _ in purchases})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    sold = [line for line in known if line["amount"] > 0]
    bought_on = defaultdict(set)
    for line in sold:
        bought_on[line["product_id"]].add(_local_day(line["at"]))
    return {
        "days_since_last_order": (snapshot - days[-1]).days,
        "purchase_count_90_days": sum(day >= snapshot - timedelta(days=90) for day, _ in purchases),
        "net_amount_365_days": sum(
            line["amount"] for day, order in dated if day >= snapshot - timedelta(days=365) for line in order
        ),
        "net_amount_life": sum(line["amount"] for line in known),
        "median_days_between_orders": median(gaps) if gaps else None,
        "last_days_between_orders": gaps[-1] if gaps else None,
        "spread_of_days_between_orders": pytest.approx(stdev(gaps), rel=1e-9) if len(gaps) > 1 else None,
        "weekend_share": sum(day.isoweekday() >= 6 for day, _ in purchases) / len(purchases),
        "distinct_products_life": len(bought_on),
        "distinct_products_365_days": sum(max(on) >= snapshot - timedelta(days=365) for on in bought_on.values()),
        "repeat_product_share": sum(len(on) > 1 for on in bought_on.values()) / len(bought_on),
        "category_entropy": _entropy(
            [CATEGORIES[line["product_id"]] for line in sold if line["product_id"] in CATEGORIES]
        ),
        "returned_amount_share": -sum(line["amount"] for line in known if line["amount"] < 0)
        / sum(line["amount"] for line in sold),
    }


def _entropy(categories):
    if not categories:
        return None
    shares = [categories.count(category) / len(categories) for category in set(categories)]
    return pytest.approx(-sum(share * log(share) for share in shares), abs=1e-5)


def _random_lines(random, customer):
    lines = []
    for order in range(random.randint(1, 12)):
        at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 60 * 24 * 660))
        for _ in range(random.randint(1, 4)):
            late = timedelta(days=random.choice([0, 0, 0, 0, 3, 90]))
            amount = random.choice([-300, -50, 0, 20, 100, 400, 900])
            line = {"customer_id": customer, "order_id": f"{customer}-{order}", "at": at, "known": at + late}
            lines.append(line | {"amount": amount, "product_id": f"p{random.randint(0, 5)}"})
    return lines


def test_features_equal_the_reference(orders_of, products_of, features_of):
    random = Random(20240229)  # noqa: S311 - repeatable test data, no secret
    histories = {f"c{number:02}": _random_lines(random, f"c{number:02}") for number in range(60)}
    products = products_of(*({"product_id": name, "category": category} for name, category in CATEGORIES.items()))
    frame = orders_of(*(line for lines in histories.values() for line in lines))
    built = features_of(frame, *SNAPSHOTS, products=products, time_zone=ZONE)
    rows = {(row["customer_id"], row["snapshot_date"]): row for row in built.iter_rows(named=True)}
    compared = 0
    for customer, lines in histories.items():
        for snapshot in SNAPSHOTS:
            expected = _reference(lines, snapshot)
            row = rows.pop((customer, snapshot), None)
            assert (row and {name: row[name] for name in expected}) == expected, (customer, snapshot)
            compared += expected is not None
    assert rows == {}
    assert compared > 150
