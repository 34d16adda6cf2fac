"""Keeping every published score, and what follows from the receipts of those whose window is over.

Belongs here: what is kept of a night, the night's table of receipts, and what falling short means for training. Does
not: outcomes (`receipt_outcomes.py`), what a receipt says (`segments.receipts`), where files lie
(`warehouse.publishing.kept_scores`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.champions import Champion
from flows.nights.receipt_outcomes import (
    CHURN_HORIZON,
    LEAVING_HORIZON,
    LIST_WINDOW,
    LISTS,
    RENEWAL_HORIZON,
    RENEWAL_WINDOW,
    SUBSCRIBERS,
    all_receipts,
    with_model,
)
from flows.nights.scoring import Scores
from segments.build import SegmentTables
from segments.contract_columns import as_published
from segments.money import currency_of
from segments.receipts.contract import ALL, BROKEN, CATEGORY, CHURN, LEAVING, OFFER, RENEWAL, SCORE_RECEIPTS
from warehouse.ledger import Run
from warehouse.ledger_schema import ledger_rows
from warehouse.promotions import champion_for
from warehouse.publishing.kept_scores import KeptNight, keep
from warehouse.publishing.publications import PUBLISHED_SCHEMA, current_publication

Tick = Callable[[], None]
USUAL_HORIZON_DAYS: Final = 90
PROBABILITIES: Final = (CHURN, LEAVING, RENEWAL)
RENEWAL_STEP_DAYS: Final = 30  # a renewal's window is whole steps of the subscription model
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ScoredNight:
    """What a night's scores came from: the scores, the champions that made them, the feature files they were asked."""

    scores: Scores
    champions: Mapping[str, Champion]
    paths: Sequence[str]


def with_receipts(
    context: Context, *, core: CoreTables, scored: ScoredNight, tables: SegmentTables, run: Run, tick: Tick
) -> SegmentTables:
    """Keep the night's scores, and add `score_receipts` of all nights whose windows are over.

    Args:
        context: the surroundings.
        core: the load.
        scored: the night's scores.
        tables: of the night, as they are about to be published.
        run: the night's attempt.
        tick: told a part is done.
    """
    night = KeptNight(root=context.lake.root, as_of=run.as_of, run_key=run.run_key, attempt=run.attempt)
    keep(kept_rows(context, core=core, scored=scored, tables=tables), night.file)
    lists = kept_lists(scored.champions, tables)
    if lists.height:
        keep(lists, night.lists)
    tick()
    frame = all_receipts(context, core=core, as_of=run.as_of)
    currency = currency_of(context.settings.company.currency)
    made = as_published(frame, SCORE_RECEIPTS, as_of=run.as_of, run_key=run.run_key, currency=currency)
    return replace(tables, others={**tables.others, "score_receipts": PublishedTable(made, SCORE_RECEIPTS)})


