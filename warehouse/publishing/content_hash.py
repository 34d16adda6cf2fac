"""One number for everything a night published, the same whenever the rows are the same.

Belongs here: the canonical form of published rows and its hash. Does not: which columns are volatile (their contract
says so).
"""

import hashlib
import io
import json
from collections.abc import Iterable

import polars as pl
from polars import selectors

from data_contracts.key_order import by_key
from data_contracts.published import PublishedTable

_ROWS_AT_A_TIME = 200_000


def content_hash(tables: Iterable[PublishedTable]) -> str:
    r"""SHA-256 (hexadecimal) over the rows of all tables, without the volatile columns of their contracts.

    The order of rows and of tables, and the width of a number's dtype, make no difference. The canonical form is
    UTF-8 text: a table's name and columns as JSON, then its rows sorted by key, text in quotes, numbers without, nulls
    as `\N`, times in UTC to the microsecond.
    """
    digest = hashlib.sha256()
    for table in sorted(tables, key=lambda table: table.contract.table):
        add_to_hash(digest, table)
    return digest.hexdigest()


def add_to_hash(digest: "hashlib._Hash", table: PublishedTable) -> None:
    """One table more, for those who have them one after the other, sorted by name."""
    for block in _canonical_blocks(table):
        digest.update(block)


def _canonical_blocks(table: PublishedTable) -> Iterable[bytes]:
    kept = [name for name in table.contract.names if name not in table.contract.volatile]
    yield (json.dumps([table.contract.table, kept]) + "\n").encode()
    frame = by_key(table.frame, table.contract.key).select(kept)
    for start in range(0, frame.height, _ROWS_AT_A_TIME):
        buffer = io.BytesIO()
        _canonical_values(frame.slice(start, _ROWS_AT_A_TIME)).write_csv(
            buffer, include_header=False, quote_style="non_numeric", null_value=r"\N"
        )
        yield buffer.getvalue()


def _canonical_values(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        selectors.float().cast(pl.Float64) + 0.0,  # minus zero becomes zero
        selectors.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
        selectors.datetime(time_zone=None).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"),
    )
