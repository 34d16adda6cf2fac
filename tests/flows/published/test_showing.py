from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from config.errors import CommandUnknownNameError
from flows.errors import FilterUnreadableError
from flows.published.showing import parse_condition, write_csv

FRAME = pl.DataFrame(
    {
        "customer_id": ["00042", "7", "=1+1"],
        "value_tier": ["gold", "iron", "gold"],
        "churn_probability": [0.2, 0.7, None],
        "rank": [1, 2, 3],
        "expected_value_12m": [Decimal("10.50"), Decimal("0.00"), None],
        "changed_at": [date(2026, 1, 1), date(2026, 1, 2), date(2025, 1, 1)],
        "is_chosen": [True, False, None],
    }
)


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("value_tier=gold", ["00042", "=1+1"]),
        ("value_tier != gold", ["7"]),
        ("customer_id=00042", ["00042"]),
        ("churn_probability>=0.7", ["7"]),
        ("churn_probability < 0.7", ["00042"]),
        ("rank<=2", ["00042", "7"]),
        ("expected_value_12m>10", ["00042"]),
        ("changed_at>2026-01-01", ["7"]),
        ("value_tier='gold'", ["00042", "=1+1"]),
        ("is_chosen=true", ["00042"]),
        ("is_chosen != Yes", ["7"]),
    ],
)
def test_conditions_are_read_as_the_columns_type(condition, ids):
    assert FRAME.filter(parse_condition(condition, FRAME.schema))["customer_id"].to_list() == ids


@pytest.mark.parametrize(
    "condition", ["1=1; COPY x", "rank=two", "changed_at=soon", "value_tier", "is_chosen=maybe", "rank in (1,2)", ""]
)
def test_what_is_no_condition_is_refused(condition):
    with pytest.raises(FilterUnreadableError):
        parse_condition(condition, FRAME.schema)


def test_an_unknown_column_is_refused_with_the_closest_one():
    with pytest.raises(CommandUnknownNameError) as caught:
        parse_condition("value_teir=gold", FRAME.schema)
    assert "'value_tier'" in caught.value.action


def test_a_value_is_never_run_as_sql():
    condition = parse_condition("value_tier=read_csv('/etc/passwd')", FRAME.schema)
    assert FRAME.filter(condition).is_empty()


@pytest.mark.parametrize("dangerous", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_spreadsheet_takes_no_cell_for_a_formula(tmp_path, dangerous):
    write_csv(pl.DataFrame({"text": [dangerous, "plain", None], "number": [-1, 2, 3]}), tmp_path / "out.csv")
    back = pl.read_csv(tmp_path / "out.csv")
    assert back["text"].to_list() == ["'" + dangerous, "plain", None]
    assert back["number"].to_list() == [-1, 2, 3]
