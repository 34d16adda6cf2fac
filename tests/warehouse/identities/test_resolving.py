"""Which records are one customer: the whole of it, on small tables in DuckDB."""

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from data_contracts.identity import IdentitySettings
from warehouse.errors_identity import IdentityColumnMissingError
from warehouse.identities.resolving import resolve

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
COLUMNS = {
    "customer_id": pl.String,
    "source": pl.String,
    "created_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "email": pl.String,
    "phone": pl.String,
    "birth_year": pl.Int32,
    "shop_no": pl.String,
}
STAGING = duckdb.connect(config={"threads": 1})
SETTINGS = {"match_on": ["email", "phone"], "country": "GB"}


def record(customer_id, *, day=0, **values):
    at = BEGIN + timedelta(days=day)
    given = {"customer_id": customer_id, "source": "crm", "created_at": at, "known_at": at, **values}
    return {name: given.get(name) for name in COLUMNS}


def table(rows):
    return pl.DataFrame(rows, schema=COLUMNS)


def resolved(rows, *, previous=None, earlier=(), load=1, **settings):
    """The state after a load of these records; `earlier` were brought by loads before it."""
    with STAGING.cursor() as connection:
        connection.register("now", table(rows))
        connection.register("before", table(earlier))
        state = resolve(
            connection,
            records="now",
            earlier="before",
            previous=previous,
            settings=IdentitySettings.model_validate({**SETTINGS, **settings}),
            load_id=f"load {load}",
            decided_at=BEGIN + timedelta(days=1000 + load),
        )
        left = dict(connection.execute("select source_customer_id, customer_id from identity_map").fetchall())
    assert left == dict(state.joined_ids().iter_rows())
    return state


def customers(state):
    """By record its customer."""
    return dict(state.identities.select("source_customer_id", "customer_id").iter_rows())


def groups(state):
    found = state.identities.group_by("customer_id").agg("source_customer_id")
    return {frozenset(members) for members in found["source_customer_id"].to_list()}


ANNA = record("A", email="anna@example.com", day=5)
ANNA_AGAIN = record("B", email=" Anna@Example.com", phone="020 7946 0018", day=3)
ANNAS_PHONE = record("C", phone="+44 20 7946 0018", day=9)
BEN = record("D", email="ben@example.com")


def test_equal_addresses_and_numbers_join_records_under_the_oldest_id():
    state = resolved([ANNA, ANNA_AGAIN, ANNAS_PHONE, BEN])
    assert customers(state) == {"A": "B", "B": "B", "C": "B", "D": "D"}
    audit = state.links.select("left_id", "right_id", "method", "rule", "probability", "joined", "load_id").rows()
    assert audit == [
        ("A", "B", "email", "same email", 1.0, True, "load 1"),
        ("B", "C", "phone", "same phone", 1.0, True, "load 1"),
    ]
    assert state.identities.filter(pl.col("source_customer_id") == "D")["method"].to_list() == [None]
    assert state.counts()["customers"] == 2


def test_nothing_is_joined_by_default():
    assert len(groups(resolved([ANNA, ANNA_AGAIN], match_on=[]))) == 2


def test_the_audit_holds_no_personal_value():
    state = resolved([ANNA, ANNA_AGAIN, ANNAS_PHONE])
    kept = str([frame.rows() for frame in (state.identities, state.links, state.changes, state.held_back)]).lower()
    assert "anna@" not in kept
    assert "7946" not in kept


@pytest.mark.parametrize(
    ("ignore", "joined"),
    [([], True), (["anna@"], False), (["@example.com"], False), (["Anna@example.com"], False), (["ben@"], True)],
)
def test_values_that_say_nothing_join_nobody(ignore, joined):
    assert (len(groups(resolved([ANNA, ANNA_AGAIN], ignore=ignore))) == 1) is joined


@pytest.mark.parametrize(
    ("number", "ignore"), [("0000000000", []), ("01234567890", []), ("0207 946 0018", ["+442079460018"])]
)
def test_placeholders_join_nobody(number, ignore):
    rows = [record("A", phone=number), record("B", phone=number)]
    assert len(groups(resolved(rows, ignore=ignore))) == 2


def test_a_value_that_too_many_share_joins_none_of_them_and_is_reported():
    rows = [record(name, email="office@example.com") for name in "ABCD"]
    state = resolved(rows, most_records_per_value=3)
    assert len(groups(state)) == 4
    assert state.held_back.rows() == [("email", "shared_by_too_many", 4, "A", name) for name in "ABCD"]
    assert state.counts()["values_shared_by_too_many"] == 1
    assert len(groups(resolved(rows, most_records_per_value=4))) == 1


def test_records_that_differ_in_a_fact_are_not_joined_and_reported():
    rows = [ANNA | {"birth_year": 1980}, ANNA_AGAIN | {"birth_year": 1981}]
    state = resolved(rows)
    assert len(groups(state)) == 2
    assert state.links.select("joined", "held_back_because").rows() == [(False, "differ_in_birth_year")]
    assert state.held_back.select("reason", "example_id").rows() == [("differ_in_birth_year", name) for name in "AB"]
    assert len(groups(resolved(rows, conflicts=[]))) == 1


SHOP_NUMBER = [{"source": "crm", "column": "shop_no", "id_space": "shop"}]


def test_another_systems_id_joins_across_systems_even_where_there_is_no_record_of_it():
    rows = [record("crm:1", shop_no="7"), record("shop:7", source="shop", day=1), record("crm:2", shop_no="8")]
    state = resolved(rows, match_on=[], same_as=SHOP_NUMBER)
    assert groups(state) == {frozenset({"crm:1", "shop:7"}), frozenset({"crm:2", "shop:8"})}
    assert customers(state)["shop:8"] == "crm:2"
    assert state.links["rule"].to_list() == ["crm.shop_no", "crm.shop_no"]


