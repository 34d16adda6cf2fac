"""Who is never contacted, so that the effect of contacting the others can be told.

Belongs here: the draw, a pure function of ids. Does not: how large the group is (a setting), who else is left out.

The draw is a hash of audience and customer: the same people every night, on every machine, without a list to keep; of
another audience other people. Nobody can be moved in or out by hand, which is what makes the comparison fair.
"""

import hashlib

import polars as pl

DRAW_RANGE = 2**64


def in_control_group(customer_ids: pl.Series, *, audience: str, share: float) -> pl.Series:
    """Whether each customer is held out of an audience.

    Args:
        customer_ids: String.
        audience: its name (a campaign's, a list's); another name draws anew.
        share: of customers to hold out, from 0 to 1. A larger share keeps everybody who was in a smaller one.

    Returns:
        Boolean `in_control_group`, in the order of `customer_ids`.
    """
    threshold = round(share * DRAW_RANGE)
    drawn = [drawn_of(audience, customer_id) < threshold for customer_id in customer_ids]
    return pl.Series("in_control_group", drawn, dtype=pl.Boolean)


def drawn_of(audience: str, name: str) -> int:
    """A whole number below `DRAW_RANGE`, evenly spread: first 64 bits of SHA-256(audience, separator, name)."""
    digest = hashlib.sha256(f"{audience}\x1f{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big")
