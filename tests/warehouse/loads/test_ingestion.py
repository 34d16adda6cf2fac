import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.contracts import core_contract
from data_contracts.errors import DataBlockedError, UsageError
from data_contracts.errors_contracts import CriticalRuleBrokenError, RuleExpressionError
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from warehouse.errors_ingestion import (
    CurrencyUnknownError,
    DatesUnparsableError,
    InputUnknownError,
    NothingAcceptedError,
    SourceColumnMissingError,
    SourceExpressionError,
)
from warehouse.lake import Lake
from warehouse.loads.ingestion import Destination, ingest, source_fingerprint

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
HEADER = "order,line,customer,placed,sku,units,net,currency\n"
GOOD = "0001,1,00042,2024-05-01 10:00:00,A,2,12.50,GBP\n"
COLUMNS = {
    "order_id": "order",
    "line_number": "line",
    "customer_id": "customer",
    "ordered_at": "placed",
    "product_id": "sku",
    "quantity": "units",
    "amount": "net",
    "currency": "currency",
    "known_at": "placed",
}


def plan(folder, *lines, orders=None, sources=None, rules=()):
    (folder / "orders.csv").write_text(HEADER + "".join(lines))
    mapping = {"entity": "orders", "input": "orders", "money": "major", "columns": COLUMNS, **(orders or {})}
    others = sources or {}
    return {
        "inputs": {"orders": InputSpec(files=("orders.csv",)), "products": InputSpec(files=("products.csv",))}
        if any(source.get("input") == "products" for source in others.values())
        else {"orders": InputSpec(files=("orders.csv",))},
        "sources": {
            name: SourceMapping.model_validate(source) for name, source in {"orders": mapping, **others}.items()
        },
        "rules": [RuleSpec.model_validate(rule) for rule in rules],
        "data_root": folder,
        "company_currency": "GBP",
        "time_zone": "Europe/London",
    }


def load(folder, *lines, docs_folder=None, **settings):
    into = Destination(lake=Lake(folder / "lake"), buckets=2)
    return ingest(**plan(folder, *lines, **settings), now=NOW, load_id="load-1", into=into, docs_folder=docs_folder)


def core(loaded, entity="orders"):
    order = core_contract(entity).key
    return loaded.load.scan(entity).sort(order).collect()


def test_a_good_line_becomes_a_core_row(tmp_path):
    loaded = load(tmp_path, GOOD)
    expected = pl.DataFrame(
        {
            "order_id": ["0001"],
            "line_number": [1],
            "customer_id": ["00042"],
            "ordered_at": [datetime(2024, 5, 1, 9, tzinfo=UTC)],
            "product_id": ["A"],
            "quantity": [2.0],
            "amount": [1250],
            "discount_amount": [None],
            "cost_amount": [None],
            "channel": [None],
            "currency": ["GBP"],
            "known_at": [datetime(2024, 5, 1, 9, tzinfo=UTC)],
            "load_id": ["load-1"],
            "superseded_at": [None],
            "source": ["orders"],
            "source_customer_id": ["00042"],
        },
        schema={
            "order_id": pl.String,
            "line_number": pl.Int32,
            "customer_id": pl.String,
            "ordered_at": pl.Datetime("us", "UTC"),
            "product_id": pl.String,
            "quantity": pl.Float64,
            "amount": pl.Int64,
            "discount_amount": pl.Int64,
            "cost_amount": pl.Int64,
            "channel": pl.String,
            "currency": pl.String,
            "known_at": pl.Datetime("us", "UTC"),
            "load_id": pl.String,
            "superseded_at": pl.Datetime("us", "UTC"),
            "source": pl.String,
            "source_customer_id": pl.String,
        },
    )
    assert_frame_equal(core(loaded), expected)
    assert loaded.quarantined.is_empty()
    assert loaded.load.entities == ("orders",)


