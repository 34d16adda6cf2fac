"""All the sources of a load, read and ready to be mapped; and what changes when any of their inputs does.

Belongs here: which inputs have to be read for which sources, each once. Does not: reading one (`inputs.py`), mapping
(`mapping.py`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from data_contracts.sql import text
from warehouse.errors_ingestion import InputUnknownError
from warehouse.sources.databases import database_version
from warehouse.sources.files import SourcePlace, find_files
from warehouse.sources.inputs import RawTable, leave_out, read_input, read_query
from warehouse.sources.mapping import MappedSource
from warehouse.sources.rates import prepare_rates


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """What is to be read.

    Attributes:
        inputs: files and databases by input name.
        sources: mappings by source name; rows are read in this order.
        place: where the inputs are looked for.
        company_currency: ISO 4217 code.
        time_zone: zone of timestamps that carry none.
        rows: read at most so many rows of an input, None for all. What a query or a conversion looks into is read
            whole, and so are files that a source takes only some rows of: their first rows would tell nothing.
        when_empty: by input that may hold no row, the columns it then has (see `sources.read_input`).
    """

    inputs: Mapping[str, InputSpec]
    sources: Mapping[str, SourceMapping]
    place: SourcePlace
    company_currency: str
    time_zone: str
    rows: int | None = None
    when_empty: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def prepare_connection(
    connection: duckdb.DuckDBPyConnection,
    *,
    company_currency: str,
    now: datetime,
    time_zone: str = "UTC",
    memory_limit: str = "",
) -> None:
    """Give a connection what mappings and rules rely on: UTC, the order of rows, its limit of memory, and variables.

    Beyond the limit (`scratch.Scratch.memory_limit`; DuckDB's own where none is given) DuckDB spills to disk.
    The variables are `now`, `today` (its business date), `time_zone` and `company_currency`.
    """
    connection.execute("set timezone = 'UTC'")
    connection.execute("set preserve_insertion_order = true")
    connection.execute("set enable_progress_bar = false")
    if memory_limit:
        connection.execute(f"set memory_limit = {text(memory_limit)}")
    connection.execute("set variable now = ?::timestamptz", [now])
    connection.execute("set variable today = ?::date", [now.astimezone(ZoneInfo(time_zone)).date()])
    connection.execute("set variable time_zone = ?::varchar", [time_zone])
    connection.execute("set variable company_currency = ?::varchar", [company_currency])


def read_sources(connection: duckdb.DuckDBPyConnection, plan: SourcePlan) -> dict[str, MappedSource]:
    """Read every input that a source needs, once; by source name its raw rows beside its mapping.

    Raises:
        InputUnknownError: a source names an input that is not declared.
        UsageError, DataBlockedError, DependencyDownError: see `sources.read_input`, `sources.read_query`,
            `rates.prepare_rates`.
    """
    needed = list(_inputs_needed(plan))
    rates = {source.conversion.rates for source in plan.sources.values() if source.conversion is not None}
    mapped = {source.input for source in plan.sources.values()} - rates  # their lines that are no rows go to quarantine
    tables = {
        name: read_input(
            connection,
            name,
            spec,
            place=plan.place,
            rows=None if name in rates or is_read_whole(plan, name) else plan.rows,
            keeps_unreadable=name in mapped,
            when_empty=plan.when_empty.get(name),
            needed=_words_of_mappings(name, plan),
        )
        for name, spec in plan.inputs.items()
        if name in needed
    }
    return {name: _mapped(connection, name, source, tables, plan) for name, source in plan.sources.items()}


def looks_into(source: SourceMapping, input_name: str) -> bool:
    """Whether a source's query may look into an input: it has the input's name as a word."""
    word = re.compile(rf"(?<!\w){re.escape(input_name)}(?!\w)", re.IGNORECASE)
    return source.query is not None and word.search(source.query) is not None


def is_read_whole(plan: SourcePlan, input_name: str) -> bool:
    """Whether a sample of an input's first rows would tell nothing of what a source makes of it."""
    is_database = plan.inputs[input_name].database is not None
    return plan.rows is None or any(
        looks_into(source, input_name) or (source.input == input_name and source.where is not None and not is_database)
        for source in plan.sources.values()
    )


def _words_of_mappings(input_name: str, plan: SourcePlan) -> set[str] | None:
    """The columns that sources take of an input, and all words they write; None where a query may look at any."""
    words: set[str] = set()
    for source in plan.sources.values():
        if looks_into(source, input_name) or (source.conversion and source.conversion.rates == input_name):
            return None
        if source.input == input_name:
            written = [*source.expressions.values(), *(rule.expression for rule in source.rules), source.where or ""]
            words |= {name.lower() for name in source.renames().values()}
            words |= {word.lower() for each in written for word in re.findall(r"\w+|\"[^\"]+\"", each)}
    return words | {word.strip('"') for word in words}


def _inputs_needed(plan: SourcePlan) -> Iterator[str]:
    for name, source in plan.sources.items():
        named = {"input": source.input, "conversion.rates": source.conversion.rates if source.conversion else None}
        for setting, input_name in named.items():
            if input_name is not None and input_name not in plan.inputs:
                raise InputUnknownError(source=name, setting=setting, input_name=input_name, known=sorted(plan.inputs))
            if input_name is not None:
                yield input_name
        yield from (input_name for input_name in plan.inputs if looks_into(source, input_name))


def _mapped(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: SourceMapping,
    tables: Mapping[str, RawTable],
    plan: SourcePlan,
) -> MappedSource:
    rates = ""
    if source.conversion is not None:
        table = tables[source.conversion.rates]
        rates = prepare_rates(connection, name, source.conversion, table, company_currency=plan.company_currency)
    raw = tables[source.input] if source.input is not None else read_query(connection, name, source.query or "")
    return MappedSource(
        name=name,
        mapping=source,
        raw=leave_out(connection, name, raw, source.where),
        time_zone=plan.time_zone,
        company_currency=plan.company_currency,
        rates=rates,
    )


def input_versions(inputs: Mapping[str, InputSpec], place: SourcePlace) -> dict[str, list[list[str]]]:
    """By input name what changes when its rows do: a list of [file or database, version].

    Raises:
        SourceFileMissingError: an input has no file.
        UsageError, DependencyDownError: see `files.find_files`, `databases.database_version`.
    """
    return {
        name: [["database", database_version(name, spec, place)]]
        if spec.database is not None
        else [[file.label, file.version()] for file in find_files(name, spec, place.data_root)]
        for name, spec in inputs.items()
    }
