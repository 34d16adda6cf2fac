"""How ranks by value score change with other weights: a question, nothing is published.

Belongs here: reading the published points, asking for ranks. Does not: the score (`segments.standing.value_score`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from flows.context import Context
from flows.errors_segmenting import WeightUnreadableError
from flows.published.errors_exporting import NothingPublishedError
from segments.standing.value_score import CRITERIA, points_column, rank_changes
from warehouse.publishing.publications import PUBLISHED_SCHEMA

TOP_SHARE = 0.2  # who gets a service policy of their own


def changed_weights(weights: Mapping[str, float], changes: Sequence[str]) -> dict[str, float]:
    """Weights with changes like `loyalty=0.3`.

    Raises:
        WeightUnreadableError: a change is no criterion and number, or nothing is left to weigh.
    """
    made = dict.fromkeys(CRITERIA, 0.0) | dict(weights)
    for change in changes:
        name, _, number = change.partition("=")
        try:
            made[_criterion(name.strip(), change)] = float(number)
        except ValueError:
            raise WeightUnreadableError(got=change, criteria=list(CRITERIA)) from None
    total = sum(made.values())
    if not (min(made.values()) >= 0 and 0 < total < float("inf")):
        raise WeightUnreadableError(got=", ".join(changes), criteria=list(CRITERIA))
    return made


def reweighed(context: Context, changes: Sequence[str], *, limit: int) -> dict[str, Any]:
    """Whose rank changes, in plain values.

    Args:
        context: the surroundings.
        changes: `CRITERION=NUMBER`; the other weights stay.
        limit: how many customers to list who gain, and who lose.

    Raises:
        WeightUnreadableError: see `changed_weights`.
        NothingPublishedError: no night with value scores is published.
    """
    before = changed_weights(dict(context.settings.segmentation.weights.items()), ())
    after = changed_weights(before, changes)
    with context.warehouse(read_only=True) as warehouse:
        if "customer_value" not in warehouse.views(PUBLISHED_SCHEMA):
            raise NothingPublishedError
        rows = warehouse.read_table(PUBLISHED_SCHEMA, "customer_value")
    measured = rows.filter(pl.col("value_score").is_not_null()).select("customer_id", *map(points_column, CRITERIA))
    moved = rank_changes(measured, weights_before=before, weights_after=after)
    cut = round(moved.height * TOP_SHARE)
    joins = (pl.col("rank_after") <= cut) & (pl.col("rank_before") > cut)
    gained, lost = moved.filter(pl.col("places_gained") > 0), moved.filter(pl.col("places_gained") < 0)
    return {
        "weights_before": before,
        "weights_after": after,
        "customers": moved.height,
        "customers_who_change_place": gained.height + lost.height,
        "top_customers": cut,
        "new_among_the_top": moved.filter(joins).height,
        "gain_most": gained.head(limit).to_dicts(),
        "lose_most": lost.reverse().head(limit).to_dicts(),
    }


def _criterion(name: str, change: str) -> str:
    if name not in CRITERIA:
        raise WeightUnreadableError(got=change, criteria=list(CRITERIA))
    return name
