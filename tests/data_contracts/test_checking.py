import duckdb
import pytest

from data_contracts.checking import check, judge, open_expectations, refuse_critical
from data_contracts.contracts import Severity, core_contract
from data_contracts.errors_contracts import ChecksDisagreeError, CriticalRuleBrokenError
from data_contracts.mapping import RuleSpec
from data_contracts.rules import CellState, bind_rules

PRODUCTS = core_contract("products")
GOOD, ABSENT = int(CellState.good), int(CellState.absent)


def stage(connection, *rows):
    """A staged products table of (product_id, list_price) rows, known long ago."""
    connection.execute("set variable now = timestamptz '2024-01-01'")
    connection.execute("set variable company_currency = 'GBP'")
    connection.execute(
        "create table staged_products (row_id bigint, source varchar, product_id varchar, list_price bigint, "
        "unit_cost bigint, known_at timestamptz, product_id__state utinyint, list_price__state utinyint, "
        "known_at__state utinyint)"
    )
    for number, (product, price, state) in enumerate(rows):
        connection.execute(
            "insert into staged_products values (?, 'shop', ?, ?, null, timestamptz '2020-01-01', 1, ?, 1)",
            [number, product, price, state],
        )


@pytest.fixture
def expectations():
    with open_expectations() as opened:
        yield opened


def judged(expectations, *rows, added=()):
    stage(expectations.connection, *rows)
    rules = bind_rules(PRODUCTS, mapped_columns=["product_id", "list_price", "known_at"], added_rules=added)
    return check(expectations, PRODUCTS, rules, staged="staged_products", load_id="load-1")


def test_rows_are_accepted_unless_an_error_rule_is_broken(expectations):
    rows = [("A", 100, GOOD), ("B", -1, GOOD), ("C", None, int(CellState.unparsable)), (None, 5, GOOD), ("A", 7, GOOD)]
    checked = judged(expectations, *rows)
    broken = {count.rule: count.rows for count in checked.rules if count.rows}
    assert broken == {
        "list_price_is_not_negative": 1,
        "list_price_is_parsable": 1,
        "product_id_is_present": 1,
        "key_is_unique": 1,
    }
    assert (checked.read, checked.accepted, checked.quarantined) == (5, 2, 3)
    accepted = expectations.connection.execute(
        "select product_id, list_price from accepted_products order by 1"
    ).fetchall()
    assert accepted == [("A", 100), ("B", -1)]


def test_the_page_tells_of_the_load_and_holds_no_value(expectations, tmp_path):
    judged(expectations, ("canary-1", 421_337, GOOD), ("canary-2", -421_337, GOOD), ("canary-1", 421_337, GOOD))
    page = expectations.write_pages(tmp_path / "docs").read_text(encoding="utf-8")
    told = [
        "load-1",
        "1 January 2024, 00:00 UTC",
        "Great Expectations 1.",
        "key_is_unique",
        "list_price_is_not_negative",
    ]
    assert [part for part in told if part not in page] == []
    assert "1 row of 3 set aside" in page
    assert "canary" not in page
    assert "421" not in page


def test_a_critical_rule_blocks(expectations):
    rule = RuleSpec(entity="products", name="list_price_is_not_negative", severity=Severity.critical)
    checked = judged(expectations, ("A", -1, GOOD), ("B", 1, GOOD), added=[rule])
    with pytest.raises(CriticalRuleBrokenError, match="critical") as caught:
        refuse_critical(checked)
    assert caught.value.got == "1 rows that break it"


def test_results_that_disagree_are_not_trusted(expectations, monkeypatch):
    monkeypatch.setattr(type(expectations), "validate", lambda *_, **__: {})
    with pytest.raises(ChecksDisagreeError):
        judged(expectations, ("A", 1, GOOD))


def test_the_scratch_database_is_removed(tmp_path):
    with open_expectations(tmp_path) as opened:
        opened.connection.execute("create table t as select 1")
        assert any(tmp_path.iterdir())
        connection = opened.connection
    assert not any(tmp_path.iterdir())
    with pytest.raises(duckdb.Error):
        connection.execute("select 1")


def test_of_many_rows_of_a_key_the_first_good_one_stays(expectations):
    rows = [
        ("A", None, int(CellState.unparsable)),
        ("A", 2, GOOD),
        ("A", 3, GOOD),
        ("B", 4, GOOD),
        ("A", 5, GOOD),
        ("B", 6, GOOD),
        ("C", 7, GOOD),
    ]
    checked = judged(expectations, *rows)
    stays = expectations.connection.execute("select list_price from accepted_products order by row_id").fetchall()
    assert stays == [(2,), (4,), (7,)]
    assert {count.rule: count.rows for count in checked.rules if count.rows} == {
        "list_price_is_parsable": 1,
        "key_is_unique": 3,
    }


def test_rows_that_cannot_be_had_are_not_blamed_on_a_rule(expectations):
    stage(expectations.connection, ("A", 1, GOOD))
    expectations.connection.execute(
        "create view failing as select * replace ((product_id::integer)::varchar as product_id) from staged_products"
    )
    rules = bind_rules(PRODUCTS, mapped_columns=["product_id", "list_price", "known_at"])
    with pytest.raises(duckdb.ConversionException):
        judge(expectations.connection, PRODUCTS, rules, staged="failing")
