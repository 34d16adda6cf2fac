"""Recognising erased people, and keeping their rows out of a load."""

import json
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from data_contracts.mapping import SourceMapping
from warehouse.errors_personal_data import PersonalDataKeyChangedError, PersonalDataKeyNeededError
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.erased_rows import (
    RawPlace,
    drop_erased,
    drop_erased_from_quarantine,
    person_columns,
    raw_places,
    rows_about_erased,
)
from warehouse.privacy.tombstones import Erasure, Tombstones

KEY = PersonalDataKey(bytes(range(32)))
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


def tombstones(**values):
    erasure = Erasure.of(values, key=KEY, now=NOW, requested_by="tests")
    return Tombstones.opened([erasure], key=KEY, country="GB")


GONE = tombstones(customer_id={"42", "crm:7"}, email={"jane@example.org"}, phone={"+442079460000"})


def test_a_record_holds_hashes_and_nothing_of_the_person():
    erasure = Erasure.of({"customer_id": ["42"]}, key=KEY, now=NOW, requested_by="tests")
    assert erasure.digests["customer_id"] == (KEY.digest("customer_id", "42"),)
    assert Erasure.from_plain(json.loads(json.dumps(erasure.plain()))) == erasure
    assert '"42"' not in json.dumps(erasure.plain())


def test_without_the_key_or_with_another_nobody_is_recognised_and_that_is_said():
    with pytest.raises(PersonalDataKeyNeededError) as caught:
        Tombstones.opened(GONE.erasures, key=None, country=None)
    assert caught.value.exit_code == 2
    assert "nothing was loaded" in str(caught.value)
    with pytest.raises(PersonalDataKeyChangedError):
        Tombstones.opened(GONE.erasures, key=PersonalDataKey(bytes(range(1, 33))), country=None)
    assert not Tombstones.opened([], key=None, country=None)


@pytest.mark.parametrize(
    ("kind", "values", "erased"),
    [
        ("customer_id", ["42", "42 ", "042", None, "42"], ["42"]),
        (
            "email",
            [" Jane@Example.ORG", "jane@example.org", "jane@example.com", None],
            [" Jane@Example.ORG", "jane@example.org"],
        ),
        ("phone", ["020 7946 0000", "+44 20 7946 0000", "020 7946 0001"], ["+44 20 7946 0000", "020 7946 0000"]),
        ("email", ["42"], []),
    ],
)
def test_values_are_recognised_in_every_spelling(kind, values, erased):
    for _ in range(2):  # the second time from memory
        assert GONE.matching(kind, pl.Series(values, dtype=pl.String)) == erased


def test_which_columns_say_whose_a_row_is():
    names = ["customer_id", "source_customer_id", "became_customer_id", "referrer_id", "source_referred_id", "left_id"]
    names += ["email", "phone", "email_key", "product_id", "order_id", "quantity"]
    assert list(person_columns(names)) == names[:8]
    assert person_columns(names)["email"] == "email"


@pytest.fixture
def staged():
    with duckdb.connect() as connection:
        connection.execute(
            "create table staged_customers (customer_id varchar, email varchar, phone varchar, source varchar)"
        )
        connection.execute(
            """insert into staged_customers values
                ('42', null, null, 'shop'), ('43', 'other@example.org', null, 'shop'), (null, null, null, 'shop'),
                ('44', 'JANE@example.org', null, 'shop'), ('45', null, '02079460000', 'shop'),
                ('crm:7', null, null, 'crm'), ('7', null, null, 'shop')"""
        )
        connection.execute(
            "create table staged_orders (order_id varchar, customer_id varchar, quantity integer, source varchar)"
        )
        connection.execute(
            "insert into staged_orders values ('a', '42', 1, 'shop'), ('b', '43', 42, 'shop'), "
            "('42', '43', 1, 'shop'), ('c', '44', 1, 'shop'), ('d', '45', 1, 'shop'), ('e', null, 1, 'shop')"
        )
        connection.execute(
            "create table staged_referrals (referral_id varchar, referrer_id varchar, referred_id varchar)"
        )
        connection.execute(
            "insert into staged_referrals values ('1', '43', '42'), ('2', '43', '46'), ('3', '44', '43')"
        )
        yield connection


