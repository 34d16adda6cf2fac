"""`gristmill identities`: who is who after a real load, through the command."""

import json

import duckdb
import pytest

SETTINGS = """
[company]
name = "Two systems"
currency = "GBP"
time_zone = "Europe/London"

[inputs]
crm = { files = "crm.csv" }
shop = { files = "shop.csv" }
orders = { files = "orders.csv" }

[sources.crm]
entity = "customers"
input = "crm"
id_space = "crm"
columns = { customer_id = "number", created_at = "since", email = "mail", birth_year = "born" }

[sources.shop]
entity = "customers"
input = "shop"
id_space = "shop"
columns = { customer_id = "number", created_at = "since", email = "mail", birth_year = "born" }

[sources.orders]
entity = "orders"
input = "orders"
id_space = "shop"
money = "major"
columns = { order_id = "order", customer_id = "customer", ordered_at = "placed", amount = "net" }
expressions = { product_id = "'p'", quantity = "1" }
constants = { line_number = 1, currency = "GBP" }
"""
MATCHED = '[identity]\nmatch_on = ["email"]\n'
HEADER = "number,since,mail,born\n"


@pytest.fixture
def company(tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS + MATCHED)
    (tmp_path / "crm.csv").write_text(
        HEADER + "1,2020-01-01,Anna@Example.com,1980\n2,2020-01-02,ben@example.com,1970\n"
    )
    (tmp_path / "shop.csv").write_text(HEADER + "7,2021-01-01,anna@example.com,\n8,2021-01-02,ben@example.com,1999\n")
    (tmp_path / "orders.csv").write_text("order,customer,placed,net\no1,7,2024-05-01,10.00\no2,8,2024-05-02,20.00\n")
    return tmp_path


def test_before_a_load_it_says_what_to_do(company, gristmill):
    told = gristmill("identities")
    assert told.returncode == 2
    assert "gristmill ingest" in told.stderr


@pytest.mark.slow
def test_who_is_who(company, gristmill):
    loaded = gristmill("ingest")
    assert loaded.returncode == 0, loaded.stderr
    found = json.loads(gristmill("identities", "--json").stdout)
    assert (found["counts"]["records"], found["counts"]["customers"]) == (4, 3)
    assert found["largest"] == [{"customer_id": "crm:1", "records": 2}]
    assert found["held_back"] == [
        {"method": "email", "reason": "differ_in_birth_year", "records": 2, "examples": ["crm:2", "shop:8"]}
    ]
    one = json.loads(gristmill("identities", "show", "shop:7", "--json").stdout)
    assert one["customer_id"] == "crm:1"
    assert [row["source_customer_id"] for row in one["records"]] == ["crm:1", "shop:7"]
    assert [(row["rule"], row["joined"]) for row in one["links"]] == [("same email", True)]
    for command in (("identities",), ("identities", "show", "crm:2")):
        page = gristmill(*command)
        assert page.returncode == 0, page.stderr
        assert "differ in birth year" in page.stdout
        assert "example.com" not in page.stdout
    unknown = gristmill("identities", "show", "crm:9")
    assert unknown.returncode == 2
    with duckdb.connect(company / "work" / "warehouse.duckdb", read_only=True) as warehouse:
        query = "select customer_id from gristmill.customer_identities where source_customer_id = 'shop:7'"
        assert warehouse.execute(query).fetchall() == [("crm:1",)]
        assert warehouse.execute("select count(*) from gristmill.identity_links").fetchall() == [(2,)]


@pytest.mark.slow
def test_a_load_that_joins_nobody_says_how_to_join(company, gristmill):
    (company / "gristmill.toml").write_text(SETTINGS)
    assert gristmill("ingest").returncode == 0
    told = gristmill("identities")
    assert told.returncode == 2
    assert "[identity]" in told.stderr
