"""A tiny hand-made company with something in every table, its loads and stored nights: what tests of features share."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import polars as pl

from data_contracts.contracts import core_contract
from flows.buckets.core_tables import CoreTables
from warehouse.ledger import Load, RunResult, finish_run, record_load, start_run

NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
DAY = date(2025, 12, 1)
ZONE = "Europe/London"
DTYPES = {
    "text": pl.String,
    "integer": pl.Int32,
    "number": pl.Float64,
    "money": pl.Int64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
    "boolean": pl.Boolean,
}


def frame(entity, rows, *, versions=False):
    """Rows of a core table, whatever they don't say null."""
    schema = {name: DTYPES[column.type] for name, column in core_contract(entity).columns.items()}
    if versions:
        schema["superseded_at"] = DTYPES["timestamp"]
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def company(customers=24):
    """A company with something in every table, late rows and rows after the date, and a version superseded."""
    random = Random(5)  # noqa: S311 - repeatable test data, no secret
    tables = {entity: [] for entity in ("orders", "customers", "payments", "contacts", "tickets", "subscriptions")}
    tables |= {"events": [], "products": [], "offers": []}

    def moment():
        return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=random.randint(0, 365 * 24 * 60 - 1))

    def known(happened, entity):
        late = happened + timedelta(days=random.choice([0, 0, 0, 40]))
        ended = late + timedelta(days=random.randint(1, 90)) if random.random() < 0.1 else None
        return {"known_at": late} | ({"superseded_at": ended} if entity == "orders" else {})

    for number in range(5):
        product = {"product_id": f"p{number}", "category": f"c{number % 2}", "list_price": 100 * (number + 1)}
        tables["products"].append(product | {"known_at": datetime(2024, 1, 1, tzinfo=UTC)})
    tables["offers"] = [
        {"offer_id": name, "discount_share": share, "known_at": datetime(2024, 1, 1, tzinfo=UTC)}
        for name, share in (("o1", 0.1), ("o2", None))
    ]
    for number in range(customers):
        own = {"customer_id": f"{number:03d}"}
        created = {"created_at": datetime(2024, 12, 1, tzinfo=UTC), "region": random.choice(["north", "south"])}
        tables["customers"].append(own | created | {"known_at": created["created_at"]})
        for order in range(random.randint(0, 8)):
            at = moment()
            for line in range(random.randint(1, 3)):
                bought = {"product_id": f"p{random.randint(0, 4)}", "quantity": 1.0, "channel": random.choice("ws")}
                keys = {"order_id": f"{number}-{order}", "line_number": line, "ordered_at": at}
                amount = {"amount": random.choice([-50, 40, 200, 900])}
                tables["orders"].append(own | keys | bought | amount | known(at, "orders"))
        for count in range(3):
            at, end = moment(), moment()
            name = f"{number}-{count}"
            due = at.date() + timedelta(days=14)
            paid = end.date() if end > at else None
            tables["payments"].append(
                own
                | {"invoice_id": name, "issued_on": at.date(), "due_on": due, "paid_on": paid, "amount": 300}
                | {"disputed": random.random() < 0.5}
                | known(at, "payments")
            )
            tables["contacts"].append(
                own
                | {"contact_id": name, "offer_id": random.choice(["o1", "o2"]), "sent_at": at, "channel": "email"}
                | {"responded_at": end if end > at else None, "held_out": random.random() < 0.2}
                | known(at, "contacts")
            )
            tables["tickets"].append(
                own
                | {"ticket_id": name, "opened_at": at, "resolved_at": end if end > at else None, "kind": "complaint"}
                | {"satisfaction": 4.0 if end > at else None}
                | known(at, "tickets")
            )
            tables["events"].append(
                own | {"event_id": name, "at": at, "kind": random.choice(["visit", "basket"])} | known(at, "events")
            )
        if number % 3 == 0:
            at, end = moment(), moment()
            contract = {"started_on": at.date(), "ended_on": end.date() if end > at else None, "amount": 500}
            plan = {"subscription_id": str(number), "plan": "basic", "billing_period_months": 1}
            tables["subscriptions"].append(own | contract | plan | known(at, "subscriptions"))
    return {entity: frame(entity, rows, versions=entity == "orders") for entity, rows in tables.items()}


def with_load(context, load_id, tables):
    context.lake.write_load(load_id, tables, buckets=2)
    with context.warehouse() as warehouse:
        record_load(
            warehouse,
            Load(load_id=load_id, source_fingerprint="f", configuration_hash="c", loaded_at=NOW, counts={}),
        )


def with_night(context, day, *, load_id="one", status="done"):
    """A stored night, as scoring leaves it."""
    core = CoreTables.of_load(context, load_id)
    for bucket in core.buckets():
        context.lake.write_bucket("features", day, bucket, core.build_features(bucket, [day]).collect())
    with context.warehouse() as warehouse:
        run = start_run(warehouse, kind="score", as_of=day, configuration_hash="c", now=context.clock(), run_by="tests")
        finish_run(warehouse, run, status=status, now=context.clock(), result=RunResult(load_id=load_id))


def verdicts(found):
    return {one["proof"]: one["verdict"] for one in found["proofs"]}


def proof(found, name):
    return next(one for one in found["proofs"] if one["proof"] == name)
