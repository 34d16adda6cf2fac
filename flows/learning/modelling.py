"""Looking at models: which versions there are, one version, who was champion when, versions side by side.

Belongs here: reading the registry and the ledger into plain values, and comparing versions on the same rows. Does not:
changing anything (`promoting.py`), printing (`model_reporting.py`).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.orders import snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.learning.champions import models_of
from flows.learning.errors import ModelUnknownError, NotComparableError
from flows.learning.model_cards import FOLDER
from flows.learning.model_facts import model_facts
from flows.learning.promoting import champion_on, known_models, load_version
from models.errors import VersionUnknownError
from models.judging.grading import grade_bundle
from models.snapshots import labels
from warehouse.promotions import Promotion, champion_for, promotions_of, reigns, running_shadows

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.comparing import Contender
    from models.registry import Version

COMPARABLE = ("churn", "value")
MOST_COMPARED = 6


def list_models(context: Context) -> dict[str, Any]:
    """All registered versions, newest first within each model: grade, baseline or model, champion, shadow."""
    exists = context.warehouse().exists()
    champions: dict[str, Promotion | None] = {}
    shadows: set[tuple[str, int]] = set()
    names = sorted({*models_of(context), *known_models(context)})
    if exists:
        with context.warehouse(read_only=True) as warehouse:
            champions = {name: champion_for(warehouse, name, context.today) for name in names}
            shadows = {(one.name, one.version) for one in running_shadows(warehouse)}
    rows = [
        _listed(version, champions.get(name), in_shadow=(name, version.version) in shadows)
        for name in names
        for version in reversed(context.registry.versions(name))
    ]
    return {"models": rows, "never_trained": [name for name in names if name not in {row["model"] for row in rows}]}


def show_model(context: Context, name: str, version: int | None) -> dict[str, Any]:
    """One version, by default the champion of today: figures, grade, reasons, parameters, its card.

    Raises:
        ModelUnknownError, VersionUnknownError: there is no such thing.
    """
    champion = champion_on(context, name, context.today) if context.warehouse().exists() else None
    if version is None and champion is None:
        raise ModelUnknownError(name=name, known=known_models(context))
    wanted = version if version is not None else champion.version if champion else 0
    bundle = load_version(context, name, wanted)
    grade = grade_bundle(bundle)
    card = context.settings.workspace / FOLDER / f"{name}-v{wanted}.html"
    return {
        "model": name,
        **model_facts(bundle, wanted),
        "is_champion": champion is not None and champion.version == wanted,
        "grade": grade.letter,
        "grade_words": grade.words,
        "features": list(bundle.features),
        "parameters": bundle.parameters,
        "digest": bundle.digest(),
        "card": str(card) if card.is_file() else "",
    }


def model_history(context: Context, name: str | None, *, on: date | None = None) -> dict[str, Any]:
    """Who was champion from when to when, and why it changed; by the ledger alone.

    Args:
        context: the surroundings.
        name: the model; None: all.
        on: only who was champion at the end of that business day.

    Raises:
        ModelUnknownError: the ledger knows no such model.
    """
    names = known_models(context)
    if name is not None and name not in names:
        raise ModelUnknownError(name=name, known=names)
    told = []
    if names:
        with context.warehouse(read_only=True) as warehouse:
            told = [
                _reign(reign.promotion, reign.until)
                for one in ([name] if name else names)
                for reign in reigns(promotions_of(warehouse, one))
            ]
    if on is not None:
        moment = snapshot_instant(on + timedelta(days=1), time_zone=context.settings.company.time_zone)
        told = [
            one
            for one in told
            if one["since"] < moment.isoformat() and (one["until"] is None or one["until"] >= moment.isoformat())
        ]
    return {"history": told} | ({"on": on.isoformat()} if on else {})


def compare_versions(context: Context, *, name: str, versions: list[int], as_of: date | None) -> dict[str, Any]:
    """Versions side by side: their own test figures, and, where possible, all of them on the same rows.

    The rows are the customers of the newest date whose outcomes are known by now. Each version is asked as it stood on
    that date: itself where it was trained by then, else as it was graded.

    Args:
        context: the surroundings.
        name: the model.
        versions: the first is what the others are held against; empty: the champion, then the newest others.
        as_of: the date whose outcomes are the last to be looked at; None: today.

    Raises:
        ModelUnknownError, VersionUnknownError: there is no such thing.
        NotComparableError: fewer than two versions.
    """
    day = context.resolve_as_of(as_of)
    bundles = _bundles(context, name, versions)
    if len(bundles) < 2:  # noqa: PLR2004 - a comparison needs two
        raise NotComparableError(name=name, reason="only one version is registered", action="train again, then compare")
    told: dict[str, Any] = {
        "model": name,
        "versions": [
            {**model_facts(bundle, version), "grade": grade_bundle(bundle).letter}
            for version, bundle in bundles.items()
        ],
    }
    if name not in COMPARABLE:
        return told | {"same_rows": None, "why_not": f"{name} is compared by its own test figures only"}
    try:
        return told | _on_same_rows(context, name, bundles, day)
    except NotComparableError as error:
        return told | {"same_rows": None, "why_not": error.got}


def evaluation_rows(context: Context, core: CoreTables, *, snapshot: date, horizon_days: int) -> pl.DataFrame:
    """Features and outcomes of the population of one date, sorted by customer; the window is over."""
    zone, parts = core.time_zone, []
    for bucket in core.buckets():
        orders = core.orders(bucket)
        asked = labels.population(
            orders,
            snapshots=[snapshot],
            active_within_days=context.settings.population.active_within_days,
            time_zone=zone,
        )
        happened = labels.outcomes(orders, snapshots=[snapshot], horizon_days=horizon_days, time_zone=zone)
        built = core.build_features(bucket, [snapshot]).join(asked, on=labels.KEYS, how="semi")
        parts.append(built.join(happened, on=labels.KEYS, how="inner", validate="1:1").collect())
    return pl.concat(parts).sort(labels.KEYS)


def newest_complete_snapshot(core: CoreTables, *, as_of: date, horizon_days: int) -> date:
    """The newest date whose window of outcomes is over by `as_of` and inside the data."""
    return min(as_of, core.span[1] + timedelta(days=1)) - timedelta(days=horizon_days)


def _listed(version: "Version", champion: Promotion | None, *, in_shadow: bool) -> dict[str, Any]:
    return {
        "model": version.name,
        "version": version.version,
        "trained_as_of": version.tags.get("trained_as_of", ""),
        "grade": version.tags.get("grade", ""),
        "method": version.tags.get("method", ""),
        "is_champion": champion is not None and champion.version == version.version,
        "in_shadow": in_shadow,
        "load_id": version.tags.get("load_id", ""),
        "code_version": version.tags.get("code_version", ""),
        "digest": version.digest,
    }


def _on_same_rows(context: Context, name: str, bundles: dict[int, "Bundle"], day: date) -> dict[str, Any]:
    from models.comparing import compare, horizon_days, in_words  # noqa: PLC0415 heavy

    days = horizon_days(next(iter(bundles.values())))
    if days is None:
        raise NotComparableError(name=name, reason="the first version does not say how far it looks", action="")
    core = CoreTables.latest(context)
    snapshot = newest_complete_snapshot(core, as_of=day, horizon_days=days)
    contenders, left_out = _contenders(context, bundles, snapshot)
    if len(contenders) < 2:  # noqa: PLR2004 - a comparison needs two
        reason = "; ".join(f"version {version}: {why}" for version, why in left_out.items())
        raise NotComparableError(name=name, reason=reason, action="compare again when newer outcomes are known")
    rows = evaluation_rows(context, core, snapshot=snapshot, horizon_days=days)
    found = compare(contenders, rows, snapshot=snapshot, seed=context.settings.training.seed)
    return {
        "same_rows": found.plain() | {"horizon_days": days},
        "left_out": {str(version): why for version, why in left_out.items()},
        "words": [in_words(found, one.version) for one in contenders[1:]],
    }


def _contenders(
    context: Context, bundles: dict[int, "Bundle"], snapshot: date
) -> tuple[list["Contender"], dict[int, str]]:
    """Who can be asked about the date, and why others can't."""
    from models.comparing import as_it_stood, mismatch  # noqa: PLC0415 heavy

    first = next(iter(bundles.values()))
    found, left_out = [], {}
    for version, bundle in bundles.items():
        known = replace(bundle, graded=context.registry.load_graded(bundle, version))
        stood = as_it_stood(known, version, snapshot)
        if why := mismatch(bundle, first):
            left_out[version] = why
        elif stood is None:
            left_out[version] = f"trained as of {bundle.trained_as_of}, it has seen what happened after {snapshot}"
        else:
            found.append(stood)
    return found, left_out


