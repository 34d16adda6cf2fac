"""What is recorded of campaigns, offers and products, ready to be asked.

Belongs here: names, fixed costs, last days, what an offer promotes. Does not: contacts and orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

CAMPAIGNS: Mapping[str, pl.DataType] = {
    "campaign_id": pl.String(),
    "name": pl.String(),
    "ends_on": pl.Date(),
    "cost": pl.Int64(),
    "offer_id": pl.String(),
    "channel": pl.String(),
}
OFFERS: Mapping[str, pl.DataType] = {
    "offer_id": pl.String(),
    "product_id": pl.String(),
    "category": pl.String(),
    "cost": pl.Int64(),
}
PRODUCTS: Mapping[str, pl.DataType] = {"product_id": pl.String(), "category": pl.String()}
SALES: Mapping[str, pl.DataType] = {
    "day": pl.Date(),
    "net_amount": pl.Int64(),
    "costed_amount": pl.Int64(),
    "cost_amount": pl.Int64(),
}
"""Net sales of a day, of those lines whose cost is known, and that cost; minor units."""
KNOWN_COSTS = 0.9  # of the sales, for a margin to count as measured


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Small tables of the company; empty where it records none.

    Attributes:
        campaigns: as `CAMPAIGNS`, one row a campaign.
        offers: as `OFFERS`, one row an offer.
        products: as `PRODUCTS`.
        sales: as `SALES`, any number of rows a day.
        assumed_margin_share: of sales, where too few lines have a cost.
        channel_costs: what a contact by a channel costs where none is recorded, minor units.
        orders_begin_on: the day of the first order.
    """

    campaigns: pl.DataFrame
    offers: pl.DataFrame
    products: pl.DataFrame
    sales: pl.DataFrame
    assumed_margin_share: float
    channel_costs: Mapping[str, int]
    orders_begin_on: date

    def completed(self, contacts: pl.DataFrame) -> pl.DataFrame:
        """Contacts with offer and channel of their campaign where they have none, and with the cost of the channel."""
        own = self.campaigns.select("campaign_id", of_offer="offer_id", of_channel="channel")
        joined = contacts.join(own, on="campaign_id", how="left", validate="m:1", maintain_order="left")
        filled = joined.with_columns(
            pl.coalesce("offer_id", "of_offer").alias("offer_id"), pl.coalesce("channel", "of_channel").alias("channel")
        ).drop("of_offer", "of_channel")
        if not self.channel_costs:
            return filled
        assumed = pl.col("channel").replace_strict(dict(self.channel_costs), default=None, return_dtype=pl.Int64)
        return filled.with_columns(pl.coalesce("cost", assumed).alias("cost"))

    def ends(self) -> dict[str, date]:
        """The last day on which a response counts, by campaign, where it is recorded."""
        return dict(self.campaigns.select("campaign_id", "ends_on").drop_nulls().iter_rows())

    def name_and_cost(self, campaign_id: str) -> tuple[str | None, int | None]:
        """Of a campaign; None for what is not recorded."""
        own = self.campaigns.filter(pl.col("campaign_id") == campaign_id)
        return (own["name"][0], own["cost"][0]) if own.height else (None, None)

    @property
    def redemption_costs(self) -> dict[str, int]:
        """By offer, what a response costs beside the discount, minor units."""
        return dict(self.offers.select("offer_id", "cost").drop_nulls().iter_rows())

    def margin_share(self, first: date, last: date) -> tuple[float, bool]:
        """Margin as a share of the sales of a campaign's own days, and whether it was measured (see `margin_share`)."""
        own = self.sales.filter(pl.col("day").is_between(first, last))
        return margin_share(own, assumed=self.assumed_margin_share)

    def promoted(self, offer_ids: Sequence[str]) -> pl.Series | None:
        """`product_id` of what offers promote; None where they promote nothing in particular."""
        own = self.offers.filter(pl.col("offer_id").is_in(list(offer_ids)))
        named = own["product_id"].drop_nulls()
        categories = own.filter(pl.col("product_id").is_null())["category"].drop_nulls()
        wide = self.products.filter(pl.col("category").is_in(categories.to_list()))["product_id"]
        found = pl.concat([named, wide.drop_nulls()]).unique().sort()
        return found if len(found) else None


def margin_share(sales: pl.DataFrame, *, assumed: float) -> tuple[float, bool]:
    """Margin as a share of sales, and whether it was measured (else: assumed).

    Measured is what has costs for nine tenths of the amount: a few lines with a cost say nothing of the others.

    Args:
        sales: as `SALES`.
        assumed: the share where it is not measured.
    """
    everything, costed, cost = (int(sales[name].sum()) for name in ("net_amount", "costed_amount", "cost_amount"))
    if costed <= 0 or costed < KNOWN_COSTS * everything:
        return assumed, False
    return max((costed - cost) / costed, 0.0), True
