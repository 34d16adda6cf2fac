"""Names of schemas, tables and columns: an allow-list, and the only place that quotes one for SQL.

Belongs here: what a name may look like. Does not: values, which always travel as parameters.
"""

import re

from warehouse.errors import NameRefusedError

LONGEST_NAME_BYTES = 63  # PostgreSQL cuts longer names off in silence
_ALLOWED = re.compile(r"[a-z][a-z0-9_]*")


def checked(name: str) -> str:
    """The same name, when it is lower-case snake ASCII of at most 63 bytes.

    Raises:
        NameRefusedError: it is anything else; nothing was sent to the warehouse.
    """
    if len(name) > LONGEST_NAME_BYTES or not _ALLOWED.fullmatch(name):
        raise NameRefusedError(name=name)
    return name


def quoted(*parts: str) -> str:
    """Checked names, each in double quotes and joined by dots, e.g. `"segments"."customer"`.

    Raises:
        NameRefusedError: a part is not an allowed name.
    """
    return ".".join(f'"{checked(part)}"' for part in parts)


def text_literal(text: str) -> str:
    """Text as an SQL literal, for the few statements (comments) that take no parameters."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"
