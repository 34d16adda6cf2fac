"""How a company's rows become core tables: what `[sources]` and `[[rules]]` of `gristmill.toml` may say.

Belongs here: frozen, strict forms of those sections and the checks that need no data. Does not: where the rows lie
(`inputs.py`), reading them (`warehouse/sources/inputs.py`), or the contracts they are mapped onto (`contracts.py`).
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data_contracts.contracts import Contract, Entity, Rule, RuleName, Severity, core_contract
from data_contracts.identity import IdSpace
from data_contracts.kept import Kept, contract_with, fault_of_keep, spelled_out

Constant = bool | int | float | datetime | date | str
MappedValue = bool | int | float | str

EPOCH_FORMATS = ("epoch_seconds", "epoch_milliseconds", "excel_days")
"""Names that `formats` knows beside patterns: seconds or milliseconds since 1970-01-01 (UTC), days since 1899-12-30."""


_DATE_PATTERN = re.compile(r"(?=.*%)(?:[^%]|%-?[aAbBcdfgGHIjmMnpSuUVwWxXyYzZ%])*")

RATE_RULE = "currency_has_a_rate"


class RuleSpec(BaseModel):
    """A rule that the company adds to a core table, or a built-in rule whose severity it changes.

    Attributes:
        entity: the core table.
        name: the rule's name; a built-in rule's name (and no expression) changes that rule's severity.
        expression: a DuckDB SQL predicate over the core columns, true for good rows; null passes.
        severity: `critical` blocks the load, `error` sends the row to quarantine, `warning` is only reported.
        meaning: the rule in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    name: RuleName
    expression: str | None = None
    severity: Severity = Severity.error
    meaning: str = ""

    @model_validator(mode="after")
    def _a_new_rule_says_what_it_means(self) -> Self:
        if self.expression is not None and not self.meaning:
            raise ValueError(f'rule "{self.name}" has an expression but no meaning: say in words what it asks for')
        return self


