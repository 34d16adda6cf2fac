"""What the lists know of products."""

from datetime import date
from types import SimpleNamespace

import polars as pl

from flows.decisions import inputs, lists


def test_products_of_one_name_are_several_in_a_plan_to_win_somebody_back(monkeypatch):
    """Else the price of one would be the other's, and one that ended would end the other."""
    products = pl.DataFrame(
        {"product_id": ["7", "8", "9"], "name": ["Tee", "Tee", "Lamp"], "active": [True, False, True]}
    )
    monkeypatch.setattr(inputs, "known_rows", lambda _core, _table, _as_of: products)
    known = lists._products(SimpleNamespace(core=None, as_of=date(2026, 1, 1)))
    assert known.select("product_name", "is_sold").rows() == [("Tee (7)", True), ("Tee (8)", False), ("Lamp", True)]
