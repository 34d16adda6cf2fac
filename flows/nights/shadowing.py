"""Challengers in the shadow: scored every night beside the champion, kept, and held against what happened later.

Belongs here: starting and stopping them, their scores in the lake, the comparison when outcomes are known. Does not:
publishing anything; a challenger that fails never stops the night.

Scores lie in the lake (`shadow/as_of=…`), in buckets like everything about customers, so that erasing finds them.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.errors import DataBlockedError, DependencyDownError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.champions import Champion
from flows.learning.errors import ModelUnknownError, NotComparableError
from flows.learning.modelling import COMPARABLE, evaluation_rows, newest_complete_snapshot
from flows.learning.promoting import known_models, load_version
from flows.nights.scoring import Scores
from flows.running.recording import alone
from models.errors import VersionUnknownError
from warehouse.promotions import Shadow, running_shadows, start_shadow, stop_shadow

if TYPE_CHECKING:
    from models.bundle import Bundle

KIND = "shadow"
SCHEMA = {
    "customer_id": pl.String,
    "snapshot_date": pl.Date,
    "model": pl.String,
    "version": pl.Int64,
    "is_champion": pl.Boolean,
    "horizon_days": pl.Int64,
    "predicted": pl.Float64,
}
MOST_NIGHTS = 12
BY_RULE = "the rule registry.shadow_challengers"
Tick = Callable[[], None]


def set_shadow(context: Context, *, name: str, version: int, because: str, stop: bool) -> dict[str, Any]:
    """Let a version score in the shadow from the next night on, or no longer.

    Raises:
        ModelUnknownError, VersionUnknownError: there is no such thing.
        NotComparableError: a model that can't score in the shadow.
        WarehouseBusyError: a run is under way.
    """
    if name not in COMPARABLE:
        if name not in known_models(context):
            raise ModelUnknownError(name=name, known=COMPARABLE)
        raise NotComparableError(name=name, reason="it scores pairs, not customers", action=f"use: {COMPARABLE}")
    bundle = load_version(context, name, version)
    with alone(context, f"shadow {name} {version}"), context.warehouse() as warehouse:
        if stop:
            stopped = stop_shadow(warehouse, name, version, now=context.clock())
            words = "no longer scores in the shadow" if stopped else "did not score in the shadow"
            return {"status": "stopped" if stopped else "unchanged", "message": f"version {version} of {name} {words}"}
        shadow = Shadow(
            name=name,
            version=version,
            digest=bundle.digest(),
            trained_as_of=bundle.trained_as_of,
            since=context.clock(),
            until=None,
            because=because,
            decided_by=context.run_by,
        )
        start_shadow(warehouse, shadow)
    message = f"version {version} of {name} scores beside the champion from the next night on; nothing is published"
    return {"status": "in the shadow", "message": message, "model": name, "version": version}


def shadow_the_loser(context: Context, *, name: str, bundle: "Bundle", version: int, because: str) -> bool:
    """Let a version that was not promoted score in the shadow, in place of the last one that began so.

    Only where the settings ask for it ([registry] shadow_challengers), and of models that can. The caller holds the
    lock.

    Returns:
        Whether it does so from now on.
    """
    if not context.settings.registry.shadow_challengers or name not in COMPARABLE:
        return False
    with context.warehouse() as warehouse:
        for one in running_shadows(warehouse):
            if one.name == name and one.decided_by == BY_RULE:
                stop_shadow(warehouse, name, one.version, now=context.clock())
        shadow = Shadow(
            name=name,
            version=version,
            digest=bundle.digest(),
            trained_as_of=bundle.trained_as_of,
            since=context.clock(),
            until=None,
            because=because,
            decided_by=BY_RULE,
        )
        start_shadow(warehouse, shadow)
    return True


def shadows_of(context: Context, champions: dict[str, Champion], as_of: date) -> list[Shadow]:
    """The challengers that may score a date: trained by then, and not champion themselves."""
    with context.warehouse(read_only=True) as warehouse:
        running = running_shadows(warehouse)
    return [
        one
        for one in running
        if one.trained_as_of <= as_of and one.name in champions and champions[one.name].promotion.version != one.version
    ]


def score_shadows(
    context: Context,
    *,
    as_of: date,
    scores: Scores,
    champions: dict[str, Champion],
    shadows: list[Shadow],
    paths: list[str],
    tick: Tick,
) -> dict[str, str]:
    """Ask the challengers about the customers that the champions scored, and keep both.

    Args:
        context: the surroundings.
        as_of: the date.
        scores: of the champions.
        champions: by model.
        shadows: of `shadows_of`.
        paths: the buckets' feature files, in order.
        tick: called once a challenger.

    Returns:
        By challenger what became of it, in words.
    """
    told: dict[str, str] = {}
    parts: dict[int, list[pl.DataFrame]] = {bucket: [] for bucket in range(len(paths))}
    for shadow in shadows:
        label = f"{shadow.name} {shadow.version}"
        try:
            added = _scored(context, shadow, champions[shadow.name], scores, dict(zip(parts, paths, strict=True)))
        except (DataBlockedError, DependencyDownError, VersionUnknownError) as error:
            told[label] = f"not scored: {error.what}"
            continue
        except (KeyError, TypeError, ValueError) as error:  # its files are of another version's form
            told[label] = f"not scored: written by another version of this software ({type(error).__name__})"
            continue
        for bucket, frame in added.items():
            parts[bucket].append(frame)
        told[label] = f"{sum(frame.height for frame in added.values()) // 2:,} customers scored in the shadow"
        tick()
    for bucket, frames in parts.items():
        context.lake.write_bucket(KIND, as_of, bucket, pl.concat([pl.DataFrame(schema=SCHEMA), *frames]))
    return told


def compare_shadows(context: Context, *, name: str, as_of: date | None) -> dict[str, Any]:
    """Champion and challengers by what they said on past nights whose outcomes are known by now.

    Returns:
        `nights`, newest first: date, champion, challenger, customers, figures of both, gains, verdict; `waiting`:
        nights whose windows are not over.

    Raises:
        NotComparableError: nothing was scored in the shadow.
    """
    from models.comparing import FIGURES, judge_difference, target, tested  # noqa: PLC0415 heavy

    core = CoreTables.latest(context)
    day = context.resolve_as_of(as_of)
    nights: list[dict[str, Any]] = []
    waiting: list[str] = []
    for night in _stored(context):
        rows = _read(context, night).filter(pl.col("model") == name)
        if rows.is_empty() or len(nights) >= MOST_NIGHTS:
            continue
        days = int(rows["horizon_days"][0])
        if night > newest_complete_snapshot(core, as_of=day, horizon_days=days):
            waiting.append(night.isoformat())
            continue
        happened = evaluation_rows(context, core, snapshot=night, horizon_days=days)
        for challenger in rows.filter(~pl.col("is_champion"))["version"].unique().sort().to_list():
            foretold = target(load_version(context, name, challenger))
            both = _side_by_side(rows, challenger, happened.select("customer_id", foretold))
            actual, champion_said, said = (both[column].to_numpy() for column in ("actual", "champion", "challenger"))
            gains = tested(name, said, champion_said, actual, seed=context.settings.training.seed)
            figures = FIGURES[name](champion_said, actual)
            nights.append(
                {
                    "night": night.isoformat(),
                    "champion": int(rows.filter("is_champion")["version"][0]),
                    "challenger": challenger,
                    "customers": both.height,
                    "champion_figures": figures,
                    "challenger_figures": FIGURES[name](said, actual),
                    "gains": gains,
                    "verdict": judge_difference(name, gains, figures),
                }
            )
    if not nights and not waiting:
        raise NotComparableError(
            name=name,
            reason="no night was scored in the shadow",
            action=f"gristmill models shadow {name} VERSION, then wait for a night and for its outcomes",
        )
    return {"model": name, "nights": nights, "waiting": waiting}


def _scored(
    context: Context, shadow: Shadow, champion: Champion, scores: Scores, paths: dict[int, str]
) -> dict[int, pl.DataFrame]:
    from models.comparing import horizon_days, mismatch, predictions  # noqa: PLC0415 heavy

    bundle = context.registry.load(shadow.name, shadow.version, digest=shadow.digest)
    days = horizon_days(bundle)
    if reason := mismatch(bundle, champion.bundle):
        raise NotComparableError(name=shadow.name, reason=reason, action="stop it, or train one like the champion")
    published = scores.churn if shadow.name == "churn" else scores.value
    column = "churn_probability" if shadow.name == "churn" else "expected_value_90d_amount"
    said = published.select("customer_id", pl.col(column).cast(pl.Float64).alias("predicted"))
    found = {}
    for bucket, path in paths.items():
        rows = pl.read_parquet(path).join(
            said.select("customer_id"), on="customer_id", how="semi", maintain_order="left"
        )
        keys = rows.select("customer_id", "snapshot_date")
        ours = keys.with_columns(pl.Series("predicted", predictions(bundle, rows), dtype=pl.Float64))
        theirs = keys.join(said, on="customer_id", how="left", validate="1:1", maintain_order="left")
        versions = ((ours, shadow.version, False), (theirs, champion.promotion.version, True))
        found[bucket] = pl.concat(
            [
                frame.with_columns(
                    pl.lit(shadow.name).alias("model"),
                    pl.lit(version, pl.Int64).alias("version"),
                    pl.lit(is_champion).alias("is_champion"),
                    pl.lit(days, pl.Int64).alias("horizon_days"),
                ).select(list(SCHEMA))
                for frame, version, is_champion in versions
            ]
        )
    return found


def _side_by_side(rows: pl.DataFrame, challenger: int, happened: pl.DataFrame) -> pl.DataFrame:
    """One row a customer scored by both and with a known outcome: `champion`, `challenger`, `actual`."""
    target = happened.columns[1]
    parts = {
        "champion": rows.filter("is_champion").unique("customer_id"),
        "challenger": rows.filter(~pl.col("is_champion") & (pl.col("version") == challenger)),
    }
    both = happened.select("customer_id", pl.col(target).cast(pl.Float64).alias("actual"))
    for name, frame in parts.items():
        said = frame.select("customer_id", pl.col("predicted").alias(name))
        both = both.join(said, on="customer_id", how="inner", validate="1:1")
    return both.sort("customer_id")


def _stored(context: Context) -> list[date]:
    """Nights with scores in the shadow, newest first."""
    folders = (context.lake.root / KIND).glob("as_of=*")
    return sorted((date.fromisoformat(folder.name.removeprefix("as_of=")) for folder in folders), reverse=True)


def _read(context: Context, night: date) -> pl.DataFrame:
    files = sorted((context.lake.root / KIND / f"as_of={night.isoformat()}").glob("*.parquet"))
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(pl.read_parquet(path) for path in files)])
