"""What has changed since the models were trained, or in the data: findings of a night, and which of them are alarms.

Belongs here: the table `segments.drift`, the rule of persistence, one alarm a cause. Does not: how far apart two
distributions are (`measures.py`), sentences (`words.py`), counting.

A finding that goes beyond its threshold is watched; it is an alarm when it stays for `PERSISTENCE_DAYS` or is severe at
once. What follows from broken data is no alarm of its own: the data are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.contract_columns import AS_OF, RUN_KEY, number, one_of
from segments.drift.measures import Measured
from segments.drift.words import (
    DATA_QUALITY,
    KINDS,
    MEASURES,
    PERFORMANCE,
    POPULATION,
    PREDICTION,
    PROMISE,
    alert_words,
    told,
    what_to_do,
)
from segments.receipts.contract import ALL, BROKEN, TOO_FEW

QUIET, WATCH, ALARM = "quiet", "watch", "alarm"
STATUSES: Final = (QUIET, WATCH, ALARM)
PERSISTENCE_DAYS: Final = 3
HISTORY_DAYS: Final = 92  # of nights that are shown

DRIFT = OutputContract(
    table="drift",
    key=("night", "kind", "what", "measure"),
    columns=(
        OutputColumn("night", pl.Date, meaning="The night that was looked at; those of the last quarter are kept."),
        one_of("kind", KINDS, "population: the customers; prediction: the scores; data quality; performance."),
        OutputColumn("what", pl.String, meaning="The feature, score, or table and column."),
        one_of("measure", MEASURES, "What was measured; docs/drift.md says how."),
        AS_OF,
        OutputColumn("part_of", pl.String, meaning="The family of the feature, the model, or the table."),
        number("value", "What it is.", nullable=False),
        number("reference", "What it usually is, or was promised; empty: the value is itself a difference."),
        number("threshold", "From where on it counts, with chance and habit allowed for; empty: a verdict decides."),
        one_of("status", STATUSES, "quiet; watch: beyond the threshold; alarm: so for days, or far beyond it."),
        OutputColumn("since", pl.Date, nullable=True, meaning="Since which night it is beyond its threshold."),
        OutputColumn("in_words", pl.String, nullable=True, meaning="What was found, in words; empty: nothing."),
        OutputColumn("alert", pl.String, nullable=True, meaning="The alarm in words: on one row of each cause."),
        OutputColumn("what_to_do", pl.String, nullable=True, meaning="What to do; empty: nothing."),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="What has changed since the models were trained: customers, scores, data, performance. Aggregates only.",
    may_be_empty=True,
)
SCHEMA: Final = {name: dtype for name, dtype in DRIFT.schema.items() if name not in ("as_of", "run_key")}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measure of one thing on one night.

    Attributes:
        kind: one of `KINDS`.
        what: the feature, score, table or column.
        measure: one of `MEASURES`.
        part_of: its family, model or table.
        measured: the numbers.
        can_alarm: whether anything depends on it; else it is watched at most.
        because: what was found, where words say more than the numbers.
    """

    kind: str
    what: str
    measure: str
    part_of: str
    measured: Measured
    can_alarm: bool = True
    because: str = ""


