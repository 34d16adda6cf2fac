"""Which published scores have matured, and what happened: the outcome of every score, joined once and kept.

Belongs here: which nights' windows are over, reading outcomes from the core. Does not: what a receipt says
(`segments.receipts.making`), keeping scores and what follows from receipts (`receipting.py`).

A receipt is made once, on what was known `settle_days` after the window ended, and kept: it is the same whenever, and
on whichever later night, it is made.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.orders import snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from segments.receipts.contract import (
    CATEGORY,
    CHURN,
    LEAVING,
    LISTED,
    MODEL_OF,
    OFFER,
    RENEWAL,
    SCORE_RECEIPTS,
    VALUE_12M,
    VALUE_90D,
    Subject,
    promise_of,
)
from segments.receipts.making import list_receipt, receipt
from warehouse.promotions import promotions
from warehouse.publishing.kept_scores import KeptNight, keep, published_nights

BUYERS, SUBSCRIBERS, LISTS = MODEL_OF[CHURN], MODEL_OF[LEAVING], MODEL_OF[OFFER]
CHURN_HORIZON, LEAVING_HORIZON, RENEWAL_HORIZON, RENEWAL_WINDOW, LIST_WINDOW = (
    "churn_horizon_days",
    "subscription_churn_horizon_days",
    "subscription_renewal_horizon_days",
    "subscription_renewal_window_days",
    "list_window_days",
)
VALUE_HORIZONS: Final = {VALUE_90D: 90, VALUE_12M: 365}


@dataclass(frozen=True, kw_only=True)
class KeptScore:
    """One score of one night.

    Attributes:
        night: whose.
        score: one of `segments.receipts.SCORES`.
        model: that made it.
        horizon_days: length of its window.
    """

    night: KeptNight
    score: str
    model: str
    horizon_days: int


def all_receipts(context: Context, *, core: CoreTables, as_of: date) -> pl.DataFrame:
    """The receipts of every night before `as_of` whose window is over and settled; new ones are kept as they are made.

    Returns:
        The columns of `segments.receipts.SCORE_RECEIPTS` but `as_of` and `run_key`; no rows where nothing has matured.
    """
    found = [_receipt_of(context, core, one) for one in matured_scores(context, core, as_of)]
    nothing = SCORE_RECEIPTS.schema.to_frame().drop("as_of", "run_key")
    return pl.concat([nothing, *(frame.select(nothing.columns) for frame in found if frame is not None)])


def matured_scores(context: Context, core: CoreTables, as_of: date) -> list[KeptScore]:
    """Scores whose window ended `settle_days` before `as_of` and within the data; the oldest night first."""
    with context.warehouse() as warehouse:
        nights = list(published_nights(warehouse, context.lake.root, before=as_of))
    if not nights:
        return []
    settled = as_of - timedelta(days=context.settings.receipts.settle_days)
    reached = min(settled, core.last_order_before(as_of) + timedelta(days=1))
    return [
        one
        for night in nights
        for one in _kept_scores(night)
        if night.as_of + timedelta(days=one.horizon_days) <= reached and _is_recorded(one.model, core)
    ]


def with_model(rows: pl.DataFrame) -> pl.DataFrame:
    """Receipts with the column `model`, also where they are of a time before there was one."""
    if "model" in rows.columns:
        return rows
    return rows.with_columns(pl.col("score").replace_strict(MODEL_OF, return_dtype=pl.String).alias("model"))


def _is_recorded(model: str, core: CoreTables) -> bool:
    """Whether the load has what the outcomes of a model's scores are read from."""
    return ("subscriptions" if model == SUBSCRIBERS else "orders") in core.entities


def _kept_scores(night: KeptNight) -> list[KeptScore]:
    """What was kept of a night, with the days that each score speaks of."""
    file = pl.scan_parquet(night.file)
    names = file.collect_schema().names()
    horizons = [name for name in (CHURN_HORIZON, LEAVING_HORIZON, RENEWAL_HORIZON) if name in names]
    first = file.select(horizons).head(1).collect()
    if first.is_empty():
        return []
    days = {name: value for name, value in first.row(0, named=True).items() if value is not None}
    found: list[tuple[str, str, int]] = []
    if f"{BUYERS}_model_version" in names:
        found += [(CHURN, BUYERS, days[CHURN_HORIZON])]
    if f"{SUBSCRIBERS}_model_version" in names:
        said = {LEAVING: days.get(LEAVING_HORIZON), RENEWAL: days.get(RENEWAL_HORIZON)}
        found += [(score, SUBSCRIBERS, value) for score, value in said.items() if value is not None]
    model = "value" if "value_model_version" in names else SUBSCRIBERS
    found += [(score, model, value) for score, value in VALUE_HORIZONS.items()]
    if night.lists.exists():
        window = pl.scan_parquet(night.lists).select(LIST_WINDOW).head(1).collect()
        found += [(score, LISTS, window.item()) for score in LISTED if window.height]
    return [KeptScore(night=night, score=score, model=model, horizon_days=value) for score, model, value in found]


