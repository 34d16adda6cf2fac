"""Complaints of a simulated company's customers, and what they truly do: who leaves because nobody settled theirs.

Belongs here: tickets in the core layer's shape, the orders that remain, and the counterfactual. Does not: the shop
itself (`retailer.py`), which is not changed.

A purchase leads to a complaint now and then. Frequent buyers' complaints are settled more often than others', so that
whoever compares without regard to how often customers buy is misled. Some whose complaint was not settled never come
back; of those who were served well few do not.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulation.randomness import stream
from simulation.retailer import SimulatedCompany
from simulation.tables import stamped

COMPLAINT_PROBABILITY = 0.025  # of a purchase
LEAVES_UNSETTLED, LEAVES_SETTLED = 0.35, 0.04
_SETTLED_FROM, _SETTLED_BY_RATE = 0.35, 0.35  # of the rarest buyers, and what the most frequent have on top
_SETTLED_SATISFACTION, _UNSETTLED_SATISFACTION = (4.0, 5.0), (1.0, 2.0, 3.0)
_SHARE_JUDGED = 0.5


@dataclass(frozen=True)
class SimulatedComplaints:
    """What the company records, and the truth.

    Attributes:
        orders: the company's order lines without those that complaints prevented.
        tickets: core `tickets`, one row a complaint that was made.
        truth: one row a ticket: `ticket_id`, `customer_id`, `opened_on` (Date), `settled`, `left_for_it` (Boolean).
    """

    orders: pl.DataFrame
    tickets: pl.DataFrame
    truth: pl.DataFrame


def simulate_complaints(company: SimulatedCompany, *, seed: int) -> SimulatedComplaints:
    """Draw complaints about a company's purchases; the same arguments give the same.

    Args:
        company: whose customers complain.
        seed: any integer of at least 0.
    """
    rng = stream(seed, "complaints")
    made = _with_what_follows(rng, _complaints(rng, company), company)
    lost = made.filter("left_for_it").group_by("customer_id").agg(pl.col("opened_at").min().alias("lost_at"))
    joined = made.join(lost, on="customer_id", how="left", validate="m:1", maintain_order="left")
    before = pl.col("lost_at").is_null() | (pl.col("opened_at") <= pl.col("lost_at"))
    kept = joined.filter(before).with_columns(
        ("k" + (pl.int_range(pl.len()) + 1).cast(pl.String).str.zfill(6)).alias("ticket_id")
    )
    orders = company.orders.join(lost, on="customer_id", how="left", validate="m:1", maintain_order="left")
    remains = pl.col("lost_at").is_null() | (pl.col("ordered_at") < pl.col("lost_at"))
    opened_on = pl.col("opened_at").dt.convert_time_zone(company.time_zone).dt.date().alias("opened_on")
    return SimulatedComplaints(
        orders=orders.filter(remains).drop("lost_at"),
        tickets=_tickets(kept),
        truth=kept.select("ticket_id", "customer_id", opened_on, "settled", "left_for_it"),
    )


def _complaints(rng: np.random.Generator, company: SimulatedCompany) -> pl.DataFrame:
    """`customer_id`, `opened_at` one to ten days after a purchase, in the order they were made."""
    bought = company.orders.filter(pl.col("amount") > 0).unique("order_id", maintain_order=True)
    bought = bought.select("customer_id", "ordered_at")
    complained = bought.filter(pl.Series(rng.random(bought.height) < COMPLAINT_PROBABILITY))
    hours = pl.Series(rng.integers(24, 240, complained.height))
    opened = complained.with_columns(hours.alias("hours")).select(
        "customer_id", (pl.col("ordered_at") + pl.duration(hours="hours")).alias("opened_at")
    )
    return opened.filter(pl.col("opened_at").dt.date() < company.end).sort("opened_at", "customer_id")


def _with_what_follows(rng: np.random.Generator, made: pl.DataFrame, company: SimulatedCompany) -> pl.DataFrame:
    """Whether each was settled, how that was judged, and whether the customer leaves for it."""
    rates = company.truth.select("customer_id", pl.col("buying_rate_per_year").rank() / pl.len())
    rate = made.join(rates, on="customer_id", how="left", validate="m:1", maintain_order="left")["buying_rate_per_year"]
    settled = rng.random(made.height) < _SETTLED_FROM + _SETTLED_BY_RATE * rate.to_numpy()
    leaves = rng.random(made.height) < np.where(settled, LEAVES_SETTLED, LEAVES_UNSETTLED)
    good, bad = (
        rng.choice(scale, made.height).astype(np.float64) for scale in (_SETTLED_SATISFACTION, _UNSETTLED_SATISFACTION)
    )
    judged = rng.random(made.height) < _SHARE_JUDGED
    hours = np.where(settled, rng.integers(2, 120, made.height), rng.integers(240, 960, made.height))
    return made.with_columns(
        pl.Series("settled", settled),
        pl.Series("left_for_it", leaves),
        pl.Series("hours", hours),
        pl.when(pl.Series(judged)).then(pl.Series(np.where(settled, good, bad))).alias("satisfaction"),
    )


def _tickets(kept: pl.DataFrame) -> pl.DataFrame:
    """Core `tickets`."""
    core = kept.select(
        "ticket_id",
        "customer_id",
        "opened_at",
        (pl.col("opened_at") + pl.duration(hours="hours")).alias("resolved_at"),
        pl.lit("complaint").alias("kind"),
        pl.lit("phone").alias("channel"),
        pl.lit(1, pl.Int32).alias("severity"),
        pl.lit(None, pl.Int64).alias("compensation"),
        "satisfaction",
    )
    return stamped(core, known_at=pl.col("opened_at"))
