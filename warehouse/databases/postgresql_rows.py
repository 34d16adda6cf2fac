"""The rows of a query, as PostgreSQL's library hands them over, as a frame with the dtypes of its columns.

Belongs here: which dtype a result column has. Does not: whole tables, which travel as text (`postgresql_frames.py`).
"""

from collections.abc import Mapping

import polars as pl
import psycopg
from polars.datatypes import DataType, DataTypeClass
from psycopg.postgres import types

_BY_NAME: Mapping[str, DataType | DataTypeClass] = {
    "text": pl.String,
    "varchar": pl.String,
    "bpchar": pl.String,
    "name": pl.String,
    "json": pl.String,
    "jsonb": pl.String,
    "bool": pl.Boolean,
    "int2": pl.Int16,
    "int4": pl.Int32,
    "int8": pl.Int64,
    "oid": pl.Int64,
    "float4": pl.Float32,
    "float8": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
}
_DTYPES = {types[name].oid: dtype for name, dtype in _BY_NAME.items()}
_NUMERIC = types["numeric"].oid


def rows_frame(cursor: psycopg.Cursor) -> pl.DataFrame:
    """All rows of an executed cursor; a column of a type that is not known here gets the dtype of its values."""
    described = cursor.description or []
    return pl.DataFrame(
        cursor.fetchall() if described else [],
        schema={column.name: _dtype(column) for column in described},
        orient="row",
    )


def _dtype(column: psycopg.Column) -> DataType | DataTypeClass | None:
    if column.type_code == _NUMERIC and column.precision is not None and column.scale is not None:
        return pl.Decimal(column.precision, column.scale)
    return _DTYPES.get(column.type_code)
