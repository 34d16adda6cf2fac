"""Rows of too few customers are refused before anything is fitted."""

import numpy as np
import polars as pl
import pytest

from models.prepared_table import cross_validation
from models.prepared_table.cross_validation import Rows, cross_validate
from models.prepared_table.errors import CustomersTooFewError
from models.prepared_table.table_model import FitOptions

ROWS = 40
HAPPENED = np.array([float(row % 4 == 0) for row in range(ROWS)])


def rows_of(groups, *, in_time=False):
    table = pl.DataFrame({"calls": [float(row * 7 % 11) for row in range(ROWS)]})
    moments = np.arange(ROWS, dtype=np.float64) if in_time else None
    return Rows(table=table, happened=HAPPENED, groups=groups, moments=moments)


@pytest.mark.parametrize(
    ("groups", "in_time"),
    [
        (["one"] * ROWS, False),
        ([f"c{row % 2}" for row in range(ROWS)], False),
        (["one" if happened else f"c{row}" for row, happened in enumerate(HAPPENED)], False),
        (["one"] * ROWS, True),
        (["one" if row < 30 else f"c{row}" for row in range(ROWS)], True),
    ],
)
def test_parts_with_one_customer_or_one_outcome_are_refused(groups, in_time, monkeypatch):
    monkeypatch.setattr(cross_validation, "_hold_out", lambda *_: pytest.fail("something was fitted"))
    with pytest.raises(CustomersTooFewError) as refused:
        cross_validate(rows_of(groups, in_time=in_time), folds=2, repeats=1, options=FitOptions())
    assert refused.value.exit_code == 3


def test_few_customers_are_enough_where_every_part_has_two():
    rows = rows_of([f"c{row % 5}" for row in range(ROWS)])
    held_out = cross_validate(rows, folds=2, repeats=1, options=FitOptions(folds=2))
    assert np.isfinite(held_out.model).all()


def test_in_time_the_first_rows_may_lack_an_outcome(monkeypatch):
    fitted = []
    monkeypatch.setattr(cross_validation, "_hold_out", lambda *arguments: fitted.append(arguments))
    rows = rows_of([f"c{row}" for row in range(ROWS)], in_time=True)
    late = Rows(table=rows.table, happened=np.sort(HAPPENED), groups=rows.groups, moments=rows.moments)
    cross_validate(late, folds=2, repeats=1, options=FitOptions())
    assert len(fitted) == 1
