import pytest
from pydantic import ValidationError

from data_contracts.mapping import RuleSpec, SourceMapping, close_match

COLUMNS = {
    "order_id": "Invoice",
    "line_number": "Line",
    "customer_id": "Customer",
    "ordered_at": "Date",
    "product_id": "Product",
    "quantity": "Units",
    "amount": "Net",
    "known_at": "Date",
}


def orders(**changes):
    settings = {
        "entity": "orders",
        "input": "sales",
        "money": "major",
        "columns": COLUMNS,
        "constants": {"currency": "GBP"},
    }
    return SourceMapping.model_validate({**settings, **changes})


def test_a_full_mapping_fills_columns_in_the_contracts_order():
    assert orders().mapped_columns() == (
        "order_id",
        "line_number",
        "customer_id",
        "ordered_at",
        "product_id",
        "quantity",
        "amount",
        "currency",
        "known_at",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": "select 1"}, "exactly one of: input"),
        ({"input": None}, "exactly one of: input"),
        ({"money": None}, 'say money = "major"'),
        ({"constants": {}}, r"does not map: currency \(ISO 4217"),
        ({"constants": {"currency": "GBP", "amount": 1}}, "mapped more than once.*amount"),
        ({"expressions": {"custmer_type": "x"}}, "orders have no column"),
        ({"columns": {**COLUMNS, "order_idd": "x"}}, 'did you mean "order_id"'),
        ({"time_zone": "Europe/Londn"}, "no time zone"),
        ({"colums": {}}, "Extra inputs"),
        ({"entity": "order"}, "Input should be"),
        (
            {"rules": [{"name": "a_rule", "expression": "true", "meaning": "x"}] * 2},
            "rules of the same name: a_rule",
        ),
    ],
)
def test_a_mapping_that_can_mean_nothing_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        orders(**changes)


def test_required_columns_that_are_not_mapped_are_named_with_their_meaning():
    with pytest.raises(ValidationError, match=r"amount \(net amount of the line") as caught:
        orders(columns={name: column for name, column in COLUMNS.items() if name not in ("amount", "quantity")})
    assert "quantity (units bought" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": {"channel": {"1": "web"}}}, "values.channel: the source does not map"),
        ({"values": {"product_id": {}}}, "values.product_id: lists no value"),
        ({"scale": {"product_id": 2}}, "product_id is not a number or money"),
        ({"scale": {"quantity": 0}}, "a factor is not zero"),
        ({"formats": {"quantity": "%d/%m/%Y"}}, "quantity is not a date or time"),
        ({"formats": {"ordered_at": "dd/mm/yyyy"}}, "is no date format"),
        ({"formats": {"ordered_at": ["%d/%m/%Y", "%Q"]}}, '"%Q" is no date format'),
        ({"time_zones": {"ordered_at": "Europe/Londn"}}, "no time zone"),
        ({"time_zones": {"amount": "UTC"}}, "amount is not a date or time"),
        ({"conversion": {"rates": "fx", "on": "amount"}}, '"amount" is no date or time'),
        ({"conversion": {"rates": "fx", "columns": {"from": "x"}}}, "conversion.columns"),
        ({"unmapped": "drop"}, "keep"),
        (
            {
                "values": {"product_id": {"1": "a"}},
                "unmapped": "reject",
                "rules": [{"name": "product_id_value_is_listed", "expression": "true", "meaning": "x"}],
            },
            "rules of the same name",
        ),
    ],
)
def test_transformations_that_can_mean_nothing_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        orders(**changes)


def test_what_a_mapping_promises_becomes_rules():
    mapping = orders(values={"product_id": {"1": "a"}}, unmapped="reject", conversion={"rates": "fx"})
    assert [rule.name for rule in mapping.all_rules()] == ["product_id_value_is_listed", "currency_has_a_rate"]
    assert orders(values={"product_id": {"1": "a"}}).all_rules() == ()
    assert mapping.conversion_date_column() == "ordered_at"


def test_a_factor_is_kept_as_it_is_written():
    assert str(orders(scale={"quantity": 0.001}).scale["quantity"]) == "0.001"


def test_a_new_rule_has_to_say_what_it_means():
    with pytest.raises(ValidationError, match="no meaning"):
        RuleSpec.model_validate({"entity": "orders", "name": "a_rule", "expression": "true"})


@pytest.mark.parametrize("name", ["Rule", "a-rule", "1rule", 'a"; drop', "a" * 64])
def test_rule_names_are_plain(name):
    with pytest.raises(ValidationError):
        RuleSpec.model_validate({"entity": "orders", "name": name, "expression": "true", "meaning": "x"})


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("CustomerID", ["Invoice", "Customer ID"], 'did you mean "Customer ID"?'),
        ("price", ["UnitPrice", "Price"], 'did you mean "Price"?'),
        ("zzz", ["UnitPrice"], ""),
        ("x", [], ""),
    ],
)
def test_close_match_looks_past_case_and_blanks(name, known, hint):
    assert close_match(name, known) == hint
