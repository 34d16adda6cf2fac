"""What a load keeps of who is who, and what the next one is shown of earlier records."""

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from warehouse.identities.keeping import TABLES, read_identities, show_earlier_customers, write_identities
from warehouse.identities.matching import HELD_BACK_SCHEMA
from warehouse.identities.state import IDENTITY_SCHEMA, KEPT_CHANGE_SCHEMA, KEPT_LINK_SCHEMA, IdentityState
from warehouse.lake import Lake, write_manifest

AT = datetime(2024, 6, 1, tzinfo=UTC)
LATER = datetime(2024, 7, 1, tzinfo=UTC)
STATE = IdentityState(
    identities=pl.DataFrame([("A", "A", "email", 1.0, None, "1")], schema=IDENTITY_SCHEMA, orient="row"),
    links=pl.DataFrame(
        [("A", "B", "email", "same email", 1.0, None, True, None, "1", AT)], schema=KEPT_LINK_SCHEMA, orient="row"
    ),
    changes=pl.DataFrame([("B", "merged", "A", "1", AT)], schema=KEPT_CHANGE_SCHEMA, orient="row"),
    held_back=pl.DataFrame([("phone", "shared_by_too_many", 30, "A", "A")], schema=HELD_BACK_SCHEMA, orient="row"),
    model={"records": 100, "splink": {"m": 0.5}},
)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def test_what_is_kept_is_read_again(lake):
    with lake.writing("1") as folder:
        write_manifest(folder, "1", write_identities(folder, STATE), buckets=1)
    kept = read_identities(lake.open_load("1"))
    for name in ("identities", "links", "changes", "held_back"):
        assert getattr(kept, name).equals(getattr(STATE, name)), name
    assert kept.model == STATE.model
    assert set(TABLES) == set(lake.open_load("1").entities)


def test_a_load_that_joins_nothing_keeps_nothing(lake):
    orders = pl.DataFrame({"customer_id": ["A"]})
    assert read_identities(lake.write_load("1", {"orders": orders}, buckets=1)) is None


def row(source_customer_id, region, *, known=AT, superseded=None, **values):
    return {
        "customer_id": "A",
        "source_customer_id": source_customer_id,
        "source": "crm",
        "known_at": known,
        "superseded_at": superseded,
        "load_id": "1",
        "region": region,
        **values,
    }


def earlier(load):
    with duckdb.connect() as connection:
        name = show_earlier_customers(connection, load)
        if name is None:
            return None
        wanted = "source_customer_id, region, email, phone"
        return connection.sql(f'select {wanted} from "{name}" order by all').fetchall()  # noqa: S608 a literal


def test_earlier_records_are_shown_in_their_last_version_with_their_contact_data(lake):
    records = [
        row("A", "old", superseded=LATER),
        row("A", "new", known=LATER),
        row("B", "gone", superseded=LATER),
        row("C", "still there"),
    ]
    contacts = [{name: each[name] for name in each if name != "region"} for each in records[1:]]
    contacts[0] |= {"email": "a@x.example", "phone": None}
    contacts[1] |= {"email": None, "phone": "1"}
    contacts[2] |= {"email": "taken.back@x.example", "phone": None, "superseded_at": LATER}
    schema = {name: pl.Datetime("us", "UTC") for name in ("known_at", "superseded_at")}
    frames = {
        "customers": pl.DataFrame([row("A", "golden")], schema_overrides=schema),
        "customer_records": pl.DataFrame(records, schema_overrides=schema),
        "contact_details": pl.DataFrame(contacts, schema_overrides=schema),
    }
    load = lake.write_load("1", frames, buckets=2)
    assert earlier(load) == [
        ("A", "new", "a@x.example", None),
        ("B", "gone", None, "1"),
        ("C", "still there", None, None),
    ]


def test_customers_are_the_records_where_nothing_was_joined(lake):
    plain = pl.DataFrame({"customer_id": ["A"], "region": ["north"], "email": ["a@x.example"], "phone": [None]})
    assert earlier(lake.write_load("1", {"customers": plain}, buckets=1)) == [("A", "north", "a@x.example", None)]
    assert earlier(lake.write_load("2", {"orders": plain}, buckets=1)) is None
