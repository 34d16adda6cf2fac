import subprocess
import sys
from datetime import UTC, datetime

import duckdb
import pytest

from data_contracts.errors import DataBlockedError
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from warehouse.errors_ingestion import DatesUnparsableError, SourceColumnMissingError, SourceUnknownError
from warehouse.loads.dry_run import check_sources
from warehouse.sources.files import SourcePlace
from warehouse.sources.reading import SourcePlan
from warehouse.sources.values import columns_named_in, masked

NOW = datetime(2024, 6, 1, tzinfo=UTC)
HEADER = "order,line,customer,placed,sku,units,price,left_over\n"
GOOD = "0001,1,00042,2024-05-01 10:00:00,A,2,12.50,x\n"
ORDERS = {
    "entity": "orders",
    "input": "orders",
    "money": "major",
    "columns": {
        "order_id": "order",
        "line_number": "line",
        "customer_id": "customer",
        "ordered_at": "placed",
        "product_id": "sku",
        "quantity": "units",
        "known_at": "placed",
    },
    "expressions": {"amount": "units::int * price::decimal(18, 4)"},
    "constants": {"currency": "GBP"},
}
CUSTOMERS = {
    "entity": "customers",
    "input": "customers",
    "columns": {"customer_id": "id", "email": "mail", "birth_year": "born", "known_at": "since"},
    "expressions": {"phone": "prefix || number"},
}


@pytest.fixture
def check(tmp_path):
    """Checks an orders file of these lines (and a customers file), under changed mappings."""

    def checking(*lines, orders=None, rules=(), names=(), rows=1000, customers="", inputs=None):
        (tmp_path / "orders.csv").write_text(HEADER + "".join(lines))
        (tmp_path / "customers.csv").write_text("id,mail,born,since,prefix,number\n" + customers)
        plan = SourcePlan(
            inputs={
                "orders": InputSpec(files=("orders.csv",)),
                "customers": InputSpec(files=("customers.csv",)),
                **(inputs or {}),
            },
            sources={
                "orders": SourceMapping.model_validate({**ORDERS, **(orders or {})}),
                "customers": SourceMapping.model_validate(CUSTOMERS),
            },
            place=SourcePlace(data_root=tmp_path),
            company_currency="GBP",
            time_zone="Europe/London",
            rows=rows,
        )
        bound = [RuleSpec.model_validate(rule) for rule in rules]
        return check_sources(plan, bound, names=names or ["orders"], now=NOW)

    return checking


def test_rows_before_and_after_and_what_would_be_rejected(check):
    (found,) = check(GOOD, GOOD.replace("0001", "0002").replace("00042", ""), GOOD)
    assert (found.read, found.accepted, found.failure) == (3, 1, None)
    assert {count.rule: count.rows for count in found.rules} == {"customer_id_is_present": 1, "key_is_unique": 1}
    assert found.unmapped == ("left_over",)
    good, *others = found.rows
    cells = {cell.column: (cell.mapped_from, cell.before, cell.after) for cell in good.cells}
    assert cells["customer_id"] == ("customer", "00042", "00042")
    assert cells["ordered_at"] == ("placed", "2024-05-01 10:00:00", "2024-05-01 09:00:00+00")
    assert cells["amount"] == ("units::int * price::decimal(18, 4)", "units = 2, price = 12.50", "2500")
    assert cells["currency"] == ("constant", None, "GBP")
    assert good.accepted
    assert [(row.source_row, row.rules) for row in others] == [
        (2, ("customer_id_is_present",)),
        (3, ("key_is_unique",)),
    ]


def test_warnings_and_the_companys_rules_are_told(check):
    rule = {
        "entity": "orders",
        "name": "is_dear",
        "expression": "amount > 10000",
        "severity": "warning",
        "meaning": "x",
    }
    (found,) = check(GOOD, rules=[rule])
    assert (found.accepted, [(count.rule, str(count.severity)) for count in found.rules]) == (
        1,
        [("is_dear", "warning")],
    )
    assert found.rows[0].rules == ("is_dear",)


@pytest.mark.parametrize(
    ("lines", "orders", "error"),
    [
        ([GOOD], {"columns": {**ORDERS["columns"], "quantity": "Unit"}}, SourceColumnMissingError),
        ([GOOD.replace("2024-05-01 10:00:00", "01/05/2024")], {}, DatesUnparsableError),
        ([], {}, DataBlockedError),
    ],
)
def test_what_would_block_the_load_is_told_with_what_was_seen(check, lines, orders, error):
    (found,) = check(*lines, orders=orders)
    assert isinstance(found.failure, error)
    assert found.failure.exit_code == 3


