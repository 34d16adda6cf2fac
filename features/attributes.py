"""Extra attributes of customers as features: texts as texts, numbers and truths as they are, dates as days since.

Belongs here: how an attribute becomes a feature, and which don't. Does not: keeping attributes (`data_contracts.kept`).

Texts that are personal data (all are, unless their source says otherwise) become none: a model would learn them by
heart, and reasons would show them.
"""

import polars as pl

from data_contracts.contracts import Column
from features.additions import Additions
from features.feature import DAYS, Feature, LeftOut
from features.visible import is_personal_text

FAMILY = "attributes"
_UNKNOWN = "not on record (or not yet known at the snapshot)"
_DAYS_SINCE = "days_since_"


def attribute_features(additions: Additions) -> list[Feature]:
    """The features of extra attributes, in the order the attributes are kept."""
    return [_feature(name, column) for name, column in additions.attributes if not is_personal_text(column)]


def attributes_left_out(additions: Additions) -> list[LeftOut]:
    """Attributes that become no features."""
    return [
        LeftOut(
            name=name,
            family=FAMILY,
            needs=("customers", f"customers.{name}"),
            missing=(f"customers.{name}",),
            reason="it is kept as text that is personal data; if it is not, keep it with personal = false",
        )
        for name, column in additions.attributes
        if is_personal_text(column)
    ]


def _feature(name: str, column: Column) -> Feature:
    value, dtype, unit = _made(name, column)
    called = f"{_DAYS_SINCE}{name}" if unit == DAYS else name
    meaning = column.meaning.rstrip(".")
    words = name.replace("_", " ")
    return Feature(
        name=called,
        meaning=f"{'Days since ' if unit == DAYS else ''}{name}: {meaning}.",
        unit=unit,
        dtype=dtype,
        null_means=_UNKNOWN,
        needs=("customers", f"customers.{name}"),
        value=value,
        phrase=f"{words} is on record" if column.personal else f"{words}: {{{called}}}",
        phrase_when_null=f"{words} is not on record",
    )


def _made(name: str, column: Column) -> tuple[pl.Expr, type[pl.DataType], str]:
    """The value, its type and its unit."""
    held = pl.col(f"customers.{name}")
    match column.type:
        case "date" | "timestamp":
            since = (pl.col("snapshot_date") - held.cast(pl.Date)).dt.total_days()
            return pl.when(since > 0).then(since), pl.Int64, DAYS
        case "boolean":
            return held, pl.Int8, "0 or 1"
        case "text":
            return held, pl.String, "text"
        case _:
            return held, pl.Float64, "number"
