"""Drift of a night: customers, scores, data and performance held against what the champions were trained on.

Belongs here: where the numbers come from, and the table of the last nights. Does not: what counts as drift
(`segments.drift`, `segments.drift.measures`), the source tables (`drift_sources.py`).

Customers are held against the counts that the churn champion's training kept in its bundle; a champion of a time before
there were such says nothing of them. A night's rows depend on that night, on nights before it and on nothing later:
they are the same whenever the night is made again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.champions import Champion
from flows.nights.drift_sources import source_findings
from flows.nights.receipting import ScoredNight
from flows.nights.scoring import Scores
from models.learners.importance import feature_shares
from models.snapshots.reference_counts import FILE, Reference, counted_together, reference_from
from segments.build import SegmentTables
from segments.contract_columns import as_published
from segments.drift.findings import (
    DRIFT,
    HISTORY_DAYS,
    Finding,
    alarms,
    judged,
    new_alarms,
    newest,
    performance_findings,
)
from segments.drift.measures import HABIT, LEAST_RISE, Measured, distance, rise
from segments.drift.words import (
    DATA_QUALITY,
    DISTANCE,
    MEAN,
    POPULATION,
    PREDICTION,
    SET_ASIDE,
    SINCE_LAST_NIGHT,
)
from segments.money import currency_of
from segments.receipts.contract import CHURN, LEAVING
from warehouse.databases.base import Warehouse
from warehouse.ledger import Run
from warehouse.ledger_schema import ledger_rows
from warehouse.publishing.kept_scores import KeptNight, keep, published_nights
from warehouse.publishing.publications import PUBLISHED_SCHEMA, current_publication

SCORE_COLUMNS: Final = {
    "churn": {CHURN: CHURN},
    "value": {"expected_value_90d": "expected_value_90d_amount", "expected_value_12m": "expected_value_12m_amount"},
    "subscription_churn": {LEAVING: LEAVING},
}
"""By model and published score, its column in the frames of scores."""
REFERENCES: Final = ("churn", "subscription_churn")
NIGHTLY_DAYS: Final = 7  # scores of nights further apart may differ by the season
LOADS_BEFORE: Final = 20
SLACK_OF_THE_MEAN: Final = 0.1
Tick = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Population:
    """The scored customers of a night.

    Attributes:
        features: one row a scored customer.
        families: by feature, its family.
        scores: by published score, one row a scored customer: `customer_id` and the score's column.
    """

    features: pl.DataFrame
    families: Mapping[str, str]
    scores: Mapping[str, pl.DataFrame]


def with_drift(
    context: Context, *, core: CoreTables, scored: ScoredNight, tables: SegmentTables, run: Run, tick: Tick
) -> SegmentTables:
    """Add `drift` to the tables of the night.

    Args:
        context: the surroundings.
        core: the load.
        scored: the night's scores.
        tables: of the night, receipts included.
        run: the night's attempt.
        tick: told a part is done.
    """
    with context.warehouse() as warehouse:
        nights = list(published_nights(warehouse, context.lake.root, before=run.as_of))
        set_aside = set_aside_findings(warehouse, core.load.load_id)
    before = [night for night in nights if night.drift.exists()]
    found = population_findings(scored_population(core, scored), scored.champions, day=run.as_of)
    found += _since_the_last_night(scored, nights[-1] if nights else None, day=run.as_of)
    tick()
    found += [*source_findings(core, as_of=run.as_of), *set_aside]
    receipts = tables.others.get("score_receipts")
    if receipts is not None:
        digests = {name: champion.promotion.digest for name, champion in scored.champions.items()}
        found += performance_findings(receipts.frame, digests)
    rows = judged(found, night=run.as_of, before=pl.read_parquet(before[-1].drift) if before else None)
    own = KeptNight(root=context.lake.root, as_of=run.as_of, run_key=run.run_key, attempt=run.attempt)
    keep(rows, own.drift)
    shown = [night.drift for night in before if night.as_of > run.as_of - timedelta(days=HISTORY_DAYS)]
    frame = pl.concat([rows, *(pl.read_parquet(file) for file in shown)], how="diagonal").select(rows.columns)
    currency = currency_of(context.settings.company.currency)
    made = as_published(frame, DRIFT, as_of=run.as_of, run_key=run.run_key, currency=currency)
    return replace(tables, others={**tables.others, "drift": PublishedTable(made, DRIFT)})


def scored_population(core: CoreTables, scored: ScoredNight) -> Population:
    """Features and scores of whoever was scored tonight."""
    scores = scored.scores
    features = scores.features.join(scores.churn.select("customer_id"), on="customer_id", how="semi")
    if scores.subscribers is not None:
        features = features.join(scores.subscribers.facts, on="customer_id", how="left", validate="1:1")
    frames = _score_frames(scores)
    return Population(
        features=features,
        families={spec.name: spec.family for spec in core.catalogue()},
        scores={score: frames[model] for model in frames for score in SCORE_COLUMNS[model]},
    )


def population_findings(population: Population, champions: Mapping[str, Champion], *, day: date) -> list[Finding]:
    """Features and scores held against those of the customers that the champions were trained on."""
    found: list[Finding] = []
    kept = {
        name: reference_from(champion.bundle.files[FILE])
        for name, champion in sorted(champions.items())
        if FILE in champion.bundle.files
    }
    asked = {
        feature
        for champion in champions.values()
        for feature in (feature_shares(champion.bundle) or champion.bundle.features)
    }
    for name in REFERENCES:
        if name in kept:
            found += _of_features(population, kept[name], asked=asked, day=day)
            break
    for model, columns in SCORE_COLUMNS.items():
        if model in kept and set(columns) <= set(population.scores):
            found += _of_scores(population, kept[model], columns, model=model, day=day)
    if "churn" in kept and "churn" in champions:
        found += _of_the_mean(population, kept["churn"], champions["churn"])
    return found


def set_aside_findings(warehouse: Warehouse, load_id: str) -> list[Finding]:
    """The share of rows a load set aside, by table, beside that of earlier loads of other inputs than its own."""
    loads = ledger_rows(warehouse, "loads", "ORDER BY loaded_at DESC, load_id DESC", [])
    places = [place for place, load in enumerate(loads) if load["load_id"] == load_id]
    if not places:
        return []
    own = loads[places[0]]
    others = [load for load in loads[places[0] + 1 :] if load["source_fingerprint"] != own["source_fingerprint"]]
    earlier = others[:LOADS_BEFORE]
    found = []
    for entity, counted in sorted(own["counts"].get("entities", {}).items()):
        past = [_bad_of(load["counts"].get("entities", {}).get(entity, {})) for load in earlier]
        bad, read = _bad_of(counted)
        measured = rise(bad, read, [one for one in past if one[1]])
        if measured is not None:
            found.append(Finding(kind=DATA_QUALITY, what=entity, measure=SET_ASIDE, part_of=entity, measured=measured))
    return found


def read_drift(warehouse: Warehouse) -> pl.DataFrame:
    """`segments.drift` as readers see it; no rows where there is none yet."""
    if current_publication(warehouse) is None or "drift" not in warehouse.views(PUBLISHED_SCHEMA):
        return DRIFT.schema.to_frame()
    return warehouse.read_table(PUBLISHED_SCHEMA, "drift")


def standing_alarms(warehouse: Warehouse) -> list[str]:
    """The alarms of the newest night that readers see, a sentence each."""
    return alarms(read_drift(warehouse))


def drift_facts(tables: SegmentTables) -> dict[str, Any]:
    """What a night's document says of drift: `facts_of` its table."""
    table = tables.others.get("drift")
    return {} if table is None else facts_of(table.frame)


