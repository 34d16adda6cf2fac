"""The engine beside a slow, obvious reference: plain Python over one customer's lines at a time."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, log
from random import Random
from statistics import mean, median, stdev
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.edges import SNAPSHOTS, ZONES
from tests.features.order_histories import ONCE, histories

CATEGORIES = {"p0": "x", "p1": "x", "p2": "y", "p3": "z"}
PRICES = {"p0": 10, "p1": 35, "p2": 20, "p3": 5}


def _local_day(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).date()


def _reference(lines, snapshot, zone):
    """A handful of features of one customer, by definition; None without a purchase."""
    instant = datetime.combine(snapshot, datetime.min.time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)
    known = [
        line
        for line in lines
        if line["at"] < instant
        and line["known"] < instant
        and (line["superseded"] is None or line["superseded"] >= instant)
    ]
    orders = defaultdict(list)
    for line in known:
        orders[line["order_id"]].append(line)
    dated = [(_local_day(min(line["at"] for line in order), zone), order) for order in orders.values()]
    purchases = [(day, order) for day, order in dated if sum(line["amount"] for line in order) > 0]
    if not purchases:
        return None
    days = sorted({day for day, _ in purchases})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    sold = [line for line in known if line["amount"] > 0]
    bought_on = defaultdict(set)
    for line in sold:
        bought_on[line["product_id"]].add(_local_day(line["at"], zone))
    silence = (snapshot - days[-1]).days
    spent = defaultdict(int)
    for day, order in purchases:
        spent[day] += sum(line["amount"] for line in order)

    def bought(oldest, newest=0):
        return sum(newest < (snapshot - day).days <= oldest for day, _ in purchases)

    lines_of = Counter(line["product_id"] for line in sold)
    return {
        "purchase_acceleration_90_days": _quotient(
            bought(90) - 2 * bought(180, 90) + bought(270, 180), bought(90) + 2 * bought(180, 90) + bought(270, 180)
        ),
        "purchase_trend_to_last_year_90_days": _quotient(bought(90) - bought(455, 365), bought(90) + bought(455, 365)),
        "purchase_day_count_90_days": sum((snapshot - day).days <= 90 for day in days),
        "months_begun_365_days": sum(
            (snapshot - min(day for day in days if (day.year, day.month) == month)).days <= 365
            for month in {(day.year, day.month) for day in days}
        ),
        "median_purchase_day_amount": median(spent.values()),
        "largest_purchase_day_amount": max(spent.values()),
        "last_purchase_day_amount": spent[days[-1]],
        "decayed_purchase_count_365_days": pytest.approx(
            sum(0.5 ** ((snapshot - day).days / 365) for day, _ in purchases), abs=1e-4
        ),
        "shortest_days_between_orders": min(gaps) if gaps else None,
        "longest_days_between_orders": max(gaps) if gaps else None,
        "late_gaps_to_usual": pytest.approx(mean(gaps[-3:]) / mean(gaps)) if len(gaps) > 2 else None,
        "silence_survival_probability": (sum(gap >= silence for gap in gaps) + 1) / (len(gaps) + 2) if gaps else None,
        "silence_survival_probability_if_random": pytest.approx(exp(-silence / mean(gaps))) if gaps else None,
        "days_until_expected_order": median(gaps) - silence if gaps else None,
        "weekday_entropy": _entropy([day.weekday() for day, _ in purchases]),
        "early_in_month_share": sum(day.day <= 10 for day, _ in purchases) / len(purchases),
        "product_entropy": _entropy([line["product_id"] for line in sold]),
        "favourite_product_share": max(lines_of.values()) / len(sold),
        "products_per_purchase_day": sum(len(on) for on in bought_on.values()) / len(days),
        "new_product_share_365_days": _quotient(
            sum((snapshot - min(on)).days <= 365 for on in bought_on.values()),
            sum((snapshot - max(on)).days <= 365 for on in bought_on.values()),
        ),
        "category_drift_90_days": _drift(sold, snapshot, zone),
        "price_level_in_category": _price_level(sold),
        "days_since_last_return": min(
            ((snapshot - day).days for day, order in dated if any(line["amount"] < 0 for line in order)), default=None
        ),
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


def _quotient(numerator, denominator):
    return numerator / denominator if denominator else None


def _drift(sold, snapshot, zone):
    """Half the sum of differences of shares of lines between the last 90 days and before."""
    parts = {True: Counter(), False: Counter()}
    for line in sold:
        if line["product_id"] in CATEGORIES:
            recent = (snapshot - _local_day(line["at"], zone)).days <= 90
            parts[recent][CATEGORIES[line["product_id"]]] += 1
    if not parts[True] or not parts[False]:
        return None
    shares = [{name: count / part.total() for name, count in part.items()} for part in parts.values()]
    names = set(shares[0]) | set(shares[1])
    return pytest.approx(sum(abs(shares[0].get(name, 0) - shares[1].get(name, 0)) for name in names) / 2, abs=1e-12)


def _price_level(sold):
    in_category = defaultdict(list)
    for product, category in CATEGORIES.items():
        in_category[category].append(PRICES[product])
    levels = [
        round(1000 * PRICES[product] / mean(in_category[CATEGORIES[product]]))
        for line in sold
        if (product := line["product_id"]) in CATEGORIES
    ]
    return pytest.approx(mean(levels) / 1000, rel=1e-12) if levels else None


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
            closed = at + late + timedelta(days=random.choice([1, 30, 200])) if random.random() < 0.1 else None
            later = timedelta(hours=random.choice([0, 0, 0, 40]))
            line = {"customer_id": customer, "order_id": f"{customer}-{order}", "at": at + later, "known": at + late}
            lines.append(line | {"amount": amount, "product_id": f"p{random.randint(0, 5)}", "superseded": closed})
    return lines


@pytest.fixture(scope="module")
def products(products_of):
    listed = CATEGORIES.items()
    return products_of(*({"product_id": name, "category": of, "list_price": PRICES[name]} for name, of in listed))


def _compare(built, lines, zone):
    """Hold every row, and who has none, against the reference; returns how many there were."""
    rows = {(row["customer_id"], row["snapshot_date"]): row for row in built.iter_rows(named=True)}
    compared = len(rows)
    for customer in {line["customer_id"] for line in lines}:
        own = [line for line in lines if line["customer_id"] == customer]
        for snapshot in SNAPSHOTS:
            expected, row = _reference(own, snapshot, zone), rows.pop((customer, snapshot), None)
            assert (row and {name: row[name] for name in expected}) == expected, (customer, snapshot)
    assert rows == {}
    return compared


def test_features_equal_the_reference(orders_of, products, features_of):
    random = Random(20240229)  # noqa: S311 - repeatable test data, no secret
    lines = [line for number in range(60) for line in _random_lines(random, f"c{number:02}")]
    built = features_of(orders_of(*lines), *SNAPSHOTS, products=products, time_zone=ZONES[0])
    assert _compare(built, lines, ZONES[0]) > 150


@settings(max_examples=15)
@given(lines=histories(), zone=st.sampled_from(ZONES))
def test_features_equal_the_reference_at_odd_hours(orders_of, products, features_of, lines, zone):
    built = features_of(orders_of(*lines), *SNAPSHOTS, products=products, time_zone=zone)
    _compare(built, lines, zone)
    assert set(built.filter(customer_id=ONCE)["median_days_between_orders"]) <= {None}
