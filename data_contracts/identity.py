"""When records of several systems are one customer: what `[identity]` of `gristmill.toml` may say.

Belongs here: frozen, strict forms of that section and the checks that need no data. Does not: matching itself
(`warehouse/identities/resolving.py`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from data_contracts.mapping import SourceMapping

MatchedOn = Literal["email", "phone"]
ComparedAs = Literal["name", "text", "category", "year", "number", "date", "email", "phone"]
COMPARED_BY_NAME: dict[str, ComparedAs] = {
    "email": "email",
    "phone": "phone",
    "birth_year": "year",
    "created_at": "date",
    "customer_type": "category",
    "acquisition_channel": "category",
    "region": "category",
}
"""How columns of the contract are compared where the settings name no way; others are told by their name, see below."""
SMALLEST_COMPARED = 2
CUSTOMER_ID_COLUMNS = ("customer_id", "referrer_id", "referred_id")
"""Columns of core tables that name a customer: an id space is put before what they hold."""
IdSpace = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SameAs(_Section):
    """A column of a customers source that holds the id which another system gave the same customer.

    Attributes:
        source: the source of customers with that column.
        column: its name in the core table: an extra attribute that the source keeps (`keep`).
        id_space: the id space of the other system's sources; empty where they name none.
    """

    source: str
    column: str
    id_space: IdSpace | Literal[""] = ""


class Pair(_Section):
    """Two records, by their ids as they stand in the core tables, about whom a person has decided.

    Attributes:
        ids: the two ids, id space included (`"crm:123"`).
        reason: why, for whoever reads the settings later; it goes to the audit table: no personal values.
    """

    ids: tuple[str, str]
    reason: str = ""

    @model_validator(mode="after")
    def _two_different_ids(self) -> Self:
        if self.ids[0] == self.ids[1]:
            raise ValueError(f'a pair is two different ids, not "{self.ids[0]}" twice')
        return self

    def ordered(self) -> tuple[str, str]:
        """The two ids, the smaller one first."""
        first, second = sorted(self.ids)
        return first, second


class Probabilistic(_Section):
    """Matching by Splink: how likely it is that two records are one customer, from how alike they are.

    Attributes:
        enabled: whether it is done.
        threshold: records are joined from this probability on.
        compare: columns of customers (kept attributes too), or a table of column = how it is compared.
        seed: of the random pairs that chance agreement is learnt from.
        most_pairs: at most so many random pairs.
    """

    enabled: bool = False
    threshold: float = Field(default=0.95, gt=0.5, lt=1)
    compare: tuple[str, ...] | dict[str, ComparedAs] = ()
    seed: int = 7
    most_pairs: int = Field(default=1_000_000, ge=1_000)

    @model_validator(mode="after")
    def _enough_is_compared(self) -> Self:
        if self.enabled and len(self.compare) < SMALLEST_COMPARED:
            raise ValueError("compare: name at least two columns; agreement in one column says too little")
        return self

    def comparisons(self) -> dict[str, ComparedAs]:
        """By column, in order, how it is compared."""
        if isinstance(self.compare, dict):
            return dict(self.compare)
        return {column: _compared_as(column) for column in self.compare}


def _compared_as(column: str) -> ComparedAs:
    if column in COMPARED_BY_NAME:
        return COMPARED_BY_NAME[column]
    return "name" if "name" in column else "text"


class IdentitySettings(_Section):
    """When records are one customer. By default they are where their ids are equal, and never else.

    Attributes:
        match_on: contact data that join records when they are equal after normalising.
        country: region of phone numbers that are written without `+` (ISO 3166, `"GB"`).
        ignore: values that say nothing about who somebody is: an e-mail address, `"info@"` (whatever the domain),
            `"@example.com"` (whoever it is there), or a phone number.
        most_records_per_value: an address or a number that more records share joins none of them; it is reported.
        most_records_per_customer: matches that would join more records than this are not made; they are reported.
        conflicts: columns in which two records of one customer can't differ (a record without a value differs from
            none); matches that would join such records are not made; they are reported.
        source_priority: sources of customers, the most trusted first, for the golden record; those not named follow
            in the order of the settings.
        same_as: columns that hold another system's id.
        always: pairs that are one customer, whatever else says; never: pairs that are two.
        probabilistic: matching by Splink.
    """

    match_on: tuple[MatchedOn, ...] = ()
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")
    ignore: tuple[str, ...] = ()
    most_records_per_value: int = Field(default=20, ge=2, le=1_000)
    most_records_per_customer: int = Field(default=50, ge=2, le=10_000)
    conflicts: tuple[str, ...] = ("birth_year",)
    source_priority: tuple[str, ...] = ()
    same_as: tuple[SameAs, ...] = ()
    always: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()
    probabilistic: Probabilistic = Probabilistic()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if "phone" in self.match_on and self.country is None:
            raise ValueError('country: say which country phone numbers without "+" are of, such as country = "GB"')
        both = {pair.ordered() for pair in self.always} & {pair.ordered() for pair in self.never}
        if both:
            raise ValueError(f"always and never both name {' and '.join(min(both))}")
        return self

    @property
    def joins_anything(self) -> bool:
        """Whether records with different ids can become one customer at all."""
        return bool(self.match_on or self.same_as or self.always or self.probabilistic.enabled)


def fault_of_identity(settings: IdentitySettings, sources: Mapping[str, "SourceMapping"]) -> str:
    """What in the section does not fit the sources, told as people read it; empty where all does."""
    customers = {name: source for name, source in sources.items() if source.entity == "customers"}
    columns = {column for source in customers.values() for column in source.contract().columns}
    if settings.joins_anything and not customers:
        return "identity: no source feeds 'customers', so there are no records to join"
    for name in settings.source_priority:
        if name not in customers:
            return f'identity.source_priority: "{name}" is no source of customers; there are {sorted(customers)}'
    for each in settings.same_as:
        if each.source not in customers:
            return f'identity.same_as: "{each.source}" is no source of customers; there are {sorted(customers)}'
        if each.column not in customers[each.source].mapped_columns():
            return (
                f'identity.same_as: the source "{each.source}" does not bring "{each.column}": '
                f'let it keep the column, keep = ["{each.column}"]'
            )
    compared = settings.probabilistic.comparisons() if settings.probabilistic.enabled else {}
    for column in [*(settings.conflicts if settings.joins_anything else ()), *compared]:
        if column not in columns:
            return f'identity: customers have no column "{column}"; map it, or let a source keep it'
    return ""
