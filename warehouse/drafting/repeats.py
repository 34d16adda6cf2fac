"""What is said of rows that come several times under one key, and of which is taken.

Belongs here: the words, and the counts in them. Does not: which rows are taken (`folder.py`, `links.py`).
"""

from collections.abc import Iterable

import duckdb

from data_contracts.sql import first_row
from warehouse.drafting.links import Link
from warehouse.sources.values import plain_identifier


def repeated_customers(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], *, customer: str, latest: str | None
) -> str:
    """How many customers have several rows that differ, and which of them is taken; empty where none has.

    Args:
        connection: where the table is.
        table: its name.
        columns: those in which rows may differ.
        customer: the column that names the customer.
        latest: the column that says which row is the latest, where one does.
    """
    listed, key = ", ".join(map(plain_identifier, columns)), plain_identifier(customer)
    sql = f"""
        select count(*) filter (rows > 1), count(*) from (
          select count(*) as rows from (select distinct {listed} from {plain_identifier(table)}) group by {key}
        )"""  # noqa: S608  # quoted names
    several, all_of_them = first_row(connection, sql)
    if not several:
        return ""
    taken = f"the latest by {latest}" if latest else "the first in alphabetical order, as no date says the latest"
    return f"{several:,} of {all_of_them:,} {customer} have several rows that differ; taken is {taken}"


def repeated_keys(connection: duckdb.DuckDBPyConnection, link: Link, columns: Iterable[str]) -> str:
    """How many keys that are looked up have several rows that differ, and which is taken; empty where none has.

    Args:
        connection: where the tables are.
        link: what is looked up.
        columns: those of the table looked up.
    """
    key, table, listed = (
        plain_identifier(link.key),
        plain_identifier(link.other),
        ", ".join(map(plain_identifier, columns)),
    )
    sql = f"""
        select count(*) from (
          select {key} from (select distinct {listed} from {table}) group by {key} having count(*) > 1
        )"""  # noqa: S608  # quoted names
    (several,) = first_row(connection, sql)
    if not several:
        return ""
    return (
        f"{several:,} {link.key} of {link.other} {'has' if several == 1 else 'have'} several rows that differ; "
        "looked up is the first in alphabetical order"
    )