class CurrencyConversion(BaseModel):
    """Amounts in other currencies, turned into the company's at the rate in force on the row's business date.

    Attributes:
        rates: the input with the rates: one unit of `from_currency` is worth `rate` units of `to_currency` from the
            date `valid_from` on, until the next one of the same pair.
        on: the contract column whose business date decides; by default the table's first required date or time.
        columns: renames, where the input calls its columns otherwise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rates: str
    on: str | None = None
    columns: dict[Literal["from_currency", "to_currency", "valid_from", "rate"], str] = Field(default_factory=dict)


class SourceMapping(BaseModel):
    """One source of rows for one core table.

    Attributes:
        entity: the core table the rows go to.
        input: name of the input whose rows are mapped; or
        query: DuckDB SQL over the inputs (each is a view by its name) whose rows are mapped.
        where: DuckDB SQL over the source's columns, true for rows that are this table's; others are left out, counted,
            and break no rule.
        id_space: where systems number their customers independently, the name of this one's numbers: its customer 123
            is `crm:123` in the core tables. Sources of one system name the same space.
        columns: renames, contract column = source column.
        expressions: derived columns, contract column = DuckDB SQL over the source's columns (beside them
            `source_file` and `source_row`, counted from 1).
        constants: contract column = the same value for every row.
        values: contract column = table from what the source writes to what it means; `""` stands for no value.
        unmapped: what becomes of a value that its table in `values` does not list: `keep` it, or `reject` the row by
            the rule `<column>_value_is_listed`.
        scale: contract column = factor, for other units (`quantity = 0.001` from grams to kilograms).
        formats: contract column = pattern of its dates (`"%d/%m/%Y %H:%M"`, or several, tried in order), or one of
            `EPOCH_FORMATS`; by default ISO dates are read.
        time_zone: zone of timestamps that carry none; by default the company's.
        time_zones: contract column = zone, where a column differs from `time_zone`.
        money: whether mapped money is in `major` units (pounds, as decimals) or `minor` units (pence).
        conversion: how amounts in other currencies become the company's; without it such rows go to quarantine.
        keep: source columns of customers that no contract has, kept as extra attributes (`kept.Kept`): a list of
            names, or a table of name = "text", "number" or { column, type, personal, meaning }.
        rules: rules over the source's own columns, true for good rows; null passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    input: str | None = None
    query: str | None = None
    where: str | None = Field(default=None, min_length=1)
    id_space: IdSpace | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    expressions: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Constant] = Field(default_factory=dict)
    values: dict[str, dict[str, MappedValue]] = Field(default_factory=dict)
    unmapped: Literal["keep", "reject"] = "keep"
    scale: dict[str, Decimal] = Field(default_factory=dict)
    formats: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    time_zone: str | None = None
    time_zones: dict[str, str] = Field(default_factory=dict)
    money: Literal["major", "minor"] | None = None
    conversion: CurrencyConversion | None = None
    keep: dict[str, Kept] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    @field_validator("keep", mode="before")
    @classmethod
    def _keep_is_spelled_out(cls, value: object) -> object:
        return spelled_out(value)

    @field_validator("formats", mode="before")
    @classmethod
    def _one_format_or_several(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {column: (given,) if isinstance(given, str) else given for column, given in value.items()}

    @field_validator("formats")
    @classmethod
    def _formats_are_known(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for pattern in (each for patterns in value.values() for each in patterns):
            if pattern not in EPOCH_FORMATS and not _DATE_PATTERN.fullmatch(pattern):
                raise ValueError(
                    f'"{pattern}" is no date format: expected a pattern such as "%d/%m/%Y %H:%M" or one of '
                    + ", ".join(EPOCH_FORMATS)
                )
        return value

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            _require_time_zone(value)
        return value

    @field_validator("time_zones")
    @classmethod
    def _time_zones_exist(cls, value: dict[str, str]) -> dict[str, str]:
        for zone in value.values():
            _require_time_zone(zone)
        return value

    @model_validator(mode="after")
    def _mapping_fits_the_contract(self) -> Self:
        contract = core_contract(self.entity)
        mapped = [*self.columns, *self.expressions, *self.constants]
        for fault in (
            _input_or_query(self),
            _unknown_column(contract, mapped),
            fault_of_keep(self.entity, self.keep),
            _mapped_twice(mapped),
            _required_but_unmapped(contract, mapped),
            _money_without_unit(contract, mapped, self.money),
            *_transformation_faults(self, contract, mapped),
            _rule_named_twice([rule.name for rule in self.all_rules()]),
        ):
            if fault:
                raise ValueError(fault)
        return self

    def mapped_columns(self) -> tuple[str, ...]:
        """The contract columns this source fills, in the contract's order, then the extra attributes it keeps."""
        filled = {*self.columns, *self.expressions, *self.constants, *self.keep}
        return tuple(name for name in self.contract().columns if name in filled)

    def contract(self) -> Contract:
        """The contract of the source's table, with the extra attributes it keeps."""
        return contract_with(self.entity, [self.keep])

    def renames(self) -> dict[str, str]:
        """Contract column or extra attribute = source column, for all that are taken over as they are."""
        return {**self.columns, **{name: kept.column for name, kept in self.keep.items()}}

    def all_rules(self) -> tuple[Rule, ...]:
        """The source's rules, and those that its mapping promises to keep; the latter are judged while mapping."""
        listed = (
            Rule(
                name=f"{column}_value_is_listed",
                expression=f"sources.values.{column} lists it",
                meaning=f"{column} is one of the values that the mapping lists",
            )
            for column in self.values
            if self.unmapped == "reject"
        )
        converted = Rule(
            name=RATE_RULE,
            expression="sources.conversion.rates has a rate",
            meaning="another currency than the company's has a rate in force on the row's business date",
        )
        return (*self.rules, *listed, *([converted] if self.conversion else []))

    def conversion_date_column(self) -> str:
        """The contract column whose business date decides the rate."""
        if self.conversion is not None and self.conversion.on is not None:
            return self.conversion.on
        contract = core_contract(self.entity)
        moments = contract.columns_of_type("date", "timestamp")
        return next((name for name in moments if contract.columns[name].required), "")


def close_match(name: str, known: list[str]) -> str:
    """A hint `did you mean "..."?` when one of the known names is close (letter case and blanks aside), else ""."""
    by_plain_name = {_plain(candidate): candidate for candidate in known}
    found = get_close_matches(_plain(name), list(by_plain_name), n=1)
    return f'did you mean "{by_plain_name[found[0]]}"?' if found else ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _transformation_faults(source: SourceMapping, contract: Contract, mapped: list[str]) -> Iterator[str]:
    """What can't be meant by `values`, `scale`, `formats`, `time_zones` and `conversion`; empty: all is well."""
    moments = contract.columns_of_type("date", "timestamp")
    amounts = contract.columns_of_type("number", "money", "integer")
    for setting, columns, allowed, kind in (
        ("values", source.values, tuple(contract.columns), ""),
        ("scale", source.scale, amounts, "a number or money"),
        ("formats", source.formats, moments, "a date or time"),
        ("time_zones", source.time_zones, moments, "a date or time"),
    ):
        for name in columns:
            if name not in mapped:
                yield f'{setting}.{name}: the source does not map a column "{name}"; {close_match(name, mapped)}'
            elif name not in allowed:
                yield f"{setting}.{name}: {name} is not {kind}, but {contract.columns[name].type}"
    yield from (f"scale.{name}: a factor is not zero" for name, factor in source.scale.items() if not factor)
    yield from (f"values.{name}: lists no value" for name, listed in source.values.items() if not listed)
    yield from _conversion_faults(source, contract, mapped)


def _conversion_faults(source: SourceMapping, contract: Contract, mapped: list[str]) -> Iterator[str]:
    if source.conversion is None:
        return
    if "currency" not in mapped:
        yield "conversion: the source maps no column currency, so there is nothing to convert from"
    date_column = source.conversion_date_column()
    if date_column not in mapped or date_column not in contract.columns_of_type("date", "timestamp"):
        yield f'conversion.on: "{date_column}" is no date or time that the source maps'


def _require_time_zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError) as unknown:
        raise ValueError(f'no time zone is called "{value}": expected a name like "Europe/London"') from unknown


def _input_or_query(source: SourceMapping) -> str:
    if (source.input is None) == (source.query is None):
        return (
            "a source takes its rows from exactly one of: input (the name of an input) or query (SQL over the inputs)"
        )
    return ""


def _unknown_column(contract: Contract, mapped: list[str]) -> str:
    for name in mapped:
        if name not in contract.columns:
            known = list(contract.columns)
            hint = close_match(name, known) or "the columns are: " + ", ".join(known)
            return f'{contract.entity} have no column "{name}": {hint}'
    return ""


def _mapped_twice(mapped: list[str]) -> str:
    twice = sorted({name for name in mapped if mapped.count(name) > 1})
    return f"mapped more than once (columns, expressions, constants): {', '.join(twice)}" if twice else ""


def _required_but_unmapped(contract: Contract, mapped: list[str]) -> str:
    missing = [
        f"{name} ({contract.columns[name].meaning})" for name in contract.required_columns() if name not in mapped
    ]
    if not missing:
        return ""
    return f"{contract.entity} need columns that this source does not map: {'; '.join(missing)}"


def _money_without_unit(contract: Contract, mapped: list[str], money: str | None) -> str:
    amounts = [name for name in contract.columns_of_type("money") if name in mapped]
    if not amounts or money is not None:
        return ""
    return f'say money = "major" (12.50) or "minor" (1250) for the unit of {", ".join(amounts)}'


def _rule_named_twice(names: list[str]) -> str:
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"rules of the same name: {', '.join(twice)}" if twice else ""
