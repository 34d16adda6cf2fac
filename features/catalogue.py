"""Which features there are, and which can be made of what a company has.

Belongs here: the order of families and the choice among features. Does not: how any of them is made.
"""

from collections.abc import Collection
from functools import cache

from features import (
    assortment,
    channels,
    contacts,
    engagement,
    habits,
    own,
    payments,
    profile,
    purchases,
    referrals,
    returns,
    service,
    subscriptions,
    timing,
)
from features.additions import NOTHING_ADDED, Additions
from features.attributes import FAMILY as ATTRIBUTES
from features.attributes import attribute_features, attributes_left_out
from features.errors import UnknownEntityError
from features.feature import Feature, FeatureSpec, LeftOut
from features.inputs import Table
from features.own_errors import FeatureNameTakenError

FAMILIES = (
    timing.FAMILY,
    habits.FAMILY,
    purchases.FAMILY,
    assortment.FAMILY,
    returns.FAMILY,
    channels.FAMILY,
    payments.FAMILY,
    contacts.FAMILY,
    service.FAMILY,
    subscriptions.FAMILY,
    engagement.FAMILY,
    referrals.FAMILY,
    profile.FAMILY,
)


def tables() -> list[Table]:
    """The tables, beside orders, that features aggregate. For the engine."""
    return [table for family in FAMILIES for table in family.tables]


def needs(additions: Additions = NOTHING_ADDED) -> list[str]:
    """Everything any feature is made of: entities (`orders`) and optional columns (`orders.cost_amount`), sorted."""
    return sorted({need for _, feature in _all(additions) for need in feature.needs})


def catalogue(
    entities: Collection[str], *, absent_columns: Collection[str] = (), additions: Additions = NOTHING_ADDED
) -> list[FeatureSpec]:
    """The features that can be made of what is there, in the order `build` returns them.

    Args:
        entities: the core entities that are there (`orders`, `customers`, …; those no feature is made of are ignored).
        absent_columns: optional columns that hold nothing in the whole company, as `entity.column`
            (say `orders.cost_amount`); their features drop out.
        additions: features of the company's own, and extra attributes of customers.

    Raises:
        UnknownEntityError: an absent column is named that no feature is made of.
        FeatureNameTakenError, OwnFeatureTextError, OwnFeatureColumnError, OwnFeatureEntityError, OwnFeatureTypeError,
        OwnFunctionMissingError: a feature of the company's own can't be made as it is declared.
    """
    made = chosen(entities, absent_columns=absent_columns, additions=additions)
    return [feature.spec(family) for family, feature in made]


def names(
    entities: Collection[str], *, absent_columns: Collection[str] = (), additions: Additions = NOTHING_ADDED
) -> list[str]:
    """The columns `build` returns: `customer_id`, `snapshot_date`, then the features of `catalogue`."""
    made = chosen(entities, absent_columns=absent_columns, additions=additions)
    return ["customer_id", "snapshot_date", *(feature.name for _, feature in made)]


def phrases(
    entities: Collection[str], *, absent_columns: Collection[str] = (), additions: Additions = NOTHING_ADDED
) -> dict[str, str]:
    """How to say each feature to a marketer: `FeatureSpec.phrase` by name."""
    made = chosen(entities, absent_columns=absent_columns, additions=additions)
    return {feature.name: feature.phrase for _, feature in made}


def left_out(
    entities: Collection[str], *, absent_columns: Collection[str] = (), additions: Additions = NOTHING_ADDED
) -> list[LeftOut]:
    """The features that can't be made of what is there, and why."""
    found = []
    for family, feature in _all(additions):
        missing = _missing(feature, entities, absent_columns)
        if missing:
            reason = f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not there"
            found.append(LeftOut(name=feature.name, family=family, needs=feature.needs, missing=missing, reason=reason))
    return [*found, *attributes_left_out(additions)]


def chosen(
    entities: Collection[str], *, absent_columns: Collection[str] = (), additions: Additions = NOTHING_ADDED
) -> list[tuple[str, Feature]]:
    """The features that can be made, each with its family's name. For the engine; others use `catalogue`."""
    unknown = set(absent_columns) - set(needs(additions))
    if unknown:
        raise UnknownEntityError(unknown=unknown, known=needs(additions))
    return [(family, feature) for family, feature in _all(additions) if not _missing(feature, entities, absent_columns)]


@cache
def _all(additions: Additions) -> tuple[tuple[str, Feature], ...]:
    """Every feature there can be, each with its family's name: built-in ones, of extra attributes, of their own."""
    built_in = [(family.name, feature) for family in FAMILIES for feature in family.features]
    attributes = attribute_features(additions)
    there = {feature.name: feature for _, feature in built_in}
    for feature in attributes:
        if feature.name in there:
            raise FeatureNameTakenError(feature=feature.name, by=there[feature.name].meaning)
        there[feature.name] = feature
    owned = own.own_features(additions, there)
    return (
        *built_in,
        *((ATTRIBUTES, feature) for feature in attributes),
        *((own.FAMILY, feature) for feature in owned),
    )


def _missing(feature: Feature, entities: Collection[str], absent_columns: Collection[str]) -> tuple[str, ...]:
    entities_missing = tuple(need for need in feature.needs if "." not in need and need not in entities)
    return entities_missing or tuple(need for need in feature.needs if need in absent_columns)
