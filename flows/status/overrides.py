"""What people set aside or decided against the product's own judgement: what of it is in force, what was lately used.

Belongs here: finding it in the ledger's rows. Does not: reading the ledger (`ledger_facts.py`), or any override itself.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.context import Context
from warehouse.ledger import Load
from warehouse.promotions import DECIDED_BY_PEOPLE, Promotion
from warehouse.publishing.publications import Publication

LATELY_DAYS = 30


def overrides(
    context: Context,
    published: Sequence[Publication],
    loads: Sequence[Load],
    decisions: Sequence[Promotion],
    *,
    champions: Sequence[Promotion],
) -> list[dict[str, Any]]:
    """Overrides in force, and those of the last 30 days: first those in force, then the newest first.

    Args:
        context: the surroundings.
        published: publications, whatever became of them.
        loads: the last loads, newest first.
        decisions: about models, newest first.
        champions: of today.
    """
    reigning = {(one.name, one.number) for one in champions}
    found = [
        *(one for version in published for one in _of_publication(version)),
        *(one for place, load in enumerate(loads) for one in _of_load(load, in_force=place == 0)),
        *(_of_decision(one, in_force=(one.name, one.number) in reigning) for one in decisions if _by_hand(one)),
    ]
    lately = context.now - timedelta(days=LATELY_DAYS)
    told = [one for one in found if one["in_force"] or one["at"] >= lately]
    told.sort(key=lambda one: (not one["in_force"], -one["at"].timestamp(), one["what"]))
    return [one | {"at": one["at"].isoformat()} for one in told]


def _of_publication(version: Publication) -> list[dict[str, Any]]:
    where = f"version {version.version_number}, {version.as_of}"
    told = [
        _told(f"--{name.replace('_', '-')} for {_listed(tables)}", where, version.published_at, version.is_current)
        for name, tables in sorted(version.overrides.items())
    ]
    if version.rolled_back_at is not None:
        told.append(_told("taken back by gristmill rollback", where, version.rolled_back_at, in_force=False))
    return told


def _of_load(load: Load, *, in_force: bool) -> list[dict[str, Any]]:
    where = f"load {load.load_id}"
    told = [
        _told(f"--accept {one['rule']}: {one['got']}", where, load.loaded_at, in_force)
        for one in load.counts.get("overrides") or []
    ]
    if load.counts.get("allowed_empty"):
        told.append(_told("--allow-empty", where, load.loaded_at, in_force))
    return told


def _by_hand(decision: Promotion) -> bool:
    return decision.kind in DECIDED_BY_PEOPLE


def _of_decision(decision: Promotion, *, in_force: bool) -> dict[str, Any]:
    what = f"{decision.name} {decision.version} is champion {_HOW[decision.kind]}"
    because = f": {decision.because}" if decision.because else ""
    return _told(what + because, decision.decided_by, decision.promoted_at, in_force)


_HOW = {"anyway": "although it did not win", "by hand": "by a person's decision", "rollback": "by going back to it"}


def _told(what: str, where: str, at: datetime, in_force: bool) -> dict[str, Any]:  # noqa: FBT001 one of four facts
    return {"what": what, "where": where, "at": at, "in_force": in_force}


def _listed(tables: Any) -> str:  # noqa: ANN401 as the ledger has it
    return ", ".join(map(str, tables)) if isinstance(tables, list | tuple) else str(tables)
