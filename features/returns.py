"""What comes back and what is given away: returns, discounts (of `discount_amount`), margin (of `cost_amount`).

A returned line is one with a negative amount; what was sold is the sum of the positive lines.
"""

import polars as pl

from features.feature import DAYS, MONEY, SHARE, Family, Feature, ratio, total, total_name
from features.inputs import Visit

YEAR_DAYS = 365
QUARTER_DAYS = 90
_ORDERS = ("orders",)
_DISCOUNTS = ("orders", "orders.discount_amount")
_COSTS = ("orders", "orders.cost_amount")
_RETURNS = ("returned_amount", "sold_amount")
_DISCOUNTED = ("discount_given_amount", "discountable_amount")
_DISCOUNTED_LINES = ("discounted_line_count", "discountable_line_count")
_MARGINS = ("margin_amount", "costed_amount")


def _share(
    name: str, meaning: str, parts: tuple[str, str], *, phrase: str, needs: tuple[str, ...], days: int | None = None
) -> Feature:
    """A share of sums over all history, or over the last so many days; the name says so too."""
    part, whole = (total(column, days) for column in parts)
    within = f" in the last {days} days" if days else ""
    return Feature(
        name=f"{name}_{days}_days" if days else name,
        meaning=meaning.format(within),
        unit=SHARE,
        null_means="nothing to take a share of" + within,
        needs=needs,
        window_days=days,
        inputs=part | whole,
        value=ratio(*(pl.col(total_name(column, days)) for column in parts)),
        phrase=phrase,
        phrase_when_null=f"has not ordered for {days} days" if days else "has a short history",
    )


def _shift(name: str, what: str, parts: tuple[str, str], *, phrase: str, needs: tuple[str, ...]) -> Feature:
    """How a share of the last quarter differs from that of the whole history."""
    inputs = total(parts[0]) | total(parts[1]) | total(parts[0], QUARTER_DAYS) | total(parts[1], QUARTER_DAYS)
    recent, life = (ratio(*(pl.col(total_name(part, days)) for part in parts)) for days in (QUARTER_DAYS, None))
    return Feature(
        name=name,
        meaning=f"{what} of the last {QUARTER_DAYS} days minus that of the whole history.",
        unit="difference of shares",
        null_means=f"nothing to take a share of in the last {QUARTER_DAYS} days",
        needs=needs,
        inputs=inputs,
        value=recent - life,
        phrase=phrase,
    )


def _amount(name: str, meaning: str, column: str, days: int, *, needs: tuple[str, ...], phrase: str) -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit=MONEY,
        dtype=pl.Int64,
        needs=needs,
        window_days=days,
        inputs=total(column, days),
        value=pl.col(total_name(column, days)),
        phrase=phrase,
    )


def _returns() -> list[Feature]:
    share = "Amount returned over amount sold{}; above 1 when goods sold earlier come back."
    name = "returned_amount_share"
    return [
        *(
            _amount(f"returned_amount_{days}_days", f"Amount returned or cancelled in the last {days} days (positive).",
                    "returned_amount", days, needs=_ORDERS,
                    phrase=f"returned {{returned_amount_{days}_days}} in the last {days} days")
            for days in (QUARTER_DAYS, YEAR_DAYS)
        ),
        _share(name, share, _RETURNS, needs=_ORDERS, phrase=f"returns {{{name}}} of what they buy"),
        _share(name, share, _RETURNS, needs=_ORDERS, days=YEAR_DAYS,
               phrase=f"returned {{{name}_{YEAR_DAYS}_days}} of last year's spend"),
        _share(name, share, _RETURNS, needs=_ORDERS, days=QUARTER_DAYS,
               phrase=f"returned {{{name}_{QUARTER_DAYS}_days}} of the last {QUARTER_DAYS} days' spend"),
        _share("returned_line_share", "Returned lines over sold lines.", ("returned_line_count", "sold_line_count"),
               needs=_ORDERS, phrase="returns {returned_line_share} of order lines"),
        Feature(
            name="days_since_last_return",
            meaning="Days from the last day with a return to the snapshot.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="never returned anything",
            inputs={"last_return_age_days": Visit(fact="last_return_age_days")},
            value=pl.col("last_return_age_days"),
            phrase="last returned something {days_since_last_return} days ago",
            phrase_when_null="has never returned anything",
        ),
    ]  # fmt: skip


def _discounts() -> list[Feature]:
    share, lines = "discount_share", "discounted_line_share"
    return [
        _share(share, "Discount over amount before discount{}.", _DISCOUNTED, needs=_DISCOUNTS,
               phrase="gets {discount_share} off on average"),
        _share(share, "Discount over amount before discount{}.", _DISCOUNTED, needs=_DISCOUNTS, days=YEAR_DAYS,
               phrase="got {discount_share_365_days} off in the last year"),
        _share(share, "Discount over amount before discount{}.", _DISCOUNTED, needs=_DISCOUNTS, days=QUARTER_DAYS,
               phrase="got {discount_share_90_days} off in the last 90 days"),
        _share(lines, "Share of lines bought at a discount{}.", _DISCOUNTED_LINES, needs=_DISCOUNTS,
               phrase="buys {discounted_line_share} of lines at a discount"),
        _share(lines, "Share of lines bought at a discount{}.", _DISCOUNTED_LINES, needs=_DISCOUNTS, days=YEAR_DAYS,
               phrase="bought {discounted_line_share_365_days} of last year's lines at a discount"),
        _shift("change_of_discounts_90_days", "Discount share", _DISCOUNTED, needs=_DISCOUNTS,
               phrase="gets {discount_share} off on average"),
    ]  # fmt: skip


def _margin() -> list[Feature]:
    meaning, share = "Margin over net amount{}, of lines with a known cost.", "margin_share"
    return [
        *(
            _amount(f"margin_amount_{days}_days",
                    f"Net amount minus cost in the last {days} days, of lines with a known cost.",
                    "margin_amount", days, needs=_COSTS,
                    phrase=f"brought {{margin_amount_{days}_days}} of margin in the last {days} days")
            for days in (QUARTER_DAYS, YEAR_DAYS)
        ),
        _share(share, meaning, _MARGINS, needs=_COSTS, phrase="leaves a margin of {margin_share}"),
        _share(share, meaning, _MARGINS, needs=_COSTS, days=YEAR_DAYS,
               phrase="left a margin of {margin_share_365_days} last year"),
        _shift("change_of_margin_90_days", "Margin share", _MARGINS, needs=_COSTS,
               phrase="leaves a margin of {margin_share}"),
    ]  # fmt: skip


FAMILY = Family(
    name="returns",
    about="What comes back and what is given away: returns, discounts, margin.",
    features=(*_returns(), *_discounts(), *_margin()),
)