def kept_rows(context: Context, *, core: CoreTables, scored: ScoredNight, tables: SegmentTables) -> pl.DataFrame:
    """What is kept of a night: one row a scored customer.

    Returns:
        `customer_id`, `value_tier`, `churn_risk_band`, `PROBABILITIES`; the days that each customer's renewal speaks
        of; amounts of the value model in minor units (`expected_value_…_amount`, the interval too), never below 0;
        version and digest of every model; `load_id`, `features_hash`, `configuration_hash`, and the days that each
        probability speaks of.
    """
    steps = ((pl.col("subscription_renews_on") - pl.col("as_of")).dt.total_days() / RENEWAL_STEP_DAYS).ceil()
    shown = tables.customer.filter(pl.any_horizontal(pl.col(PROBABILITIES).is_not_null())).with_columns(
        (steps * RENEWAL_STEP_DAYS).cast(pl.Int64).alias(RENEWAL_WINDOW)
    )
    given = scored.scores.value
    amounts = [name for name in given.columns if name.endswith("_amount")]
    values = given.select("customer_id", *(pl.col(name).clip(lower_bound=0) for name in amounts))
    stamps: dict[str, Any] = {
        "load_id": core.load.load_id,
        "features_hash": _hash_of(scored.paths),
        "configuration_hash": context.settings.configuration_hash,
        CHURN_HORIZON: _horizon(context, scored.champions, "churn"),
    }
    if SUBSCRIBERS in scored.champions:
        stamps[LEAVING_HORIZON] = _horizon(context, scored.champions, SUBSCRIBERS)
        stamps[RENEWAL_HORIZON] = shown[RENEWAL_WINDOW].max()
    for name, champion in sorted(scored.champions.items()):
        stamps[f"{name}_model_version"] = champion.promotion.version
        stamps[f"{name}_model_digest"] = champion.promotion.digest
    return (
        shown.select("customer_id", "value_tier", "churn_risk_band", *PROBABILITIES, RENEWAL_WINDOW)
        .join(values, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .with_columns(pl.lit(value).alias(name) for name, value in stamps.items())
    )


def kept_lists(champions: Mapping[str, Champion], tables: SegmentTables) -> pl.DataFrame:
    """What is kept of a night's ranked lists.

    Returns:
        One row a customer, kind and place: `customer_id`, `kind` (the score), `rank`, `item` (product or category),
        `purchase_probability`, `list_window_days` (that it speaks of).
    """
    listed = ((OFFER, "product_id", tables.next_best_offer), (CATEGORY, "category", tables.next_best_category))
    schema = {"customer_id": pl.String, "kind": pl.String, "rank": pl.Int32, "item": pl.String}
    rows = [pl.DataFrame(schema=schema | {"purchase_probability": pl.Float64})]
    rows += [
        frame.select(
            "customer_id", pl.lit(kind).alias("kind"), "rank", pl.col(item).alias("item"), "purchase_probability"
        )
        for kind, item, frame in listed
        if frame is not None and LISTS in champions
    ]
    window = champions[LISTS].bundle.parameters["options"]["window_days"] if LISTS in champions else None
    return pl.concat(rows).with_columns(pl.lit(window, pl.Int64).alias(LIST_WINDOW))


def retraining_due(context: Context, as_of: date) -> bool:
    """Whether a training is to be started by rule: a champion of `as_of` is below its promise, and none was lately."""
    rule = context.settings.receipts
    if rule.retrain != "start":
        return False
    with context.warehouse() as warehouse:
        lately = ledger_rows(
            warehouse,
            "runs",
            "WHERE kind = 'train' AND as_of > ? AND as_of <= ? LIMIT 1",
            [as_of - timedelta(days=rule.retrain_every_days), as_of],
        )
    return not lately and bool(fallen_short(context, as_of))


def fallen_short(context: Context, as_of: date) -> dict[str, str]:
    """By model, what the newest receipt of its champion says fell short; who keeps the promise is left out.

    Of a champion that has no receipt yet nothing is said.
    """
    with context.warehouse(read_only=True) as warehouse:
        if current_publication(warehouse) is None or "score_receipts" not in warehouse.views(PUBLISHED_SCHEMA):
            return {}
        whole = with_model(warehouse.read_table(PUBLISHED_SCHEMA, "score_receipts")).filter(pl.col("slice") == ALL)
        last = whole.sort("scored_as_of").group_by("model", "score", maintain_order=True).last().sort("model", "score")
        reigning = {name: champion_for(warehouse, name, as_of) for name in last["model"].unique().sort()}
    found = {}
    for row in last.filter(pl.col("verdict") == BROKEN).to_dicts():
        champion = reigning[row["model"]]
        if champion is not None and row["model_digest"] == champion.digest:
            found[row["model"]] = f"{row['score']} of {row['scored_as_of']}: {row['why']}"
    return found


def _horizon(context: Context, champions: Mapping[str, Champion], model: str) -> int:
    """Days that a probability speaks of: the model's own, else the setting."""
    from models.comparing import horizon_days  # noqa: PLC0415 heavy

    asked = horizon_days(champions[model].bundle) if model in champions else None
    return asked or context.settings.training.churn_horizon_days or USUAL_HORIZON_DAYS


def _hash_of(paths: Sequence[str]) -> str:
    """SHA-256 over the feature files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as file:
            while block := file.read(_READ_AT_ONCE):
                digest.update(block)
    return digest.hexdigest()
