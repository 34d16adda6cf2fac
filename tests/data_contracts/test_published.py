"""Contracts of published tables: what can't be meant is refused at once."""

import polars as pl
import pytest

from data_contracts.published import OutputColumn, OutputContract

COLUMNS = (OutputColumn("customer_id", pl.String), OutputColumn("value", pl.Decimal(18, 2), nullable=True))


def test_a_contract_lists_its_columns_in_order():
    contract = OutputContract("customer", ("customer_id",), COLUMNS)
    assert contract.names == ("customer_id", "value")
    assert contract.schema == pl.Schema({"customer_id": pl.String, "value": pl.Decimal(18, 2)})


@pytest.mark.parametrize(
    ("key", "columns", "volatile", "reason"),
    [
        (("customer_id",), COLUMNS + COLUMNS[:1], (), "named twice"),
        ((), COLUMNS, (), "needs a key"),
        (("customer",), COLUMNS, (), "not in the contract"),
        (("customer_id",), COLUMNS, ("run_key",), "not in the contract"),
    ],
)
def test_what_can_not_be_meant_is_refused(key, columns, volatile, reason):
    with pytest.raises(ValueError, match=reason):
        OutputContract("customer", key, columns, volatile)
