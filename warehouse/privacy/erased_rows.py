"""Which rows belong to erased people, and keeping them out of a load.

Belongs here: which columns say whose row it is, what a raw row in quarantine says, and dropping such rows before they
are judged or set aside. Does not: recognising a value (`tombstones.py`), sweeping what is kept already
(`erasing_files.py`, `erasing_tables.py`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from data_contracts.identity import CUSTOMER_ID_COLUMNS
from data_contracts.mapping import SourceMapping
from data_contracts.sql import first_row, identifier, text
from warehouse.personal_data import Kind
from warehouse.privacy.tombstones import Tombstones

_IDENTITY_COLUMNS = frozenset({"left_id", "right_id", "first_id", "example_id"})
_EMAIL = re.compile(r"[^\s,;<>\"'()\[\]|]+@[^\s,;<>\"'()\[\]|]+")
_PHONE = re.compile(r"\+?\(?\d[\d\s().\-/\u00a0]{5,28}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")
_BETWEEN_FIELDS = re.compile(r"[,;\t|\r\n\"]")
_DIGITS = range(7, 19)
_LONGEST_ID_BYTES = 255


def person_columns(names: Iterable[str]) -> dict[str, Kind]:
    """Those columns of a table that say whose a row is, each with the kind of value it holds.

    A row with two customers in it (a referral, a link between two records) belongs to both: it goes with either.
    """
    found: dict[str, Kind] = {}
    for name in names:
        plain = name.removeprefix("source_")  # ids as the source writes them stand beside the joined ones
        if plain in CUSTOMER_ID_COLUMNS or name in _IDENTITY_COLUMNS or name.endswith("customer_id"):
            found[name] = "customer_id"
        elif name in {"email", "phone"}:
            found[name] = "email" if name == "email" else "phone"
    return found


@dataclass(frozen=True, kw_only=True)
class RawPlace:
    """What is known about the raw rows of one source.

    Attributes:
        other_columns: raw columns that the mapping renames to something that is no person: a quantity of 42 is not
            customer 42.
        id_space: what this source's ids are prefixed with (`crm` for `crm:123`); empty where they are not.
    """

    other_columns: frozenset[str] = frozenset()
    id_space: str = ""


def raw_places(sources: Mapping[str, SourceMapping]) -> dict[str, RawPlace]:
    """By source of the settings what is known about its raw rows."""
    places: dict[str, RawPlace] = {}
    for name, source in sources.items():
        renames = source.renames()
        persons = {raw for column, raw in renames.items() if person_columns([column])}
        places[name] = RawPlace(
            other_columns=frozenset(set(renames.values()) - persons), id_space=source.id_space or ""
        )
    return places


def drop_erased(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, str],
    tombstones: Tombstones,
) -> dict[str, int]:
    """Delete the rows of erased people from staged tables, before anything is counted, judged or set aside.

    A row goes when an id in it, its e-mail address or its phone number is erased; with a customer record that goes by
    its address or number, all rows of that customer in this load go.

    Args:
        connection: holds the tables.
        tables: by entity its table, e.g. `{"orders": "staged_orders"}`.
        tombstones: who was erased.

    Returns:
        By entity how many rows went, of those that lost any; nothing else is kept of them.
    """
    if not tombstones:
        return {}
    columns = {entity: _text_columns(connection, table) for entity, table in tables.items()}
    linked = {
        customer
        for entity, table in tables.items()
        for customer in _linked_customers(connection, table, columns[entity], tombstones)
    }
    dropped: dict[str, int] = {}
    for entity, table in tables.items():
        rows = sum(
            _delete(connection, table, column, kind, tombstones, linked=linked)
            for column, kind in person_columns(columns[entity]).items()
        )
        if rows:
            dropped[entity] = rows
    return dropped


def drop_erased_from_quarantine(
    rows: pl.DataFrame, tombstones: Tombstones, *, places: Mapping[str, RawPlace]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Leave out rows about to be set aside that hold an erased person's id, address or number as a value.

    Args:
        rows: as `judged_rows.QUARANTINE_SCHEMA`, at least `entity`, `source`, `rules` and `raw_row`.
        tombstones: who was erased.
        places: what is known about each source's raw rows; a source that is not in it is looked through whole.

    Returns:
        The rows that stay, in their order, and by entity how many went.
    """
    if not tombstones or rows.is_empty():
        return rows, {}
    about = rows_about_erased(rows, tombstones, places=places)
    gone = rows.filter(about).group_by("entity").len().sort("entity")
    return rows.filter(~about), dict(gone.iter_rows())


