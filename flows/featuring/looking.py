"""Looking at features: which there are, and one customer's beside everybody's.

Belongs here: what `gristmill features list` and `show` answer, as plain values. Does not: how features are made
(`features`), proofs of them (`proofs`), printing (`reporting`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

import features
from config.errors import CommandUnknownNameError
from flows.additions import additions_of
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors import NothingLoadedError
from flows.featuring.errors import CustomerUnknownError, CustomerWithoutFeaturesError
from flows.featuring.stored_features import has_columns, stored_night
from warehouse.lake import bucket_file, bucket_of

QUANTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
COLUMNS_AT_ONCE = 16  # of everybody: bounds memory
COUNTS_AS_THERE = "whatever features can be made of"


def list_features(context: Context | None, *, entity: str | None = None, family: str | None = None) -> dict[str, Any]:
    """The catalogue, in plain values.

    Args:
        context: the surroundings; without any, everything there can be.
        entity: only features that need this entity.
        family: only features of this family.

    Raises:
        CommandUnknownNameError: no feature is made of that entity, or there is no such family.
    """
    additions = features.NOTHING_ADDED if context is None else additions_of(context.settings)
    entities, absent, source = _what_is_there(context)
    specs = features.catalogue(entities, absent_columns=absent, additions=additions)
    gaps = features.left_out(entities, absent_columns=absent, additions=additions)
    _check("entity that features are made of", entity, list(features.ENTITIES))
    _check(
        "family of features",
        family,
        list(dict.fromkeys([*(spec.family for spec in specs), *(gap.family for gap in gaps)])),
    )
    made = [spec for spec in specs if family in {None, spec.family} and entity in {None, *spec.needs}]
    missing = [gap for gap in gaps if family in {None, gap.family} and entity in {None, *gap.needs}]
    return {
        "made_of": source,
        "features": [
            {
                "name": spec.name,
                "family": spec.family,
                "meaning": spec.meaning,
                "unit": spec.unit,
                "type": spec.dtype.__name__,
                "null_means": spec.null_means,
                "needs": list(spec.needs),
                "window_days": spec.window_days,
            }
            for spec in made
        ],
        "left_out": [
            {"name": gap.name, "family": gap.family, "missing": list(gap.missing), "reason": gap.reason}
            for gap in missing
        ],
    }


def customer_features(context: Context, customer_id: str, *, as_of: date, names: Sequence[str] = ()) -> dict[str, Any]:
    """One customer's features as of a date beside everybody's quantiles, in plain values.

    Args:
        context: the surroundings.
        customer_id: the customer.
        as_of: the date.
        names: only these features; by default all.

    Raises:
        CommandUnknownNameError: no feature of that name can be made of the last load.
        CustomerUnknownError: no row of the last load is about that customer.
        CustomerWithoutFeaturesError: they had neither bought nor subscribed before the date.
        NothingLoadedError, AsOfBeforeDataError.
    """
    core = CoreTables.latest(context)
    for name in names:
        _check("feature of the last load", name, core.feature_names())
    values = _values(core, customer_id, as_of)
    specs = [spec for spec in core.catalogue() if not names or spec.name in names]
    with context.reporter.step("everybody's features"), _everybody(context, core, as_of) as (paths, stored):
        population, quantiles = _quantiles(paths, [spec.name for spec in specs if spec.dtype.is_numeric()])
    return {
        "customer_id": customer_id,
        "as_of": as_of.isoformat(),
        "load_id": core.load.load_id,
        "customers": population,
        "population_from": "the night's stored features" if stored else "features built now",
        "features": [
            {
                "name": spec.name,
                "family": spec.family,
                "value": values[spec.name],
                "unit": spec.unit,
                "meaning": spec.meaning,
                "null_means": spec.null_means,
                **{label: quantiles.get((spec.name, label)) for label in QUANTILES},
            }
            for spec in specs
        ],
    }


def _check(what: str, got: str | None, known: list[str]) -> None:
    if got is not None and got not in known:
        raise CommandUnknownNameError(what=what, got=got, known=known)


def _what_is_there(context: Context | None) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Entities, columns that hold nothing, and who says so: the last load, else the settings, else nobody."""
    if context is None:
        return features.ENTITIES, (), COUNTS_AS_THERE
    try:
        core = CoreTables.latest(context)
    except NothingLoadedError:
        fed = {source.entity for source in context.settings.sources.values()}
        return tuple(sorted(fed)), (), "what the settings' sources feed (nothing is loaded yet)"
    return core.entities, core.absent_columns, f"the load {core.load.load_id}"


def _values(core: CoreTables, customer_id: str, as_of: date) -> dict[str, Any]:
    """The customer's row, built of the customer's rows in their bucket."""
    bucket = bucket_of(customer_id, core.load.buckets)
    frames = {
        entity: frame.filter(customer_id=customer_id) if "customer_id" in frame.collect_schema() else frame
        for entity, frame in core.made_features_of(bucket).items()
    }
    own = [frame for frame in frames.values() if "customer_id" in frame.collect_schema()]
    if not any(frame.select(pl.len()).collect().item() for frame in own):
        raise CustomerUnknownError(load_id=core.load.load_id)
    built = core.build_features_of(frames, [as_of]).collect()
    row = built.filter(customer_id=customer_id)
    if row.is_empty():
        raise CustomerWithoutFeaturesError(as_of=as_of)
    return row.row(0, named=True)


@contextmanager
def _everybody(context: Context, core: CoreTables, as_of: date) -> Iterator[tuple[list[Path], bool]]:
    """Feature files of everybody, and whether they are the night's own; else built now, bucket by bucket, and gone."""
    night = stored_night(context, as_of, load_id=core.load.load_id)
    expected = ["customer_id", "snapshot_date", *core.feature_names()]
    if night is not None and all(has_columns(path, expected) for path in night.paths):
        yield list(night.paths), True
        return
    with TemporaryDirectory(prefix="gristmill-") as folder:
        paths = [Path(folder) / bucket_file(bucket) for bucket in core.buckets()]
        for bucket, path in zip(core.buckets(), paths, strict=True):
            core.build_features(bucket, [as_of]).collect().write_parquet(path)
        yield paths, False


def _quantiles(paths: list[Path], names: list[str]) -> tuple[int, dict[tuple[str, str], float | None]]:
    """How many customers there are, and by feature and label a quantile of those who have a value."""
    everybody = pl.scan_parquet(paths)
    found: dict[tuple[str, str], float | None] = {}
    for start in range(0, len(names), COLUMNS_AT_ONCE):
        some = [(name, label) for name in names[start : start + COLUMNS_AT_ONCE] for label in QUANTILES]
        asked = [
            pl.col(name).cast(pl.Float64).quantile(QUANTILES[label], "linear").alias(str(place))
            for place, (name, label) in enumerate(some)
        ]
        found |= dict(zip(some, everybody.select(asked).collect().row(0), strict=True))
    return everybody.select(pl.len()).collect().item(), found