def facts_of(rows: pl.DataFrame) -> dict[str, Any]:
    """Alarms as sentences, the new ones, how many things are beyond their thresholds, and how many were looked at."""
    tonight = newest(rows)
    return {
        "alarms": alarms(rows),
        "new_alarms": new_alarms(rows),
        "watched": tonight.filter(pl.col("status") != "quiet").height,
        "looked_at": tonight.height,
    }


def _of_features(population: Population, reference: Reference, *, asked: set[str], day: date) -> Iterable[Finding]:
    tonight = counted_together(population.features, reference.bins)
    for name, counts in tonight.items():
        earlier = [(when, known[name]) for when, known in reference.counts.items() if name in known]
        measured = distance(counts, earlier, day=day, columns=len(tonight))
        if measured is not None:
            yield Finding(
                kind=POPULATION,
                what=name,
                measure=DISTANCE,
                part_of=population.families.get(name, "own"),
                measured=measured,
                can_alarm=name in asked,
            )


def _of_scores(
    population: Population, reference: Reference, columns: Mapping[str, str], *, model: str, day: date
) -> Iterable[Finding]:
    for score, column in columns.items():
        if column not in reference.bins or column not in population.scores[score].columns:
            continue
        counts = counted_together(population.scores[score], {column: reference.bins[column]})[column]
        earlier = [(when, known[column]) for when, known in reference.counts.items() if column in known]
        measured = distance(counts, earlier, day=day, columns=len(columns))
        if measured is not None:
            yield Finding(kind=PREDICTION, what=score, measure=DISTANCE, part_of=model, measured=measured)


