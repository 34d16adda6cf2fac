"""Reading a file of baskets: CSV, Parquet, Excel, JSON lines, a JSON array, or JSON of customers with lists of baskets.

Belongs here: file formats. Not: which column is which (`basket_columns`).
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from flows.errors import TableUnreadableError
from flows.from_files.table_files import Say, read_table

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
NO_PRODUCT = -1  # begins and ends a customer's baskets in published files of this form


def read_baskets(path: Path, *, names: Collection[str] = (), say: Say = lambda _: None) -> pl.DataFrame:
    """A table of lines, as in the file; see `table_files.read_table`.

    Raises:
        TableUnreadableError: there is no such file, or it can't be read.
    """
    if not path.name.lower().endswith(JSON_SUFFIXES) or not path.is_file():
        return read_table(path, names=names, say=say)
    try:
        table = _read_json(path)
    except Exception as error:
        raise TableUnreadableError(path=str(path), got=f"{type(error).__name__} while reading it") from error
    if not table.height:
        raise TableUnreadableError(path=str(path), got="no rows")
    return table


def _read_json(path: Path) -> pl.DataFrame:
    with path.open(encoding="utf-8") as file:
        first = file.read(1)
    if first == "[":
        return pl.read_json(path, infer_schema_length=None)
    if not path.name.lower().endswith(".json"):
        return pl.read_ndjson(path, infer_schema_length=None)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError:  # one object a line
        return pl.read_ndjson(path, infer_schema_length=None)
    return _from_lists(content)


def _from_lists(content: dict[str, Any]) -> pl.DataFrame:
    """Lines of `{customer: [[product, …], …]}`, baskets in order; or of `{column: [value, …]}`.

    Plain lists that differ in length are no columns: `{customer: [product, …]}`, one basket each.
    """
    values = list(content.values())
    if _are_single_baskets(values):
        content = {customer: [basket] for customer, basket in content.items()}
        values = list(content.values())
    if values and all(isinstance(basket, list) for customer in values for basket in customer):
        rows = [
            (customer, number, product)
            for customer, baskets in content.items()
            for number, basket in enumerate(baskets)
            for product in basket
            if product != NO_PRODUCT
        ]
        texts = [(str(customer), number, str(product)) for customer, number, product in rows]
        return pl.DataFrame(texts, schema={"customer": pl.String, "basket": pl.Int64, "item": pl.String}, orient="row")
    if values and all(isinstance(value, dict) for value in values):  # a column with its values by row
        return pl.DataFrame({name: list(column.values()) for name, column in content.items()}, strict=False)
    return pl.DataFrame(content, strict=False)


def _are_single_baskets(values: list[Any]) -> bool:
    """Lists of products, not of baskets, that can't be columns of a table: they differ in length."""
    if not all(isinstance(value, list) for value in values):
        return False
    plain = not any(isinstance(product, list | dict) for value in values for product in value)
    return plain and len({len(value) for value in values}) > 1
