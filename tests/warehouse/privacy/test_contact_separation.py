"""Customers cut in two: what everybody may read, and what few may."""

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from data_contracts.contracts import core_contract
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.contact_separation import ContactCounts, separate_contacts

KEY = PersonalDataKey(bytes(range(32)))
CUSTOMERS = core_contract("customers")


@pytest.fixture
def checked():
    with duckdb.connect() as connection:
        connection.execute(
            """create table checked_customers as select * from (values
                (1, 'crm', true, '1', 'Jane@Example.org', '020 7946 0000', 'East', timestamptz '2024-01-01'),
                (2, 'crm', true, '2', null, 'unreadable', 'West', null),
                (3, 'crm', false, '3', null, null, 'West', null)
            ) t(row_id, source, row_is_accepted, customer_id, email, phone, region, known_at)"""
        )
        yield connection


def rows_of(connection, name):
    return connection.sql(f'select * from "{name}" order by row_id').pl()  # noqa: S608 a name of ours


def separated(connection, key=KEY, checked="checked_customers"):
    return separate_contacts(connection, CUSTOMERS, checked, key=key, country="GB")


def test_customers_are_cut_in_two(checked):
    found = separated(checked)
    plain = rows_of(checked, found.rows)
    assert plain.columns == [
        *("row_id", "source", "row_is_accepted", "customer_id", "region", "known_at", "email_key", "phone_key")
    ]
    assert plain["email_key"].to_list() == [KEY.digest("email", "jane@example.org"), None, None]
    assert plain["phone_key"].to_list() == [KEY.digest("phone", "+442079460000"), None, None]
    details = rows_of(checked, found.contact_rows)
    assert details["customer_id"].to_list() == ["1", "2"]
    assert details["email"].to_list() == ["Jane@Example.org", None]
    assert details["phone_key"].to_list() == [KEY.digest("phone", "+442079460000"), None]
    assert found.counts == ContactCounts(emails=1, phones=2, unreadable_emails=0, unreadable_phones=1)


def test_the_contracts_of_both_parts():
    with duckdb.connect() as connection:
        found = separated(connection, checked="")
    assert set(found.customers.columns) == {*CUSTOMERS.columns, "email_key", "phone_key"} - {"email", "phone"}
    assert list(found.contact_details.columns) == [
        "customer_id",
        "email",
        "phone",
        "known_at",
        "email_key",
        "phone_key",
    ]
    assert (found.contact_details.entity, found.contact_details.key) == ("contact_details", ("customer_id",))
    assert (found.rows, found.contact_rows, found.contact_details.rules) == ("", "", ())
    assert found.contact_details.columns["email"].personal


def test_contact_data_that_a_record_gave_up_are_followed_by_a_row_without_any(checked, tmp_path):
    stored = pl.DataFrame(
        {
            "source_customer_id": ["1", "3", "4", "5"],
            "email": ["old@x.example", "gone@x.example", "there@x.example", "past@x.example"],
            "superseded_at": [None, None, None, datetime(2024, 2, 1, tzinfo=UTC)],
        }
    )
    stored.write_parquet(tmp_path / "bucket=000.parquet")
    checked.execute("insert into checked_customers values (5, 'crm', true, '5', null, null, 'West', null)")
    found = separate_contacts(
        checked, CUSTOMERS, "checked_customers", key=KEY, country="GB", stored=[tmp_path / "bucket=000.parquet"]
    )
    details = rows_of(checked, found.contact_rows).select("customer_id", "email", "phone", "email_key")
    assert details["customer_id"].to_list() == ["1", "2", "3"]
    assert details.row(2) == ("3", None, None, None)
    assert (found.counts.emails, found.counts.unreadable_emails) == (1, 0)


def test_without_a_key_contact_data_are_kept_apart_and_the_hashes_are_null(checked):
    found = separated(checked, key=None)
    plain = rows_of(checked, found.rows)
    assert (plain["email_key"].count(), plain["phone_key"].count(), plain.height) == (0, 0, 3)
    assert rows_of(checked, found.contact_rows).height == 2
    assert found.counts == ContactCounts(emails=1, phones=2)
