"""The whole ledger: bucket by bucket of customers to rows on disk, then campaign by campaign to figures.

Belongs here: the order of the steps, and what is in memory when. Does not: reading core rows (`flows`), any formula.

First the contacts are counted, which says what is to be compared; then every bucket's customers get their figures,
kept in a folder; then one campaign after the other is read back and compared. In memory is one bucket, or one campaign.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from segments.campaigns.contract import ledger_frame
from segments.campaigns.ledger import CampaignFacts, campaign_ledger, ends_on
from segments.campaigns.people import Plan, counts, likes, places, plans, sides, with_campaigns
from segments.campaigns.recorded import Recorded
from segments.campaigns.rows import campaign_rows, ledgers
from segments.campaigns.rules import ALL_CUT, CampaignRules
from segments.campaigns.telling import told
from segments.money import Currency

Reader = Callable[[int], pl.DataFrame]
BALANCE_SCHEMA = {"campaign_id": pl.String, "measure": pl.String, "standardised_difference": pl.Float64}
_SENDS = ("campaign_id", "offer_id", "channel")
_KEPT = ("side", "index_on", "propensity", "offer_id", "channel", "responded")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where core rows come from, a bucket of customers at a time.

    Attributes:
        buckets: their numbers.
        contacts: as `people.CONTACTS`, before the business date.
        lines: as `rows.LINES`, before the business date; `discount_amount` null where it is not recorded.
        known: `customer_id` (unique), `known_from` (Date; null: never seen buying or registered) of everybody.
    """

    buckets: Sequence[int]
    contacts: Reader
    lines: Reader
    known: Reader


@dataclass(frozen=True, kw_only=True)
class _Counted:
    sides: pl.DataFrame
    sends: pl.DataFrame
    known: pl.DataFrame
    responses_recorded: bool


