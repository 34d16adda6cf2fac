"""What the champions were trained on, counted and kept in their bundles: what later nights are held against.

Belongs here: the step of a training. Does not: counting (`models.snapshots.reference_counts`), holding nights
against it (`flows.nights.drifting`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from flows.context import Context
from flows.learning.training import Learnt
from models.contractual.facts import SCHEMA
from models.snapshots.labels import KEYS
from models.snapshots.reference_counts import FILE, Reference, sampled, take_reference, with_columns_counted
from models.snapshots.rows import TrainingData
from segments.receipts.contract import LEAVING

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.contractual.training import ContractData

SCORED_ROWS_A_SNAPSHOT = 10_000
Tick = Callable[[], None]


def keep_references(
    context: Context,  # noqa: ARG001 every step is handed one
    *,
    learnt: Learnt,
    bundles: Sequence["Bundle"],
    tick: Tick,
) -> list["Bundle"]:
    """The bundles with the counts beside them: of churn the customers and its scores, of value its scores."""
    tick()
    data, outcomes = learnt.tables.data, learnt.tables.churn_outcomes
    return [with_reference(bundle, data, outcomes) for bundle in bundles]


def with_reference(bundle: "Bundle", data: TrainingData, outcomes: pl.DataFrame) -> "Bundle":
    """The bundle with counts of what it was trained on; one that speaks of no customer as it was.

    Args:
        bundle: of churn, value, or anything else.
        data: what churn and value were trained from.
        outcomes: of churn, see `labels.outcomes`.
    """
    from models.purchases.churn import predict_churn  # noqa: PLC0415 imports LightGBM
    from models.value.model import predict_value  # noqa: PLC0415 likewise

    few = sampled(data.features, SCORED_ROWS_A_SNAPSHOT)
    if bundle.name == "churn":
        counted = take_reference(data.features, data.feature_names, outcomes=_left(data, outcomes))
        return kept_with(bundle, with_columns_counted(counted, predict_churn(bundle, few)))
    if bundle.name == "value":
        amounts = predict_value(bundle, few).select(*KEYS, "expected_value_90d_amount", "expected_value_12m_amount")
        return kept_with(bundle, with_columns_counted(Reference(bins={}, counts={}, outcomes={}), amounts))
    return bundle


def with_subscribers(bundle: "Bundle", data: "ContractData") -> "Bundle":
    """The subscription model's bundle with counts of the subscribers it was trained on, and of its scores."""
    from models.contractual.training import predict_subscriptions  # noqa: PLC0415 imports LightGBM

    if data.rows.is_empty():
        return bundle
    of_contracts = [name for name in SCHEMA if name not in KEYS]
    counted = take_reference(data.rows, (*data.feature_names, *of_contracts))
    said = predict_subscriptions(bundle, sampled(data.rows, SCORED_ROWS_A_SNAPSHOT)).select(*KEYS, LEAVING)
    return kept_with(bundle, with_columns_counted(counted, said))


def kept_with(bundle: "Bundle", reference: Reference) -> "Bundle":
    """The bundle with a reference among its files."""
    return replace(bundle, files=bundle.files | {FILE: reference.file()})


def _left(data: TrainingData, outcomes: pl.DataFrame) -> dict[date, float]:
    """By snapshot, the share of those asked about who left."""
    asked = data.features.select(KEYS).join(outcomes.select(*KEYS, "churned"), on=KEYS, how="inner", validate="1:1")
    shares = asked.group_by("snapshot_date").agg(pl.col("churned").mean()).sort("snapshot_date")
    return {day: float(share) for day, share in shares.iter_rows()}
