"""Which features there are, and which can be made of what a company has.

Belongs here: the order of families and the choice among features. Does not: how any of them is made.
"""

from collections.abc import Collection, Iterator

from features import (
    assortment,
    channels,
    contacts,
    engagement,
    habits,
    payments,
    profile,
    purchases,
    referrals,
    returns,
    service,
    subscriptions,
    timing,
)
from features.errors import UnknownEntityError
from features.feature import Feature, FeatureSpec, LeftOut
from features.inputs import Table

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


def needs() -> list[str]:
    """Everything any feature is made of: entities (`orders`) and optional columns (`orders.cost_amount`), sorted."""
    return sorted({need for _, feature in _all() for need in feature.needs})


def catalogue(entities: Collection[str], *, absent_columns: Collection[str] = ()) -> list[FeatureSpec]:
    """The features that can be made of what is there, in the order `build` returns them.

    Args:
        entities: the core entities that are there (`orders`, `customers`, …; those no feature is made of are ignored).
        absent_columns: optional columns that hold nothing in the whole company, as `entity.column`
            (say `orders.cost_amount`); their features drop out.

    Raises:
        UnknownEntityError: an absent column is named that no feature is made of.
    """
    return [feature.spec(family) for family, feature in chosen(entities, absent_columns=absent_columns)]


def names(entities: Collection[str], *, absent_columns: Collection[str] = ()) -> list[str]:
    """The columns `build` returns: `customer_id`, `snapshot_date`, then the features of `catalogue`."""
    return ["customer_id", "snapshot_date", *(spec.name for spec in catalogue(entities, absent_columns=absent_columns))]


def phrases(entities: Collection[str], *, absent_columns: Collection[str] = ()) -> dict[str, str]:
    """How to say each feature to a marketer: `FeatureSpec.phrase` by name."""
    return {spec.name: spec.phrase for spec in catalogue(entities, absent_columns=absent_columns)}


def left_out(entities: Collection[str], *, absent_columns: Collection[str] = ()) -> list[LeftOut]:
    """The features that can't be made of what is there, and why."""
    found = []
    for _, feature in _all():
        missing = _missing(feature, entities, absent_columns)
        if missing:
            reason = f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not there"
            found.append(LeftOut(name=feature.name, missing=missing, reason=reason))
    return found


def chosen(entities: Collection[str], *, absent_columns: Collection[str] = ()) -> list[tuple[str, Feature]]:
    """The features that can be made, each with its family's name. For the engine; others use `catalogue`."""
    unknown = set(absent_columns) - set(needs())
    if unknown:
        raise UnknownEntityError(unknown=unknown, known=needs())
    return [(family, feature) for family, feature in _all() if not _missing(feature, entities, absent_columns)]


def _all() -> Iterator[tuple[str, Feature]]:
    for family in FAMILIES:
        for feature in family.features:
            yield family.name, feature


def _missing(feature: Feature, entities: Collection[str], absent_columns: Collection[str]) -> tuple[str, ...]:
    entities_missing = tuple(need for need in feature.needs if "." not in need and need not in entities)
    return entities_missing or tuple(need for need in feature.needs if need in absent_columns)
