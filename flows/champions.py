"""The champions: which version of each model may score a date, and its verified bytes.

Belongs here: asking the ledger and the registry. Does not: promoting (`training.py`), scoring (`scoring.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from flows.context import Context
from flows.errors import NoChampionError
from warehouse.ledger import Promotion, champion_for

if TYPE_CHECKING:
    from models.bundle import Bundle

MODELS = ("churn", "value", "next_offer")
Tick = Callable[[], None]


@dataclass(frozen=True)
class Champion:
    """A promoted model, verified and ready."""

    promotion: Promotion
    bundle: "Bundle"


def find_champions(context: Context, as_of: date) -> dict[str, Promotion] | None:
    """Which version of each model may score that date, by the ledger; None when any of them is missing."""
    if not context.warehouse().exists():
        return None
    with context.warehouse() as warehouse:
        found = {name: champion_for(warehouse, name, as_of) for name in MODELS}
    return {name: promotion for name, promotion in found.items() if promotion} if all(found.values()) else None


def open_champions(context: Context, *, as_of: date, tick: Tick) -> dict[str, Champion]:
    """The champions of that date, every byte verified against the ledger's digest before anything is parsed.

    Raises:
        NoChampionError: a model has none that had seen nothing later.
        BundleCorruptError: a registered file is not what it was.
        DependencyDownError: the registry does not answer.
    """
    with context.warehouse() as warehouse:
        promotions = {name: champion_for(warehouse, name, as_of) for name in MODELS}
    opened = {}
    for name, promotion in promotions.items():
        if promotion is None:
            raise NoChampionError(model=name, as_of=as_of)
        bundle = context.registry.load(name, version=promotion.version, digest=promotion.digest)
        opened[name] = Champion(promotion, bundle)
        tick()
    return opened
