"""The candidates of a night's decisions: every ranked product, by every channel, at its price and by declared offers.

Belongs here: their frames, values and blocks. Does not: choosing, publishing.
"""

from dataclasses import dataclass

import polars as pl

from config.decisions import Channel, Decisions
from flows.decisions.contact_effects import ANY_CONTACT, Effects
from flows.decisions.inputs import ANY_CHANNEL, usual_contact_cost
from segments.decisions.values import with_values
from segments.product_names import told_apart

AUDIENCE = "next_best_offer"


@dataclass(frozen=True, kw_only=True)
class OfferFacts:
    """What candidates are made with.

    Attributes:
        margins: see `inputs.product_margins`.
        offers: declared offers as core rows, or None.
        contacts: see `inputs.sent_contacts`.
        effects: see `contact_effects.learn_effects`.
        minor_units: a major unit.
    """

    margins: pl.DataFrame
    offers: pl.DataFrame | None
    contacts: pl.DataFrame | None
    effects: Effects
    minor_units: int


def channels_of(decisions: Decisions) -> dict[str, Channel]:
    """The declared channels, or the one that is left open."""
    return dict(decisions.channels) or {ANY_CHANNEL: Channel(at_most=None)}


def channel_costs(contacts: pl.DataFrame | None, decisions: Decisions, *, minor_units: int) -> pl.DataFrame:
    """`channel`, `cost_amount` (Int64, minor units) of each channel: as declared, else what contacts cost so far.

    Where neither is known the amount is 0 and `cost_is_known` (Boolean) false: gains are told before it.
    """
    costs = {
        name: usual_contact_cost(contacts, name) if one.cost is None else round(one.cost * minor_units)
        for name, one in channels_of(decisions).items()
    }
    told = pl.DataFrame(
        {"channel": list(costs), "cost_amount": list(costs.values())},
        schema={"channel": pl.String, "cost_amount": pl.Int64},
    )
    return told.with_columns(
        pl.col("cost_amount").fill_null(0), pl.col("cost_amount").is_not_null().alias("cost_is_known")
    )


def offer_candidates(ranked: pl.DataFrame, facts: OfferFacts, decisions: Decisions) -> pl.DataFrame:
    """Candidates with their values.

    Args:
        ranked: `customer_id`, `rank`, `product_id`, `product_name`, `category`, `purchase_probability`.
        facts: see `OfferFacts`.
        decisions: the settings.

    Returns:
        A row a customer, offer and channel, with what `choosing.choose` wants but `blocked`; and `product_id`,
        `declared_offer_id`, `offer_name`, `category`, `valid_from`, `valid_to`, `stock`, `cost_is_known`.
    """
    rows = ranked.select("customer_id", "rank", "product_id", "product_name", "category", "purchase_probability")
    rows = rows.join(facts.margins, on="product_id", how="left", validate="m:1", maintain_order="left")
    rows = rows.with_columns(pl.col("margin_amount", "price_amount").fill_null(0), told_apart("customer_id"))
    rows = pl.concat([_at_their_price(rows), *_by_offer(rows, facts.offers)])
    rows = rows.join(channel_costs(facts.contacts, decisions, minor_units=facts.minor_units), how="cross")
    return with_values(_with_effects(rows, facts.effects)).sort("customer_id", "offer_id", "channel")


def stock_wanted(candidates: pl.LazyFrame) -> pl.LazyFrame:
    """Of candidates with a stock `declared_offer_id`, `stock`, `customers` (how many may have it)."""
    return (
        candidates.filter(pl.col("blocked").is_null() & pl.col("stock").is_not_null())
        .group_by("declared_offer_id", "stock")
        .agg(pl.n_unique("customer_id").alias("customers"))
    )


def tight_stock(wanted: pl.DataFrame) -> dict[str, int]:
    """Stock of the declared offers of which there may be too few.

    Args:
        wanted: see `stock_wanted`; of several groups of customers, one under the other.
    """
    short = (
        wanted.group_by("declared_offer_id", "stock")
        .agg(pl.sum("customers"))
        .filter(pl.col("stock") < pl.col("customers"))
        .sort("declared_offer_id")
    )
    return dict(short.select("declared_offer_id", "stock").iter_rows())


