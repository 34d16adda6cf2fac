"""Made-up segment tables of any size that keep their contracts: what `bench_publish.py` publishes.

Rows a customer are those of a night of the simulated retailer; tables of figures have a hundred rows.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from segments.contracts import published_contracts
from segments.money import Currency

DAY = date(2026, 3, 1)
FEW = 100
ROWS_A_CUSTOMER = {
    "customer": 1.0,
    "reasons": 6.0,
    "next_best_offer": 7.5,
    "next_best_category": 2.25,
    "customer_demand": 7.0,
    "retention_list": 0.28,
    "winback_list": 0.01,
    "upgrade_path": 0.11,
    "standard_service": 0.05,
    "customer_value": 1.0,
    "value_matrix": 1.0,
    "loyalty": 1.0,
    "lifecycle": 1.0,
    "customer_history": 1.0,
}


def contracts() -> tuple[OutputContract, ...]:
    """Of every table that a night may publish."""
    return published_contracts(Currency(code="GBP", exponent=2))


def made_up_tables(customers: int, *, only: tuple[str, ...] = ()) -> dict[str, PublishedTable]:
    """Tables by name, all of them or only some."""
    asked = [contract for contract in contracts() if not only or contract.table in only]
    return {
        contract.table: PublishedTable(made_up(contract, _rows(contract, customers), customers, seed=number), contract)
        for number, contract in enumerate(asked)
    }


def made_up(contract: OutputContract, rows: int, customers: int, seed: int) -> pl.DataFrame:
    """A frame that keeps its contract, its key unique."""
    random = np.random.default_rng(seed)
    columns = {column.name: _values(column, rows, random) for column in contract.columns}
    columns |= _key(contract, rows, customers)
    frame = pl.DataFrame(columns).cast(dict(contract.schema)).select(contract.names)
    return frame if "customer_id" in contract.key else frame.unique(contract.key, keep="first", maintain_order=True)


def _rows(contract: OutputContract, customers: int) -> int:
    share = ROWS_A_CUSTOMER.get(contract.table)
    return round(customers * share) if share else FEW


def _key(contract: OutputContract, rows: int, customers: int) -> dict[str, pl.Series]:
    """The key's columns: customers first, then the others counted up like the digits of a number."""
    left = np.arange(rows)
    made = {}
    if "customer_id" in contract.key:
        made["customer_id"] = pl.Series([f"{number:08d}" for number in range(customers)])[left % customers]
        left //= customers
    named = {column.name: column for column in contract.columns}
    for name in sorted(contract.key, key=lambda name: named[name].allowed is None):
        if name not in made:
            made[name], left = _digit(named[name], left)
    return made


def _digit(column: OutputColumn, left: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    if column.allowed:
        return pl.Series(list(column.allowed))[left % len(column.allowed)], left // len(column.allowed)
    numbers = pl.Series(left)
    if column.dtype == pl.String:
        return pl.format("{} {}", pl.lit(column.name), numbers).pipe(pl.select).to_series(), left * 0
    if column.dtype == pl.Date:
        days = [DAY - timedelta(days=back) for back in range(int(left.max()) + 1)]
        return pl.Series(days)[left], left * 0
    least = int(column.minimum) if isinstance(column.minimum, int | float) else 0
    most = int(column.maximum) if isinstance(column.maximum, int | float) else None
    size = int(left.max()) + 1 if most is None else most - least + 1
    return pl.Series(left % size + least), left // size


def _values(column: OutputColumn, rows: int, random: np.random.Generator) -> pl.Series:
    low = float(column.minimum) if isinstance(column.minimum, int | float) else 0.0
    high = float(column.maximum) if isinstance(column.maximum, int | float) else low + 100.0
    if column.dtype == pl.String:
        words = list(column.allowed or [f"{column.name} number {number}, in words" for number in range(200)])
        return pl.Series(words)[random.integers(0, len(words), rows)]
    if column.dtype == pl.Boolean:
        return pl.Series(random.integers(0, 2, rows) == 1)
    if column.dtype == pl.Date:
        return pl.Series([DAY]).new_from_index(0, rows)
    if column.dtype == pl.Datetime:
        return pl.Series([DAY]).cast(pl.Datetime("us", "UTC")).new_from_index(0, rows)
    numbers = pl.Series(low + random.random(rows) * (high - low))
    if column.dtype.is_decimal():
        return numbers.round(2)
    return numbers if column.dtype.is_float() else numbers.floor().cast(pl.Int64)
