"""The champions: which version of each model may score a date, and its verified bytes.

Belongs here: asking the ledger and the registry. Does not: promoting (`promoting.py`), scoring (`scoring.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from flows.context import Context
from flows.errors import ChampionGoneError, NoChampionError
from flows.learning.champion_cache import ChampionCache
from warehouse.promotions import Promotion, champion_for

if TYPE_CHECKING:
    from models.bundle import Bundle

PURCHASE_MODELS = ("churn", "value", "next_offer")
SUBSCRIPTION_MODELS = ("subscription_churn",)
Tick = Callable[[], None]


@dataclass(frozen=True)
class Champion:
    """A promoted model, verified and ready."""

    promotion: Promotion
    bundle: "Bundle"
    from_cache: bool = False  # the registry did not answer: verified copy of this machine


def models_of(context: Context) -> tuple[str, ...]:
    """The models that the company's kinds of data call for: of purchases, of subscriptions, or both."""
    fed = {source.entity for source in context.settings.sources.values()}
    return (*(PURCHASE_MODELS if "orders" in fed else ()), *(SUBSCRIPTION_MODELS if "subscriptions" in fed else ()))


def find_champions(context: Context, as_of: date) -> dict[str, Promotion] | None:
    """Which version of each model may score that date, by the ledger; None when any of them is missing."""
    if not context.warehouse().exists():
        return None
    found = _decided(context, as_of)
    return {name: promotion for name, promotion in found.items() if promotion} if all(found.values()) else None


def open_champions(context: Context, *, as_of: date, tick: Tick) -> dict[str, Champion]:
    """The champions of that date, every byte verified against the ledger's digest before anything is parsed.

    Where the registry does not answer, copies of this machine that it vouched for within `registry.cache_days` score,
    verified again; that is said.

    Raises:
        NoChampionError: a model has none that had seen nothing later.
        ChampionGoneError: the registry has that version no more.
        BundleCorruptError: a registered file is not what it was.
        RegistryDownError: the registry does not answer, and no copy is young enough.
    """
    opened = {}
    for name, promotion in _decided(context, as_of).items():
        if promotion is None:
            raise NoChampionError(model=name, as_of=as_of, decided_before=context.champions_decided_before)
        opened[name] = _opened(context, promotion)
        tick()
    return opened


def _decided(context: Context, as_of: date) -> dict[str, Promotion | None]:
    before = context.champions_decided_before
    with context.warehouse() as warehouse:
        return {name: champion_for(warehouse, name, as_of, decided_before=before) for name in models_of(context)}


def _opened(context: Context, promotion: Promotion) -> Champion:
    from models.errors import RegistryDownError, VersionUnknownError  # noqa: PLC0415 only where models are at stake

    cache = ChampionCache(context.settings.workspace / "champions")
    try:
        bundle = context.registry.load(promotion.name, version=promotion.version, digest=promotion.digest)
    except VersionUnknownError as gone:
        raise ChampionGoneError(
            model=promotion.name, version=promotion.version, promoted_at=promotion.promoted_at, known=gone.expected
        ) from None
    except RegistryDownError:
        days = context.settings.registry.cache_days
        cached = cache.open(promotion.digest, now=context.now, within_days=days)
        if cached is None:
            raise
        context.reporter.say(f"the registry does not answer: {promotion.name} {promotion.version} is a verified copy")
        return Champion(promotion, cached, from_cache=True)
    cache.keep(bundle, digest=promotion.digest, now=context.now)
    return Champion(promotion, bundle)