def judged(findings: Sequence[Finding], *, night: date, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rows of a night.

    Args:
        findings: of the night.
        night: the date.
        before: the rows of the last night before it; None on the first.

    Returns:
        The columns of `SCHEMA`, sorted by the key.
    """
    standing = _standing(before)
    rows = [_row(one, night, standing.get((one.kind, one.what, one.measure))) for one in findings]
    rows.sort(key=lambda row: (row["kind"], row["what"], row["measure"]))
    _follow_causes(rows)
    for row in rows:
        if row["status"] != QUIET:
            row |= {"in_words": row["in_words"] or told(row), "what_to_do": what_to_do(row)}
    for group in _causes(rows).values():
        group[0]["alert"] = alert_words(group, of=sum(row["kind"] == group[0]["kind"] for row in rows))
    return pl.DataFrame(rows, schema=SCHEMA)


def alarms(rows: pl.DataFrame) -> list[str]:
    """The alarms of the newest night, a sentence each."""
    alerts = newest(rows).filter(pl.col("alert").is_not_null())
    return alerts.sort("kind", "what", "measure")["alert"].to_list()


def new_alarms(rows: pl.DataFrame) -> list[str]:
    """Of these, those that were no alarms on the night before: worth telling people about."""
    latest = newest(rows)
    if latest.is_empty():
        return []
    cause = ("kind", "part_of")
    earlier = newest(rows.filter(pl.col("night") < latest["night"][0])).filter(pl.col("status") == ALARM)
    known = set(earlier.select(cause).rows())
    alerts = latest.filter(pl.col("alert").is_not_null()).sort("kind", "what", "measure")
    return [row["alert"] for row in alerts.to_dicts() if _cause(row) not in {_cause_of(*one) for one in known}]


def told_in_words(rows: pl.DataFrame, *, at_most: int = 5) -> list[str]:
    """What is watched on the newest night, the furthest beyond its threshold first."""
    watched = [row for row in newest(rows).to_dicts() if row["status"] == WATCH]
    watched.sort(key=lambda row: (-_beyond(row), row["what"], row["measure"]))
    return [row["in_words"] for row in watched[:at_most]]


def newest(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the newest night."""
    return rows.filter(pl.col("night") == pl.col("night").max())


def performance_findings(receipts: pl.DataFrame, digests: Mapping[str, str]) -> list[Finding]:
    """What the receipts of the champions say: their own verdict, nothing else.

    Args:
        receipts: rows of `segments.score_receipts`.
        digests: of the champions, by model.

    Returns:
        One finding a score that has a verdict for the model that is champion now.
    """
    has_verdict = pl.col("promised_ranking").is_not_null() & pl.col("ranking").is_not_null()
    whole = receipts.filter(pl.col("slice") == ALL, has_verdict & (pl.col("verdict") != TOO_FEW))
    found = []
    for (model, score), rows in whole.sort("model", "score").group_by("model", "score", maintain_order=True):
        own = rows.filter(pl.col("model_digest") == digests.get(str(model), "")).sort("scored_as_of")
        if own.is_empty():
            continue
        measured = _promise(own)
        last = own.row(-1, named=True)
        found.append(
            Finding(
                kind=PERFORMANCE,
                what=str(score),
                measure=PROMISE,
                part_of=str(model),
                measured=measured,
                because=f"{score} of {last['scored_as_of']} fell short of its promise: {last['why']}",
            )
        )
    return found


def _promise(receipts: pl.DataFrame) -> Measured:
    """The newest receipt's verdict; severe where one of `PERSISTENCE_DAYS` before said the same."""
    last = receipts.row(-1, named=True)
    days = (pl.lit(last["scored_as_of"]) - pl.col("scored_as_of")).dt.total_days()
    older = receipts.filter(days >= PERSISTENCE_DAYS)
    broken = last["verdict"] == BROKEN
    return Measured(
        value=last["ranking"],
        reference=last["promised_ranking"],
        threshold=None,
        exceeds=broken,
        severe=broken and not older.is_empty() and older["verdict"][-1] == BROKEN,
    )


def _standing(before: pl.DataFrame | None) -> dict[tuple[str, str, str], date]:
    """By key, since when a row of the night before is beyond its threshold."""
    if before is None or before.is_empty():
        return {}
    kept = before.filter(pl.col("since").is_not_null()).select("kind", "what", "measure", "since")
    return {(kind, what, measure): since for kind, what, measure, since in kept.iter_rows()}


def _row(one: Finding, night: date, since: date | None) -> dict[str, object]:
    found = one.measured
    begun = (since or night) if found.exceeds else None
    status = QUIET
    if begun is not None:
        lasting = (night - begun).days >= PERSISTENCE_DAYS
        status = ALARM if one.can_alarm and (found.severe or lasting) else WATCH
    return {
        "night": night,
        "kind": one.kind,
        "what": one.what,
        "measure": one.measure,
        "part_of": one.part_of,
        "value": round(found.value, 6),
        "reference": None if found.reference is None else round(found.reference, 6),
        "threshold": None if found.threshold is None else round(found.threshold, 6),
        "status": status,
        "since": begun,
        "in_words": (one.because or None) if found.exceeds else None,
        "alert": None,
        "what_to_do": None,
    }


def _follow_causes(rows: list[dict[str, object]]) -> None:
    """Alarms that follow from another are watched: customers from broken data, scores from either."""
    alarmed = {row["kind"] for row in rows if row["status"] == ALARM}
    follow = set()
    if DATA_QUALITY in alarmed:
        follow = {POPULATION, PREDICTION}
    elif POPULATION in alarmed:
        follow = {PREDICTION}
    for row in rows:
        if row["kind"] in follow and row["status"] == ALARM:
            row["status"] = WATCH


def _causes(rows: list[dict[str, object]]) -> dict[tuple[str, str], list[dict[str, object]]]:
    """Alarms by cause, the one furthest beyond its threshold first."""
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in rows:
        if row["status"] == ALARM:
            groups.setdefault(_cause(row), []).append(row)
    for group in groups.values():
        group.sort(key=lambda row: (-_beyond(row), str(row["what"])))
    return groups


def _beyond(row: Mapping[str, object]) -> float:
    value, threshold = row["value"], row["threshold"]
    if not isinstance(value, float) or not isinstance(threshold, float) or threshold <= 0:
        return 0.0
    return value / threshold


def _cause(row: Mapping[str, object]) -> tuple[str, str]:
    return _cause_of(str(row["kind"]), str(row["part_of"]))


def _cause_of(kind: str, part_of: str) -> tuple[str, str]:
    """Features of all families change together, and so do scores; tables and models stand for themselves."""
    return (kind, "" if kind in (POPULATION, PREDICTION) else part_of)