def _receipt_of(context: Context, core: CoreTables, one: KeptScore) -> pl.DataFrame | None:
    """The kept receipt, or a new one, kept from now on; None where nobody was given that score."""
    place = one.night.receipt(one.score)
    if place.exists():
        return with_model(pl.read_parquet(place))
    kept = pl.read_parquet(one.night.file)
    subject = _subject(context, kept, one)
    if one.score in LISTED:
        listed, grades = _lists_and_purchases(context, core, one, kept)
        made = None if listed.is_empty() else list_receipt(listed, grades, subject)
    else:
        scored = _scored(context, kept, one)
        made = None if scored.is_empty() else receipt(scored, _outcomes(context, core, one, scored), subject)
    if made is not None:
        keep(made, place)
    return made


def _scored(context: Context, kept: pl.DataFrame, one: KeptScore) -> pl.DataFrame:
    """What was said of whom: as `segments.receipts.making.receipt` wants it, and each customer's own window in days."""
    nothing, window = pl.lit(None, pl.Float64), pl.lit(one.horizon_days, pl.Int64)
    if one.score in VALUE_HORIZONS:
        names = {
            "predicted": f"{one.score}_amount",
            "low": f"{one.score}_low_amount",
            "high": f"{one.score}_high_amount",
        }
        columns = [
            (pl.col(source).cast(pl.Float64) / _unit(context) if source in kept.columns else nothing).alias(name)
            for name, source in names.items()
        ]
    else:
        columns = [pl.col(one.score).alias("predicted"), nothing.alias("low"), nothing.alias("high")]
        window = pl.col(RENEWAL_WINDOW).cast(pl.Int64) if one.score == RENEWAL else window
    frame = kept.select("customer_id", "value_tier", *columns, window.alias("window_days"))
    return frame.filter(pl.col("predicted").is_not_null())


def _outcomes(context: Context, core: CoreTables, one: KeptScore, scored: pl.DataFrame) -> pl.DataFrame:
    """`customer_id`, `actual` of everybody known `settle_days` after the window, bucket by bucket."""
    read = _of_subscriptions if one.model == SUBSCRIBERS else _of_orders
    known = one.night.as_of + timedelta(days=one.horizon_days + context.settings.receipts.settle_days)
    parts = [read(core, bucket, one, scored, known) for bucket in core.buckets()]
    found = pl.concat([pl.DataFrame(schema={"customer_id": pl.String, "actual": pl.Float64}), *parts])
    unit = _unit(context) if one.score in VALUE_HORIZONS else 1
    return found.with_columns(pl.col("actual") / unit)


def _of_orders(core: CoreTables, bucket: int, one: KeptScore, scored: pl.DataFrame, known: date) -> pl.DataFrame:
    """Who bought nothing, or what they bought."""
    from models.snapshots.labels import outcomes  # noqa: PLC0415 models are heavy

    actual = pl.col("churned" if one.score == CHURN else "value_amount").cast(pl.Float64)
    rows = outcomes(
        core.orders(bucket),
        snapshots=[one.night.as_of],
        horizon_days=one.horizon_days,
        time_zone=core.time_zone,
        known_by=_start_of(known, core),
    )
    asked = rows.join(scored.lazy().select("customer_id"), on="customer_id", how="semi")
    return asked.select("customer_id", actual.alias("actual")).collect()


def _of_subscriptions(core: CoreTables, bucket: int, one: KeptScore, scored: pl.DataFrame, known: date) -> pl.DataFrame:
    """Who ended their subscription, or what they were to pay for it."""
    from models.contractual.facts import billed_amounts, leaving_days  # noqa: PLC0415 models are heavy

    rows, first = core.scan("subscriptions", bucket), one.night.as_of
    assert rows is not None  # noqa: S101 - `_is_recorded` says so
    instant, end = _start_of(known, core), first + timedelta(days=one.horizon_days)
    billed = billed_amounts(rows, first=first, end=end, known_by=instant)
    asked = billed.join(scored.select("customer_id", "window_days"), on="customer_id", how="inner", validate="1:1")
    if one.score in VALUE_HORIZONS:
        return asked.select("customer_id", pl.col("billed_amount").cast(pl.Float64).alias("actual"))
    keyed = asked.with_columns(pl.lit(first).alias("snapshot_date"))
    left = leaving_days(rows, keyed, known_by=instant, until=known)
    ended = (pl.col("days_until_end") < pl.col("window_days")).fill_null(value=False)
    told = asked.join(left, on="customer_id", how="left", validate="1:1", maintain_order="left")
    return told.select("customer_id", ended.cast(pl.Float64).alias("actual"))


