"""What passes between the simulated shop and its customers beside orders: letters by lot, and complaints.

Belongs here: that both happen to one company, one after the other, and what follows for its orders and the truth. Does
not: what a letter (`campaigns.py`) or a complaint (`complaints.py`) causes, nor the files (`files.py`).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from simulation.campaigns import simulate_campaigns
from simulation.complaints import SimulatedComplaints, simulate_complaints
from simulation.retailer import SimulatedCompany
from simulation.tables import ORDER_ID_WIDTH

LETTERS_ABOUT = ("Kitchenware", "Home Textiles")  # dear enough that a letter can pay
HOLD_OUT_SHARE = 0.25
EXTRA_ORDER_SHARE = 0.2  # large, so that a few hundred held out can tell it
_DAYS_BETWEEN_LETTERS = 61  # two windows of 30 days, so that every effect is its own
_MOST_LETTERS = 6
_FIRST_LETTER_AFTER_DAYS = 180  # the company knows its customers by then


@dataclass(frozen=True)
class Dealings:
    """A company that writes letters and hears complaints.

    Attributes:
        company: with the orders that letters added and complaints prevented, and the truth about who left.
        campaigns: core `campaigns`; a letter each, the departments in turn.
        contacts: core `contacts`; who was written to, and who was held out by lot.
        offers: core `offers`; one a department.
        tickets: core `tickets`.
        caused: what each letter truly caused, see `campaigns.SimulatedCampaigns.truth`.
        complaints: one row a ticket, see `complaints.SimulatedComplaints.truth`.
    """

    company: SimulatedCompany
    campaigns: pl.DataFrame
    contacts: pl.DataFrame
    offers: pl.DataFrame
    tickets: pl.DataFrame
    caused: pl.DataFrame
    complaints: pl.DataFrame


def simulate_dealings(company: SimulatedCompany, *, seed: int) -> Dealings:
    """Let a company write letters and hear complaints; the same arguments give the same.

    Args:
        company: whose orders and truth change; it stays as it is.
        seed: any integer of at least 0.
    """
    heard = simulate_complaints(company, seed=seed)
    left = replace(company, orders=heard.orders, truth=_truth_of_leavers(company.truth, heard))
    written = simulate_campaigns(
        left,
        starts=_letters_on(company),
        hold_out_share=HOLD_OUT_SHARE,
        seed=seed,
        about=LETTERS_ABOUT,
        extra_order_share=EXTRA_ORDER_SHARE,
    )
    return Dealings(
        company=replace(left, orders=_numbered_anew(written.orders)),
        campaigns=written.campaigns,
        contacts=written.contacts,
        offers=written.offers,
        tickets=heard.tickets,
        caused=written.truth,
        complaints=heard.truth,
    )


def _letters_on(company: SimulatedCompany) -> list[date]:
    """The days of the letters, backwards from two windows before the end; none in a young company."""
    newest = company.end - timedelta(days=_DAYS_BETWEEN_LETTERS)
    days = [newest - timedelta(days=_DAYS_BETWEEN_LETTERS * place) for place in range(_MOST_LETTERS)]
    earliest = company.start + timedelta(days=_FIRST_LETTER_AFTER_DAYS)
    return sorted(day for day in days if day >= earliest)


def _truth_of_leavers(truth: pl.DataFrame, heard: SimulatedComplaints) -> pl.DataFrame:
    """The truth with those who left for a complaint gone from the day they made it."""
    opened = heard.tickets.select("ticket_id", "opened_at")
    leavers = heard.truth.filter("left_for_it").join(opened, on="ticket_id", validate="1:1")
    lost = leavers.group_by("customer_id").agg(pl.min("opened_at").alias("lost_at"))
    joined = truth.join(lost, on="customer_id", how="left", validate="1:1", maintain_order="left")
    gone = pl.col("lost_at") < pl.coalesce("died_at", pl.col("lost_at") + pl.duration(days=1))
    expected = [name for name in truth.columns if name.startswith("expected_")]
    return joined.with_columns(
        pl.when(gone).then("lost_at").otherwise("died_at").alias("died_at"),
        pl.when(gone).then(pl.lit(value=False)).otherwise("alive_at_end").alias("alive_at_end"),
        pl.when(gone & (pl.col("fades_from") >= pl.col("lost_at").dt.date()))
        .then(None)
        .otherwise("fades_from")
        .alias("fades_from"),
        *(
            pl.when(gone).then(pl.lit(0)).otherwise(pl.col(name)).cast(truth.schema[name]).alias(name)
            for name in expected
        ),
    ).select(truth.columns)


def _numbered_anew(orders: pl.DataFrame) -> pl.DataFrame:
    """Order numbers that run in the order things happened, as a shop's do; nothing tells a letter's orders apart."""
    number = pl.struct("ordered_at", "order_id").rank("dense").cast(pl.String).str.zfill(ORDER_ID_WIDTH)
    return orders.with_columns(number.alias("order_id")).sort("ordered_at", "order_id", "line_number")
