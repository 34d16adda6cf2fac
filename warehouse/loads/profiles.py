"""Profiles of loads in the ledger: what later loads are held against.

Belongs here: writing and reading `gristmill.load_profiles`. Does not: what a profile is (`data_contracts/profiles.py`).

They have a table of their own, a row for each load and table, because a profile is long (rows of three years of days,
histograms) and asked for by table, while the counts in `gristmill.loads` are short and shown whenever a load is.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from data_contracts.profiles import Profile
from warehouse.databases.base import Warehouse
from warehouse.ledger_schema import SCHEMA, ledger_rows, to_json


def record_profiles(
    warehouse: Warehouse, load_id: str, profiles: Mapping[str, Profile], *, loaded_at: datetime
) -> None:
    """Write down the profiles of a load, by entity; in the transaction that writes down the load itself."""
    for entity, profile in profiles.items():
        warehouse.execute(
            f"INSERT INTO {SCHEMA}.load_profiles (load_id, entity, loaded_at, profile) VALUES (?, ?, ?, ?)",  # noqa: S608  # a literal of this package
            [load_id, entity, loaded_at, to_json(profile.model_dump(mode="json"))],
            step=f"write down the profile of {entity} in the load {load_id}",
        )


def last_profiles(warehouse: Warehouse, entities: Iterable[str], *, limit: int) -> dict[str, list[Profile]]:
    """By entity, the profiles of its last loads, newest first; an entity without any is left out."""
    found = {
        entity: [
            Profile.model_validate(row["profile"])
            for row in ledger_rows(
                warehouse,
                "load_profiles",
                "WHERE entity = ? ORDER BY loaded_at DESC, load_id DESC LIMIT ?",
                [entity, limit],
            )
        ]
        for entity in entities
    }
    return {entity: profiles for entity, profiles in found.items() if profiles}