def test_one_broken_source_does_not_hide_another(check):
    found = check(names=["orders", "customers"], customers="1,a@b.org,1970,2020-01-01,+44,1234567\n")
    assert [each.failure is None for each in found] == [False, True]


def test_personal_values_are_masked_wherever_they_come_from(check):
    canary = "7,canary@example.org,1971,2020-01-01,+4477,0900123\n"
    (found,) = check(names=["customers"], customers=canary)
    cells = {cell.column: (cell.before, cell.after) for cell in found.rows[0].cells}
    assert cells["email"] == ("aaaaaa@aaaaaaa.aaa", "aaaaaa@aaaaaaa.aaa")
    assert cells["birth_year"] == ("9999", "9999")
    assert cells["phone"] == ("prefix = +9999, number = 9999999", "+99999999999")
    assert cells["customer_id"] == ("7", "7")


def test_only_the_head_is_read(check):
    (found,) = check(*(GOOD.replace("0001", f"{n:04}") for n in range(50)), rows=20)
    assert found.read == 20


MANY = [GOOD.replace("0001", f"{n:04}") for n in range(50)]
LAST = GOOD.replace("0001", "last").replace(",A,", ",B,")


def test_a_query_is_tried_on_whole_inputs(check):
    """The first rows of an input need not be those that a query picks or joins."""
    query = {"input": None, "query": "select * from orders where sku = 'B'"}
    (found,) = check(*MANY, LAST, orders=query, rows=20)
    assert (found.read, found.accepted, found.is_sample, found.failure) == (1, 1, False, None)


def test_a_query_may_look_into_no_input(check):
    one = "select '1' as \"order\", 1 as line, 'c' as customer, '2024-05-01' as placed, 'A' as sku, 1 units, 2 price"
    (found,) = check(orders={"input": None, "query": one})
    assert (found.read, found.accepted, found.failure) == (1, 1, None)


def test_a_source_of_some_rows_is_tried_on_whole_files_and_keeps_their_places(check):
    (found,) = check(*MANY, LAST, orders={"where": "sku = 'B' and left_over = 'x'"}, rows=20)
    assert (found.read, found.left_out, found.is_sample, found.failure) == (1, 50, False, None)
    assert [(row.source_file, row.source_row) for row in found.rows] == [("orders.csv", 51)]
    assert found.unmapped == ()


def test_a_source_that_leaves_everything_out_would_be_blocked(check):
    (found,) = check(*MANY, orders={"where": "sku = 'C'"}, rows=20)
    assert (found.read, found.left_out) == (0, 50)
    assert "leaves out all 50" in found.failure.got


def test_a_sample_of_a_database_without_any_row_of_the_table_is_no_verdict(check, tmp_path):
    with duckdb.connect(tmp_path / "shop.duckdb") as shop:
        shop.execute("create table sold as select '0001' as id, 'A' as sku, 1 as units from range(50)")
        shop.execute("insert into sold values ('9999', 'B', 1)")
    sold = InputSpec(database="shop.duckdb", table="sold")
    columns = {"order_id": "id", "product_id": "sku", "quantity": "units"}
    constants = {"customer_id": "c", "line_number": 1, "ordered_at": "2024-05-01", "amount": 1, "currency": "GBP"}
    changed = {"input": "sold", "columns": columns, "expressions": {}, "constants": constants, "where": "sku = 'B'"}
    (found,) = check(GOOD, orders=changed, rows=20, inputs={"sold": sold})
    assert (found.read, found.left_out, found.is_sample, found.failure) == (0, 20, True, None)
    (whole,) = check(GOOD, orders=changed, inputs={"sold": sold})
    assert (whole.read, whole.left_out, whole.is_sample) == (1, 50, False)


def test_an_unknown_source_is_a_slip(check):
    with pytest.raises(SourceUnknownError, match="no such source"):
        check(names=["ordres"])


def test_great_expectations_is_not_imported():
    modules = "sys, warehouse.loads.dry_run, flows.loading.source_checking"
    code = f"import {modules}; print('great_expectations' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter
    assert found.stdout.strip() == "False"


def test_columns_of_an_expression_are_found_whatever_their_case_and_quotes():
    columns = ["Invoice", "Customer ID", "Price", "it's"]
    expression = """concat(INVOICE, "Customer ID", 'Price', "it's")"""
    assert columns_named_in(expression, columns) == ("Invoice", "Customer ID", "it's")


def test_a_mask_keeps_only_the_shape():
    assert masked("Zoë +44 (0)20") == "aaa +99 (9)99"
