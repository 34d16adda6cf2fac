"""Who gets something else than the best, and with which probability each thing was done: what next month learns from.

Belongs here: exploration by a persistent draw, and the propensities to log. Does not: the control group's draw
(`segments.control_group`), choosing.
"""

import polars as pl

from segments.control_group import in_control_group

EXPLORATION = "exploration of "


def explored(customer_ids: pl.Series, *, audience: str, share: float) -> pl.Series:
    """Whether each customer gets one of the offers open to them by lot instead of the best (Boolean, order kept).

    The same customers for an audience of the same name, every night and on every machine.
    """
    return in_control_group(customer_ids, audience=f"{EXPLORATION}{audience}", share=share).alias("is_explored")


def propensities(open_offers: pl.Series, *, control_share: float, exploration_share: float) -> pl.DataFrame:
    """With which probability the best offer, each other open offer, and nothing was chosen: to be logged.

    Args:
        open_offers: how many offers are open to each customer.
        control_share: of customers left alone.
        exploration_share: of the others who get any open offer by lot.

    Returns:
        `best`, `other`, `nothing` (Float64), a row a customer; best + other · (open - 1) + nothing is 1.
    """
    addressed = 1.0 - control_share
    by_lot = exploration_share / pl.col("open").clip(lower_bound=1)
    return pl.DataFrame({"open": open_offers.cast(pl.Float64)}).select(
        (addressed * (1.0 - exploration_share + by_lot)).alias("best"),
        (addressed * by_lot).alias("other"),
        pl.lit(control_share).alias("nothing"),
    )
