"""Which values a customer of several records has: the golden record, at every moment.

Belongs here: choosing among records, column by column, and writing the core table `customers` from `customer_records`.
Does not: which records are one customer (`resolving.py`).

Of the records in force at a moment:

- `created_at`: the earliest.
- `consent_marketing`: no, as soon as one record says no; else yes, if one says yes; else not recorded.
- `source_customer_id`, `source`: of the record whose id the customer has.
- every other column: of the records that have a value, that of the most trusted source; of one source's records the
  one known last; then the one with the smallest id.

A customer's record is another version from each moment on at which a record of theirs became known or was superseded,
so no snapshot sees what only a later record told. Customers of one record have its versions as they are.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract
from data_contracts.sql import identifier, text
from warehouse.core.rows import core_columns, link_file, order_of, stored_rows, write_rows
from warehouse.lake import Load, bucket_file, entity_folder

RECORDS = "customer_records"
CUSTOMERS = "customers"
_MARKER = "golden.txt"
_EARLIEST = ("created_at",)
_RESTRICTIVE = ("consent_marketing",)
_OWN = ("source_customer_id", "source")
_RANK = identifier("rank of record")


def source_order(priority: Sequence[str], sources: Sequence[str]) -> list[str]:
    """The sources of customers, the most trusted first: those named, then the others in the order of the settings."""
    return [*priority, *(source for source in sources if source not in priority)]


def golden_versions_sql(records: str, columns: Sequence[str], *, sources: Sequence[str]) -> str:
    """SQL of the versions of customers, from the versions of their records.

    Args:
        records: SQL of all versions of the records: `customer_id` (whose it is), `source_customer_id`, `source`,
            `known_at`, `superseded_at`, `load_id` and any other columns.
        columns: its columns; the result has the same.
        sources: the most trusted first; a record of a source that is not named comes last.

    Returns:
        A query: per customer versions that do not overlap, the last one in force (`superseded_at` null) if any record
        is.
    """
    listed = ", ".join(map(identifier, columns))
    chosen = ", ".join(_chosen(name) for name in columns)
    trust = f"coalesce(list_position([{', '.join(map(text, sources))}]::varchar[], source), {len(sources) + 1})"
    return f"""
        with versions as (select {listed} from {records}),
        joined as (select customer_id from versions group by customer_id having count(distinct source_customer_id) > 1),
        theirs as (select * from versions semi join joined using (customer_id)),
        moments as (
            select customer_id, known_at as begins from theirs
            union select customer_id, superseded_at from theirs where superseded_at is not null
        ),
        spans as (
            select *, lead(begins) over (partition by customer_id order by begins) as ends from moments
        ),
        in_force as (
            select v.*, s.begins, s.ends, row_number() over (
                partition by s.customer_id, s.begins
                order by {trust}, v.known_at desc, v.source_customer_id
            ) as {_RANK}
            from spans s join theirs v on v.customer_id = s.customer_id
                and v.known_at <= s.begins and (v.superseded_at is null or v.superseded_at > s.begins)
        )
        select {listed} from versions anti join joined using (customer_id)
        union all by name
        select {chosen} from in_force group by customer_id, begins, ends
    """  # noqa: S608  # quoted names


def write_golden_customers(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    folder: Path,
    previous: Load | None,
    sources: Sequence[str],
    buckets: int,
) -> int:
    """Write `customers` of a load from its `customer_records`, one bucket at a time.

    Args:
        connection: any.
        contract: of `customers`, extra attributes included.
        folder: of the load that is being written; `customer_records` is there already.
        previous: the load before: a bucket whose records are the same file as then is taken over.
        sources: of customers, the most trusted first.
        buckets: how many buckets there are.

    Returns:
        How many buckets were written anew.
    """
    columns = core_columns(contract)
    alike = _is_alike(previous, sources)
    written = 0
    for bucket in range(buckets):
        records = entity_folder(folder, RECORDS) / bucket_file(bucket)
        path = entity_folder(folder, CUSTOMERS) / bucket_file(bucket)
        if previous is not None and alike and _is_same_file(records, previous.files(RECORDS, bucket)):
            link_file(previous.files(CUSTOMERS, bucket)[0], path)
            continue
        stored = stored_rows(connection, [records], columns)
        query = golden_versions_sql(stored, list(columns), sources=sources)
        write_rows(connection, query, path, order=order_of(contract))
        written += 1
    (entity_folder(folder, CUSTOMERS) / _MARKER).write_text("\n".join(sources))
    return written


def _is_alike(previous: Load | None, sources: Sequence[str]) -> bool:
    """Whether the load before chose among records by the same order of sources."""
    if previous is None or RECORDS not in previous.entities:
        return False
    marker = entity_folder(previous.folder, CUSTOMERS) / _MARKER
    return marker.exists() and marker.read_text() == "\n".join(sources)


def _is_same_file(path: Path, others: Sequence[Path]) -> bool:
    return len(others) == 1 and others[0].exists() and path.samefile(others[0])


def _chosen(column: str) -> str:
    """SQL of a column's value among the records in force. `arg_min` passes over records without a value."""
    name = identifier(column)
    if column in ("customer_id", "known_at", "superseded_at"):
        return {"known_at": "begins as known_at", "superseded_at": "ends as superseded_at"}.get(column, name)
    if column == "load_id":
        return "arg_max(load_id, (known_at, load_id)) as load_id"
    if column in _EARLIEST:
        return f"min({name}) as {name}"
    if column in _RESTRICTIVE:
        return f"bool_and({name}) as {name}"
    rank = f"if(source_customer_id = customer_id, 0, {_RANK})" if column in _OWN else _RANK
    return f"arg_min({name}, {rank}) as {name}"
