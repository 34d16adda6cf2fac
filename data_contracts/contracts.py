"""Contracts: what a table must be, declared as TOML and parsed into frozen objects.

Belongs here: the form of a contract (columns, rules, references) and reading the core layer's contracts from the
package. Does not: how rules are evaluated (`rules.py`, `checking.py`), or how a source is mapped onto a contract
(`mapping.py`).
"""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

CORE_ENTITIES = ("products", "customers", "orders")
"""The entities of the core layer, referenced ones before those that refer to them."""

Entity = Literal["products", "customers", "orders"]
ColumnType = Literal["text", "integer", "number", "money", "date", "timestamp", "boolean"]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class Severity(StrEnum):
    """What a broken rule does: block the whole load, send the row to quarantine, or only be reported."""

    critical = "critical"
    error = "error"
    warning = "warning"


class Column(BaseModel):
    """One column of a contract.

    Attributes:
        type: text (String), integer (Int32), number (Float64), money (Int64, minor units of the row's currency),
            date (Date), timestamp (Datetime, UTC) or boolean.
        meaning: what the column says, in a sentence.
        required: every row must have a value, and every source must map it.
        identifier: a text that names something: kept byte for byte, no control characters, at most 255 bytes.
        personal: holds personal data; its values never appear in reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ColumnType
    meaning: str
    required: bool = False
    identifier: bool = False
    personal: bool = False


class Rule(BaseModel):
    """A named rule over the rows of one table.

    Attributes:
        name: what is true of a good row; the name under which broken rows are counted.
        expression: a DuckDB SQL predicate over the table's columns, true for good rows. As with SQL's CHECK, a row for
            which it is null passes: presence has rules of its own.
        severity: what happens to the row, or the load, when it is broken.
        meaning: the rule in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    expression: str
    severity: Severity = Severity.error
    meaning: str


class Reference(BaseModel):
    """A rule across tables: the value of `column` must be a key of another entity, where that entity is loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    column: str
    entity: Entity
    severity: Severity = Severity.warning
    meaning: str


class Contract(BaseModel):
    """What a core table must be.

    Attributes:
        entity: the table's name in the core layer.
        meaning: what one row is.
        key: the columns that name a row; unique over all sources.
        columns: the contract's columns by name, in the order of the table.
        rules: named rules beyond those that follow from the columns' types.
        references: rules across tables.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    meaning: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()

    def required_columns(self) -> tuple[str, ...]:
        """The columns every source has to map, in the order of the table."""
        return tuple(name for name, column in self.columns.items() if column.required)

    def columns_of_type(self, *types: ColumnType) -> tuple[str, ...]:
        """The columns of the given types, in the order of the table."""
        return tuple(name for name, column in self.columns.items() if column.type in types)

    def with_rules(self, rules: Iterable[Rule]) -> "Contract":
        """The same contract with more rules."""
        return self.model_copy(update={"rules": (*self.rules, *rules)})


@cache
def core_contract(entity: str) -> Contract:
    """The contract of a core entity, as declared in the package (`core/<entity>.toml`)."""
    return Contract.model_validate(tomllib.loads(core_contract_text(entity)))


def core_contract_text(entity: str) -> str:
    """The declaration of a core entity's contract, word for word."""
    return (Path(__file__).parent / "core" / f"{entity}.toml").read_text(encoding="utf-8")
