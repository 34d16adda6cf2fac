"""What decides a load's result, as hashes: where they are what they were, nothing has to be done again.

Belongs here: the fingerprint of a whole load, and that of each source's mapping. Does not: what follows from a change
(`increments.py`, the flows).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_contracts.contracts import CORE_ENTITIES, core_contract_text
from data_contracts.identity import IdentitySettings
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from warehouse.loads.increments import Versions, for_fingerprints
from warehouse.personal_data import PersonalDataKey
from warehouse.sources.files import SourcePlace
from warehouse.sources.reading import input_versions, looks_into

_NO_READING_SETTINGS = frozenset({"files", "database", "load", "watermark", "look_back_days"})
"""Of an input: where its rows are and which of them are read, not what a row is read as."""

_KEY = "+"


def source_fingerprint(  # noqa: PLR0913  # the sections of the settings that make up a load, by name
    *,
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    data_root: Path,
    company_currency: str,
    time_zone: str,
    identity: IdentitySettings | None = None,
    environment: Mapping[str, str] | None = None,
    versions: Versions | None = None,
    key: PersonalDataKey | None = None,
) -> str:
    """SHA-256 of all that decides what a load brings, but for its moment: files' bytes, mapping, rules and contracts.

    Where it is what it was at the last load, loading again would bring the same rows. (Rows set aside because they lay
    in the future are looked at again when anything of this changes.)

    Args:
        inputs: files and databases by input name.
        sources: mappings by source name.
        rules: the company's rules.
        data_root: the folder that the inputs' patterns are relative to.
        company_currency: ISO 4217 code.
        time_zone: zone of timestamps that carry none.
        identity: when records of customers are one customer.
        environment: by name the environment variables that inputs name.
        versions: what `versions_of` says, where it was asked already.
        key: what contact data are hashed with.

    Raises:
        SourceFileMissingError: an input has no file.
    """
    place = SourcePlace(data_root=data_root, environment=environment or {})
    content: dict[str, Any] = {
        "inputs": {name: spec.model_dump(mode="json") for name, spec in inputs.items()},
        "sources": [[name, source.model_dump(mode="json")] for name, source in sources.items()],
        "rules": [rule.model_dump(mode="json") for rule in rules],
        "company": [company_currency, time_zone],
        "identity": (identity or IdentitySettings()).model_dump(mode="json"),
        "contracts": [core_contract_text(entity) for entity in CORE_ENTITIES],
        "files": versions_of(inputs, place) if versions is None else versions,
        "key": key.fingerprint if key is not None else None,
    }
    return _hash(content)


def versions_of(inputs: Mapping[str, InputSpec], place: SourcePlace) -> Versions:
    """By input its files (or its database) and what changes when their rows do.

    Raises:
        SourceFileMissingError: an input has no file.
        UsageError, DependencyDownError: see `sources.reading.input_versions`.
    """
    return input_versions(for_fingerprints(inputs), place)


def mapping_hashes(
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    *,
    inputs: Mapping[str, InputSpec],
    company_currency: str,
    time_zone: str,
    key: PersonalDataKey | None = None,
) -> dict[str, str]:
    """By source the SHA-256 of what decides what its rows become: mapping, reading, contract, rules, currency, zone.

    Of customers followed by which key their contact data are hashed with (see `without_key`): with another key they are
    read again, but that is no change of the mapping.
    """
    return {
        name: _hash(
            {
                "source": source.model_dump(mode="json"),
                "rules": [rule.model_dump(mode="json") for rule in rules if rule.entity == source.entity],
                "company": [company_currency, time_zone],
                "contract": core_contract_text(source.entity),
                "reading": _reading_settings(source, inputs),
            }
        )
        + (f"{_KEY}{key.fingerprint}" if key is not None and source.entity == "customers" else "")
        for name, source in sources.items()
    }


def without_key(mapping_hash: str) -> str:
    """The hash of a mapping, whatever the key."""
    return mapping_hash.partition(_KEY)[0]


def _reading_settings(source: SourceMapping, inputs: Mapping[str, InputSpec]) -> dict[str, Any]:
    """By input that a source's rows come of, how it is read: encoding, delimiter, texts of no value and the like."""
    rates = source.conversion.rates if source.conversion is not None else None
    return {
        name: spec.model_dump(mode="json", exclude=set(_NO_READING_SETTINGS))
        for name, spec in inputs.items()
        if name in (source.input, rates) or looks_into(source, name)
    }


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
