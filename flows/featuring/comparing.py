"""Holding two builds of the same features against each other, and keeping what came of it.

Belongs here: what counts as equal, and a proof's verdict. Does not: what is built (`proofs`).
"""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

KEYS = ["customer_id", "snapshot_date"]
WHO_HAS_A_ROW = "(who has a row)"
HOLDS, DIFFERS, SKIPPED = "holds", "differs", "skipped"


@dataclass
class Proof:
    """One proof as it goes.

    Attributes:
        name: what to call it.
        meaning: what holds when it holds.
        rows: rows compared so far (a customer as of a date is one).
        differing: by feature, where it differed first.
        notes: what was not compared, and why.
    """

    name: str
    meaning: str
    rows: int = 0
    differing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """holds, differs, or skipped where there was nothing to compare."""
        if self.differing:
            return DIFFERS
        return HOLDS if self.rows else SKIPPED

    def compare(self, expected: pl.DataFrame, got: pl.DataFrame, *, where: str) -> dict[str, int]:
        """Hold one build against another; returns what differs, as `differences` does."""
        found = differences(expected, got)
        self.rows += expected.height
        for name, rows in found.items():
            self.differing.setdefault(name, f"{rows:,} of {expected.height:,} rows, {where}")
        return found

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "proof": self.name,
            "verdict": self.verdict,
            "meaning": self.meaning,
            "rows_compared": self.rows,
            "differing": self.differing,
            "notes": self.notes,
        }


def differences(expected: pl.DataFrame, got: pl.DataFrame) -> dict[str, int]:
    """Features that are not the same to the last bit, with how many rows differ; both frames sorted by their keys.

    Where not the same customers have rows, that alone is told. A feature only one of them has differs in every row.
    """
    if not expected.select(KEYS).equals(got.select(KEYS)):
        left, right = expected.select(KEYS), got.select(KEYS)
        apart = left.join(right, on=KEYS, how="anti").height + right.join(left, on=KEYS, how="anti").height
        return {WHO_HAS_A_ROW: max(apart, 1)}
    found = dict.fromkeys(set(expected.columns) ^ set(got.columns), expected.height)
    for name in expected.columns:
        if name in got.columns and not expected[name].equals(got[name], check_dtypes=True):
            found[name] = int(expected[name].ne_missing(got[name].cast(expected.schema[name])).sum()) or expected.height
    return dict(sorted(found.items()))
