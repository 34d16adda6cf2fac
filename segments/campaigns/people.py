"""Who is on which side of a campaign, and from which day on they are watched.

Belongs here: contacts to one row a (campaign, customer); the choice among those never contacted. Does not: what they
bought (`rows.py`).

A customer's first contact in a campaign says the side: who was held out first and addressed later stays held out,
since moving people afterwards would undo the lot.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.campaigns.rules import CONTACTED, HELD_OUT, LIKE, CampaignRules

Floats = npt.NDArray[np.float64]
CONTACTS: Mapping[str, pl.DataType] = {
    "contact_id": pl.String(),
    "campaign_id": pl.String(),
    "customer_id": pl.String(),
    "offer_id": pl.String(),
    "channel": pl.String(),
    "sent_on": pl.Date(),
    "held_out": pl.Boolean(),
    "propensity": pl.Float64(),
    "cost": pl.Int64(),
    "responded": pl.Boolean(),
}
"""What is asked of contacts; `cost` in minor units, `responded` by the business date (null: responses not recorded)."""
LEAST_LIKES = 20_000
_RANGE = float(2**64)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be compared in one campaign.

    Attributes:
        campaign_id: the campaign.
        first_on, last_on: days of the first and the last contact.
        window_days: how long a customer is watched.
        contacted, held_out: customers.
        days: the days on which customers were first addressed, each as often as it was, sorted; shape (days,).
        day_shares: cumulative share of the contacted by day, likewise.
        like_share: of those never contacted, how many are looked at; 0 where the hold-out does.
    """

    campaign_id: str
    first_on: date
    last_on: date
    window_days: int
    contacted: int
    held_out: int
    days: npt.NDArray[np.int64]
    day_shares: Floats
    like_share: float


def with_campaigns(contacts: pl.DataFrame) -> pl.DataFrame:
    """Every contact in a campaign: those without one are taken together by month."""
    month = pl.col("sent_on").dt.strftime("without campaign, %Y-%m")
    return contacts.with_columns(pl.coalesce("campaign_id", month), pl.col("held_out").fill_null(value=False))


def sides(contacts: pl.DataFrame) -> pl.DataFrame:
    """One row a (campaign, customer).

    Args:
        contacts: as `CONTACTS`, every one in a campaign.

    Returns:
        `campaign_id`, `customer_id`, `side` (Int8), `index_on` (Date of the first contact), `propensity`, `offer_id`,
        `channel` (of the first), `responded` (of any that was sent; null: not recorded), `moved` (Boolean: held out
        and addressed too). Sorted by campaign and customer.
    """
    ordered = contacts.sort("campaign_id", "customer_id", "sent_on", "contact_id")
    sent = ~pl.col("held_out")
    return (
        ordered.group_by("campaign_id", "customer_id", maintain_order=True)
        .agg(
            pl.when(pl.col("held_out").first()).then(HELD_OUT).otherwise(CONTACTED).cast(pl.Int8).alias("side"),
            pl.col("sent_on").first().alias("index_on"),
            pl.col("propensity", "offer_id", "channel").first(),
            pl.col("responded").filter(sent).any(ignore_nulls=False).alias("responded"),
            (pl.col("held_out").any() & sent.any()).alias("moved"),
        )
        .sort("campaign_id", "customer_id")
    )


def counts(sided: pl.DataFrame) -> pl.DataFrame:
    """`campaign_id`, `side`, `index_on`, `customers`: adds up over buckets of customers."""
    return sided.group_by("campaign_id", "side", "index_on").agg(pl.len().cast(pl.Int64).alias("customers"))


def plans(
    counted: pl.DataFrame, ends: Mapping[str, date], *, known: pl.DataFrame, as_of: date, rules: CampaignRules
) -> list[Plan]:
    """What is to be compared, campaign by campaign, sorted by first day and id.

    Args:
        counted: as `counts` returns it, of all buckets.
        ends: last day on which a response counts, by campaign, where it is recorded.
        known: `known_from` (Date), `customers`, any number of rows a day. Only those known before a campaign count, so
            that it is held against the same customers night after night.
        as_of: the business date.
        rules: the limits.
    """
    summed = counted.group_by("campaign_id", "side", "index_on").agg(pl.sum("customers"))
    found = [
        _plan(str(key[0]), of_campaign.sort("index_on"), ends.get(str(key[0])), known, rules)
        for key, of_campaign in summed.sort("campaign_id", "index_on", "side").group_by(
            "campaign_id", maintain_order=True
        )
    ]
    kept = [one for one in found if one.contacted and (as_of - one.first_on).days <= rules.days_back]
    return sorted(kept, key=lambda one: (one.first_on, one.campaign_id))


def _plan(
    campaign_id: str, counted: pl.DataFrame, ends: date | None, known: pl.DataFrame, rules: CampaignRules
) -> Plan:
    first, last = counted["index_on"][0], counted["index_on"][-1]
    window = rules.window_days
    if ends is not None:
        window = max(window, min((ends - first).days + 1, rules.longest_window_days))
    addressed = counted.filter(pl.col("side") == CONTACTED)
    contacted = int(addressed["customers"].sum())
    held_out = int(counted.filter(pl.col("side") == HELD_OUT)["customers"].sum())
    others = max(int(known.filter(pl.col("known_from") < first)["customers"].sum()) - contacted - held_out, 1)
    share = min(1.0, max(rules.likes_per_contacted * contacted, LEAST_LIKES) / others)
    days = addressed["index_on"].to_physical().cast(pl.Int64).to_numpy()
    return Plan(
        campaign_id=campaign_id,
        first_on=first,
        last_on=last,
        window_days=window,
        contacted=contacted,
        held_out=held_out,
        days=days,
        day_shares=np.cumsum(addressed["customers"].to_numpy()) / max(contacted, 1),
        like_share=0.0 if held_out >= rules.least_customers else share,
    )


def places(customer_ids: pl.Series) -> Floats:
    """A place in [0, 1) for each customer, evenly spread and the same on every machine: by SHA-256 of the id."""
    return np.array([_place(one) for one in customer_ids], dtype=np.float64)


def likes(people: pl.DataFrame, taken: pl.Series, plan: Plan) -> pl.DataFrame:
    """Of those who were no part of a campaign, whom to look at, each watched from a day on which others were addressed.

    Args:
        people: `customer_id`, `known_from` (Date; null: never), `place` (see `places`).
        taken: ids that are part of the campaign.
        plan: of the campaign.

    Returns:
        `customer_id`, `side`, `index_on`; in the order of `people`. Nobody who was not known by then.
    """
    shifted = (people["place"].to_numpy() + _place(plan.campaign_id)) % 1.0
    chosen = shifted < plan.like_share
    drawn = np.searchsorted(plan.day_shares, shifted[chosen] / max(plan.like_share, 1e-12), side="right")
    day = plan.days[np.minimum(drawn, len(plan.days) - 1)]
    rows = people.filter(pl.Series(chosen)).with_columns(
        pl.lit(LIKE, pl.Int8).alias("side"), pl.Series("index_on", day.astype(np.int32)).cast(pl.Date)
    )
    free = rows.join(taken.to_frame("customer_id"), on="customer_id", how="anti", maintain_order="left")
    return free.filter(pl.col("known_from") < pl.col("index_on")).select("customer_id", "side", "index_on")


def _place(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / _RANGE % 1.0
