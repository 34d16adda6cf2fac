"""A DuckDB file written anew: what was deleted from it stays behind.

Belongs here: copying a database file row by row and putting the copy in its place. Does not: who holds the file.
"""

import os
from pathlib import Path

import duckdb

from data_contracts.sql import text


def write_anew(path: Path) -> None:
    """Replace a database file by a copy of its live rows: tables, keys, views and comments as they are.

    The caller holds the lock and has closed the file. The copy is made beside it and put in place in one step, so that
    at any moment there is one whole file.

    Raises:
        duckdb.Error: the file can't be read or the copy can't be written; the file stays as it was.
    """
    aside = path.with_name(f".{path.name}.writing")
    for left in (aside, aside.with_name(f"{aside.name}.wal")):
        left.unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {text(str(path))} AS deleted_from (READ_ONLY)")
        connection.execute(f"ATTACH {text(str(aside))} AS written_anew")
        connection.execute("COPY FROM DATABASE deleted_from TO written_anew")
        connection.execute("CHECKPOINT written_anew")
        connection.execute("DETACH written_anew")
    aside.chmod(path.stat().st_mode)
    descriptor = os.open(aside, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(path)
