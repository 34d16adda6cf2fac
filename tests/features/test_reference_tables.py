"""Features of every table beside a slow, obvious reference, on random rows: late, superseded, of the future."""

from collections import defaultdict
from random import Random

import polars as pl
import pytest

from tests.features import histories, reference
from tests.features.edges import SNAPSHOTS, ZONES
from tests.features.histories import CUSTOMERS, MAKERS, instant_of, known_at, local_day


@pytest.fixture(scope="module", params=enumerate(ZONES))
def tables(request):
    seed, zone = request.param
    random = Random(seed)  # noqa: S311 - repeatable test data, no secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "ZONE", zone)
        yield {entity: make(random) for entity, make in MAKERS.items()}


@pytest.fixture(scope="module")
def frames(tables, orders_of, rows_of):
    others = {entity: rows_of(entity, *rows) for entity, rows in tables.items() if entity != "orders"}
    return {"orders": orders_of(*tables["orders"])} | others


@pytest.fixture(scope="module")
def built(frames, features_of):
    return features_of(frames["orders"], *SNAPSHOTS, time_zone=histories.ZONE, **_but_orders(frames))


def _but_orders(frames):
    return {entity: frame for entity, frame in frames.items() if entity != "orders"}


def _last_purchase_day(lines, snapshot):
    orders = defaultdict(list)
    for line in lines:
        if line["at"] < instant_of(snapshot):
            orders[line["order_id"]].append(line)
    bought = [order for order in orders.values() if sum(line["amount"] for line in order) > 0]
    return max((local_day(min(line["at"] for line in order)) for order in bought), default=None)


def _expected(tables, customer, snapshot):
    known = {entity: known_at(rows, snapshot) for entity, rows in tables.items()}
    own = {
        entity: [row for row in rows if row.get("customer_id") == customer] if entity != "referrals" else rows
        for entity, rows in known.items()
    }
    last = _last_purchase_day(own["orders"], snapshot)
    return last, (
        reference.payments(own["payments"], snapshot)
        | reference.contacts(own["contacts"], snapshot, known["offers"])
        | reference.tickets(own["tickets"], snapshot)
        | reference.surveys(own["surveys"], snapshot)
        | reference.subscriptions(own["subscriptions"], snapshot)
        | reference.events(own["events"], snapshot, last)
        | reference.referrals(own["referrals"], snapshot, customer)
        | reference.channels(own, snapshot)
    )


def _differences(row, expected):
    return {
        name: (row[name], value)
        for name, value in expected.items()
        if row[name] != (value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12))
    }


def test_every_table_equals_the_reference(tables, built):
    rows = {(row["customer_id"], row["snapshot_date"]): row for row in built.iter_rows(named=True)}
    never_ordered = 0
    for customer in CUSTOMERS:
        for snapshot in SNAPSHOTS:
            last, expected = _expected(tables, customer, snapshot)
            row = rows.pop((customer, snapshot), None)
            assert (row is not None) == (last is not None or expected["subscription_count"] > 0)
            if row is not None:
                assert _differences(row, expected) == {}, (customer, snapshot)
                never_ordered += last is None
    assert rows == {}
    assert never_ordered > 0


def test_each_snapshot_alone_gives_the_same(frames, built, features_of):
    alone = [features_of(frames["orders"], day, time_zone=histories.ZONE, **_but_orders(frames)) for day in SNAPSHOTS]
    assert built.equals(pl.concat(alone).sort("customer_id", "snapshot_date"))


def test_the_order_of_rows_changes_nothing(frames, built, features_of):
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=7) for name, frame in frames.items()}
    assert built.equals(features_of(shuffled["orders"], *SNAPSHOTS, time_zone=histories.ZONE, **_but_orders(shuffled)))


@pytest.mark.parametrize("entity", MAKERS)
def test_rows_of_the_future_and_rows_not_known_yet_change_nothing(frames, built, features_of, entity):
    """For the first three snapshots, twisted copies of every row: known after them, or closed before they count."""
    last = instant_of(SNAPSHOTS[2])
    adversarial = _twisted(frames[entity]).with_columns(
        known_at=pl.max_horizontal("known_at", pl.lit(last)).dt.cast_time_unit("us")
    )
    closed = _twisted(frames[entity]).with_columns(superseded_at="known_at")  # never current
    mixed = frames | {entity: pl.concat([adversarial, frames[entity], closed])}
    again = features_of(mixed["orders"], *SNAPSHOTS[:3], time_zone=histories.ZONE, **_but_orders(mixed))
    assert again.equals(built.filter(pl.col("snapshot_date").is_in(SNAPSHOTS[:3])))


def _twisted(frame):
    """Copies under the same keys with other values: worse than new rows, for they would also be added up twice."""
    numbers = [name for name in ("amount", "cost", "compensation", "list_price") if name in frame.columns]
    return frame.with_columns(pl.col(numbers) * 7 + 1)
