"""Who was erased, as keyed hashes: enough to recognise a person who comes back, too little to say who it was.

Belongs here: what an erasure is on record as, and recognising values by it. Does not: where the records are kept
(`erasure_records.py`), and which columns hold such values (`erased_rows.py`).
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args

import polars as pl

from warehouse.errors_personal_data import PersonalDataKeyChangedError, PersonalDataKeyNeededError
from warehouse.personal_data import KEY_VARIABLE, Kind, PersonalDataKey, normal_contacts

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """One erasure on record.

    Attributes:
        erasure_id: its name; says when it was asked for, and nothing of whom.
        requested_at: when (UTC).
        requested_by: who asked for it.
        reason: why, in the words of whoever asked.
        key_fingerprint: which key the hashes were made with.
        digests: by kind (`customer_id`, `email`, `phone`) the hashes of the person's values.
    """

    erasure_id: str
    requested_at: datetime
    requested_by: str
    reason: str
    key_fingerprint: str
    digests: Mapping[Kind, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        values: Mapping[Kind, Iterable[str]],
        *,
        key: PersonalDataKey,
        now: datetime,
        requested_by: str,
        reason: str = "",
    ) -> "Erasure":
        """The record of erasing a person whose ids and normalised addresses and numbers are `values`."""
        digests = {kind: tuple(sorted(key.digests(kind, set(values.get(kind, ()))))) for kind in KINDS}
        name = hashlib.sha256("".join(digest for kind in KINDS for digest in digests[kind]).encode()).hexdigest()[:12]
        return cls(
            erasure_id=f"{now:%Y%m%dT%H%M%S%f}-{name}",
            requested_at=now,
            requested_by=requested_by,
            reason=reason,
            key_fingerprint=key.fingerprint,
            digests=digests,
        )

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "erasure_id": self.erasure_id,
            "requested_at": self.requested_at.isoformat(),
            "requested_by": self.requested_by,
            "reason": self.reason,
            "key_fingerprint": self.key_fingerprint,
            "digests": {kind: list(digests) for kind, digests in self.digests.items()},
        }

    @classmethod
    def from_plain(cls, content: Mapping[str, Any]) -> "Erasure":
        """The record that `plain` wrote down.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            erasure_id=str(content["erasure_id"]),
            requested_at=datetime.fromisoformat(content["requested_at"]),
            requested_by=str(content["requested_by"]),
            reason=str(content["reason"]),
            key_fingerprint=str(content["key_fingerprint"]),
            digests={kind: tuple(map(str, content["digests"][kind])) for kind in KINDS},
        )


@dataclass(frozen=True)
class Tombstones:
    """All erasures that must be kept to, and the key to recognise people by.

    Args:
        erasures: those on record anywhere.
        key: the company's key; may only be None where there are no erasures.
        country: where phone numbers without a country are from (ISO 3166), as when they were erased.
    """

    erasures: tuple[Erasure, ...] = ()
    key: PersonalDataKey | None = None
    country: str | None = None
    _seen: dict[Kind, dict[str, bool]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def opened(cls, erasures: Iterable[Erasure], *, key: PersonalDataKey | None, country: str | None) -> "Tombstones":
        """Tombstones that can be recognised by.

        Raises:
            PersonalDataKeyNeededError: there are erasures and no key.
            PersonalDataKeyChangedError: an erasure was written down under another key.
        """
        known = tuple(sorted(erasures, key=lambda erasure: erasure.erasure_id))
        if known and key is None:
            raise PersonalDataKeyNeededError(variable=KEY_VARIABLE, erasures=len(known))
        others = sum(1 for erasure in known if key is not None and erasure.key_fingerprint != key.fingerprint)
        if others:
            raise PersonalDataKeyChangedError(variable=KEY_VARIABLE, erasures=others)
        return cls(known, key, country)

    def __bool__(self) -> bool:
        return bool(self.erasures)

    @property
    def erasure_ids(self) -> frozenset[str]:
        """The names of all erasures."""
        return frozenset(erasure.erasure_id for erasure in self.erasures)

    def digests(self, kind: Kind) -> frozenset[str]:
        """The hashes of all erased values of a kind."""
        return frozenset(digest for erasure in self.erasures for digest in erasure.digests.get(kind, ()))

    def matching(self, kind: Kind, values: pl.Series) -> list[str]:
        """Those of `values` (String, as they are written) that belong to erased people; distinct, sorted.

        A value once looked at is remembered: asking again costs nothing.
        """
        erased = self.digests(kind)
        if not erased or self.key is None:
            return []
        seen = self._seen.setdefault(kind, {})
        distinct = values.drop_nulls().cast(pl.String).unique().to_list()
        new = [value for value in distinct if value not in seen]
        spelled = self._plain(kind, new)
        hashed = self.key.digests(kind, (value or "" for value in spelled))
        seen.update(zip(new, (digest in erased for digest in hashed), strict=True))
        return sorted(value for value in distinct if seen[value])

    def _plain(self, kind: Kind, values: list[str]) -> list[str | None]:
        if kind == "customer_id":
            return list(values)
        return normal_contacts(pl.Series(values, dtype=pl.String), kind, country=self.country).to_list()
