"""What: breadth of products and categories, repeats, novelties, basket size.

A product counts as bought when a line of it with a positive amount is known; a later return does not undo that.
"""

import polars as pl

from features.feature import SHARE, Family, Feature, in_last_days, ratio, total
from features.ledgers import THOUSANDTHS

YEAR_DAYS = 365
RECENT_DAYS = 90
FIXED_POINT_ONE = 2**20  # n·ln n in fixed point, so that the sum behind the entropy is exact in any order
_CATEGORIES = ("orders", "products", "products.category")
_LINES = pl.col("line_count")


def _count(
    name: str, meaning: str, ledger: str, rows: pl.Expr, *, phrase: str, window_days: int | None = None
) -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit=ledger,
        dtype=pl.Int64,
        needs=_CATEGORIES if ledger == "categories" else ("orders",),
        window_days=window_days,
        ledger=ledger,
        sums={name: rows.cast(pl.Int64).sum()},
        value=pl.col(name).fill_null(0),
        phrase=phrase,
    )


def _products() -> list[Feature]:
    last, first = pl.col("last_age_days"), pl.col("first_age_days")
    bought = last > 0  # every row of the ledger
    life = {"distinct_products_life": bought.cast(pl.Int64).sum()}
    recent = {"products_90_days": (last <= RECENT_DAYS).cast(pl.Int64).sum()}
    return [
        _count("distinct_products_life", "Different products bought.", "products", bought,
               phrase="has bought {distinct_products_life} different products"),
        _count("distinct_products_365_days", "Different products bought in the last 365 days.", "products",
               last <= YEAR_DAYS, window_days=YEAR_DAYS,
               phrase="bought {distinct_products_365_days} different products in the last year"),
        Feature(
            name="repeat_product_share",
            meaning="Share of products bought on more than one day.",
            unit=SHARE,
            null_means="no product known",
            ledger="products",
            sums=life | {"repeat_products": (first > last).cast(pl.Int64).sum()},
            value=ratio(pl.col("repeat_products"), pl.col("distinct_products_life")),
            phrase="comes back for {repeat_product_share} of products",
        ),
        Feature(
            name="new_product_share_90_days",
            meaning="Share of the products bought in the last 90 days that were bought for the first time then.",
            unit=SHARE,
            null_means="no product bought in the last 90 days",
            window_days=RECENT_DAYS,
            ledger="products",
            sums=recent | {"new_products_90_days": (first <= RECENT_DAYS).cast(pl.Int64).sum()},
            value=ratio(pl.col("new_products_90_days"), pl.col("products_90_days")),
            phrase="{new_product_share_90_days} of recent products were new to them",
            phrase_when_null="bought nothing in the last 90 days",
        ),
    ]  # fmt: skip


def _categories() -> list[Feature]:
    n_ln_n = (_LINES * _LINES.log() * FIXED_POINT_ONE).round().cast(pl.Int64)
    lines = {"category_lines": _LINES.sum()}
    entropy = pl.col("category_lines").log() - pl.col("n_ln_n") / FIXED_POINT_ONE / pl.col("category_lines")
    shares: list[tuple[str, str, str, dict[str, pl.Expr], pl.Expr, str]] = [
        ("category_entropy", "Entropy -Σ p ln p of lines over categories: 0 is one category only.", "nats",
         {"n_ln_n": n_ln_n.sum()}, entropy.clip(lower_bound=0.0), "buys from {distinct_categories_life} categories"),
        ("favourite_category_share", "Share of lines in the commonest category.", SHARE, {"top_lines": _LINES.max()},
         ratio(pl.col("top_lines"), pl.col("category_lines")),
         "{favourite_category_share} of lines come from one category"),
    ]  # fmt: skip
    age = pl.col("last_age_days")
    return [
        _count("distinct_categories_life", "Different categories bought from.", "categories", age > 0,
               phrase="buys from {distinct_categories_life} categories"),
        _count("distinct_categories_365_days", "Different categories bought from in the last 365 days.", "categories",
               age <= YEAR_DAYS, phrase="bought from {distinct_categories_365_days} categories in the last year",
               window_days=YEAR_DAYS),
        *(
            Feature(
                name=name,
                meaning=meaning,
                unit=unit,
                null_means="no category known",
                needs=_CATEGORIES,
                ledger="categories",
                sums=sums | lines,
                value=value,
                phrase=phrase,
            )
            for name, meaning, unit, sums, value, phrase in shares
        ),
    ]  # fmt: skip


def _baskets() -> list[Feature]:
    made = []
    for days in (None, YEAR_DAYS):
        where, suffix = (in_last_days(days), f"_{days}_days") if days else (None, "_life")
        purchases = {f"purchase_count{suffix}": total("purchase_count", where=where)}
        for what, column, scale in (
            ("lines", "purchase_line_count", 1),
            ("quantity", "purchase_thousandths", THOUSANDTHS),
        ):
            name, part = f"{what}_per_purchase{suffix}", f"{column}{suffix}"
            made.append(
                Feature(
                    name=name,
                    meaning=f"Mean {what} of a purchase" + (f" in the last {days} days." if days else "."),
                    unit=what if what == "lines" else "units",
                    null_means=f"no purchase in the last {days} days" if days else "never",
                    window_days=days,
                    sums=purchases | {part: total(column, where=where)},
                    value=ratio(pl.col(part), pl.col(f"purchase_count{suffix}") * scale),
                    phrase=f"buys {{{name}}} {'lines' if what == 'lines' else 'units'} an order",
                    phrase_when_null="has not ordered for a year",
                )
            )
    return made


FAMILY = Family(
    name="assortment",
    about="What the customer buys: breadth, repeats, novelties, basket size.",
    features=(*_products(), *_categories(), *_baskets()),
)
