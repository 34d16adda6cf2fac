"""Keeping every published score, and holding it against what happened once its window is over.

Belongs here: what is kept of a night, which nights have matured, joining outcomes, and what follows for training. Does
not: what a receipt says (`segments.receipts`), where files lie (`warehouse.kept_scores`).

A receipt is made once, on what was known `settle_days` after the window ended, and kept: it is the same whenever, and
on whichever later night, it is made.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.orders import snapshot_instant
from data_contracts.published import PublishedTable
from flows.champions import Champion
from flows.context import Context
from flows.core_tables import CoreTables
from flows.scoring import Scores
from models.labels import outcomes
from segments.build import SegmentTables
from segments.contract_columns import as_published
from segments.money import currency_of
from segments.receipts import (
    ALL,
    BROKEN,
    CHURN,
    MODEL_OF,
    SCORE_RECEIPTS,
    VALUE_12M,
    VALUE_90D,
    Subject,
    promise_of,
    receipt,
)
from warehouse.kept_scores import KeptNight, keep, published_nights
from warehouse.ledger import Run
from warehouse.ledger_schema import ledger_rows
from warehouse.promotions import champion_for, promotions
from warehouse.publications import PUBLISHED_SCHEMA, current_publication

Tick = Callable[[], None]
HORIZONS: Final = {VALUE_90D: 90, VALUE_12M: 365}
CHURN_HORIZON = "churn_horizon_days"
PROBABILITIES: Final = (CHURN, "subscription_churn_probability")
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
    tick()
    frame = all_receipts(context, core=core, as_of=run.as_of)
    currency = currency_of(context.settings.company.currency)
    made = as_published(frame, SCORE_RECEIPTS, as_of=run.as_of, run_key=run.run_key, currency=currency)
    return replace(tables, others={**tables.others, "score_receipts": PublishedTable(made, SCORE_RECEIPTS)})


def kept_rows(context: Context, *, core: CoreTables, scored: ScoredNight, tables: SegmentTables) -> pl.DataFrame:
    """What is kept of a night: one row a scored customer.

    Returns:
        `customer_id`, `value_tier`, `churn_risk_band`, `PROBABILITIES`; amounts of the value model in minor units
        (`expected_value_…_amount`, the interval too), never below 0; version and digest of every model; `load_id`,
        `features_hash`, `configuration_hash`, `churn_horizon_days`.
    """
    shown = tables.customer.filter(pl.any_horizontal(pl.col(PROBABILITIES).is_not_null()))
    given = scored.scores.value
    amounts = [name for name in given.columns if name.endswith("_amount")]
    values = given.select("customer_id", *(pl.col(name).clip(lower_bound=0) for name in amounts))
    stamps: dict[str, Any] = {
        "load_id": core.load.load_id,
        "features_hash": _hash_of(scored.paths),
        "configuration_hash": context.settings.configuration_hash,
        CHURN_HORIZON: _churn_horizon(context, scored.champions),
    }
    for name, champion in sorted(scored.champions.items()):
        stamps[f"{name}_model_version"] = champion.promotion.version
        stamps[f"{name}_model_digest"] = champion.promotion.digest
    return (
        shown.select("customer_id", "value_tier", "churn_risk_band", *PROBABILITIES)
        .join(values, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .with_columns(pl.lit(value).alias(name) for name, value in stamps.items())
    )


def all_receipts(context: Context, *, core: CoreTables, as_of: date) -> pl.DataFrame:
    """The receipts of every night before `as_of` whose window is over and settled; new ones are kept as they are made.

    Returns:
        The columns of `segments.receipts.SCORE_RECEIPTS` but `as_of` and `run_key`; no rows where nothing has matured.
    """
    found = [
        _receipt_of(context, core, night, score, days) for night, score, days in matured_scores(context, core, as_of)
    ]
    nothing = SCORE_RECEIPTS.schema.to_frame().drop("as_of", "run_key")
    return pl.concat([nothing, *(frame for frame in found if frame is not None)])


def matured_scores(context: Context, core: CoreTables, as_of: date) -> list[tuple[KeptNight, str, int]]:
    """Nights, scores, horizons whose window ended `settle_days` before `as_of`, and which the orders reach beyond."""
    if "orders" not in core.entities:
        return []
    with context.warehouse() as warehouse:
        nights = list(published_nights(warehouse, context.lake.root, before=as_of))
    if not nights:
        return []
    settled = as_of - timedelta(days=context.settings.receipts.settle_days)
    reached = min(settled, core.last_order_before(as_of) + timedelta(days=1))
    return [
        (night, score, days)
        for night in nights
        for score, days in _horizons(night).items()
        if night.as_of + timedelta(days=days) <= reached
    ]


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
        rows = warehouse.read_table(PUBLISHED_SCHEMA, "score_receipts")
        reigning = {name: champion_for(warehouse, name, as_of) for name in sorted(set(MODEL_OF.values()))}
    found = {}
    for score, name in MODEL_OF.items():
        champion = reigning[name]
        own = rows.filter(pl.col("slice") == ALL, pl.col("score") == score).sort("scored_as_of")
        if champion is None or own.is_empty():
            continue
        last = own.row(-1, named=True)
        if last["verdict"] == BROKEN and last["model_digest"] == champion.digest:
            found[name] = f"{score} of {last['scored_as_of']}: {last['why']}"
    return found


def _receipt_of(context: Context, core: CoreTables, night: KeptNight, score: str, days: int) -> pl.DataFrame | None:
    """The kept receipt, or a new one, kept from now on; None where nobody was given that score."""
    place = night.receipt(score)
    if place.exists():
        return pl.read_parquet(place)
    kept = pl.read_parquet(night.file)
    scored = _scored(context, kept, score)
    if scored.is_empty():
        return None
    made = receipt(scored, _outcomes(context, core, night, score, days), _subject(context, kept, night, score, days))
    keep(made, place)
    return made


def _scored(context: Context, kept: pl.DataFrame, score: str) -> pl.DataFrame:
    """What was said of whom: as `segments.receipts.receipt` wants it."""
    nothing = pl.lit(None, pl.Float64)
    if score == CHURN:
        columns = [pl.col(CHURN).alias("predicted"), nothing.alias("low"), nothing.alias("high")]
    else:
        names = {"predicted": f"{score}_amount", "low": f"{score}_low_amount", "high": f"{score}_high_amount"}
        unit = 10 ** MINOR_UNIT_DIGITS[context.settings.company.currency]
        columns = [
            (pl.col(source).cast(pl.Float64) / unit if source in kept.columns else nothing).alias(name)
            for name, source in names.items()
        ]
    return kept.select("customer_id", "value_tier", *columns).filter(pl.col("predicted").is_not_null())


def _outcomes(context: Context, core: CoreTables, night: KeptNight, score: str, days: int) -> pl.DataFrame:
    """What became of everybody who had bought before that night, known `settle_days` after the window."""
    known = night.as_of + timedelta(days=days + context.settings.receipts.settle_days)
    unit = 10 ** MINOR_UNIT_DIGITS[context.settings.company.currency]
    actual = pl.col("churned").cast(pl.Float64) if score == CHURN else pl.col("value_amount").cast(pl.Float64) / unit
    parts = [
        outcomes(
            core.orders(bucket),
            snapshots=[night.as_of],
            horizon_days=days,
            time_zone=core.time_zone,
            known_by=snapshot_instant(known, time_zone=core.time_zone),
        )
        .select("customer_id", actual.alias("actual"))
        .collect()
        for bucket in core.buckets()
    ]
    return pl.concat(parts)


def _subject(context: Context, kept: pl.DataFrame, night: KeptNight, score: str, days: int) -> Subject:
    """Which model said so, and what its test had promised."""
    model, said = MODEL_OF[score], kept.row(0, named=True)
    digest = said.get(f"{model}_model_digest")
    with context.warehouse() as warehouse:
        metrics = next((one.metrics for one in promotions(warehouse) if one.digest == digest), {})
    return Subject(
        scored_as_of=night.as_of,
        score=score,
        horizon_days=days,
        model_version=said.get(f"{model}_model_version"),
        model_digest=digest,
        load_id=said["load_id"],
        features_hash=said["features_hash"],
        promise=promise_of(score, metrics),
    )


def _horizons(night: KeptNight) -> dict[str, int]:
    """Days that each score of a night speaks of; of a company of subscribers alone there are none to hold against."""
    there = pl.scan_parquet(night.file).collect_schema().names()
    if "churn_model_version" not in there:
        return {}
    days = pl.scan_parquet(night.file).select(CHURN_HORIZON).head(1).collect()
    return {} if days.is_empty() else {CHURN: int(days.item()), **HORIZONS}


def _churn_horizon(context: Context, champions: Mapping[str, Champion]) -> int:
    """Days that the churn probability speaks of: the model's own, else the setting."""
    from models.comparing import horizon_days  # noqa: PLC0415 heavy

    asked = horizon_days(champions["churn"].bundle) if "churn" in champions else None
    return asked or context.settings.training.churn_horizon_days or HORIZONS[VALUE_90D]


def _hash_of(paths: Sequence[str]) -> str:
    """SHA-256 over the feature files, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as file:
            while block := file.read(_READ_AT_ONCE):
                digest.update(block)
    return digest.hexdigest()
