"""What the company can see of a customer: type, region, age, contact data, consent.

Belongs here: the columns of the core table `customers`. Does not: hidden traits (`people.py`).
"""

import numpy as np
import polars as pl

from simulation.people import ACQUISITION_CHANNELS, People
from simulation.randomness import labels, pick

REGIONS = ("North", "North East", "East", "South East", "South", "South West", "West", "Midlands")
_REGION_SHARES = (0.12, 0.08, 0.11, 0.22, 0.14, 0.09, 0.1, 0.14)
_SHARE_CONSENTING = 0.72
_SHARE_WITH_EMAIL = 0.95
_SHARE_WITH_PHONE = 0.7
_CREDIT_LIMITS = (100_000, 250_000, 500_000, 1_000_000, 2_500_000)  # minor units
_CREDIT_LIMIT_SHARES = (0.35, 0.3, 0.2, 0.1, 0.05)


def customer_ids(count: int) -> pl.Series:
    """Customer numbers with leading zeros, five digits or as many as are needed."""
    width = max(5, len(str(count)))
    return pl.Series("customer_id", np.arange(1, count + 1)).cast(pl.String).str.zfill(width)


def describe_customers(
    rng: np.random.Generator, *, people: People, created_at: pl.Series, this_year: int
) -> pl.DataFrame:
    """One row a customer, as the core table `customers` but for `known_at` and `load_id`.

    Traders have a credit limit and no birth year; consumers the reverse. Some contact data are missing.
    """
    count = people.count
    credit_limit = np.asarray(_CREDIT_LIMITS)[pick(rng, _CREDIT_LIMIT_SHARES, count)]
    birth_year = this_year - np.clip(rng.normal(44.0, 14.0, count), 18, 90).astype(np.int64)
    number = customer_ids(count)
    phone = pl.Series(np.arange(count) + 1).cast(pl.String).str.zfill(max(6, len(str(count))))
    return pl.DataFrame(
        {
            "customer_id": number,
            "customer_type": labels(("consumer", "trader"), people.is_trader.astype(np.int64)).tolist(),
            "created_at": created_at,
            "region": labels(REGIONS, pick(rng, _REGION_SHARES, count)).tolist(),
            "birth_year": birth_year,
            "acquisition_channel": labels(ACQUISITION_CHANNELS, people.came_from).tolist(),
            "credit_limit": credit_limit,
            "email": "customer" + number + "@example.com",
            "phone": "+447700" + phone,
            "consent_marketing": rng.random(count) < _SHARE_CONSENTING,
            "_is_trader": people.is_trader,
            "_has_email": rng.random(count) < _SHARE_WITH_EMAIL,
            "_has_phone": rng.random(count) < _SHARE_WITH_PHONE,
        }
    ).select(
        "customer_id",
        "customer_type",
        "created_at",
        "region",
        pl.when(~pl.col("_is_trader")).then("birth_year").cast(pl.Int32).alias("birth_year"),
        "acquisition_channel",
        pl.when("_is_trader").then("credit_limit").cast(pl.Int64).alias("credit_limit"),
        pl.when("_has_email").then("email").alias("email"),
        pl.when("_has_phone").then("phone").alias("phone"),
        "consent_marketing",
    )
