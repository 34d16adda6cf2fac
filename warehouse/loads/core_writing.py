"""Writing a load's core files: one bucket at a time, those in which nothing changed taken over from the load before.

Belongs here: which files are written anew, and the rows that go into each. Does not: what becomes of a row
(`merging.py`), or putting the load in its place (`lake.py`).

Nothing of an entity but one bucket's rows is sorted at a time, and sorting spills to disk, so memory is bounded by
DuckDB's limit whatever the size of a load.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.contracts import Contract
from data_contracts.sql import first_row, identifier, text
from warehouse.core.rows import (
    as_the_source_writes_it,
    core_columns,
    link_file,
    order_of,
    stored_columns,
    stored_rows,
    write_rows,
)
from warehouse.core.sql import MOVED_CUSTOMERS, Surroundings, accepted_rows_sql, bucket_sql, key_of
from warehouse.lake import SUPERSEDED_AT, WHOLE, Load, bucket_file, entity_folder
from warehouse.loads.identities import record_files

Failpoint = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class EntityFiles:
    """One entity to be written: its decided rows (`merging.decide`), and where they come from and go to.

    Attributes:
        contract: the entity's contract, extra attributes included.
        checked: the table of checked rows; "" where no source was read.
        previous: the load before, if there is one.
        folder: the folder of the load that is being written.
        around: what all merges of the load share.
    """

    contract: Contract
    checked: str
    previous: Load | None
    folder: Path
    around: Surroundings

    @property
    def entity(self) -> str:
        """Its name."""
        return self.contract.entity

    @property
    def is_bucketed(self) -> bool:
        """Whether it is cut by customer."""
        return "customer_id" in self.contract.columns

    @property
    def stored(self) -> list[Path]:
        """Its files in the load before."""
        return record_files(self.previous, self.entity)

    def path(self, bucket: int) -> Path:
        """The file of a bucket, or the only one."""
        return entity_folder(self.folder, self.entity) / (bucket_file(bucket) if self.is_bucketed else WHOLE)

    def buckets(self) -> range:
        """The numbers of its buckets; one for a table that is one file."""
        return range(self.around.buckets if self.is_bucketed else 1)

    def is_cut_alike(self) -> bool:
        """Whether the load before is cut into the same buckets and has the same columns, so that files can be kept."""
        if not self.stored or self.previous is None:
            return False
        if self.is_bucketed and self.previous.buckets != self.around.buckets:
            return False
        return stored_columns(self.stored[0]) == core_columns(self.contract)


def write_entity(connection: duckdb.DuckDBPyConnection, files: EntityFiles, *, failpoint: Failpoint) -> int:
    """Write all files of an entity.

    Returns:
        How many were written anew; the others are those of the load before.
    """
    touched = _touched(connection, files)
    order = order_of(files.contract)
    for bucket in files.buckets():
        if bucket in touched:
            write_rows(connection, merged_rows(connection, files, bucket), files.path(bucket), order=order)
        else:
            link_file(files.stored[bucket], files.path(bucket))
        failpoint("file_written")
    return len(touched)


def merged_rows(connection: duckdb.DuckDBPyConnection, files: EntityFiles, bucket: int | None = None) -> str:
    """SQL of an entity's core rows after this load, all versions: of one bucket, or of all."""
    return f"{_stored_part(connection, files, bucket)} union all by name {_arriving_part(files, bucket)}"


def _touched(connection: duckdb.DuckDBPyConnection, files: EntityFiles) -> frozenset[int]:
    """The buckets in which anything changes."""
    if not files.is_cut_alike():
        return frozenset(files.buckets())
    tables = [identifier(f"{which}_{files.entity}") for which in ("arriving", "leaving")]
    queries = [f"select bucket from {table}" for table in tables]  # noqa: S608  # quoted names
    if files.around.identities and files.is_bucketed:
        queries += [f"select {which}_bucket from {MOVED_CUSTOMERS}" for which in ("was", "becomes")]  # noqa: S608  # literals
    found = connection.execute(f"select distinct bucket from ({' union all '.join(queries)})").fetchall()  # noqa: S608  # as above
    return frozenset(int(bucket) for (bucket,) in found)


