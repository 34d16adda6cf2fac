"""Contact data in a place of their own, and keyed hashes where a join key is enough.

Belongs here: the key, the hashes, and files that few may read. Does not: cutting `customers` in two
(`contact_separation.py`), how an e-mail address or a phone number is normalised (`contact_normalising.py`), who was
erased (`tombstones.py`), and asking the environment for the key (the flows do, and pass it on).

A hash is HMAC-SHA-256 (RFC 2104) in hexadecimal. Unlike a bare hash, it tells nothing to whoever lacks the key, however
many addresses they try; whoever has the key can join by it.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from warehouse.contact_normalising import normal_emails, normal_phones
from warehouse.errors_personal_data import PersonalDataKeyWeakError

KEY_VARIABLE = "GRISTMILL_PERSONAL_DATA_KEY"
RESTRICTED = "restricted"
CONTACT_DETAILS = "contact_details"
FOLDER_MODE, FILE_MODE = 0o700, 0o600

Kind = Literal["customer_id", "email", "phone"]
ContactKind = Literal["email", "phone"]
CONTACT_KINDS: tuple[ContactKind, ...] = ("email", "phone")
KEYED_COLUMNS = frozenset(f"{kind}_key" for kind in CONTACT_KINDS)
"""What another key alone changes."""

_FEWEST_BYTES = 32
_BLOCK_BYTES = 64  # of SHA-256
_FEWEST_DISTINCT_BYTES = 20  # of 32 random bytes fewer are distinct once in 10^11 draws; repeated words have fewer
_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2})+")


@dataclass(frozen=True)
class PersonalDataKey:
    """The company's key for hashing personal data. Never printed, never written anywhere.

    Args:
        secret: its bytes, at least 32.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str, *, variable: str = KEY_VARIABLE) -> "PersonalDataKey":
        """The key that `text` writes down in hexadecimal or Base64 (either alphabet).

        Raises:
            PersonalDataKeyWeakError: it is neither, has fewer than 32 bytes, or repeats itself.
        """
        secret = _decoded(text.strip())
        if secret is None:
            raise PersonalDataKeyWeakError(variable=variable, problem="neither hexadecimal nor Base64")
        if len(secret) < _FEWEST_BYTES:
            raise PersonalDataKeyWeakError(variable=variable, problem=f"{len(secret)} bytes")
        if len(set(secret)) < _FEWEST_DISTINCT_BYTES:
            raise PersonalDataKeyWeakError(variable=variable, problem="bytes that repeat themselves")
        return cls(secret)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that tell one key from another and give nothing of it away."""
        return hmac.digest(self.secret, b"gristmill personal data key", "sha256").hex()[:16]

    def digest(self, kind: Kind, value: str) -> str:
        """The hash of one value (normalised, where it is an e-mail address or a phone number).

        The kind is hashed with it: an id that happens to read like a phone number has another hash.
        """
        return hmac.digest(self.secret, f"{kind}\x1f{value}".encode(), "sha256").hex()

    def digests(self, kind: Kind, values: Iterable[str]) -> list[str]:
        """The hashes of many values, in their order; about 1 s of CPU a million."""
        inner, outer = self._begun
        beginning = inner.copy()
        beginning.update(f"{kind}\x1f".encode())
        found = []
        for value in values:  # as `digest`, without asking the library for an HMAC again and again
            first = beginning.copy()
            first.update(value.encode())
            second = outer.copy()
            second.update(first.digest())
            found.append(second.hexdigest())
        return found

    @cached_property
    def _begun(self) -> "tuple[hashlib._Hash, hashlib._Hash]":
        """The two hashes that every HMAC with this key begins with."""
        secret = self.secret if len(self.secret) <= _BLOCK_BYTES else hashlib.sha256(self.secret).digest()
        block = secret.ljust(_BLOCK_BYTES, b"\0")
        return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(
            bytes(byte ^ 0x5C for byte in block)
        )


def new_key() -> str:
    """A new random key of 32 bytes, in Base64 for URLs (43 characters)."""
    return secrets.token_urlsafe(_FEWEST_BYTES)


def contact_keys(values: pl.Series, kind: ContactKind, *, key: PersonalDataKey, country: str | None) -> pl.Series:
    """The hashes of e-mail addresses or phone numbers as people wrote them.

    Args:
        values: String, any number of repetitions, nulls allowed.
        kind: which of the two they are.
        key: the company's key.
        country: where phone numbers without a country are from (ISO 3166); None leaves those unread.

    Returns:
        String (64 hexadecimal digits) in the order of `values`; null where the value is none or can't be read.
    """
    distinct = values.drop_nulls().unique(maintain_order=True)
    known = pl.DataFrame({"value": distinct, "plain": normal_contacts(distinct, kind, country=country)})
    known = known.drop_nulls()
    hashed = known.with_columns(pl.Series("key", key.digests(kind, known["plain"]), dtype=pl.String))
    joined = (
        values.alias("value").to_frame().join(hashed, on="value", how="left", validate="m:1", maintain_order="left")
    )
    return joined["key"].alias(f"{kind}_key")


def normal_contacts(values: pl.Series, kind: ContactKind, *, country: str | None) -> pl.Series:
    """E-mail addresses or phone numbers in one spelling; null where they can't be read."""
    return normal_emails(values) if kind == "email" else normal_phones(values, country=country)


def make_restricted(folder: Path) -> None:
    """Make a folder that nobody but this user may enter, or close one that is there; the files in it likewise."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    for path in folder.rglob("*"):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def private_opener(path: str, flags: int) -> int:
    """For `open(..., opener=private_opener)`: a new file that nobody but this user may read."""
    return os.open(path, flags, FILE_MODE)


def _decoded(text: str) -> bytes | None:
    if _HEXADECIMAL.fullmatch(text):
        return bytes.fromhex(text)
    decoders: tuple[Callable[[str], bytes], ...] = (
        lambda padded: base64.b64decode(padded, validate=True),
        lambda padded: base64.b64decode(padded, altchars=b"-_", validate=True),
    )
    for decode in decoders:
        try:
            return decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        except (binascii.Error, ValueError):
            continue
    return None
