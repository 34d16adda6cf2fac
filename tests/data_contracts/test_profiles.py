import json
from datetime import date

import duckdb
import pytest

from data_contracts.contracts import Column, core_contract
from data_contracts.profiles import MOST_CATEGORIES, MOST_DAYS, Profile, take_profile

CONTRACT = core_contract("customers").with_columns({"card": Column(type="text", meaning="x", personal=True, kept=True)})
COLUMNS = ["customer_id", "created_at", "region", "birth_year", "credit_limit", "email", "card"]


@pytest.fixture
def profile_of():
    """The profile of accepted customers, each a (created_at, region, credit_limit)."""
    connection = duckdb.connect()

    def taken(rows, *, before=None, mapped=COLUMNS, time_zone="Europe/London"):
        connection.execute("set timezone = 'UTC'")
        connection.execute(
            "create or replace table accepted_customers (row_id bigint, customer_id varchar, created_at timestamptz, "
            "region varchar, birth_year int, credit_limit bigint, email varchar, card varchar)"
        )
        full = [
            (n, f"canary{n}", at, region, 1901, limit, "canary@x", "canary")
            for n, (at, region, limit) in enumerate(rows)
        ]
        if full:
            connection.executemany("insert into accepted_customers values (?, ?, ?, ?, ?, ?, ?, ?)", full)
        return take_profile(
            connection,
            CONTRACT,
            mapped_columns=mapped,
            time_zone=time_zone,
            loaded_on=date(2024, 6, 1),
            before=before,
        )

    return taken


def test_a_profile_counts_rows_days_and_values(profile_of):
    rows = [("2024-05-01 22:30:00", "north", 10), ("2024-05-01 23:30:00", "south", 20), ("2024-05-04", None, None)]
    profile = profile_of(rows)
    assert (profile.rows, profile.loaded_on) == (3, date(2024, 6, 1))
    assert (profile.first_day, profile.newest_day) == (date(2024, 5, 1), date(2024, 5, 4))
    assert profile.rows_by_day == (1, 1, 0, 1)  # the second is past midnight in London
    assert [profile.rows_of(date(2024, 5, day)) for day in (1, 3, 5)] == [1, 0, None]
    assert profile.columns["region"].categories == {"north": 1, "south": 1}
    assert profile.columns["region"].nulls == 1
    assert profile.columns["credit_limit"].edges == (10.0, 20.0)
    assert profile.columns["credit_limit"].counts == (1, 1, 0)


def test_bins_are_those_of_the_load_before(profile_of):
    first = profile_of([("2024-05-01", "x", limit) for limit in range(1, 101)])
    assert first.columns["credit_limit"].edges == tuple(float(edge) for edge in range(10, 100, 10))
    assert first.columns["credit_limit"].counts == (10,) * 10
    second = profile_of([("2024-05-01", "x", limit) for limit in (5, 95, 200)], before=first)
    assert second.columns["credit_limit"].edges == first.columns["credit_limit"].edges
    assert second.columns["credit_limit"].counts == (1, *[0] * 8, 2)


def test_values_that_are_no_number_or_beyond_all_bounds_lie_in_the_outer_bins():
    quantities = [1.0, 2.0, 3.0, float("nan"), float("inf"), float("-inf"), None]
    connection = duckdb.connect()
    connection.execute("create table accepted_orders (row_id bigint, quantity double)")
    connection.executemany("insert into accepted_orders values (?, ?)", list(enumerate(quantities)))
    before = Profile(rows=1, loaded_on=date(2024, 5, 1), columns={"quantity": {"nulls": 0, "edges": (1.0, 2.0)}})
    profile = take_profile(
        connection,
        core_contract("orders"),
        mapped_columns=["quantity"],
        time_zone="UTC",
        loaded_on=date(2024, 6, 1),
        before=before,
    )
    assert profile.columns["quantity"].counts == (2, 1, 3)
    assert profile.columns["quantity"].nulls == 1


def test_no_personal_value_and_no_identifier_is_in_a_profile(profile_of):
    profile = profile_of([("2024-05-01", "north", 10)])
    kept = json.dumps(profile.model_dump(mode="json"))
    assert "canary" not in kept
    assert "1901" not in kept
    assert profile.columns["birth_year"].counts == ()
    assert profile.columns["email"].categories is None


def test_a_column_of_many_values_is_not_listed(profile_of):
    for number, listed in ((MOST_CATEGORIES, True), (MOST_CATEGORIES + 1, False)):
        profile = profile_of([("2024-05-01", str(value), 1) for value in range(number)])
        assert (profile.columns["region"].categories is not None) is listed


def test_columns_without_a_source_are_left_out_and_an_empty_table_has_a_profile(profile_of):
    profile = profile_of([], mapped=["customer_id", "region", "credit_limit"])
    assert set(profile.columns) == {"customer_id", "region", "credit_limit"}
    assert (profile.rows, profile.first_day, profile.newest_day, profile.rows_by_day) == (0, None, None, ())
    assert profile_of([]).newest_day is None


def test_days_reach_back_three_years_at_most(profile_of):
    profile = profile_of([("1900-01-01", "x", 1), ("2024-05-01", "x", 1)])
    assert len(profile.rows_by_day) == MOST_DAYS
    assert profile.newest_day == date(2024, 5, 1)


def test_a_profile_comes_back_from_json_as_it_was(profile_of):
    profile = profile_of([("2024-05-01", "north", 10), ("2024-05-03", None, 30)])
    assert Profile.model_validate(json.loads(json.dumps(profile.model_dump(mode="json")))) == profile
