"""What comes back and what is given away: returns, discounts (of `discount_amount`), margin (of `cost_amount`).

A returned line is one with a negative amount; what was sold is the sum of the positive lines.
"""

import polars as pl

from features.feature import DAYS, MONEY, SHARE, Family, Feature, in_last_days, ratio, total

YEAR_DAYS = 365
_ORDERS = ("orders",)
_DISCOUNTS = ("orders", "orders.discount_amount")
_COSTS = ("orders", "orders.cost_amount")


def _share(
    name: str,
    meaning: str,
    parts: tuple[str, str],
    *,
    phrase: str,
    needs: tuple[str, ...] = _ORDERS,
    year: bool = False,
) -> Feature:
    """A share of sums over all history, or over the last year when the name ends in it."""
    where, suffix = (in_last_days(YEAR_DAYS), f"_{YEAR_DAYS}") if year else (None, "_life")
    part, whole = (f"{column}{suffix}" for column in parts)
    return Feature(
        name=name,
        meaning=meaning,
        unit=SHARE,
        null_means="nothing to take a share of" + (" in the last 365 days" if year else ""),
        needs=needs,
        window_days=YEAR_DAYS if year else None,
        sums={part: total(parts[0], where=where), whole: total(parts[1], where=where)},
        value=ratio(pl.col(part), pl.col(whole)),
        phrase=phrase,
        phrase_when_null="has not ordered for a year" if year else "has a short history",
    )


def _returns() -> list[Feature]:
    amount = "returned_amount_365_days"
    amounts, lines = ("returned_amount", "sold_amount"), ("returned_line_count", "sold_line_count")
    share = "Amount returned over amount sold{}; above 1 when goods sold earlier come back."
    return [
        Feature(
            name=amount,
            meaning="Amount returned or cancelled in the last 365 days (positive).",
            unit=MONEY,
            dtype=pl.Int64,
            window_days=YEAR_DAYS,
            sums={amount: total("returned_amount", where=in_last_days(YEAR_DAYS))},
            value=pl.col(amount),
            phrase=f"returned {{{amount}}} in the last year",
        ),
        _share("returned_amount_share", share.format(""), amounts,
               phrase="returns {returned_amount_share} of what they buy"),
        _share("returned_amount_share_365_days", share.format(" in the last 365 days"), amounts, year=True,
               phrase="returned {returned_amount_share_365_days} of last year's spend"),
        _share("returned_line_share", "Returned lines over sold lines.", lines,
               phrase="returns {returned_line_share} of order lines"),
        Feature(
            name="days_since_last_return",
            meaning="Days from the last day with a return to the snapshot.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="never returned anything",
            sums={"last_return_age": pl.when(pl.col("returned_line_count") > 0).then(pl.col("age_days")).min()},
            value=pl.col("last_return_age"),
            phrase="last returned something {days_since_last_return} days ago",
            phrase_when_null="has never returned anything",
        ),
    ]  # fmt: skip


def _discounts() -> list[Feature]:
    amounts = ("discount_given_amount", "discountable_amount")
    lines = ("discounted_line_count", "discountable_line_count")
    return [
        _share("discount_share", "Discount over amount before discount.", amounts, needs=_DISCOUNTS,
               phrase="gets {discount_share} off on average"),
        _share("discount_share_365_days", "Discount over amount before discount in the last 365 days.", amounts,
               needs=_DISCOUNTS, phrase="got {discount_share_365_days} off in the last year", year=True),
        _share("discounted_line_share", "Share of lines bought at a discount.", lines, needs=_DISCOUNTS,
               phrase="buys {discounted_line_share} of lines at a discount"),
    ]  # fmt: skip


def _margin() -> list[Feature]:
    amount = "margin_amount_365_days"
    amounts = ("margin_amount", "costed_amount")
    return [
        Feature(
            name=amount,
            meaning="Net amount minus cost in the last 365 days, of lines with a known cost.",
            unit=MONEY,
            dtype=pl.Int64,
            needs=_COSTS,
            window_days=YEAR_DAYS,
            sums={amount: total("margin_amount", where=in_last_days(YEAR_DAYS))},
            value=pl.col(amount),
            phrase=f"brought {{{amount}}} of margin in the last year",
        ),
        _share("margin_share", "Margin over net amount, of lines with a known cost.", amounts, needs=_COSTS,
               phrase="leaves a margin of {margin_share}"),
        _share("margin_share_365_days", "Margin over net amount in the last 365 days, of lines with a known cost.",
               amounts, needs=_COSTS, phrase="left a margin of {margin_share_365_days} last year", year=True),
    ]  # fmt: skip


FAMILY = Family(
    name="returns",
    about="What comes back and what is given away: returns, discounts, margin.",
    features=(*_returns(), *_discounts(), *_margin()),
)
