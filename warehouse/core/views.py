"""Views of core tables for the steps that look at a whole table while a load goes on.

Belongs here: which rows references and table rules see. Does not: what they make of them (`data_contracts`).

Both kinds of view are called `joins.accepted_view(entity)` and have the contract's columns: first the rows as they will
be, for the references of other tables; once the load is written, its rows in force, for profiles and table rules.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from data_contracts.checking import ACCEPTED
from data_contracts.contracts import Contract
from data_contracts.joins import accepted_view
from data_contracts.sql import identifier, text
from warehouse.core.rows import as_the_source_writes_it, core_columns, customer_columns, stored_rows
from warehouse.lake import SUPERSEDED_AT, entity_folder


def show_for_references(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    checked: str,
    stored: Sequence[Path],
    keeping: Sequence[str],
) -> None:
    """Show the rows of an entity after this load: those accepted now and those that stay from the load before.

    Args:
        connection: the load's database.
        contract: the entity's contract.
        checked: the table of checked rows, "" where no source was read.
        stored: files of the entity in the load before.
        keeping: the sources whose rows stay where they don't arrive anew.
    """
    columns = list(contract.columns)
    accepted = f"select {_listed(columns)} from {identifier(checked)} where {ACCEPTED}" if checked else ""  # noqa: S608  # quoted
    parts = [accepted] if accepted else []
    if stored and keeping:
        as_written = {name: as_the_source_writes_it(name) for name in customer_columns(contract)}
        selected = ", ".join(f"{identifier(as_written.get(name, name))} as {identifier(name)}" for name in columns)
        before = stored_rows(connection, stored, core_columns(contract))
        key = _listed(contract.key)
        stays = (
            f"select {selected} from {before} where {SUPERSEDED_AT} is null "  # noqa: S608  # quoted names
            f"and source in ({', '.join(map(text, keeping))})"
        )
        new = f" anti join ({accepted}) as arrived using ({key})" if accepted else ""
        parts.append(f"select {_listed(columns)} from ({stays}) as stays{new}")  # noqa: S608  # as above
    if not parts:
        parts = [f"select {_listed(columns)} from {stored_rows(connection, [], core_columns(contract))}"]  # noqa: S608  # as above
    view = identifier(accepted_view(contract.entity))
    connection.execute(f"create or replace temp view {view} as {' union all '.join(parts)}")


def show_merged(connection: duckdb.DuckDBPyConnection, contract: Contract, folder: Path) -> None:
    """Show an entity's rows in force as they were written, each with a number (`row_id`) of its own in its file."""
    files = ", ".join(text(str(path)) for path in sorted(entity_folder(folder, contract.entity).glob("*.parquet")))
    view = identifier(accepted_view(contract.entity))
    connection.execute(
        f"create or replace temp view {view} as select * exclude (file_row_number), file_row_number as row_id "  # noqa: S608  # quoted
        f"from read_parquet([{files}], file_row_number = true, hive_partitioning = false, union_by_name = true) "
        f"where {SUPERSEDED_AT} is null"
    )


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(identifier, columns))
