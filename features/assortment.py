"""What: breadth of products, categories and brands, repeats, novelties, drift, price level, basket size.

A product counts as bought when a line of it with a positive amount is known; a later return does not undo that.
"""

import polars as pl

from features.feature import SHARE, Family, Feature, ratio, total, total_name
from features.inputs import Input, Item
from features.items import FIXED_POINT_ONE
from features.order_sums import THOUSANDTHS

YEAR_DAYS = 365
RECENT_DAYS = 90
PRODUCT_WINDOWS_DAYS = (30, 90, 180, 365)
_GROUPS = {"category": "categories", "brand": "brands"}


def fact(of: str, what: str, days: int | None = None) -> dict[str, Input]:
    """A fact of items as an input of its own name."""
    return {fact_name(of, what, days): Item(of=of, fact=what, days=days)}


def fact_name(of: str, what: str, days: int | None = None) -> str:
    """The name `fact` gives."""
    return f"{of}_{what}" + (f"_{days}" if days else "")


def needs_of(kind: str) -> tuple[str, ...]:
    """What has to be there for facts of one kind of item."""
    own = {"product": ("orders",), "channel": ("orders", "orders.channel")}
    return own.get(kind, ("orders", "products", f"products.{kind}"))


def distinct(kind: str, plural: str, days: int | None) -> Feature:
    """How many different items were bought, ever or in a window."""
    name = f"distinct_{plural}_{days}_days" if days else f"distinct_{plural}_life"
    bought = "bought from" if kind in _GROUPS else "used" if kind == "channel" else "bought"
    within = f" in the last {days} days" if days else ""
    return Feature(
        name=name,
        meaning=f"Different {plural} {bought}{within}.",
        unit=plural,
        dtype=pl.Int64,
        needs=needs_of(kind),
        window_days=days,
        inputs=fact(kind, "distinct", days),
        value=pl.col(fact_name(kind, "distinct", days)).fill_null(0),
        phrase=f"{bought} {{{name}}} different {plural}{within}",
    )


def entropy(kind: str, plural: str) -> Feature:
    """How evenly lines are spread over items."""
    lines, n_ln_n = (pl.col(fact_name(kind, what)) for what in ("lines", "n_ln_n"))
    spread = (lines.log() - n_ln_n / FIXED_POINT_ONE / lines).clip(lower_bound=0.0)
    return Feature(
        name=f"{kind}_entropy",
        meaning=f"Entropy -Σ p ln p of lines over {plural}: 0 is one {kind} only.",
        unit="nats",
        null_means=f"no {kind} known",
        needs=needs_of(kind),
        inputs=fact(kind, "lines") | fact(kind, "n_ln_n"),
        value=pl.when(lines > 0).then(spread),
        phrase=f"buys {{distinct_{plural}_life}} different {plural}",
    )


def favourite_share(kind: str, days: int | None = None) -> Feature:
    """Share of lines of the commonest item."""
    name = f"favourite_{kind}_share" + (f"_{days}_days" if days else "")
    within = f" of the last {days} days" if days else ""
    return Feature(
        name=name,
        meaning=f"Share of lines{within} in the commonest {kind}.",
        unit=SHARE,
        null_means=f"no {kind} known{within}" if not days else f"no line with a {kind} in the last {days} days",
        needs=needs_of(kind),
        window_days=days,
        inputs=fact(kind, "top_lines", days) | fact(kind, "lines", days),
        value=ratio(pl.col(fact_name(kind, "top_lines", days)), pl.col(fact_name(kind, "lines", days))),
        phrase=f"{{{name}}} of lines{within} come from one {kind}",
        phrase_when_null="bought little lately" if days else "has a short history",
    )


def drift(kind: str, plural: str) -> Feature:
    """How far what they bought lately is from what they bought before."""
    recent, lines = pl.col(fact_name(kind, "lines", RECENT_DAYS)), pl.col(fact_name(kind, "lines"))
    name = f"{kind}_drift_{RECENT_DAYS}_days"
    return Feature(
        name=name,
        meaning=f"How far the mix of {plural} in the last {RECENT_DAYS} days is from the mix before: half the sum of "
        f"differences of shares of lines; 0 is the same mix, 1 is other {plural} altogether.",
        unit="distance (0 to 1)",
        null_means=f"no {kind} bought in the last {RECENT_DAYS} days, or none before",
        needs=needs_of(kind),
        inputs=fact(kind, "moved", RECENT_DAYS) | fact(kind, "lines", RECENT_DAYS) | fact(kind, "lines"),
        value=ratio(pl.col(fact_name(kind, "moved", RECENT_DAYS)), 2 * recent * (lines - recent)),
        phrase=f"buys {{distinct_{plural}_life}} different {plural}",
    )