def test_records_that_name_different_ids_of_the_other_system_are_different_customers():
    rows = [record("crm:1", shop_no="7", email="a@b.example"), record("crm:2", shop_no="8", email="a@b.example")]
    state = resolved(rows, same_as=SHOP_NUMBER)
    assert customers(state)["crm:1"] != customers(state)["crm:2"]
    assert state.links.filter(pl.col("method") == "email")["held_back_because"].to_list() == ["differ_in_crm.shop_no"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"never": [{"ids": ["B", "A"]}]}, {frozenset("A"), frozenset("BC"), frozenset("D")}),
        ({"always": [{"ids": ["A", "D"]}]}, {frozenset("ABCD")}),
        ({"match_on": [], "always": [{"ids": ["A", "D"]}]}, {frozenset("AD"), frozenset("B"), frozenset("C")}),
    ],
)
def test_decisions_of_people_win(settings, expected):
    assert groups(resolved([ANNA, ANNA_AGAIN, ANNAS_PHONE, BEN], **settings)) == expected


def test_a_column_that_no_record_has_is_named():
    with pytest.raises(IdentityColumnMissingError) as caught:
        resolved([ANNA], conflicts=["tax_number"])
    assert "tax_number" in caught.value.got
    assert caught.value.where == "identity.conflicts"


def test_a_customer_keeps_its_id_when_an_older_record_joins():
    first = resolved([ANNA])
    second = resolved([ANNA_AGAIN], previous=first, earlier=[ANNA], load=2)
    assert customers(second) == {"A": "A", "B": "A"}
    assert second.changes.height == 0  # nobody was told of B
    assert second.moved["source_customer_id"].to_list() == ["B"]
    assert second.identities["load_id"].to_list() == ["load 1", "load 2"]


def test_merges_and_splits_are_told_until_they_are_undone():
    apart = resolved([ANNA, ANNAS_PHONE])
    joined = resolved([ANNA_AGAIN], previous=apart, earlier=[ANNA, ANNAS_PHONE], load=2)
    assert joined.changes.select("customer_id", "change", "became_customer_id", "load_id").rows() == [
        ("C", "merged", "A", "load 2")
    ]
    again = resolved([], previous=joined, earlier=[ANNA, ANNA_AGAIN, ANNAS_PHONE], load=3)
    assert again.changes.equals(joined.changes)
    assert again.links.equals(joined.links)
    assert again.moved.height == 0
    parted = resolved([ANNA_AGAIN | {"phone": None}], previous=again, earlier=[ANNA, ANNAS_PHONE], load=4)
    assert customers(parted) == {"A": "A", "B": "A", "C": "C"}
    assert parted.changes.select("customer_id", "change", "became_customer_id").rows() == [("A", "split", "C")]


def test_a_merge_leads_to_who_is_the_customer_now():
    first = resolved([ANNA, ANNAS_PHONE, BEN])
    second = resolved([ANNA_AGAIN], previous=first, earlier=[ANNA, ANNAS_PHONE, BEN], load=2)
    every = [ANNA, ANNA_AGAIN, ANNAS_PHONE, BEN]
    third = resolved([], previous=second, earlier=every, load=3, always=[{"ids": ["A", "D"]}])
    assert set(customers(third).values()) == {"D"}  # the older of two customers
    assert third.changes.select("customer_id", "became_customer_id").rows() == [("A", "D"), ("C", "D")]


def test_a_record_that_is_gone_stays_who_it_was():
    both = resolved([ANNA, ANNA_AGAIN])
    later = resolved([ANNA], previous=both, earlier=[ANNA_AGAIN], load=2)
    assert customers(later) == customers(both)


FEW = running(max_examples=10)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from([f"c{number}" for number in range(8)]),
            "day": st.integers(0, 5),
            "email": st.sampled_from([None, "a@x.example", "b@x.example", "c@x.example"]),
            "phone": st.sampled_from([None, "020 7946 0018", "+44 20 7946 0019"]),
            "birth_year": st.sampled_from([None, None, 1980, 1981]),
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row["customer_id"],
).map(lambda rows: [record(**row) for row in rows])


@FEW
@given(rows=RECORDS, cuts=st.lists(st.integers(0, 8), max_size=3))
def test_loading_bit_by_bit_joins_as_loading_at_once(rows, cuts):
    at_once = resolved(rows)
    ends = [*sorted(cuts), len(rows)]
    state, begin = None, 0
    for number, end in enumerate(ends):
        state = resolved(rows[begin:end], previous=state, earlier=rows[:begin], load=number + 1)
        begin = max(begin, end)
    assert groups(state) == groups(at_once)


@FEW
@given(rows=RECORDS, seed=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(rows, seed):
    shuffled = rows.copy()
    seed.shuffle(shuffled)
    one, other = resolved(rows), resolved(shuffled)
    assert one.identities.equals(other.identities)
    assert one.links.equals(other.links)
    assert one.held_back.equals(other.held_back)


@FEW
@given(rows=RECORDS)
def test_an_id_never_flaps(rows):
    state = resolved(rows)
    again = resolved(rows, previous=state, load=2)
    assert customers(again) == customers(state)
    assert again.changes.height == 0
    assert again.identities.equals(state.identities)
    assert all(customers(state)[name] == name for name in customers(state).values())


@FEW
@given(rows=RECORDS)
def test_without_what_joined_them_records_part_again(rows):
    joined = resolved(rows)
    stripped = [row | {"email": None, "phone": None} for row in rows]
    parted = resolved(stripped, previous=joined, load=2)
    assert all(len(members) == 1 for members in groups(parted))
    back = resolved(rows, previous=parted, load=3)
    assert groups(back) == groups(joined)
