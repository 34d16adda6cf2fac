"""Extra attributes of customers: source columns that no contract has, kept under their own names.

Belongs here: what `keep` of a source may say, and the contract with such columns. Does not: the contract's own columns
(`contracts.py`), or mapping them (`mapping.py`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from data_contracts.contracts import Column, Contract, core_contract
from data_contracts.errors_contracts import KeptTwiceError

KEEPING_ENTITY = "customers"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAKEN = ("row_id", "raw_row", "source", "source_file", "source_row", "load_id", "row_is_accepted")
_TAKEN_ENDINGS = ("_is_present", "_is_parsable", "_is_finite", "_is_within_range", "_is_known", "_is_unique")


class Kept(BaseModel):
    """One extra attribute.

    Attributes:
        column: the source's column; by default the attribute's own name.
        type: text, number, boolean or date (what can't be read as one is no value, and a warning).
        personal: its values may appear in no report or profile; true unless said otherwise.
        meaning: what it says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    type: Literal["text", "number", "boolean", "date"] = "text"
    personal: bool = True
    meaning: str = "an attribute of the source's own"

    def as_column(self) -> Column:
        """As a column of the contract."""
        return Column(type=self.type, meaning=self.meaning, personal=self.personal, kept=True)


def spelled_out(keep: object) -> object:
    """The short forms of `keep` in full: a list of names, or a table of name = "text" | "number" | { ... }."""
    if isinstance(keep, list | tuple):
        return {name: {"column": name} for name in keep}
    if isinstance(keep, dict):
        return {
            name: {"column": name, "type": said} if isinstance(said, str) else _with_column(name, said)
            for name, said in keep.items()
        }
    return keep


def fault_of_keep(entity: str, keep: Mapping[str, Kept]) -> str:
    """What is wrong with the names, or ""."""
    if keep and entity != KEEPING_ENTITY:
        return f"keep: extra attributes are kept of {KEEPING_ENTITY} only"
    for name in keep:
        if not _NAME.fullmatch(name) or "__" in name:
            return (
                f'keep: "{name}" is no plain name (small letters, digits, underscores); give it one: '
                f'{_plain_name(name)} = {{ column = "{keep[name].column}" }}'
            )
        if name in core_contract(entity).columns:
            return f'keep: "{name}" is a column of {entity}: map it under columns, or keep it under another name'
        if name in _TAKEN or name.endswith(_TAKEN_ENDINGS):
            return f'keep: the name "{name}" is taken: keep it under another name'
    return ""


def contract_with(entity: str, keeps: Iterable[Mapping[str, Kept]]) -> Contract:
    """The contract of an entity with the extra attributes of all its sources.

    Raises:
        KeptTwiceError: two sources keep different kinds of attribute under one name.
    """
    columns: dict[str, Column] = {}
    for keep in keeps:
        for name, kept in keep.items():
            column = kept.as_column()
            if columns.setdefault(name, column) != column:
                raise KeptTwiceError(entity=entity, column=name)
    return core_contract(entity).with_columns(columns)


def _with_column(name: str, said: object) -> object:
    return {"column": name, **said} if isinstance(said, dict) else said


def _plain_name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")
    return plain if _NAME.fullmatch(plain) else "a_name"
