"""Refusing frames the segments can't be made of.

Belongs here: checks of what comes in (columns, keys, sane scores). Does not: the audit of what goes out, which runs
against the contracts where the staged tables are.
"""

from collections.abc import Sequence

import polars as pl

from segments.errors import ScoreNotUsableError, SegmentColumnsMissingError, SegmentKeyRepeatedError


def require_columns(frame: pl.DataFrame, columns: Sequence[str], *, name: str) -> None:
    """Refuse a frame that lacks any of `columns`.

    Raises:
        SegmentColumnsMissingError: naming what is missing and what is there.
    """
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise SegmentColumnsMissingError(frame=name, missing=missing, there=frame.columns)


def require_key(frame: pl.DataFrame, key: Sequence[str], *, name: str) -> None:
    """Refuse a frame in which `key` (its columns must be there) does not identify every row.

    Raises:
        SegmentColumnsMissingError: a key column is not there.
        SegmentKeyRepeatedError: a key is empty in part or occurs more than once.
    """
    require_columns(frame, key, name=name)
    keys = frame.select(key)
    bad_rows = frame.height - keys.drop_nulls().unique().height
    if bad_rows:
        raise SegmentKeyRepeatedError(frame=name, key=key, rows=bad_rows)


def require_probabilities(frame: pl.DataFrame, column: str, *, name: str) -> None:
    """Refuse probabilities that are NaN or outside [0, 1]; null (not scored) may stay.

    Raises:
        ScoreNotUsableError: with the number of such rows.
    """
    require_columns(frame, [column], name=name)
    # NaN compares greater than any number, so it fails the upper bound
    bad_rows = frame.filter(~pl.col(column).is_between(0.0, 1.0)).height
    if bad_rows:
        raise ScoreNotUsableError(frame=name, column=column, rows=bad_rows, expected="a probability from 0 to 1")
