"""`gristmill ingest` straight from a company's PostgreSQL database, as its user runs it."""

import json
from datetime import UTC, datetime

import duckdb
import pytest

SETTINGS = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"

[inputs.orders]
database = "${SHOP_DATABASE}"
table = "sales.order_lines"

[inputs.people]
database = "${SHOP_DATABASE}"
query = "select id, mail, joined from people where not is_test"

[sources.orders]
entity = "orders"
input = "orders"
money = "major"
columns.order_id = "order_id"
columns.line_number = "line"
columns.customer_id = "person_id"
columns.ordered_at = "placed"
columns.product_id = "sku"
columns.quantity = "units"
columns.amount = "net"
constants = { currency = "GBP" }

[sources.people]
entity = "customers"
input = "people"
columns = { customer_id = "id", email = "mail", created_at = "joined" }
"""
TABLES = """
create schema sales;
create table people (id text primary key, mail text, joined timestamptz, is_test boolean not null);
create table sales.order_lines (
    order_id bigint, line int, person_id text, placed timestamptz, sku text, units numeric(10, 3), net numeric(20, 4)
);
insert into people select 'c' || n, 'p' || n || '@home.example', timestamptz '2023-01-01 00:00+00', n = 1
    from generate_series(1, 20) n;
insert into sales.order_lines
    select n, 1, 'c' || (1 + n % 20), timestamptz '2024-05-01 10:00+02' + n * interval '1 hour', 'p' || n % 5, 1.5,
        12.345
    from generate_series(1, 500) n;
insert into sales.order_lines values
    (900, 1, null, '2024-05-03 10:00+00', 'p1', 1, 5), (901, 1, 'c3', '2024-05-03 10:00+00', 'p1', 0, 5);
"""


@pytest.fixture
def shop(gristmill, postgresql_address, tmp_path):
    """A shop's database, and the command run beside settings that name it by an environment variable."""
    import psycopg  # noqa: PLC0415 only this test's

    with psycopg.connect(postgresql_address, autocommit=True) as connection:
        connection.execute(TABLES)
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    address = postgresql_address.replace("postgres@", "postgres:hunter2@")

    def run(*arguments):
        ended = gristmill(*arguments, SHOP_DATABASE=address, COLUMNS="200")
        assert "hunter2" not in ended.stdout + ended.stderr
        return ended

    run.address = postgresql_address
    return run


@pytest.mark.slow
def test_a_database_is_drafted_checked_loaded_and_looked_at(shop, tmp_path):
    import psycopg  # noqa: PLC0415 as above

    drafted = shop("source", "draft", "sales.order_lines", "--database", "SHOP_DATABASE")
    assert drafted.returncode == 0, drafted.stderr
    assert "${SHOP_DATABASE}" in drafted.stdout
    checked = shop("source", "check", "--json")
    assert checked.returncode == 0, checked.stdout
    assert {source["source"]: source["accepted"] for source in json.loads(checked.stdout)["sources"]} == {
        "orders": 500,
        "people": 19,
    }

    loaded = shop("ingest", "--orchestration", "none", "--json")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    load = json.loads(loaded.stdout)["load"]
    counts = {name: [of[key] for key in ("read", "accepted", "quarantined")] for name, of in load["entities"].items()}
    assert counts == {"orders": [502, 500, 2], "customers": [19, 19, 0]}
    files = str(tmp_path / "work" / "lake" / "core" / f"load={load['load_id']}" / "orders" / "*.parquet")
    query = f"select count(*), sum(amount), epoch(min(ordered_at)) from '{files}'"  # noqa: S608 a path of this test
    (found,) = duckdb.sql(query).fetchall()
    first = datetime(2024, 5, 1, 9, tzinfo=UTC)
    assert found == (500, 500 * 1235, first.timestamp())  # 12.345 is 1234.5 pence, rounded half away from zero

    told = shop("quarantine", "--json")
    rules = {rule["rule"]: rule["rows"] for rule in json.loads(told.stdout)["rules"]}
    assert rules == {"customer_id_is_present": 1, "quantity_is_not_zero": 1}
    shown = shop("quarantine", "show", "orders", "--rule", "quantity_is_not_zero")
    assert "sku" in shown.stdout

    again = shop("ingest", "--orchestration", "none", "--json")
    assert json.loads(again.stdout)["status"] == "unchanged"
    with psycopg.connect(shop.address, autocommit=True) as connection:
        connection.execute("update sales.order_lines set person_id = 'c5' where order_id = 900")
    changed = shop("ingest", "--orchestration", "none", "--json")
    orders = json.loads(changed.stdout)["load"]["entities"]["orders"]
    assert (orders["accepted"], orders["added"], orders["quarantined"]) == (501, 1, 1)