def _arriving_part(files: EntityFiles, bucket: int | None) -> str:
    contract, added = files.contract, {"load_id": text(files.around.load_id), SUPERSEDED_AT: "null::timestamptz"}
    values = {name: added.get(name, f"n.{identifier(name)}") for name in core_columns(contract)} | {
        "known_at": "a.known_at"
    }
    columns = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
    where = "" if bucket is None else f" where bucket = {bucket:d}"
    arriving = f"(select row_id, known_at from {identifier(f'arriving_{contract.entity}')}{where})"  # noqa: S608  # quoted
    rows = accepted_rows_sql(contract, files.checked, files.around)
    return f"select {columns} from {rows} n join {arriving} a using (row_id)"  # noqa: S608  # quoted names


def _stored_part(connection: duckdb.DuckDBPyConnection, files: EntityFiles, bucket: int | None) -> str:
    """SQL of the rows of the load before, those that are gone or corrected superseded, those restated left out."""
    columns = core_columns(files.contract)
    before = stored_rows(connection, _files_of(connection, files, bucket), columns)
    same = " and ".join(f"l.{identifier(name)} = p.{identifier(name)}" for name in key_of(files.contract))
    values = {name: f"p.{identifier(name)}" for name in columns}
    moved, here, left = "", "true", ""
    if _leaves_any(connection, files):
        values[SUPERSEDED_AT] = f"if(p.{SUPERSEDED_AT} is null and l.verdict is not null, l.ends_at, p.{SUPERSEDED_AT})"
        left = f" left join {identifier(f'leaving_{files.entity}')} l on p.{SUPERSEDED_AT} is null and {same}"
    if files.around.identities:
        for name in (each for each in columns if as_the_source_writes_it(each) in columns):
            values[name] = f"coalesce(m_{name}.becomes, p.{identifier(name)})"
            written = identifier(as_the_source_writes_it(name))
            moved += f" left join {MOVED_CUSTOMERS} m_{name} on m_{name}.source_customer_id = p.{written}"
    if bucket is not None and files.is_bucketed:
        here = f"{bucket_sql(values['customer_id'], files.around.buckets)} = {bucket:d}" if _is_mixed(files) else "true"
    selected = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
    return (
        f"select {selected} from {before} p{moved}{left} where {here}"  # noqa: S608  # quoted names
        + (f" and (l.verdict is distinct from 'restated' or p.{SUPERSEDED_AT} is not null)" if left else "")
    )


def _leaves_any(connection: duckdb.DuckDBPyConnection, files: EntityFiles) -> bool:
    """Whether any stored row is superseded or replaced."""
    query = f"select exists (from {identifier(f'leaving_{files.entity}')})"
    return bool(first_row(connection, query)[0])


def _is_mixed(files: EntityFiles) -> bool:
    """Whether the stored files of a bucket may hold rows that go elsewhere."""
    recut = files.previous is not None and files.previous.buckets != files.around.buckets
    return recut or files.around.identities


def _files_of(connection: duckdb.DuckDBPyConnection, files: EntityFiles, bucket: int | None) -> list[Path]:
    """The stored files that may hold rows of a bucket."""
    if not files.stored or files.previous is None or bucket is None or not files.is_bucketed:
        return files.stored
    if files.previous.buckets != files.around.buckets:
        return files.stored
    numbers = {bucket}
    if files.around.identities:
        query = f"select distinct was_bucket from {MOVED_CUSTOMERS} where becomes_bucket = ?"  # noqa: S608  # a literal
        numbers |= {int(was) for (was,) in connection.execute(query, [bucket]).fetchall()}
    return [files.stored[number] for number in sorted(numbers)]
