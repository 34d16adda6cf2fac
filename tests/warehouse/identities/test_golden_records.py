"""Which values a customer of several records has."""

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from data_contracts.contracts import core_contract
from warehouse.core.rows import core_columns
from warehouse.identities.golden_records import golden_versions_sql, source_order, write_golden_customers
from warehouse.lake import Lake, bucket_of, write_manifest

BUCKETS = 3
CONTRACT = core_contract("customers")


def at(day):
    return datetime(2024, 1, day, tzinfo=UTC)


def record(customer_id, source_customer_id, *, known=1, superseded=None, **values):
    return {
        "customer_id": customer_id,
        "source_customer_id": source_customer_id,
        "source": "crm",
        "load_id": "1",
        "known_at": at(known),
        "superseded_at": superseded and at(superseded),
        "created_at": at(known),
        **values,
    }


def golden(*records, sources=("crm", "shop")):
    """All versions of customers, in time."""
    columns = core_columns(CONTRACT)
    names = {name: [row.get(name) for row in records] for name in columns}
    kinds = {"TIMESTAMP WITH TIME ZONE": pl.Datetime("us", "UTC"), "BOOLEAN": pl.Boolean, "VARCHAR": pl.String}
    schema = {name: kinds.get(kind, pl.Int64) for name, kind in columns.items()}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("records", pl.DataFrame(names, schema=schema))
        query = golden_versions_sql("records", list(columns), sources=sources)
        return connection.sql(query).pl().sort("customer_id", "known_at").to_dicts()


def in_force(*records, **named):
    """The one version in force."""
    (row,) = [row for row in golden(*records, **named) if row["superseded_at"] is None]
    return row


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(True, False, False), (True, None, True), (None, False, False), (None, None, None), (True, True, True)],
)
def test_a_refusal_in_one_record_is_a_refusal(one, other, expected):
    rows = [record("A", "A", consent_marketing=one), record("A", "B", known=2, consent_marketing=other)]
    assert in_force(*rows)["consent_marketing"] is expected


def test_a_customer_began_with_the_first_record():
    row = in_force(record("B", "A", known=3, created_at=at(2)), record("B", "B", created_at=at(4)))
    assert row["created_at"] == at(2)
    assert (row["source_customer_id"], row["source"]) == ("B", "crm")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [(("crm", "shop"), "of crm"), (("shop", "crm"), "of shop"), ((), "of shop")],
    ids=["trusted first", "the other", "known last"],
)
def test_a_value_is_of_the_most_trusted_source_then_known_last(sources, expected):
    rows = [
        record("A", "A", region="of crm"),
        record("A", "B", known=2, source="shop", region="of shop"),
        record("A", "C", known=3, source="crm"),
    ]
    assert in_force(*rows, sources=sources)["region"] == expected


def test_of_records_of_the_same_age_the_smallest_id_decides():
    rows = [record("A", name, region=name) for name in ("C", "B", "A")]
    assert in_force(*rows)["region"] == "A"
    assert in_force(*reversed(rows))["region"] == "A"


def test_no_moment_sees_what_only_a_later_record_told():
    rows = [
        record("A", "A", known=1, superseded=5, region="north"),
        record("A", "A", known=5, region="south"),
        record("A", "B", known=3, birth_year=1980, source="shop"),
    ]
    seen = [(row["known_at"], row["superseded_at"], row["region"], row["birth_year"]) for row in golden(*rows)]
    assert seen == [
        (at(1), at(3), "north", None),
        (at(3), at(5), "north", 1980),
        (at(5), None, "south", 1980),
    ]


def test_customers_of_one_record_have_its_versions_and_gone_records_count_no_more():
    alone = [record("C", "C", known=1, superseded=2, region="north"), record("C", "C", known=2, region="south")]
    assert [row["region"] for row in golden(*alone)] == ["north", "south"]
    gone = [record("A", "A", superseded=4, region="north"), record("A", "B", known=2, region="east", source="shop")]
    assert in_force(*gone)["region"] == "east"


def test_sources_that_are_not_named_follow():
    assert source_order(["shop"], ["crm", "shop", "till"]) == ["shop", "crm", "till"]


def test_a_bucket_whose_records_stay_is_taken_over(tmp_path):
    lake = Lake(tmp_path)
    first = _write(lake, "1", [record("A", "A"), record("A", "B", region="north"), record("C", "C")], previous=None)
    assert first.scan("customers").collect().height == 2
    second = _write(lake, "2", None, previous=first)
    for bucket in range(BUCKETS):
        assert second.files("customers", bucket)[0].samefile(first.files("customers", bucket)[0])
    other = _write(lake, "3", None, previous=first, sources=("shop", "crm"))
    assert not other.files("customers", 0)[0].samefile(first.files("customers", 0)[0])


def _write(lake, load_id, rows, *, previous, sources=("crm", "shop")):
    """A load of these records, or of the files of the load before."""
    frame = pl.DataFrame(rows) if rows else None
    with lake.writing(load_id) as folder, duckdb.connect() as connection:
        (folder / "customer_records").mkdir()
        for bucket in range(BUCKETS):
            path = folder / "customer_records" / f"bucket={bucket:03d}.parquet"
            if frame is None:
                path.hardlink_to(previous.files("customer_records", bucket)[0])
            else:
                mine = [bucket_of(name, BUCKETS) == bucket for name in frame["customer_id"]]
                frame.filter(mine).write_parquet(path)
        write_golden_customers(connection, CONTRACT, folder=folder, previous=previous, sources=sources, buckets=BUCKETS)
        write_manifest(folder, load_id, ["customers", "customer_records"], buckets=BUCKETS)
    return lake.open_load(load_id)
