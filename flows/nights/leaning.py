"""Whether what the champions lean on is there tonight: a feature that was told apart in training and is blank now.

Belongs here: finding such features and refusing to score without them. Does not: features that slowly change, which is
drift (`drifting.py`), and features that are gone altogether, which every model refuses by itself.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from flows.context import Context
from flows.learning.errors import LeanedOnBlankError

if TYPE_CHECKING:
    from models.bundle import Bundle

FEWEST_CUSTOMERS = 50  # of fewer, many features are the same for all
_NULLS = " nulls"


def check_what_is_leaned_on(context: Context, *, bundles: Mapping[str, "Bundle"], active: pl.LazyFrame) -> None:
    """Refuse to go on where blank features carry too much of a champion's gain; say so where they carry little.

    Args:
        context: the gate's setting, and who is told.
        bundles: the champions by name.
        active: features of the customers to be scored, shape (customers, features).

    Raises:
        LeanedOnBlankError: they carry more than `gates.blank_features_share`.
    """
    from models.learners.importance import gain_shares  # noqa: PLC0415 only where models are at stake

    allowed = context.settings.gates.blank_features_share
    gone_by = {name: gain_shares(bundle) for name, bundle in bundles.items()}
    found = blank_features(active, {feature for shares in gone_by.values() for feature in shares})
    for name, shares in gone_by.items():
        blank = {feature: share for feature, share in shares.items() if feature in found}
        if sum(blank.values()) > allowed:
            raise LeanedOnBlankError(model=name, blank=blank, allowed_share=allowed)
        if blank:
            share = sum(blank.values())
            context.reporter.say(f"the same for every customer tonight: {', '.join(blank)} ({share:.0%} of {name})")


def blank_features(frame: pl.LazyFrame, names: Iterable[str]) -> set[str]:
    """Those of the columns that are null for everybody, or have one and the same value for everybody.

    Absent columns are passed over; where there are fewer than `FEWEST_CUSTOMERS` rows, all are.
    """
    asked = sorted(set(names) & set(frame.collect_schema().names()))
    facts = frame.select(
        pl.len().alias(""),
        *(pl.struct(pl.col(name).min().alias("least"), pl.col(name).max().alias("most")).alias(name) for name in asked),
        *(pl.col(name).null_count().name.suffix(_NULLS) for name in asked),
    ).collect()
    rows = facts[""][0]
    if rows < FEWEST_CUSTOMERS:
        return set()
    same = {name for name in asked if facts[name][0]["least"] == facts[name][0]["most"]}
    return {name for name in same if facts[f"{name}{_NULLS}"][0] in {0, rows}}
