from datetime import UTC, date, datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.rules import CellState
from warehouse.sources.columns import Given, typed_value

ABSENT, GOOD, UNPARSABLE, NOT_FINITE, OUT_OF_RANGE = CellState


@pytest.fixture(scope="module")
def connection():
    opened = duckdb.connect()
    opened.execute("set timezone = 'UTC'")
    yield opened
    opened.close()


def typed(connection, column_type, literal, *, kind="VARCHAR", money="major", currency="GBP", zone="Europe/London"):
    column = Given(sql="given", type=kind, time_zone=zone, money=money, currency=f"'{currency}'")
    value, state = typed_value(column_type, column)
    rows = connection.execute(f"select {value}, {state} from (select {literal}::{kind} as given)").fetchall()  # noqa: S608  # literals of this file
    return rows[0][0], CellState(rows[0][1])


@pytest.mark.parametrize(
    ("column_type", "literal", "kind", "value", "state"),
    [
        ("text", "'00042'", "VARCHAR", "00042", GOOD),
        ("text", "' a '", "VARCHAR", " a ", GOOD),
        ("text", "'  '", "VARCHAR", None, ABSENT),
        ("text", "null", "VARCHAR", None, ABSENT),
        ("text", "17850", "BIGINT", "17850", GOOD),
        ("text", "17850.0", "DOUBLE", "17850", GOOD),
        ("text", "0.5", "DOUBLE", "0.5", GOOD),
        ("integer", "'7'", "VARCHAR", 7, GOOD),
        ("integer", "'7.0'", "VARCHAR", 7, GOOD),
        ("integer", "'7.5'", "VARCHAR", None, UNPARSABLE),
        ("integer", "'seven'", "VARCHAR", None, UNPARSABLE),
        ("integer", "3000000000", "BIGINT", None, OUT_OF_RANGE),
        ("integer", "'inf'", "VARCHAR", None, NOT_FINITE),
        ("number", "'-2.5'", "VARCHAR", -2.5, GOOD),
        ("number", "'nan'", "VARCHAR", None, NOT_FINITE),
        ("number", "'two'", "VARCHAR", None, UNPARSABLE),
        ("number", "''", "VARCHAR", None, ABSENT),
        ("money", "'12.50'", "VARCHAR", 1250, GOOD),
        ("money", "1.005", "DOUBLE", 101, GOOD),
        ("money", "-1.005", "DOUBLE", -101, GOOD),
        ("money", "6.300000000000001", "DOUBLE", 630, GOOD),
        ("money", "'-inf'", "VARCHAR", None, NOT_FINITE),
        ("money", "'1e30'", "VARCHAR", None, OUT_OF_RANGE),
        ("money", "'92233720368547758.08'", "VARCHAR", None, OUT_OF_RANGE),
        ("money", "'£5'", "VARCHAR", None, UNPARSABLE),
        ("date", "'2011-02-28'", "VARCHAR", date(2011, 2, 28), GOOD),
        ("date", "'2011-02-30'", "VARCHAR", None, UNPARSABLE),
        ("date", "'2011-07-01 23:30:00Z'", "VARCHAR", date(2011, 7, 2), GOOD),
        ("date", "'2011-07-01 23:30:00'", "TIMESTAMP", date(2011, 7, 1), GOOD),
        ("date", "'infinity'", "VARCHAR", None, UNPARSABLE),
        ("timestamp", "'2011-01-01 10:00:00'", "VARCHAR", datetime(2011, 1, 1, 10, tzinfo=UTC), GOOD),
        ("timestamp", "'2011-07-01 10:00:00'", "VARCHAR", datetime(2011, 7, 1, 9, tzinfo=UTC), GOOD),
        ("timestamp", "'2011-07-01T10:00:00+02:00'", "VARCHAR", datetime(2011, 7, 1, 8, tzinfo=UTC), GOOD),
        ("timestamp", "'2011-07-01T10:00Z'", "VARCHAR", datetime(2011, 7, 1, 10, tzinfo=UTC), GOOD),
        ("timestamp", "'2011-07-01'", "VARCHAR", datetime(2011, 6, 30, 23, tzinfo=UTC), GOOD),
        ("timestamp", "'2011-07-01'", "DATE", datetime(2011, 6, 30, 23, tzinfo=UTC), GOOD),
        ("timestamp", "'31/12/2011'", "VARCHAR", None, UNPARSABLE),
        ("timestamp", "1325289600", "BIGINT", None, UNPARSABLE),
        ("boolean", "'Yes'", "VARCHAR", True, GOOD),
        ("boolean", "'0'", "VARCHAR", False, GOOD),
        ("boolean", "true", "BOOLEAN", True, GOOD),
        ("boolean", "'perhaps'", "VARCHAR", None, UNPARSABLE),
    ],
)
def test_values_and_states(connection, *, column_type, literal, kind, value, state):
    assert typed(connection, column_type, literal, kind=kind) == (value, state)


@pytest.mark.parametrize(
    ("currency", "money", "units"),
    [("GBP", "major", 1235), ("JPY", "major", 12), ("KWD", "major", 12346), ("GBP", "minor", 12)],
)
def test_money_is_rounded_half_away_to_the_currencys_own_minor_unit(connection, currency, money, units):
    assert typed(connection, "money", "'12.3456'", currency=currency, money=money) == (units, GOOD)


@settings(max_examples=50, deadline=None)
@given(units=st.integers(-(10**12), 10**12))
def test_pence_written_as_pounds_come_back_exactly(connection, units):
    sign = "-" if units < 0 else ""
    written = f"{sign}{abs(units) // 100}.{abs(units) % 100:02d}"
    assert typed(connection, "money", f"'{written}'")[0] == units
    assert typed(connection, "money", written, kind="DOUBLE")[0] == units


@pytest.mark.parametrize(
    ("literal", "money", "currency", "units"),
    [
        ("'9999999.99499999'", "major", "GBP", 999_999_999),
        ("'9999999.995'", "major", "GBP", 1_000_000_000),
        ("'10000000.005'", "major", "GBP", 1_000_000_001),
        ("'-10000000.005'", "major", "GBP", -1_000_000_001),
        ("'9999999.99499999'", "major", "CLF", 99_999_999_950),
        ("'9999999999.5'", "minor", "GBP", 10_000_000_000),
        ("'10000000000.49999999'", "minor", "GBP", 10_000_000_000),
        ("'-9999999999.50000000'", "minor", "GBP", -10_000_000_000),
        ("'0.00499999999'", "major", "GBP", 1),
    ],
)
def test_money_beyond_the_fast_decimals_is_rounded_alike(connection, *, literal, money, currency, units):
    """The written decimal is taken to 8 digits, then rounded half away: on both sides of ten million."""
    assert typed(connection, "money", literal, money=money, currency=currency) == (units, GOOD)


@pytest.mark.parametrize("literal", ["''", "'  '", "chr(160)", "chr(9)", "' ~'", "'~'", "'~a'", "'é'", "'!'", "' a'"])
def test_only_what_is_blank_is_absent(connection, literal):
    query = f"select case when trim({literal}) <> '' then {literal} end"
    (value,) = connection.execute(query).fetchone()
    assert typed(connection, "text", literal) == (value, ABSENT if value is None else GOOD)