def _bundles(context: Context, name: str, versions: list[int]) -> dict[int, "Bundle"]:
    """The versions asked for, verified; by default the champion, then the newest."""
    registered = [one.version for one in context.registry.versions(name)]
    if not registered:
        raise ModelUnknownError(name=name, known=known_models(context))
    chosen = list(dict.fromkeys(versions))
    if len(chosen) < 2:  # noqa: PLR2004 - a comparison needs two
        champion = champion_on(context, name, context.today)
        first = [champion.version] if champion else []
        newest = sorted(registered, reverse=True)
        chosen = list(dict.fromkeys([*first, *chosen, *([] if chosen else newest[: MOST_COMPARED - 1])]))
    unknown = next((version for version in chosen if version not in registered), None)
    if unknown is not None:
        raise VersionUnknownError(model=name, version=unknown, known=registered)
    return {version: load_version(context, name, version) for version in chosen}


def _reign(promotion: Promotion, until: datetime | None) -> dict[str, Any]:
    return {
        "model": promotion.name,
        "version": promotion.version,
        "since": promotion.promoted_at.isoformat(),
        "until": until.isoformat() if until else None,
        "trained_as_of": promotion.trained_as_of.isoformat(),
        "how": promotion.kind,
        "because": promotion.because,
        "decided_by": promotion.decided_by,
        "previous_version": promotion.previous_version,
        "grade": promotion.grade,
    }
