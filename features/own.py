"""Features of a company's own: from what is declared to what the catalogue and the engine work with.

Belongs here: checking declarations against what there is, and their values at snapshots. Does not: the languages they
are written in (`own_sql`, `own_polars`, `own_functions`), or the gate on rows (`visible`).
"""

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl

from data_contracts.contracts import core_contract
from data_contracts.own_features import OwnFeature
from features.additions import Additions
from features.feature import Feature
from features.own_errors import (
    FeatureNameTakenError,
    OwnFeatureColumnError,
    OwnFeatureEntityError,
)
from features.own_functions import loaded_function
from features.own_polars import polars_expression
from features.own_sql import aggregate, columns_of, evaluate
from features.own_values import DTYPES, as_declared, by_polars, schema_by_polars
from features.required import REQUIRED
from features.visible import ADDED, shown_columns

FAMILY = "own"
CUSTOMER = "customer_id"


def own_features(additions: Additions, others: Mapping[str, Feature]) -> list[Feature]:
    """The features of the company's own, checked.

    Args:
        additions: what the company adds.
        others: all other features there can be, by name.

    Raises:
        FeatureNameTakenError, OwnFeatureTextError, OwnFeatureColumnError, OwnFeatureEntityError, OwnFeatureTypeError,
        OwnFunctionMissingError.
    """
    there = dict(others)
    for spec in additions.own:
        if spec.name in there:
            taken = there[spec.name]
            raise FeatureNameTakenError(feature=spec.name, by=taken.meaning)
        there[spec.name] = _feature(spec, _needs(spec, additions, there))
    return [there[spec.name] for spec in additions.own]


def _feature(spec: OwnFeature, needs: tuple[str, ...]) -> Feature:
    words = spec.meaning.rstrip(".").translate({ord("{"): "(", ord("}"): ")"})
    words = words[0].lower() + words[1:]
    return Feature(
        name=spec.name,
        meaning=spec.meaning,
        unit=spec.unit,
        dtype=DTYPES[spec.type],
        null_means="never" if spec.when_null is not None else spec.null_means,
        needs=needs,
        window_days=spec.window_days,
        value=pl.col(column_of(spec)),
        phrase=f"{words}: {{{spec.name}}}",
        phrase_when_null=f"{words}: not known",
    )


def column_of(spec: OwnFeature) -> str:
    """The column in which the engine finds its values: its own of an expression over finished features."""
    return spec.name if spec.form == "expression" else f"own.{spec.name}"


def _needs(spec: OwnFeature, additions: Additions, there: Mapping[str, Feature]) -> tuple[str, ...]:
    """What it is made of, as catalogues say it; and whether it can be made at all."""
    if spec.form == "expression":
        return _needs_of_expression(spec, there)
    if spec.form == "python":
        return _needs_of_function(spec, additions)
    return _needs_of_aggregate(spec, additions)


def _needs_of_expression(spec: OwnFeature, there: Mapping[str, Feature]) -> tuple[str, ...]:
    asked = columns_of(spec.text, name=spec.name)
    unknown = set(asked) - set(there)
    if unknown:
        raise OwnFeatureColumnError(feature=spec.name, of="features", unknown=unknown, known=there)
    empty = pl.DataFrame(schema={name: there[name].dtype for name in asked} or {"snapshot": pl.UInt16})
    as_declared(evaluate(empty, {spec.name: spec.text})[spec.name], spec)
    return tuple(dict.fromkeys(need for name in asked for need in there[name].needs)) or ("orders",)


def _needs_of_function(spec: OwnFeature, additions: Additions) -> tuple[str, ...]:
    unknown = [entity for entity in spec.entities if entity not in REQUIRED]
    if unknown:
        raise OwnFeatureEntityError(feature=spec.name, entity=", ".join(unknown), known=REQUIRED)
    loaded_function(spec.name, spec.text, folder=additions.folder)
    return spec.entities


def _needs_of_aggregate(spec: OwnFeature, additions: Additions) -> tuple[str, ...]:
    entity = str(spec.entity)
    by_customer = [known for known in REQUIRED if CUSTOMER in core_contract(known).columns]
    if entity not in by_customer:
        raise OwnFeatureEntityError(feature=spec.name, entity=entity, known=by_customer)
    shown = shown_columns(entity, dict(additions.attributes))
    known = [name for name in shown if name != CUSTOMER]
    asked = columns_asked(spec)
    if unknown := set(asked) - set(known):
        raise OwnFeatureColumnError(feature=spec.name, of=entity, unknown=unknown, known=known)
    empty = pl.DataFrame(schema={CUSTOMER: pl.String, **{name: shown[name] for name in asked}})
    as_declared(aggregated(empty, [spec])[spec.name], spec)
    contract = core_contract(entity)
    always = {*ADDED, "known_at", *contract.required_columns()}
    return (entity, *(f"{entity}.{name}" for name in asked if name not in always))


@cache
def columns_asked(spec: OwnFeature) -> tuple[str, ...]:
    """The columns of its entity that an aggregate refers to, by name."""
    if spec.form == "sql":
        return columns_of(spec.text, name=spec.name)
    return tuple(sorted(set(polars_expression(spec.text, name=spec.name).meta.root_names())))


def aggregated(frame: pl.DataFrame, specs: Sequence[OwnFeature]) -> pl.DataFrame:
    """Values of aggregates of one entity: one row a customer of `frame`, `customer_id` and a column for each, by name.

    Args:
        frame: what is shown of the entity, sorted.
        specs: features made by `sql` or `polars`.
    """
    values = frame.select(CUSTOMER).unique(maintain_order=True)
    in_sql = {spec.name: spec.text for spec in specs if spec.form == "sql"}
    if in_sql:
        values = values.join(aggregate(frame, in_sql), on=CUSTOMER, how="left", validate="1:1", maintain_order="left")
    for spec in specs:
        if spec.form == "polars":
            made = polars_expression(spec.text, name=spec.name)
            found = by_polars(frame, made, spec) if frame.height else schema_by_polars(frame, made, spec)
            values = values.join(found, on=CUSTOMER, how="left", validate="1:1", maintain_order="left")
    return values