def rows_about_erased(rows: pl.DataFrame, tombstones: Tombstones, *, places: Mapping[str, RawPlace]) -> pl.Series:
    """Which rows of quarantine hold an erased person's value (Boolean, as long as `rows`)."""
    found = [
        (number, kind, value)
        for number, (source, rules, raw_row) in enumerate(rows.select("source", "rules", "raw_row").iter_rows())
        for kind, value in _values(
            raw_row or "", places.get(source, RawPlace()), in_pieces="line_is_readable" in (rules or "")
        )
    ]
    schema = {"number": pl.UInt32(), "kind": pl.String(), "value": pl.String()}
    values = pl.DataFrame(found, schema=schema, orient="row")
    hits: set[int] = set()
    kinds: tuple[Kind, ...] = ("customer_id", "email", "phone")
    for kind in kinds:
        of_kind = values.filter(pl.col("kind") == kind)
        erased = tombstones.matching(kind, of_kind["value"])
        hits.update(of_kind.filter(pl.col("value").is_in(erased))["number"])
    return pl.Series("about_erased", [number in hits for number in range(rows.height)], dtype=pl.Boolean)


def _values(raw_row: str, place: RawPlace, *, in_pieces: bool) -> Iterator[tuple[Kind, str]]:
    """Every value of a raw row that could name a person."""
    try:
        content = json.loads(raw_row)
    except ValueError:
        content, in_pieces = raw_row, True
    named = content.items() if isinstance(content, dict) else [("", content)]
    for column, value in named:
        for leaf in _leaves(value):
            pieces = [leaf, *_BETWEEN_FIELDS.split(leaf)] if in_pieces else [leaf]
            for piece in pieces:
                yield from _readings(piece.strip(), place, anything=column not in place.other_columns)


def _readings(value: str, place: RawPlace, *, anything: bool) -> Iterator[tuple[Kind, str]]:
    if "@" in value:
        for address in _EMAIL.findall(value):
            yield "email", address
    if not anything or not value:
        return
    if len(value.encode()) <= _LONGEST_ID_BYTES:
        whole = value.removesuffix(".0")  # a spreadsheet's way to write a whole number
        for spelling in {value, whole}:
            yield "customer_id", spelling
            if place.id_space:
                yield "customer_id", f"{place.id_space}:{spelling}"
    if _PHONE.fullmatch(value) and not _DATE.fullmatch(value) and sum(map(str.isdigit, value)) in _DIGITS:
        yield "phone", value


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401 any JSON value
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _text_columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    described = connection.sql(f"describe {identifier(table)}").fetchall()
    return [str(name) for name, kind, *_ in described if kind == "VARCHAR"]


def _distinct(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> pl.Series:
    name = identifier(column)
    query = f"select distinct {name} as value from {identifier(table)} where {name} is not null"  # noqa: S608 quoted names
    values: pl.Series = connection.sql(query).pl()["value"]
    return values


def _linked_customers(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], tombstones: Tombstones
) -> list[str]:
    """Customers whose record in a table holds an erased address or number."""
    names = list(columns)
    if "customer_id" not in names:
        return []
    found: list[str] = []
    for column, kind in person_columns(names).items():
        if kind == "customer_id":
            continue
        erased = tombstones.matching(kind, _distinct(connection, table, column))
        if erased:
            query = (
                f"select distinct customer_id from {identifier(table)} "  # noqa: S608 quoted names and literals
                f"where customer_id is not null and {identifier(column)} in ({', '.join(map(text, erased))})"
            )
            found += [str(row[0]) for row in connection.sql(query).fetchall()]
    return found


def _delete(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    kind: Kind,
    tombstones: Tombstones,
    *,
    linked: set[str],
) -> int:
    """Delete the rows whose `column` holds an erased value, or a customer in `linked`; how many they were."""
    values = _distinct(connection, table, column)
    gone = set(tombstones.matching(kind, values))
    if kind == "customer_id":
        gone |= linked & set(values)
    if not gone:
        return 0
    listed = ", ".join(map(text, sorted(gone)))
    statement = f"delete from {identifier(table)} where {identifier(column)} in ({listed})"  # noqa: S608 quoted names and literals
    return int(first_row(connection, statement)[0])