DEFECTS = [
    ("0002,1,,2024-05-01 10:00:00,A,1,1.00,GBP\n", "customer_id_is_present"),
    ("0003,1,7,2024-05-01 10:00:00,A,1,,GBP\n", "amount_is_present"),
    ("0004,1,7,01/05/2024,A,1,1.00,GBP\n", "ordered_at_is_parsable, known_at_is_parsable"),
    ("0005,1,7,2024-06-01 13:00:01,A,1,1.00,GBP\n", "ordered_at_is_not_in_the_future, known_at_is_not_in_the_future"),
    ("0006,1,7,2024-05-01 10:00:00,A,1,1.00,XXX\n", "currency_is_known"),
    ("0007,1,7,2024-05-01 10:00:00,A,1,1.00,EUR\n", "currency_is_the_companys"),
    ("0008,1,7,2024-05-01 10:00:00,A,0,1.00,GBP\n", "quantity_is_not_zero"),
    ("0009,1,7,2024-05-01 10:00:00,A,inf,1.00,GBP\n", "quantity_is_finite"),
    ("0010,1,7,2024-05-01 10:00:00,A,1,1e20,GBP\n", "amount_is_within_range"),
    ('0011,1,"7\n8",2024-05-01 10:00:00,A,1,1.00,GBP\n', "customer_id_has_no_control_characters"),
    (f"0012,1,{'é' * 128},2024-05-01 10:00:00,A,1,1.00,GBP\n", "customer_id_is_at_most_255_bytes"),
    ("0001,1,00042,2024-05-01 10:00:00,A,2,12.50,GBP\n", "key_is_unique"),
]


def test_each_defect_goes_to_quarantine_under_its_name_and_nothing_is_lost(tmp_path):
    lines = [line for line, _ in DEFECTS]
    enough_good_ones = [GOOD.replace("0001,", f"1{number:03},") for number in range(20)]
    loaded = load(tmp_path, GOOD, *lines, *enough_good_ones)
    quarantined = loaded.quarantined
    assert quarantined["rules"].to_list() == [rules for _, rules in DEFECTS]
    assert quarantined["source_row"].to_list() == list(range(2, 2 + len(DEFECTS)))
    assert set(quarantined["severity"]) == {"error"}
    assert set(quarantined["source_file"]) == {"orders.csv"}
    assert json.loads(quarantined["raw_row"][9])["customer"] == "7\n8"
    counts = loaded.counts["orders"]
    assert (counts.read, counts.accepted, counts.quarantined) == (33, 21, 12)
    assert counts.broken() == dict.fromkeys((rule for _, rules in DEFECTS for rule in rules.split(", ")), 1)


def test_a_copy_of_a_broken_row_takes_its_place(tmp_path):
    broken = GOOD.replace("12.50", "")
    loaded = load(tmp_path, broken, GOOD, GOOD)
    assert core(loaded, "orders")["amount"].to_list() == [1250]
    assert loaded.quarantined["rules"].to_list() == ["amount_is_present", "key_is_unique"]


@pytest.mark.parametrize(("severity", "accepted"), [("warning", 2), ("error", 1)])
def test_unknown_products_are_a_warning_unless_made_an_error(tmp_path, severity, accepted):
    (tmp_path / "products.csv").write_text("sku,since\nA,2020-01-01\n")
    products = {
        "entity": "products",
        "input": "products",
        "columns": {"product_id": "sku", "known_at": "since", "launched_on": "since"},
    }
    rule = {"entity": "orders", "name": "order_product_is_known", "severity": severity}
    lines = [GOOD, GOOD.replace(",A,", ",SHIPPING,").replace("0001", "0002")]
    loaded = load(tmp_path, *lines, sources={"products": products}, rules=[rule])
    assert loaded.counts["orders"].broken() == {"order_product_is_known": 1}
    assert core(loaded, "orders").height == accepted
    assert core(loaded, "products")["launched_on"].to_list() == [date(2020, 1, 1)]


def test_source_rules_see_the_sources_columns_and_null_passes(tmp_path):
    rule = {"name": "sku_is_short", "expression": "length(sku) < 3", "meaning": "x"}
    user = {"entity": "orders", "name": "is_small", "expression": "amount < 1000000 and channel <> 'x'", "meaning": "x"}
    lines = [GOOD, GOOD.replace(",A,", ",ABC,").replace("0001", "0002")]
    loaded = load(tmp_path, *lines, orders={"rules": [rule]}, rules=[user])
    assert loaded.quarantined["rules"].to_list() == ["sku_is_short"]


