"""What a bucket's features are made of, as a digest: where it is what it was, they need not be made again.

Belongs here: the digest, and the note beside a stored bucket that remembers it. Does not: building (`night_features`).

A bucket's features as of a date follow from the bytes of its core files and of the tables without customers, the date,
the columns that hold nothing, the settings, the features' own code and the libraries it computes with. Files that loads
share have the same bytes, so a night made of an earlier load stands where the bucket's files did not change. A later
date is another matter: ages and windows move with the calendar, for every customer.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

import features
from flows.buckets import line_costs
from flows.buckets.core_tables import CoreTables


def made_of(core: CoreTables, bucket: int, days: Sequence[date], *, settings_hash: str) -> str:
    """SHA-256 of all that decides a bucket's features as of the dates."""
    content = {
        "files": {
            entity: [file_digest(path) for path in core.load.files(entity, bucket)] for entity in features.ENTITIES
        },
        "superseded": sorted(core.load.superseded),
        "days": [day.isoformat() for day in days],
        "time_zone": core.time_zone,
        "absent_columns": core.absent_columns,
        "names": core.feature_names(),
        "settings": settings_hash,
        "code": _code(),
        "libraries": [pl.__version__, np.__version__],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def remember(path: Path, inputs: str) -> None:
    """Write beside a stored bucket what it was made of, and what its own bytes are."""
    note = _note(path)
    aside = note.with_name(f".{note.name}.writing")
    aside.write_text(json.dumps({"made_of": inputs, "sha256": file_digest(path)}), encoding="utf-8")
    aside.replace(note)


def still_stands(path: Path, inputs: str) -> bool:
    """Whether a stored bucket was made of these inputs, and is what was stored."""
    try:
        noted = json.loads(_note(path).read_text(encoding="utf-8"))
        return bool(noted["made_of"] == inputs and noted["sha256"] == file_digest(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # made anew: that costs time, nothing else


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; asked again for a file that did not change, it is not read again.

    Raises:
        OSError: there is no such file, or it can't be read.
    """
    found = path.stat()
    return _digest(str(path), found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4096)
def _digest(path: str, *_stamp: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """The features' own code, and what it takes from the contracts and from what fills in costs."""
    digest = hashlib.sha256()
    home = Path(features.__file__).parent
    beside = [home.parent / "data_contracts" / "orders.py", Path(line_costs.__file__)]
    for path in sorted([*home.rglob("*.py"), *beside]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _note(path: Path) -> Path:
    return path.with_suffix(".json")
