"""The forms that rules are declared in, in a contract's TOML file and in `gristmill.toml` alike.

Belongs here: rules over rows, references between tables, rules over whole tables, as frozen objects. Does not: the
contract they belong to (`contracts.py`), or how they are judged (`rules.py`, `table_checking.py`).
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Entity = Literal[
    "products",
    "customers",
    "offers",
    "campaigns",
    "orders",
    "payments",
    "contacts",
    "tickets",
    "subscriptions",
    "surveys",
    "events",
    "referrals",
]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Measure = Literal[
    "rows_ratio",
    "days_since_newest",
    "null_share",
    "null_share_rise",
    "new_category_share",
    "distribution_shift",
    "missing_days",
    "new_missing_days",
    "new_days_ratio",
]
MEASURES_OF_A_COLUMN: tuple[Measure, ...] = (
    "null_share",
    "null_share_rise",
    "new_category_share",
    "distribution_shift",
)
MEASURES_OF_EVENT_TIME: tuple[Measure, ...] = (
    "days_since_newest",
    "missing_days",
    "new_missing_days",
    "new_days_ratio",
)


class Severity(StrEnum):
    """What a broken rule does: block the whole load, send the row to quarantine, or only be reported."""

    critical = "critical"
    error = "error"
    warning = "warning"


class Rule(BaseModel):
    """A named rule over the rows of one table.

    Attributes:
        name: what is true of a good row; the name under which broken rows are counted.
        expression: a DuckDB SQL predicate over the table's columns, true for good rows. As with SQL's CHECK, a row for
            which it is null passes: presence has rules of its own. A table that this one refers to may be named too:
            `customers.created_at` is that of the row's customer. Such a rule is judged where that table is loaded, on
            the rows whose partner is there.
        severity: what happens to the row, or the load, when it is broken.
        meaning: the rule in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    expression: str
    severity: Severity = Severity.error
    meaning: str


class Reference(BaseModel):
    """A rule across tables: the value of `column` must be a key of another entity, where that entity is loaded.

    Attributes:
        name: the rule's name.
        column: the column that holds the other entity's key.
        entity: the other entity; its key is one column.
        alias: what rules call the other entity's row; by default the entity. Needed where two columns refer to one.
        severity: what happens to a row whose partner is not known.
        meaning: the rule in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    column: str
    entity: Entity
    alias: str = ""
    severity: Severity = Severity.warning
    meaning: str

    @property
    def called(self) -> str:
        """What rules call the other entity's row."""
        return self.alias or self.entity


class TableRule(BaseModel):
    """A rule over a whole table: one measure of a load, held against bounds.

    Attributes:
        name: what is true of a good load.
        measure: what is measured:
            `rows_ratio`, accepted rows over the median of the last loads;
            `days_since_newest`, days from the newest event to the load;
            `null_share`, share of rows without a value in `column`;
            `null_share_rise`, that share less the median of the last loads;
            `new_category_share`, share of rows whose value of `column` no recent load had;
            `distribution_shift`, population stability index of `column` against the last loads;
            `missing_days`, days without events that by their weekday should have some;
            `new_missing_days`, such days since the last load, and days whose events have gone since;
            `new_days_ratio`, rows of the (at most seven newest) days since the last load, over the usual number of the
            same weekdays in the eight weeks before.
        column: the column that is measured, for the measures that are about one.
        at_least: the least good value, if there is one.
        at_most: the greatest good value, if there is one.
        severity: `critical` blocks the load unless the rule is accepted for once, `warning` is only reported.
        meaning: the rule in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RuleName
    measure: Measure
    column: str = ""
    at_least: float | None = None
    at_most: float | None = None
    severity: Literal[Severity.critical, Severity.warning] = Severity.warning
    meaning: str

    @model_validator(mode="after")
    def _has_a_bound_and_a_column_where_it_needs_one(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f'table rule "{self.name}" bounds nothing: say at_least or at_most')
        if (self.measure in MEASURES_OF_A_COLUMN) != bool(self.column):
            needs = "needs a column" if not self.column else "is about the whole table and takes no column"
            raise ValueError(f'table rule "{self.name}": {self.measure} {needs}')
        return self
