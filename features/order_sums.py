"""What one order adds up to, as integer columns: money in minor units, quantities in thousandths.

Belongs here: the columns that windows and decayed sums can be taken of. Does not: any window.

A column of lines is summed to orders; a column of purchases is nought for orders that are none (whose lines sum to
zero or below, as in `data_contracts.orders.purchase_orders`; a test holds the two together).
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from features.arrays import Flags, Ints
from features.order_lines import OrderLines

THOUSANDTHS = 1000
MORNING_ENDS_HOUR = 12
EVENING_STARTS_HOUR = 18
NIGHT_ENDS_HOUR = 6
WEEKDAYS = range(1, 8)
SATURDAY = 6
EARLY_DAYS_OF_MONTH = 10


def _known(lines: OrderLines, column: str) -> tuple[Ints, Flags | None]:
    """An optional column with 0 for null, and where it is known (None: everywhere)."""
    series = lines.numbers[column]
    if series.null_count() == 0:
        return series.to_numpy(), None
    return series.fill_null(0).to_numpy(), series.is_not_null().to_numpy()


def _where(flags: Flags, known: Flags | None) -> Flags:
    return flags if known is None else flags & known


def _thousandths(lines: OrderLines) -> Ints:
    quantity = (lines.numbers["quantity"] * THOUSANDTHS).round().cast(pl.Int64).to_numpy()
    return quantity * lines.sold


def _discount(lines: OrderLines) -> Ints:
    discount, _ = _known(lines, "discount_amount")
    return discount * lines.sold


def _discountable(lines: OrderLines) -> Flags:
    return _where(lines.sold, _known(lines, "discount_amount")[1])


def _discountable_amount(lines: OrderLines) -> Ints:
    discount, _ = _known(lines, "discount_amount")
    return (lines.amount + discount) * _discountable(lines)


def _discounted(lines: OrderLines) -> Flags:
    return _known(lines, "discount_amount")[0] * lines.sold > 0


def _margin(lines: OrderLines) -> Ints:
    cost, known = _known(lines, "cost_amount")
    margin = lines.amount - cost
    return margin if known is None else margin * known


def _costed(lines: OrderLines) -> Ints:
    known = _known(lines, "cost_amount")[1]
    return lines.amount if known is None else lines.amount * known


LINE_COLUMNS: dict[str, Callable[[OrderLines], Ints | Flags]] = {
    "net_amount": lambda lines: lines.amount,
    "sold_amount": lambda lines: np.maximum(lines.amount, 0),
    "sold_line_count": lambda lines: lines.sold,
    "sold_thousandths": _thousandths,
    "returned_amount": lambda lines: -np.minimum(lines.amount, 0),
    "returned_line_count": lambda lines: lines.amount < 0,
    "discount_given_amount": _discount,
    "discountable_amount": _discountable_amount,
    "discounted_line_count": _discounted,
    "discountable_line_count": _discountable,
    "margin_amount": _margin,
    "costed_amount": _costed,
}

# what a purchase adds, of its net amount: these three columns are those of lines, where the order is a purchase
PURCHASE_COLUMNS = {
    "purchase_amount": "net_amount",
    "purchase_line_count": "sold_line_count",
    "purchase_thousandths": "sold_thousandths",
}

# what a purchase adds, of its day (days since 1970) and local hour
CALENDAR_COLUMNS: dict[str, Callable[[Ints, Ints], Ints | Flags]] = {
    "purchase_count": lambda day, _: np.ones(len(day), dtype=bool),
    "purchase_hours": lambda _, hour: hour,
    "purchase_hour_squares": lambda _, hour: hour * hour,
    "morning_count": lambda _, hour: hour < MORNING_ENDS_HOUR,
    "evening_count": lambda _, hour: hour >= EVENING_STARTS_HOUR,
    "night_count": lambda _, hour: hour < NIGHT_ENDS_HOUR,
    "weekend_count": lambda day, _: weekday(day) >= SATURDAY,
    "early_in_month_count": lambda day, _: day_of_month(day) <= EARLY_DAYS_OF_MONTH,
}


def weekday(day: Ints) -> Ints:
    """1 (Monday) to 7 of days since 1970; 1 January 1970 was a Thursday."""
    return (day + 3) % 7 + 1


def month(day: Ints) -> Ints:
    """Months since 1970 of days since 1970."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def day_of_month(day: Ints) -> Ints:
    """1 to 31 of days since 1970."""
    dates = day.astype("datetime64[D]")
    found: Ints = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    return found


def on_weekday(number: int) -> Callable[[Ints, Ints], Flags]:
    """Whether a purchase fell on that weekday."""
    return lambda day, _: weekday(day) == number


CALENDAR_COLUMNS |= {f"weekday_{number}_count": on_weekday(number) for number in WEEKDAYS}
