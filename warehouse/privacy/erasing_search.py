"""Finding the person: all their ids, and the addresses and numbers that are theirs alone.

Belongs here: reading the lake for whom an id, an address or a number names. Does not: erasing (`erasing.py`). This is
one of the few places that read `contact_details`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from warehouse.errors_personal_data import ContactUnreadableError, PersonAmbiguousError
from warehouse.personal_data import CONTACT_KINDS, Kind, normal_contacts

_MOST_ROUNDS = 20
_FOLDERS = ("identities", "customers", "customer_records", "contact_details")
_WORDS: dict[str, str] = {"email": "e-mail address", "phone": "phone number"}


@dataclass(frozen=True)
class Person:
    """Whom an erasure is about. Held in memory only.

    Attributes:
        values: by kind the ids, the normalised addresses and the normalised numbers.
        shared: how many addresses and numbers of the person other customers have too: they are theirs to keep.
    """

    values: dict[Kind, set[str]] = field(repr=False)
    shared: int = 0


def find_person(
    core: Path,
    newest_load: str | None,
    *,
    customer: str | None,
    email: str | None,
    phone: str | None,
    country: str | None,
) -> Person:
    """Everything by which a person is known.

    Args:
        core: the lake's folder of loads.
        newest_load: the load whose identities hold; None when there is none.
        customer: an id of the person, before or after identities were joined.
        email: an address of theirs, as people write it.
        phone: a number of theirs, likewise.
        country: where phone numbers without a country are from (ISO 3166).

    Raises:
        ContactUnreadableError: the address or the number can't be read.
        PersonAmbiguousError: several customers have it, and no id was given.
    """
    given = {"email": _normal(email, "email", country), "phone": _normal(phone, "phone", country)}
    folder = core / f"load={newest_load}" if newest_load is not None else None
    loads = sorted(core.glob("load=*"))
    owners = {kind: _owners(loads, kind, country) for kind in CONTACT_KINDS}
    ids = {customer} if customer is not None else set[str]()
    for kind, value in given.items():
        if value is not None and folder is not None and not ids:
            ids = _only_customer(_owners([folder], kind, country), value, kind, folder)
    ids = _all_ids(folder, ids) if folder is not None else ids
    values: dict[Kind, set[str]] = {"customer_id": ids, "email": set(), "phone": set()}
    shared = 0
    for kind, people in owners.items():
        theirs = set(people.filter(pl.col("customer_id").is_in(list(ids)))["value"])
        others = set(people.filter(~pl.col("customer_id").is_in(list(ids)))["value"])
        told = given[kind]
        asked_for = {told} if told is not None else set[str]()
        values["email" if kind == "email" else "phone"] = (theirs - others) | (asked_for - others)
        shared += len((theirs | asked_for) & others)
    return Person(values, shared)


def _normal(value: str | None, kind: Literal["email", "phone"], country: str | None) -> str | None:
    if value is None:
        return None
    plain: str | None = normal_contacts(pl.Series([value]), kind, country=country)[0]
    if plain is None:
        raise ContactUnreadableError(kind=_WORDS[kind])
    return plain


def _only_customer(owners: pl.DataFrame, value: str, kind: str, folder: Path) -> set[str]:
    """The one customer who has an address or number; nobody when nobody has."""
    having = set(owners.filter(pl.col("value") == value)["customer_id"])
    if not having:
        return set()
    one = _all_ids(folder, {min(having)})
    if not having <= one:
        raise PersonAmbiguousError(kind=_WORDS[kind], customers=len(having))
    return one


def _owners(loads: Sequence[Path], kind: str, country: str | None) -> pl.DataFrame:
    """Who has which address or number in any of the loads: `customer_id`, `value` (normalised)."""
    frames = [pl.DataFrame(schema={"customer_id": pl.String, "value": pl.String})]
    seen: set[int] = set()
    for frame in _frames(loads, seen):
        names = frame.collect_schema().names()
        if kind not in names:
            continue
        for column in {"customer_id", "source_customer_id"} & set(names):
            having = frame.select(pl.col(column).alias("customer_id"), pl.col(kind).alias("value"))
            frames.append(having.drop_nulls().unique().collect().cast(pl.String))
    together = pl.concat(frames).unique()
    plain = normal_contacts(together["value"], "email" if kind == "email" else "phone", country=country)
    return together.with_columns(plain.alias("value")).drop_nulls().unique()


def _all_ids(folder: Path, ids: set[str]) -> set[str]:
    """The ids that identities join to any of these, in one load: of the source and after joining."""
    pairs = [
        frame.select("source_customer_id", "customer_id").drop_nulls().unique().collect()
        for frame in _frames([folder], set())
        if {"source_customer_id", "customer_id"} <= set(frame.collect_schema().names())
    ]
    if not pairs:
        return ids
    joined = pl.concat(pairs).unique().filter(pl.col("source_customer_id") != pl.col("customer_id"))
    found = set(ids)
    for _ in range(_MOST_ROUNDS):
        either = pl.col("source_customer_id").is_in(list(found)) | pl.col("customer_id").is_in(list(found))
        rows = joined.filter(either)
        more = found | set(rows["source_customer_id"]) | set(rows["customer_id"])
        if more == found:
            break
        found = more
    return found


def _frames(loads: Sequence[Path], seen: set[int]) -> Iterator[pl.LazyFrame]:
    """The files of the loads that tell of identities and contact data; each file on the disk once."""
    for load in loads:
        for path in sorted(load.rglob("*.parquet")):
            inode = path.stat().st_ino
            if path.parent.name in _FOLDERS and inode not in seen:
                seen.add(inode)
                yield pl.scan_parquet(path, glob=False, hive_partitioning=False)
