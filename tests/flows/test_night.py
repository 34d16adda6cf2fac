from datetime import UTC, date, datetime

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.night import _known_customers
from warehouse.lake import Lake

AS_OF = date(2026, 1, 1)


def core(tmp_path, *, customers=None):
    """Core rows of three customers: one bought, one has a line of nothing, one orders only later."""
    placed = [datetime(2025, 12, 1, tzinfo=UTC), datetime(2025, 12, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
    orders = pl.DataFrame(
        {
            "order_id": ["1", "2", "3"],
            "line_number": [1, 1, 1],
            "customer_id": ["bought", "got nothing", "later"],
            "ordered_at": placed,
            "known_at": placed,
            "amount": [100, 0, 100],
        }
    )
    frames = {"orders": orders} | ({} if customers is None else {"customers": customers})
    return CoreTables(Lake(tmp_path).write_load("l", frames, buckets=2), "UTC")


def test_without_a_customer_table_everybody_with_an_order_line_is_known(tmp_path):
    assert sorted(_known_customers(core(tmp_path), AS_OF)["customer_id"]) == ["bought", "got nothing"]


def test_customers_missing_from_the_customer_table_are_not_lost(tmp_path):
    recorded = pl.DataFrame(
        {
            "customer_id": ["bought", "prospect", "joins later"],
            "consent_marketing": [True, False, True],
            "known_at": [datetime(2025, 1, 1, tzinfo=UTC)] * 2 + [datetime(2026, 2, 1, tzinfo=UTC)],
        }
    )
    known = _known_customers(core(tmp_path, customers=recorded), AS_OF).sort("customer_id")
    assert known["customer_id"].to_list() == ["bought", "got nothing", "prospect"]
    assert known["consent_marketing"].to_list() == [True, None, False]


@pytest.mark.parametrize("day", [date(2025, 12, 1), date(2025, 12, 2)])
def test_nobody_is_known_before_their_first_line(tmp_path, day):
    assert "got nothing" not in _known_customers(core(tmp_path), day)["customer_id"].to_list()
