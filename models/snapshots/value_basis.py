"""What value is learnt of: margin where costs are known, else net sales; never some of both.

Belongs here: the choice, and which columns go with it. Does not: how value is learnt (`value`), or read off order lines
(`labels`).
"""

from collections.abc import Collection

import polars as pl

NET_SALES, MARGIN = "net_sales", "margin"
LEAST_KNOWN_SHARE = 0.9
SPEND_FEATURES = {NET_SALES: "net_amount_365_days", MARGIN: "margin_amount_365_days"}
"""By basis, the run rate's feature."""
OUTCOMES = {NET_SALES: "value_amount", MARGIN: "margin_amount"}
"""By basis, the column of `labels.outcomes`."""
MARGIN_SHARE = "margin_share"
"""Margin over net amount of a customer's whole history."""


def known_cost_share(costs: pl.DataFrame) -> float:
    """The part of the amount whose cost is known: of all history or of the last 365 days, whichever is less.

    Args:
        costs: see `labels.known_costs`; a row a bucket.
    """
    sums = costs.sum().row(0, named=True)
    shares = [
        sums[f"costed_amount{days}"] / sums[f"moved_amount{days}"]
        for days in ("", "_365_days")
        if sums[f"moved_amount{days}"]
    ]
    return min(shares, default=0.0)


def choose_basis(share: float, features: Collection[str], *, margin_wanted: bool = True) -> str:
    """Margin where at least 90 % of the amount has a known cost, and features tell margins; else net sales."""
    told = margin_wanted and {SPEND_FEATURES[MARGIN], MARGIN_SHARE} <= set(features)
    return MARGIN if told and share >= LEAST_KNOWN_SHARE else NET_SALES


def outcomes_of(outcomes: pl.DataFrame, basis: str) -> pl.DataFrame:
    """Outcomes whose `value_amount` is of the basis."""
    if basis == NET_SALES:
        return outcomes
    return outcomes.with_columns(pl.col(OUTCOMES[basis]).alias("value_amount"))