def test_expressions_constants_and_queries(tmp_path):
    orders = {
        "columns": {name: column for name, column in COLUMNS.items() if name not in ("currency", "amount")},
        "expressions": {"amount": "net::decimal(10, 2) * units::int"},
        "constants": {"currency": "GBP"},
    }
    customers = {
        "entity": "customers",
        "query": "select customer, min(placed) as first from orders group by all",
        "columns": {"customer_id": "customer", "known_at": "first", "created_at": "first"},
    }
    loaded = load(tmp_path, GOOD, orders=orders, sources={"customers": customers})
    assert core(loaded, "orders")["amount"].to_list() == [2500]
    assert core(loaded, "customers")["created_at"].to_list() == [datetime(2024, 5, 1, 9, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("lines", "settings", "error", "told"),
    [
        ([GOOD], {"orders": {"columns": {**COLUMNS, "amount": "Net"}}}, SourceColumnMissingError, 'did you mean "net"'),
        (
            [GOOD],
            {"orders": {"columns": {}, "expressions": {**COLUMNS, "order_id": "sku", "amount": "nett"}}},
            SourceExpressionError,
            "expressions.amount",
        ),
        (
            [GOOD.replace("00042", "canary")],
            {"orders": {"rules": [{"name": "a_rule", "expression": "customer::int > 0", "meaning": "x"}]}},
            SourceExpressionError,
            "rules.a_rule",
        ),
        (
            [GOOD],
            {"rules": [{"entity": "orders", "name": "a_rule", "expression": "amonut > 0", "meaning": "x"}]},
            RuleExpressionError,
            "amonut",
        ),
        ([GOOD], {"orders": {"input": "ordres"}}, InputUnknownError, "ordres"),
        ([GOOD.replace("2024-05-01 10:00:00", "31/05/2024")], {}, DatesUnparsableError, '"31/05/2024"'),
        ([GOOD.replace("2024-05-01 10:00:00", "canary 1")], {}, DatesUnparsableError, 'a text like "aaaaaa 9"'),
        ([GOOD.replace("GBP", "gbp")], {}, CurrencyUnknownError, '"gbp"'),
        ([GOOD.replace("GBP", "EUR")], {}, NothingAcceptedError, 'the data say currency = "EUR"'),
        ([GOOD.replace("12.50", "")], {}, NothingAcceptedError, "amount_is_present 1"),
        (
            [GOOD],
            {
                "rules": [
                    {
                        "entity": "orders",
                        "name": "a_rule",
                        "expression": "false",
                        "severity": "critical",
                        "meaning": "x",
                    }
                ]
            },
            CriticalRuleBrokenError,
            "a_rule",
        ),
    ],
)
def test_what_blocks_a_load(tmp_path, lines, settings, error, told):
    with pytest.raises(error) as caught:
        load(tmp_path, *lines, **settings)
    assert isinstance(caught.value, UsageError | DataBlockedError)
    assert told in str(caught.value)
    assert "canary" not in str(caught.value)


def test_pages_can_be_opened_and_hold_no_value(tmp_path):
    lines = [GOOD, GOOD.replace("00042", "canary42").replace("GBP", "QQQ").replace("0001", "0002")]
    loaded = load(tmp_path, *lines, GOOD.replace("0001", "0003"), docs_folder=tmp_path / "docs")
    assert loaded.docs_page == tmp_path / "docs/index.html"
    pages = [page.read_text() for page in (tmp_path / "docs").rglob("*.html")]
    assert any("currency_is_known" in page for page in pages)
    assert not any(value in page for page in pages for value in ("canary42", "QQQ", "00042"))


def test_order_of_lines_does_not_matter_for_the_core_frame(tmp_path):
    lines = [
        GOOD.replace("0001,1,00042", f"{order:04},{line},{order % 7:03}") for order in range(30) for line in (1, 2)
    ]
    forwards = core(load(tmp_path, *lines))
    assert_frame_equal(core(load(tmp_path, *reversed(lines))), forwards)


def test_the_fingerprint_follows_content_mapping_and_rules(tmp_path):
    first = source_fingerprint(**plan(tmp_path, GOOD))
    assert source_fingerprint(**plan(tmp_path, GOOD)) == first
    rule = {"entity": "orders", "name": "a_rule", "expression": "true", "meaning": "x"}
    others = [
        source_fingerprint(**plan(tmp_path, GOOD, GOOD)),
        source_fingerprint(**plan(tmp_path, GOOD, orders={"money": "minor"})),
        source_fingerprint(**plan(tmp_path, GOOD, rules=[rule])),
        source_fingerprint(**{**plan(tmp_path, GOOD), "time_zone": "UTC"}),
    ]
    assert len({first, *others}) == 5