def _lists_and_purchases(
    context: Context, core: CoreTables, one: KeptScore, kept: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lists of one kind with what was bought of them, and how good the list of each buyer was."""
    from models.next_offer.evaluation import per_customer  # noqa: PLC0415 models are heavy

    rows = pl.read_parquet(one.night.lists).filter(kind=one.score)
    known = one.night.as_of + timedelta(days=one.horizon_days + context.settings.receipts.settle_days)
    bought, there = _bought(core, one, known)
    bought = bought.join(rows.select("customer_id").unique(), on="customer_id", how="semi")
    hit = pl.when(pl.col("customer_id").is_in(there.implode())).then(pl.col("hit").fill_null(0.0))
    listed = (
        rows.join(bought.with_columns(pl.lit(1.0).alias("hit")), on=["customer_id", "item"], how="left", validate="1:1")
        .join(kept.select("customer_id", "value_tier"), on="customer_id", how="inner", validate="m:1")
        .select(
            "customer_id", "value_tier", "rank", pl.col("purchase_probability").alias("predicted"), hit.alias("actual")
        )
    )
    names = {"customer_id": "customer", "item": "product"}
    ranked = rows.select("customer_id", "item", "rank").rename(names)
    grades = per_customer(ranked, bought.rename(names), k=10).select(pl.col("customer").alias("customer_id"), "ndcg")
    return listed.filter(pl.col("predicted").is_not_null()), grades


def _bought(core: CoreTables, one: KeptScore, known: date) -> tuple[pl.DataFrame, pl.Series]:
    """`customer_id`, `item` pairs bought in the window, each once; and who is known at all."""
    from models.next_offer.bought import code_lines  # noqa: PLC0415 models are heavy
    from models.next_offer.examples import Past, bought_after  # noqa: PLC0415
    from models.next_offer.facts import product_categories  # noqa: PLC0415

    pairs, there = [pl.DataFrame(schema={"customer_id": pl.String, "item": pl.String})], []
    for bucket in core.buckets():
        coded = code_lines(core.orders(bucket), before=_start_of(known, core))
        past = Past(coded, None, known, core.time_zone)
        found = bought_after(past, one.night.as_of, window_days=one.horizon_days)
        pairs.append(
            found.select(
                coded.customer_ids.gather(found["customer"]).alias("customer_id"),
                coded.product_ids.gather(found["product"]).alias("item"),
            )
        )
        there.append(coded.customer_ids)
    together = pl.concat(pairs)
    if one.score == CATEGORY:
        categories = product_categories(core.scan("products"), as_of=one.night.as_of, time_zone=core.time_zone)
        named = (
            pl.DataFrame(schema={"product_id": pl.String, "category": pl.String}) if categories is None else categories
        )
        joined = together.join(named, left_on="item", right_on="product_id", how="inner", validate="m:1")
        together = joined.select("customer_id", pl.col("category").cast(pl.String).alias("item")).unique()
    return together, pl.concat([pl.Series([], dtype=pl.String), *there])


def _subject(context: Context, kept: pl.DataFrame, one: KeptScore) -> Subject:
    """Which model said so, and what its test had promised."""
    said: dict[str, Any] = kept.row(0, named=True)
    digest = said.get(f"{one.model}_model_digest")
    with context.warehouse() as warehouse:
        known = next((found for found in promotions(warehouse) if found.digest == digest), None)
    return Subject(
        scored_as_of=one.night.as_of,
        score=one.score,
        horizon_days=one.horizon_days,
        model=one.model,
        model_version=said.get(f"{one.model}_model_version"),
        model_digest=digest,
        load_id=said["load_id"],
        features_hash=said["features_hash"],
        promise=promise_of(one.score, known.metrics if known else {}, by_baseline=not (known and known.beats_baseline)),
    )


def _unit(context: Context) -> int:
    """Minor units a major unit of the company's currency has."""
    return int(10 ** MINOR_UNIT_DIGITS[context.settings.company.currency])


def _start_of(day: date, core: CoreTables) -> datetime:
    return snapshot_instant(day, time_zone=core.time_zone)