def _of_the_mean(population: Population, reference: Reference, champion: Champion) -> Iterable[Finding]:
    """The mean churn probability beside the share who left in the test; as that share moved before, it may move."""
    promised = champion.bundle.metrics.get("churn_rate")
    mean = population.scores[CHURN][CHURN].mean()
    if promised is None or not isinstance(mean, float):
        return
    habit = max((abs(share - promised) for share in reference.outcomes.values()), default=0.0)
    allowed = max(SLACK_OF_THE_MEAN, habit + LEAST_RISE)
    off = abs(mean - promised)
    measured = Measured(
        value=mean,
        reference=promised,
        threshold=promised + allowed if mean > promised else max(promised - allowed, 0.0),
        exceeds=off > allowed,
        severe=off > HABIT * allowed,
    )
    yield Finding(kind=PREDICTION, what=CHURN, measure=MEAN, part_of=champion.bundle.name, measured=measured)


def _since_the_last_night(scored: ScoredNight, last: KeptNight | None, *, day: date) -> Iterable[Finding]:
    """Scores held against those of the last night, where the same champion made both and it was not long ago."""
    if last is None or (day - last.as_of).days > NIGHTLY_DAYS:
        return
    frames = _score_frames(scored.scores)
    there = pl.read_parquet_schema(last.file)
    for model, columns in SCORE_COLUMNS.items():
        champion, stamp = scored.champions.get(model), f"{model}_model_digest"
        if champion is None or model not in frames or FILE not in champion.bundle.files or stamp not in there:
            continue
        before = pl.read_parquet(last.file, columns=[stamp, *(name for name in columns.values() if name in there)])
        if before.is_empty() or before[stamp][0] != champion.promotion.digest:
            continue
        bins = reference_from(champion.bundle.files[FILE]).bins
        for score, column in columns.items():
            if column in before.columns and column in bins and column in frames[model].columns:
                own = {column: bins[column]}
                pair = [counted_together(frame, own)[column] for frame in (frames[model], before)]
                measured = distance(pair[0], [(last.as_of, pair[1])], day=day, columns=len(columns))
                if measured is not None:
                    yield Finding(
                        kind=PREDICTION, what=score, measure=SINCE_LAST_NIGHT, part_of=model, measured=measured
                    )


def _score_frames(scores: Scores) -> dict[str, pl.DataFrame]:
    """By model, the frame of its scores."""
    frames = {"churn": scores.churn, "value": scores.value}
    return frames if scores.subscribers is None else frames | {"subscription_churn": scores.subscribers.outlook}


def _bad_of(counted: Mapping[str, Any]) -> tuple[int, int]:
    return int(counted.get("quarantined", 0)), int(counted.get("read", 0))
