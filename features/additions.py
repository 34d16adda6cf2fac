"""What a company adds to the features there are: features of its own, and extra attributes of its customers.

Belongs here: the two as one value that is handed through to the engine and to other processes. Does not: how features
are made of them (`own`, `attributes`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_contracts.contracts import Column
from data_contracts.own_features import OwnFeature


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a company adds.

    Attributes:
        own: features of its own, as declared.
        attributes: extra attributes of customers: names and columns of the core table.
        folder: where modules with functions of its own lie.
    """

    own: tuple[OwnFeature, ...] = ()
    attributes: tuple[tuple[str, Column], ...] = ()
    folder: str = ""

    def described(self) -> dict[str, Any]:
        """The same in plain values, for another process."""
        return {
            "own": [one.model_dump(mode="json") for one in self.own],
            "attributes": {name: column.model_dump(mode="json") for name, column in self.attributes},
            "folder": self.folder,
        }

    @classmethod
    def from_described(cls, described: Mapping[str, Any]) -> "Additions":
        """The inverse of `described`."""
        return cls(
            own=tuple(OwnFeature.model_validate(one) for one in described["own"]),
            attributes=tuple((name, Column.model_validate(one)) for name, one in described["attributes"].items()),
            folder=described["folder"],
        )


NOTHING_ADDED = Additions()
