"""How customers pay: a grade from A to E by arrears and habit.

Belongs here: the grade. Does not: what late payment costs (`value_components.py`), or credit limits.
"""

from typing import Final

import polars as pl

CREDIT_GRADES: Final = ("A", "B", "C", "D", "E")
_OVERDUE_DAYS = (1, 14, 60)
_LATE_SHARES = (0.1, 0.3, 0.6)
_MANY_DISPUTES = 2


def credit_grade() -> pl.Expr:
    """Grade (String) of rows as `customer_facts` returns them; null for who had no invoice that can tell.

    A pays in time and owes nothing overdue; B is late now and then; C is late often or a little overdue; D is mostly
    late or overdue for more than two weeks; E is overdue for more than two months. Repeated disputes cost one grade.
    """
    overdue, late = pl.col("longest_overdue_days").fill_null(0), pl.col("paid_late_share").fill_null(0.0)
    by_habit = pl.sum_horizontal((late >= line).cast(pl.Int64) for line in _LATE_SHARES)
    by_arrears = pl.sum_horizontal((overdue >= line).cast(pl.Int64) for line in _OVERDUE_DAYS)
    by_arrears = pl.when(by_arrears > 0).then(by_arrears + 1).otherwise(0)
    disputes = (pl.col("disputed_invoice_count_365_days").fill_null(0) >= _MANY_DISPUTES).cast(pl.Int64)
    place = (pl.max_horizontal(by_habit, by_arrears) + disputes).clip(upper_bound=len(CREDIT_GRADES) - 1)
    told = pl.col("longest_overdue_days").is_not_null() | pl.col("paid_late_share").is_not_null()
    told |= pl.col("invoice_count_365_days") > 0
    grade = place.replace_strict(list(range(len(CREDIT_GRADES))), list(CREDIT_GRADES), return_dtype=pl.String)
    return pl.when(told).then(grade)
