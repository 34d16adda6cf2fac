"""What a company's settings add to the features there are.

Belongs here: finding them in the settings. Does not: what becomes of them (`features`), which imports a good deal.
"""

from typing import TYPE_CHECKING

from config.settings import Settings
from data_contracts.contracts import core_contract
from data_contracts.kept import KEEPING_ENTITY, contract_with

if TYPE_CHECKING:
    from features import Additions


def additions_of(settings: Settings) -> "Additions":
    """Features of the company's own, and the extra attributes that its sources keep of customers.

    Raises:
        KeptTwiceError: two sources keep different kinds of attribute under one name.
    """
    from features import Additions  # noqa: PLC0415 imports Polars and DuckDB

    own = core_contract(KEEPING_ENTITY).columns
    contract = contract_with(KEEPING_ENTITY, [source.keep for source in settings.sources.values()])
    attributes = tuple((name, column) for name, column in contract.columns.items() if name not in own)
    return Additions(own=settings.features, attributes=attributes, folder=str(settings.base))


def check_own_features(settings: Settings) -> None:
    """Refuse settings whose features of the company's own can't be made, before anything is begun.

    Raises:
        KeptTwiceError, and what `features.catalogue` raises.
    """
    from features import catalogue  # noqa: PLC0415 imports Polars and DuckDB

    catalogue((), additions=additions_of(settings))
