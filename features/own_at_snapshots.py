"""Values of features of a company's own at every snapshot, and of those made of finished features.

Belongs here: what is evaluated when, on what. Does not: checking declarations (`own`).
"""

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from data_contracts.contracts import core_contract
from data_contracts.own_features import OwnFeature
from features.additions import Additions
from features.errors import ColumnsMissingError
from features.own import aggregated, column_of, columns_asked
from features.own_functions import values_of_function
from features.own_sql import columns_of, evaluate
from features.own_values import as_declared, one_each
from features.snapshots import Snapshot, Snapshots
from features.tables import KEYS
from features.visible import ADDED, OUTCOMES, shown_columns, visible

CUSTOMER = "customer_id"
STAMPS = ("known_at", "superseded_at")


def with_own(
    rows: pl.DataFrame,
    frames: Mapping[str, pl.LazyFrame],
    snapshots: Snapshots,
    *,
    specs: Sequence[OwnFeature],
    additions: Additions,
) -> pl.DataFrame:
    """Join the values of features made of rows, each as `own.<name>`.

    Args:
        rows: one row per customer and snapshot.
        frames: core frames by entity.
        snapshots: the dates.
        specs: the features to make; those made of other features are passed over.
        additions: what the company adds.
    """
    wanted = [spec for spec in specs if spec.form != "expression"]
    columns = _columns(wanted, additions, frames)
    held = {entity: _held(entity, frames[entity], asked) for entity, asked in columns.items()}
    for group in _groups(wanted):
        parts = [
            _values(group, held, columns, snapshot, additions.folder).with_columns(
                pl.lit(snapshot.number, dtype=pl.UInt16).alias("snapshot")
            )
            for snapshot in snapshots
        ]
        rows = rows.join(pl.concat(parts), on=KEYS, how="left", validate="1:1", maintain_order="left")
    return rows.with_columns(
        pl.col(column_of(spec)).fill_null(spec.when_null) for spec in wanted if spec.when_null is not None
    )


def with_expressions(finished: pl.DataFrame, specs: Sequence[OwnFeature]) -> pl.DataFrame:
    """Add features made of finished ones, in the order of their declaration: later ones may refer to earlier ones."""
    for spec in specs:
        if spec.form == "expression":
            asked = columns_of(spec.text, name=spec.name)
            found = evaluate(finished.select(asked or CUSTOMER), {spec.name: spec.text})
            finished = finished.with_columns(as_declared(found[spec.name], spec))
    return finished


def _groups(specs: Sequence[OwnFeature]) -> list[list[OwnFeature]]:
    """Aggregates of one entity together, each function by itself."""
    by_entity: dict[str, list[OwnFeature]] = {}
    for spec in specs:
        by_entity.setdefault(spec.entity or f"python {spec.name}", []).append(spec)
    return list(by_entity.values())


def _columns(
    specs: Sequence[OwnFeature], additions: Additions, frames: Mapping[str, pl.LazyFrame]
) -> dict[str, set[str]]:
    """By entity, the columns that are shown of it: what expressions ask for, everything to functions."""
    columns: dict[str, set[str]] = {}
    for spec in specs:
        for entity in spec.entities:
            there = {*frames[entity].collect_schema().names(), *ADDED}
            shown = shown_columns(entity, dict(additions.attributes))
            columns.setdefault(entity, set()).update(name for name in shown if name in there)
        if spec.entity:
            columns.setdefault(spec.entity, set()).update({CUSTOMER, *columns_asked(spec)})
    return columns


def _held(entity: str, frame: pl.LazyFrame, columns: Collection[str]) -> pl.LazyFrame:
    """The columns that are shown, and those that say what may be; read once for all snapshots."""
    present = frame.collect_schema().names()
    missing = set(columns) - {*present, *ADDED}
    if missing:
        raise ColumnsMissingError(entity=entity, missing=missing, present=present)
    gates = {core_contract(entity).event_time, *OUTCOMES.get(entity, {}), *STAMPS}
    return frame.select(name for name in present if name in {*columns, *gates}).collect().lazy()


def _values(
    group: Sequence[OwnFeature],
    held: Mapping[str, pl.LazyFrame],
    columns: Mapping[str, set[str]],
    snapshot: Snapshot,
    folder: str,
) -> pl.DataFrame:
    """`customer_id` and each feature of the group, as `own.<name>`."""
    spec = group[0]
    if spec.form == "python":
        shown: dict[str, pl.LazyFrame] = {
            entity: visible(entity, held[entity], snapshot, columns[entity]).collect().lazy()
            for entity in spec.entities
        }
        found = values_of_function(spec.name, spec.text, folder=folder, frames=shown, snapshot=snapshot)
        found = one_each(found, spec).rename({"value": spec.name})
    else:
        entity = str(spec.entity)
        found = aggregated(visible(entity, held[entity], snapshot, columns[entity]).collect(), group)
    return found.select(CUSTOMER, *(as_declared(found[one.name], one).alias(column_of(one)) for one in group))
