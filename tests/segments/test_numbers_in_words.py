import polars as pl
import pytest

from segments.money import Currency
from segments.numbers_in_words import Kind, in_words, kind_of

POUNDS = Currency(code="GBP", exponent=2)


def _said(value, kind, currency=POUNDS, dtype=pl.Float64):
    frame = pl.DataFrame({"v": [value]}, schema={"v": dtype})
    return frame.select(in_words(pl.col("v"), kind, currency=currency)).item()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (45.4, Kind.DAYS, "45"),
        (1234.0, Kind.DAYS, "1,234"),
        (0.126, Kind.SHARE, "13%"),
        (1.0, Kind.SHARE, "100%"),
        (3.0, Kind.NUMBER, "3"),
        (3.14, Kind.NUMBER, "3.1"),
        (-0.04, Kind.NUMBER, "0"),
        (-2.5, Kind.NUMBER, "-2.5"),
        (123456.7, Kind.NUMBER, "123,457"),
        (-123456.0, Kind.NUMBER, "-123,456"),
        (1250.0, Kind.MONEY, "£12.50"),
        (-1250.0, Kind.MONEY, "-£12.50"),
        (9999.0, Kind.MONEY, "£99.99"),
        (123456789.0, Kind.MONEY, "£1,234,568"),
        (-123456.0, Kind.MONEY, "-£1,235"),
        (float("nan"), Kind.DAYS, None),
        (float("inf"), Kind.MONEY, None),
        (None, Kind.SHARE, None),
    ],
)
def test_numbers_are_written_for_people(value, kind, expected):
    assert _said(value, kind) == expected


@pytest.mark.parametrize(
    ("currency", "value", "expected"),
    [
        (Currency(code="JPY", exponent=0), 50, "¥50"),
        (Currency(code="JPY", exponent=0), 1234, "¥1,234"),
        (Currency(code="KWD", exponent=3), 12345, "KWD 12.345"),
        (Currency(code="KWD", exponent=3), -1234567, "-KWD 1,235"),
        (Currency(code="USD", exponent=2), -50, "-$0.50"),
    ],
)
def test_money_has_its_sign_and_its_decimals(currency, value, expected):
    assert _said(value, Kind.MONEY, currency, dtype=pl.Int64) == expected


def test_text_stays_text():
    assert _said("  North {x} ", Kind.TEXT, dtype=pl.String) == "North {x}"


@pytest.mark.parametrize(
    ("name", "unit", "kind"),
    [
        ("days_since_last_order", None, Kind.DAYS),
        ("net_amount_365_days", None, Kind.MONEY),
        ("discount_share", None, Kind.SHARE),
        ("purchase_count_life", None, Kind.NUMBER),
        ("amount_trend", None, Kind.NUMBER),
        ("purchase_count_365_days", "purchases", Kind.NUMBER),
        ("net_amount_90_days", "minor units", Kind.MONEY),
        ("favourite_category_share", "share (0 to 1)", Kind.SHARE),
        ("silence_to_usual_gap", "ratio", Kind.NUMBER),
    ],
)
def test_the_kind_is_read_from_the_unit_or_the_name(name, unit, kind):
    assert kind_of(name, pl.Float64(), unit=unit) is kind
    assert kind_of(name, pl.String(), unit=unit) is Kind.TEXT