def _products() -> list[Feature]:
    life, recent = fact("product", "distinct"), fact("product", "distinct", RECENT_DAYS)
    new = [
        Feature(
            name=f"new_product_share_{days}_days",
            meaning=f"Share of the products bought in the last {days} days that were bought for the first time then.",
            unit=SHARE,
            null_means=f"no product bought in the last {days} days",
            window_days=days,
            inputs=fact("product", "distinct", days) | fact("product", "new", days),
            value=ratio(pl.col(fact_name("product", "new", days)), pl.col(fact_name("product", "distinct", days))),
            phrase=f"{{new_product_share_{days}_days}} of recent products were new to them",
            phrase_when_null=f"bought nothing in the last {days} days",
        )
        for days in (RECENT_DAYS, YEAR_DAYS)
    ]
    return [
        *(distinct("product", "products", days) for days in (None, *PRODUCT_WINDOWS_DAYS)),
        Feature(
            name="repeat_product_share",
            meaning="Share of products bought on more than one day.",
            unit=SHARE,
            null_means="no product known",
            inputs=life | fact("product", "repeated"),
            value=ratio(pl.col(fact_name("product", "repeated")), pl.col(fact_name("product", "distinct"))),
            phrase="comes back for {repeat_product_share} of products",
        ),
        *new,
        Feature(
            name="recent_product_share",
            meaning=f"Share of all products ever bought that were bought in the last {RECENT_DAYS} days.",
            unit=SHARE,
            null_means="no product known",
            window_days=RECENT_DAYS,
            inputs=life | recent,
            value=ratio(*(pl.col(name) for name in (recent | life))),
            phrase="lately bought {recent_product_share} of all products they ever bought",
        ),
        Feature(
            name="products_per_purchase_day",
            meaning="Mean number of different products on a day with a purchase.",
            unit="products",
            null_means="no product known",
            inputs=fact("product", "item_days") | total("visit_count"),
            value=ratio(pl.col(fact_name("product", "item_days")), pl.col("visit_count_life")),
            phrase="buys {products_per_purchase_day} different products a day",
        ),
        entropy("product", "products"),
        favourite_share("product"),
    ]


def _groups(kind: str, plural: str) -> list[Feature]:
    return [
        distinct(kind, plural, None),
        distinct(kind, plural, YEAR_DAYS),
        entropy(kind, plural),
        favourite_share(kind),
        favourite_share(kind, RECENT_DAYS),
        drift(kind, plural),
    ]


def _price_level() -> Feature:
    weighted, lines = fact("price", "weighted"), fact("price", "lines")
    return Feature(
        name="price_level_in_category",
        meaning="List price of what they buy over the mean list price in its category, averaged over lines: above 1 "
        "they buy the dearer products.",
        unit="ratio",
        null_means="no product with a list price and a category bought",
        needs=("orders", "products", "products.category", "products.list_price"),
        inputs=weighted | lines,
        value=ratio(pl.col(fact_name("price", "weighted")), pl.col(fact_name("price", "lines")) * THOUSANDTHS),
        phrase="buys products at {price_level_in_category} times the mean price of their category",
    )


def _per_purchase(what: str, column: str, days: int | None, scale: int) -> Feature:
    name = f"{what}_per_purchase_{days}_days" if days else f"{what}_per_purchase_life"
    unit = "lines" if what == "lines" else "units"
    return Feature(
        name=name,
        meaning=f"Mean {what} of a purchase" + (f" in the last {days} days." if days else "."),
        unit=unit,
        null_means=f"no purchase in the last {days} days" if days else "never",
        window_days=days,
        inputs=total("purchase_count", days) | total(column, days),
        value=ratio(pl.col(total_name(column, days)), pl.col(total_name("purchase_count", days)) * scale),
        phrase=f"buys {{{name}}} {unit} an order",
        phrase_when_null=f"has not ordered for {days} days" if days else "has a short history",
    )


def _per_unit(days: int | None) -> Feature:
    name = f"amount_per_unit_{days}_days" if days else "amount_per_unit_life"
    return Feature(
        name=name,
        meaning="Mean amount paid for a unit" + (f" in the last {days} days." if days else "."),
        unit="minor units",
        null_means=f"nothing bought in the last {days} days" if days else "no quantity known",
        window_days=days,
        inputs=total("sold_amount", days) | total("sold_thousandths", days),
        value=ratio(
            pl.col(total_name("sold_amount", days)) * THOUSANDTHS, pl.col(total_name("sold_thousandths", days))
        ),
        phrase=f"pays {{{name}}} for a unit",
        phrase_when_null=f"has not ordered for {days} days" if days else "has a short history",
    )


FAMILY = Family(
    name="assortment",
    about="What the customer buys: breadth, repeats, novelties, drift, price level, basket size.",
    features=(
        *_products(),
        *(feature for kind, plural in _GROUPS.items() for feature in _groups(kind, plural)),
        _price_level(),
        *(
            _per_purchase(what, column, days, scale)
            for days in (None, YEAR_DAYS)
            for what, column, scale in (
                ("lines", "purchase_line_count", 1),
                ("quantity", "purchase_thousandths", THOUSANDTHS),
            )
        ),
        _per_purchase("lines", "purchase_line_count", RECENT_DAYS, 1),
        *(_per_unit(days) for days in (None, YEAR_DAYS)),
    ),
)