TABLES = {"customers": "staged_customers", "orders": "staged_orders", "referrals": "staged_referrals"}


def test_rows_of_erased_people_are_dropped_with_all_their_rows_and_nobody_elses(staged):
    dropped = drop_erased(staged, TABLES, GONE)
    assert dropped == {"customers": 4, "orders": 3, "referrals": 2}
    left = staged.sql("select customer_id, source from staged_customers order by all").fetchall()
    assert left == [("43", "shop"), ("7", "shop"), (None, "shop")]
    assert staged.sql("select order_id from staged_orders order by 1").fetchall() == [("42",), ("b",), ("e",)]
    assert staged.sql("select referral_id from staged_referrals").fetchall() == [("2",)]


def test_where_nobody_was_erased_nothing_is_looked_at(staged):
    assert drop_erased(staged, {"customers": "no such table"}, Tombstones()) == {}


def quarantined(*raw, source="shop", rules="amount_is_present"):
    texts = [row if isinstance(row, str) else json.dumps(row) for row in raw]
    return pl.DataFrame(
        {"entity": ["orders"] * len(raw), "source": [source] * len(raw), "rules": [rules] * len(raw), "raw_row": texts}
    )


SHOP = RawPlace(other_columns=frozenset({"units", "sku"}))


@pytest.mark.parametrize(
    ("row", "about"),
    [
        ({"who": "42", "units": "1"}, True),
        ({"who": 42}, True),
        ({"who": " 42 "}, True),
        ({"who": "42.0"}, True),
        ({"who": "43", "units": "42", "sku": "42"}, False),
        ({"who": "142"}, False),
        ({"note": "ring jane@example.org, please"}, True),
        ({"units": "jane@example.org"}, True),
        ({"note": {"deep": ["x", "+44 (20) 7946 0000"]}}, True),
        ({"placed_at": "2024-01-03 11:39:06", "who": None, "ok": True}, False),
        ("42;jane;broken line", True),
        ('"43","42"', True),
        ("", False),
    ],
)
def test_raw_rows_are_recognised_by_a_value(row, about):
    assert rows_about_erased(quarantined(row), GONE, places={"shop": SHOP}).to_list() == [about]


def test_ids_of_a_source_with_its_own_id_space():
    rows = quarantined({"who": "7"})
    assert rows_about_erased(rows, GONE, places={"shop": RawPlace(id_space="crm")}).to_list() == [True]
    assert rows_about_erased(rows, GONE, places={"shop": RawPlace()}).to_list() == [False]


def test_an_unreadable_line_is_looked_at_piece_by_piece():
    rows = quarantined({"line": "9;42;too;many"}, rules="line_is_readable")
    assert rows_about_erased(rows, GONE, places={}).to_list() == [True]
    assert rows_about_erased(quarantined({"line": "9;42;too;many"}), GONE, places={}).to_list() == [False]


def test_rows_about_to_be_set_aside_are_left_out_and_counted():
    rows = quarantined({"who": "42"}, {"who": "43"}, {"who": "41"})
    kept, dropped = drop_erased_from_quarantine(rows, GONE, places={"shop": SHOP})
    assert kept["raw_row"].to_list() == ['{"who": "43"}', '{"who": "41"}']
    assert dropped == {"orders": 1}
    assert drop_erased_from_quarantine(rows, Tombstones(), places={})[1] == {}


def test_a_mapping_says_which_raw_columns_are_no_person():
    mapping = SourceMapping(
        entity="referrals",
        input="referrals",
        columns={
            "referral_id": "number",
            "referrer_id": "who",
            "referred_id": "whom",
            "at": "moment",
            "known_at": "moment",
        },
    )
    assert raw_places({"shop": mapping}) == {"shop": RawPlace(other_columns=frozenset({"number", "moment"}))}
