from decimal import Decimal

import polars as pl
import pytest

from segments.money import Currency, amount_dtype, currency_of, to_major_units


@pytest.mark.parametrize(
    ("code", "exponent", "minor", "expected"),
    [
        ("GBP", 2, 12345, "123.45"),
        ("GBP", 2, -5, "-0.05"),
        ("JPY", 0, 12345, "12345"),
        ("KWD", 3, 12345, "12.345"),
        ("GBP", 2, 10**17 + 1, "1000000000000000.01"),
        ("GBP", 2, None, None),
    ],
)
def test_minor_units_become_exact_major_units(code, exponent, minor, expected):
    currency = Currency(code=code, exponent=exponent)
    frame = pl.DataFrame({"m": [minor]}, schema={"m": pl.Int64}).select(to_major_units(pl.col("m"), currency))
    assert frame.schema["m"] == amount_dtype(currency) == pl.Decimal(18, exponent)
    assert frame.item() == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(("code", "exponent"), [("GBP", 2), ("JPY", 0), ("KWD", 3)])
def test_the_exponent_is_that_of_the_standard(code, exponent):
    assert currency_of(code) == Currency(code=code, exponent=exponent)
