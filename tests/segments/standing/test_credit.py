import polars as pl
import pytest

from segments.standing.credit import credit_grade

COLUMNS = ("longest_overdue_days", "paid_late_share", "disputed_invoice_count_365_days", "invoice_count_365_days")


@pytest.mark.parametrize(
    ("overdue", "late", "disputes", "invoices", "grade"),
    [
        (None, None, 0, 0, None),
        (None, None, None, None, None),
        (None, None, 0, 2, "A"),
        (None, 0.0, 0, 5, "A"),
        (None, 0.2, 0, 5, "B"),
        (3, 0.0, 0, 5, "C"),
        (None, 0.7, 0, 5, "D"),
        (20, 0.0, 0, 5, "D"),
        (61, 0.0, 0, 5, "E"),
        (None, 0.2, 2, 5, "C"),
        (61, 1.0, 9, 5, "E"),
    ],
)
def test_grades_go_by_arrears_and_habit(overdue, late, disputes, invoices, grade):
    schema = {name: pl.Float64 if "share" in name else pl.Int64 for name in COLUMNS}
    row = pl.DataFrame([(overdue, late, disputes, invoices)], schema=schema, orient="row")
    assert row.select(credit_grade().alias("grade")).item() == grade
