"""Contracts: what a table must be, declared as TOML and parsed into frozen objects.

Belongs here: the form of a contract (columns, rules, references) and reading the core layer's contracts from the
package. Does not: how rules are evaluated (`rules.py`, `checking.py`), or how a source is mapped onto a contract
(`mapping.py`).
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from data_contracts.rule_forms import Entity, Reference, Rule, RuleName, Severity, TableRule

CORE_ENTITIES: tuple[Entity, ...] = get_args(Entity)
"""The entities of the core layer, referenced ones before those that refer to them."""

ANCHOR_ENTITIES: tuple[Entity, ...] = ("orders", "subscriptions")
"""What customers are known by: at least one of these has a source."""

ColumnType = Literal["text", "integer", "number", "money", "date", "timestamp", "boolean"]

__all__ = [
    "ANCHOR_ENTITIES",
    "CORE_ENTITIES",
    "Column",
    "ColumnType",
    "Contract",
    "Entity",
    "Reference",
    "Rule",
    "RuleName",
    "Severity",
    "TableRule",
    "core_contract",
    "core_contract_text",
]


class Column(BaseModel):
    """One column of a contract.

    Attributes:
        type: text (String), integer (Int32), number (Float64), money (Int64, minor units of the row's currency),
            date (Date), timestamp (Datetime, UTC) or boolean.
        meaning: what the column says, in a sentence.
        required: every row must have a value, and every source must map it.
        identifier: a text that names something: kept byte for byte, no control characters, at most 255 bytes.
        personal: holds personal data; its values never appear in reports or profiles.
        kept: an extra attribute of the source's own, not of the contract: a value that can't be read is a warning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ColumnType
    meaning: str
    required: bool = False
    identifier: bool = False
    personal: bool = False
    kept: bool = False


class Contract(BaseModel):
    """What a core table must be.

    Attributes:
        entity: the table's name in the core layer.
        meaning: what one row is.
        key: the columns that name a row; unique over all sources.
        columns: the contract's columns by name, in the order of the table.
        event_time: the column that says when what the row tells happened, where there is one.
        rules: named rules beyond those that follow from the columns' types.
        references: rules across tables.
        table_rules: rules about whole loads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    meaning: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    event_time: str = ""
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    table_rules: tuple[TableRule, ...] = ()

    def required_columns(self) -> tuple[str, ...]:
        """The columns every source has to map, in the order of the table."""
        return tuple(name for name, column in self.columns.items() if column.required)

    def columns_of_type(self, *types: ColumnType) -> tuple[str, ...]:
        """The columns of the given types, in the order of the table."""
        return tuple(name for name, column in self.columns.items() if column.type in types)

    def with_columns(self, columns: Mapping[str, Column]) -> "Contract":
        """The same contract with more columns, after its own."""
        return self.model_copy(update={"columns": {**self.columns, **columns}}) if columns else self


@cache
def core_contract(entity: str) -> Contract:
    """The contract of a core entity, as declared in the package (`core/<entity>.toml`)."""
    return Contract.model_validate(tomllib.loads(core_contract_text(entity)))


def core_contract_text(entity: str) -> str:
    """The declaration of a core entity's contract, word for word."""
    return (Path(__file__).parent / "core" / f"{entity}.toml").read_text(encoding="utf-8")
