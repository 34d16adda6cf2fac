"""A small company with one letter whose effect is known; tests override only what matters."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

SENT = date(2025, 9, 1)
BEGIN = date(2023, 1, 1)
AS_OF = date(2026, 1, 1)


@pytest.fixture(scope="session")
def make_company():
    """Customers, their orders, and the contacts of one letter.

    Returns contacts and lines; `effect` minor units are added to every contacted customer five days after the letter,
    `later` a window after that; `chosen` says who gets it by their spending of the last year (a function of a frame
    with `customer_id` and `spent` to a Boolean expression's values).
    """

    def make(*, customers=1200, hold_out=0.3, effect=0, later=0, chosen=None, seed=1, contact=None):
        rng = np.random.default_rng(seed)
        ids = [f"c{number:05}" for number in range(customers)]
        rate = rng.gamma(2.0, 5.0, customers)
        orders = rng.poisson(rate * 3)
        who = np.repeat(np.arange(customers), orders)
        days = rng.integers(0, (AS_OF - BEGIN).days, len(who))
        lines = pl.DataFrame(
            {
                "customer_id": [ids[place] for place in who],
                "order_id": [f"o{number}" for number in range(len(who))],
                "product_id": rng.choice(["tea", "salt"], len(who)),
                "day": [BEGIN + timedelta(days=int(day)) for day in days],
                "net_amount": np.round(rng.lognormal(7, 0.5, len(who))).astype(np.int64),
            }
        )
        year = pl.col("day").is_between(SENT - timedelta(days=365), SENT, closed="left")
        spent = lines.filter(year).group_by("customer_id").agg(pl.sum("net_amount").alias("spent")).sort("customer_id")
        picked = spent["customer_id"] if chosen is None else spent.filter(chosen(spent, rng))["customer_id"]
        held_out = pl.Series(rng.random(len(picked)) < hold_out)
        contacts = pl.DataFrame({"customer_id": picked, "held_out": held_out}).with_columns(
            pl.concat_str(pl.lit("k"), "customer_id").alias("contact_id"),
            pl.lit("letter").alias("campaign_id"),
            pl.lit("post").alias("channel"),
            pl.lit(SENT).alias("sent_on"),
            pl.when("held_out").then(0).otherwise(50).alias("cost"),
        )
        contacts = contacts.with_columns(pl.lit(value).alias(name) for name, value in (contact or {}).items())
        addressed = picked.filter(~held_out)
        added = [
            pl.DataFrame({"customer_id": addressed}).with_columns(
                pl.concat_str(pl.lit(f"{product}-"), "customer_id").alias("order_id"),
                pl.lit(product).alias("product_id"),
                pl.lit(SENT + timedelta(days=after)).alias("day"),
                pl.lit(amount, pl.Int64).alias("net_amount"),
            )
            for amount, after, product in ((effect, 5, "tea"), (later, 40, "salt"))
            if amount
        ]
        lines = pl.concat([lines, *added]).with_columns((pl.col("net_amount") // 2).alias("margin_amount"))
        return contacts, lines

    return make