def make_ledger(
    source: Source,
    recorded: Recorded,
    *,
    as_of: date,
    rules: CampaignRules,
    currency: Currency,
    folder: Path,
    tick: Callable[[], None] = lambda: None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The campaign ledger and the balance behind it.

    Args:
        source: the core rows.
        recorded: campaigns, offers and products.
        as_of: the business date.
        rules: the limits.
        currency: of the amounts.
        folder: an empty one, for rows on the way.
        tick: called after each bucket, once a pass.

    Returns:
        The ledger without its stamps, nothing restated, amounts Int64 in minor units; and one row a campaign and
        measure, as `BALANCE_SCHEMA`.
    """
    counted = _count(source, recorded, tick)
    found = plans(counted.sides, recorded.ends(), known=counted.known, as_of=as_of, rules=rules)
    ready = [one for one in found if ends_on(one) < as_of and one.first_on >= recorded.orders_begin_on]
    offers = {one.campaign_id: _offers_of(one, counted) for one in ready}
    promoted = {name: recorded.promoted(of_campaign) for name, of_campaign in offers.items()}
    discounts = _keep_rows(source, recorded, counted, ready, promoted, folder=folder, tick=tick)
    kept = pl.scan_parquet(folder / "*.parquet") if ready and source.buckets else None
    rows, balance = [], [pl.DataFrame(schema=BALANCE_SCHEMA)]
    for plan in found:
        own = None
        if kept is not None and plan.campaign_id in promoted:
            own = kept.filter(pl.col("campaign_id") == plan.campaign_id).drop("campaign_id").collect()
        facts = _facts(plan, counted, recorded, discounts_recorded=discounts)
        for row, comparison in campaign_ledger(own, plan, facts, as_of=as_of, rules=rules):
            words = told(row, comparison, currency=currency, least_customers=rules.least_customers)
            rows.append(row | {"in_words": words})
            if row["cut"] == ALL_CUT:
                balance.append(_balance(plan, comparison.imbalance))
    return ledger_frame(rows, currency), pl.concat(balance)


def _count(source: Source, recorded: Recorded, tick: Callable[[], None]) -> _Counted:
    """What is to be compared: who is on which side by day, and what was sent."""
    sided, sends, known, responses = [], [], [], 0
    for bucket in source.buckets:
        contacts = with_campaigns(recorded.completed(source.contacts(bucket)))
        known.append(source.known(bucket).group_by("known_from").agg(pl.len().alias("customers")))
        responses += int(contacts["responded"].sum() or 0)
        sided.append(counts(sides(contacts)))
        sent = contacts.filter(~pl.col("held_out"))
        sends.append(
            sent.group_by(_SENDS).agg(
                pl.len().cast(pl.Int64).alias("contacts"),
                pl.col("cost").sum(),
                pl.col("cost").count().cast(pl.Int64).alias("costed"),
            )
        )
        tick()
    summed = pl.concat(sends).group_by(_SENDS).agg(pl.sum("contacts", "cost", "costed")).sort(_SENDS, nulls_last=True)
    return _Counted(sides=pl.concat(sided), sends=summed, known=pl.concat(known), responses_recorded=responses > 0)


def _keep_rows(
    source: Source,
    recorded: Recorded,
    counted: _Counted,
    ready: Sequence[Plan],
    promoted: dict[str, pl.Series | None],
    *,
    folder: Path,
    tick: Callable[[], None],
) -> bool:
    """Write every bucket's rows; whether any line tells its discount."""
    discounts = False
    for bucket in source.buckets if ready else ():
        contacts = with_campaigns(recorded.completed(source.contacts(bucket)))
        if not counted.responses_recorded:
            contacts = contacts.with_columns(pl.lit(None, pl.Boolean).alias("responded"))
        lines = source.lines(bucket)
        discounts |= lines["discount_amount"].null_count() < lines.height
        known = source.known(bucket).sort("customer_id")
        people = known.with_columns(pl.Series("place", places(known["customer_id"])))
        found = ledgers(people, lines.with_columns(pl.col("discount_amount").fill_null(0)), contacts)
        of_campaigns = sides(contacts).partition_by("campaign_id", as_dict=True)
        parts = []
        for plan in ready:
            own = of_campaigns.get((plan.campaign_id,))
            sided = pl.DataFrame(schema={"customer_id": pl.String}) if own is None else own
            taken = sided["customer_id"]
            if plan.like_share:
                sided = pl.concat([sided, likes(people, taken, plan)], how="diagonal_relaxed")
            if sided.height:
                share, _ = recorded.margin_share(plan.first_on, ends_on(plan))
                rows = campaign_rows(
                    _with_all(sided), found, plan, promoted=promoted[plan.campaign_id], margin_share=share
                )
                parts.append(rows.with_columns(pl.lit(plan.campaign_id).alias("campaign_id")))
        if parts:
            pl.concat(parts).write_parquet(folder / f"{bucket:06}.parquet", row_group_size=50_000)
        tick()
    return discounts


def _with_all(sided: pl.DataFrame) -> pl.DataFrame:
    dtypes = dict(zip(_KEPT, (pl.Int8, pl.Date, pl.Float64, pl.String, pl.String, pl.Boolean), strict=True))
    return sided.select(
        "customer_id",
        *(pl.col(name) if name in sided.columns else pl.lit(None, dtypes[name]).alias(name) for name in _KEPT),
    )


def _offers_of(plan: Plan, counted: _Counted) -> list[str]:
    return counted.sends.filter(pl.col("campaign_id") == plan.campaign_id)["offer_id"].drop_nulls().unique().to_list()


def _facts(plan: Plan, counted: _Counted, recorded: Recorded, *, discounts_recorded: bool) -> CampaignFacts:
    name, fixed_cost = recorded.name_and_cost(plan.campaign_id)
    return CampaignFacts(
        name=name,
        fixed_cost=fixed_cost,
        sends=counted.sends.filter(pl.col("campaign_id") == plan.campaign_id),
        redemption_costs=recorded.redemption_costs,
        discounts_recorded=discounts_recorded,
        margin_measured=recorded.margin_share(plan.first_on, ends_on(plan))[1],
        orders_begin_on=recorded.orders_begin_on,
    )


def _balance(plan: Plan, imbalance: Any) -> pl.DataFrame:  # noqa: ANN401 a mapping of names to numbers
    return pl.DataFrame(
        [(plan.campaign_id, name, value) for name, value in imbalance.items()], schema=BALANCE_SCHEMA, orient="row"
    )
