"""Who is champion, since when, why: the promotions and rollbacks of model versions, and the challengers in the shadow.

Belongs here: the ledger's rows about model versions, and what follows from them. Does not: figures (`models`), the
registry's alias, which only mirrors what is written here, and the clock: times are arguments.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from warehouse.databases.base import Warehouse
from warehouse.ledger_schema import ledger_rows, make_ledger, to_json

PromotionKind = Literal["won", "stands in", "anyway", "by hand", "rollback"]
DECIDED_BY_PEOPLE = ("anyway", "by hand", "rollback")


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One decision that made a model version champion.

    Attributes:
        name: the model's name.
        version: its number in the registry.
        digest: the SHA-256 of its manifest.
        trained_as_of: it saw nothing of this date or later.
        promoted_at: when it was decided (UTC).
        beats_baseline: the gate's verdict.
        metrics: its test figures.
        kind: `won` its gate after training; `stands in` where there was no champion at all; `anyway`, `by hand` and
            `rollback` are people's decisions.
        because: why, in words.
        decided_by: who, as `user@host`.
        previous_version: the champion before, None where there was none.
        grade: A to D; empty where none was given.
        comparison: the paired test against the champion before; empty where there was none.
        number: place in the model's history, from 1; given when it is written down.
    """

    name: str
    version: int
    digest: str
    trained_as_of: date
    promoted_at: datetime
    beats_baseline: bool
    metrics: Mapping[str, Any]
    kind: PromotionKind = "won"
    because: str = ""
    decided_by: str = ""
    previous_version: int | None = None
    grade: str = ""
    comparison: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Reign:
    """A time during which one version was the champion of the newest dates.

    Attributes:
        promotion: the decision it began with.
        until: when the next one began; None: it goes on.
    """

    promotion: Promotion
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A challenger that scores beside the champion; `until` is None while it does."""

    name: str
    version: int
    digest: str
    trained_as_of: date
    since: datetime
    until: datetime | None
    because: str
    decided_by: str


def record_promotion(warehouse: Warehouse, promotion: Promotion) -> None:
    """Write down a decision; the same again changes nothing. The caller holds the lock.

    The same is: of the same moment, version and kind, by the same person for the same reason. Two people's decisions
    about one version are two, whatever the clock says.
    """
    make_ledger(warehouse)
    with warehouse.transaction():
        known = promotions_of(warehouse, promotion.name)
        if known and _decision(known[-1]) == _decision(promotion):
            return
        row = asdict(promotion) | {"number": known[-1].number + 1 if known else 1}
        row |= {"metrics": to_json(promotion.metrics), "comparison": to_json(promotion.comparison)}
        marks = ", ".join("?" for _ in row)
        warehouse.execute(
            f"INSERT INTO gristmill.promotions ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 our own field names
            list(row.values()),
            step=f"write down the promotion of {promotion.name} {promotion.version}",
        )


def _decision(promotion: Promotion) -> tuple[object, ...]:
    one = promotion
    return one.version, one.promoted_at, one.kind, one.because, one.decided_by


def promotions_of(warehouse: Warehouse, name: str) -> list[Promotion]:
    """The decisions about one model, oldest first."""
    return [Promotion(**row) for row in ledger_rows(warehouse, "promotions", "WHERE name = ? ORDER BY number", [name])]


def promotions(warehouse: Warehouse) -> list[Promotion]:
    """All decisions, newest first."""
    order = "ORDER BY promoted_at DESC, name, number DESC"
    return [Promotion(**row) for row in ledger_rows(warehouse, "promotions", order, [])]


def promoted_models(warehouse: Warehouse) -> list[str]:
    """The names of the models that ever had a champion, sorted."""
    return sorted({one.name for one in promotions(warehouse)})


def champion_for(
    warehouse: Warehouse, name: str, as_of: date, *, decided_before: datetime | None = None
) -> Promotion | None:
    """The version of a model to score `as_of` with, see `champion_among`.

    Args:
        warehouse: open.
        name: the model's name.
        as_of: the date to be scored.
        decided_before: what was decided at this moment or later is left out; None: everything counts.
    """
    decisions = promotions_of(warehouse, name)
    if decided_before is not None:
        decisions = [one for one in decisions if one.promoted_at < decided_before]
    return champion_among(decisions, as_of)


def champion_among(decisions: Iterable[Promotion], as_of: date) -> Promotion | None:
    """The champion of a date: of the versions that stand and saw nothing of it, the one trained, then decided, last.

    So a backfilled training of an old date is no champion of tonight. A person's decision sets aside, from then on,
    every version that was trained later; a rollback also takes back the decision that it undoes.

    Args:
        decisions: of one model, oldest first.
        as_of: the date to be scored.
    """
    able = [one for one in _standing(decisions) if one.trained_as_of <= as_of]
    return max(able, key=lambda one: (one.trained_as_of, one.number), default=None)


def champion_before(decisions: Sequence[Promotion]) -> Promotion | None:
    """Whom a rollback brings back: who was champion before the one of now; after a rollback, the one before that.

    Returns:
        The decision that made it champion; None where there is none to go back to.
    """
    turn: list[Promotion] = []
    for place, decision in enumerate(decisions, 1):
        if decision.kind == "rollback":
            turn = turn[:-1]
            continue
        champion = champion_among(decisions[:place], date.max)
        if (
            champion is not None
            and champion.number == decision.number
            and (not turn or turn[-1].version != champion.version)
        ):
            turn.append(champion)
    return turn[-2] if len(turn) > 1 else None


def reigns(decisions: Sequence[Promotion]) -> list[Reign]:
    """Who was champion of the newest dates from when to when, oldest first."""
    begun: list[Promotion] = []
    for place in range(1, len(decisions) + 1):
        champion = champion_among(decisions[:place], date.max)
        if champion is not None and (not begun or begun[-1].version != champion.version):
            begun.append(champion)
    ends: list[datetime | None] = [one.promoted_at for one in begun[1:]]
    return [Reign(promotion=one, until=until) for one, until in zip(begun, [*ends, None], strict=True)] if begun else []


def start_shadow(warehouse: Warehouse, shadow: Shadow) -> None:
    """Write down that a version scores in the shadow from now on; one that does already goes on as it is."""
    make_ledger(warehouse)
    if any((one.name, one.version) == (shadow.name, shadow.version) for one in running_shadows(warehouse)):
        return
    row = asdict(shadow)
    marks = ", ".join("?" for _ in row)
    warehouse.execute(
        f"INSERT INTO gristmill.shadows ({', '.join(row)}) VALUES ({marks})",  # noqa: S608 our own field names
        list(row.values()),
        step=f"write down that {shadow.name} {shadow.version} scores in the shadow",
    )


def stop_shadow(warehouse: Warehouse, name: str, version: int, *, now: datetime) -> bool:
    """Write down that a version no longer scores in the shadow; False where it did not."""
    if not any((one.name, one.version) == (name, version) for one in running_shadows(warehouse)):
        return False
    warehouse.execute(
        "UPDATE gristmill.shadows SET until = ? WHERE name = ? AND version = ? AND until IS NULL",
        [now, name, version],
        step=f"write down that {name} {version} no longer scores in the shadow",
    )
    return True


def running_shadows(warehouse: Warehouse) -> list[Shadow]:
    """The challengers that score beside their champions, by name and version."""
    still = "WHERE until IS NULL ORDER BY name, version"
    return [Shadow(**row) for row in ledger_rows(warehouse, "shadows", still, [])]


def _standing(decisions: Iterable[Promotion]) -> list[Promotion]:
    """Decisions that still count, oldest first."""
    found: list[Promotion] = []
    for decision in decisions:
        if decision.kind == "rollback":
            undone = [place for place, one in enumerate(found) if one.version == decision.previous_version]
            found = [one for place, one in enumerate(found) if place not in undone[-1:]]
        if decision.kind in DECIDED_BY_PEOPLE:
            found = [one for one in found if one.trained_as_of <= decision.trained_as_of]
        found.append(decision)
    return found