def _at_their_price(rows: pl.DataFrame) -> pl.DataFrame:
    nothing = {
        "declared_offer_id": pl.String,
        "discount_amount": pl.Int64,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "stock": pl.Int64,
    }
    return rows.with_columns(
        pl.col("product_id").alias("offer_id"),
        pl.col("product_name").alias("offer_name"),
        *(pl.lit(None, dtype).alias(name) for name, dtype in nothing.items()),
    ).with_columns(pl.col("discount_amount").fill_null(0), pl.lit(0, pl.Int64).alias("redemption_cost"))


def _by_offer(rows: pl.DataFrame, offers: pl.DataFrame | None) -> list[pl.DataFrame]:
    """Ranked products of customers with each declared offer that is about the product or its category."""
    if offers is None or not offers.height:
        return []
    wanted = {
        "offer_id": pl.String, "name": pl.String, "product_id": pl.String, "category": pl.String, "discount": pl.Int64,
        "discount_share": pl.Float64, "cost": pl.Int64, "valid_from": pl.Date, "valid_to": pl.Date, "stock": pl.Int64,
    }  # fmt: skip
    declared = offers.select(
        pl.col(name).cast(dtype) if name in offers.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in wanted.items()
    ).rename({"offer_id": "declared_offer_id", "name": "declared_name", "cost": "redemption_cost"})
    about_products = declared.filter(pl.col("product_id").is_not_null()).drop("category")
    about_categories = declared.filter(pl.col("product_id").is_null() & pl.col("category").is_not_null())
    matched = [
        rows.join(about_products, on="product_id", how="inner"),
        rows.join(about_categories.drop("product_id"), on="category", how="inner"),
    ]
    of_price = (pl.col("discount_share").fill_null(0.0) * pl.col("price_amount")).round(0).cast(pl.Int64)
    template = _at_their_price(rows.clear())
    return [
        one.with_columns(
            pl.concat_str("declared_offer_id", "product_id", separator=" on ").alias("offer_id"),
            pl.format("{} with {}", "product_name", pl.coalesce("declared_name", "declared_offer_id")).alias(
                "offer_name"
            ),
            (pl.col("discount").fill_null(0) + of_price).alias("discount_amount"),
            pl.col("redemption_cost").fill_null(0),
        ).select(template.columns)
        for one in matched
    ]


def _with_effects(rows: pl.DataFrame, effects: Effects) -> pl.DataFrame:
    """Measured effects: of the declared offer where it was tried, else of being contacted, in proportion.

    An effect of being contacted at all is that of the customer's best candidate; another has the part of it that its
    probability times margin has of the best one's.
    """
    none = [pl.lit(None, pl.Float64).alias(name) for name in ("effect", "effect_error")]
    names = ("effect_amount", "effect_amount_error")
    rows = rows.with_columns(*none, pl.col("discount_amount") + pl.col("redemption_cost"))
    if effects.by_customer is None:
        return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names).drop("redemption_cost")
    own = effects.by_customer.rename({"arm": "declared_offer_id"})
    rows = rows.join(own, on=["customer_id", "declared_offer_id"], how="left", validate="m:1", maintain_order="left")
    general = effects.by_customer.filter(pl.col("arm") == ANY_CONTACT).drop("arm")
    general = general.rename({name: f"any_{name}" for name in names})
    rows = rows.join(general, on="customer_id", how="left", validate="m:1", maintain_order="left")
    strength = pl.col("purchase_probability").fill_null(0.0) * pl.col("margin_amount")
    most = strength.max().over("customer_id")
    part = pl.when(most > 0).then(strength / most).otherwise(1.0)
    return rows.with_columns(pl.coalesce(name, pl.col(f"any_{name}") * part) for name in names).drop(
        "redemption_cost", *(f"any_{name}" for name in names)
    )
