"""How a company's files become core tables: what `[inputs]`, `[sources]` and `[[rules]]` of `gristmill.toml` may say.

Belongs here: frozen, strict forms of those sections and the checks that need no data. Does not: reading the files
(`warehouse/sources.py`), or the contracts they are mapped onto (`contracts.py`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from data_contracts.contracts import Contract, Entity, Rule, RuleName, Severity, core_contract

FileFormat = Literal["csv", "parquet", "jsonl"]
Constant = bool | int | float | datetime | date | str

FORMAT_OF_SUFFIX: Mapping[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


class InputSpec(BaseModel):
    """Files that hold the same kind of rows.

    Attributes:
        files: a glob (or a list of them), relative to the data folder.
        format: `csv`, `parquet` or `jsonl`; by default what the files' ending says.
        delimiter: what separates the values of a CSV file; by default a comma (a tab for `.tsv`).
        quote: what encloses a value of a CSV file that contains the delimiter.
        encoding: how a CSV file is written: `utf-8`, `latin-1` or `utf-16`.
        null_texts: texts that stand for "no value" in a CSV file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(min_length=1)
    format: FileFormat | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=4)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1", "utf-16"] = "utf-8"
    null_texts: tuple[str, ...] = ("",)

    @field_validator("files", "null_texts", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _format_is_known(self) -> Self:
        for pattern in self.files:
            if self.format is None and PurePosixPath(pattern).suffix.lower() not in FORMAT_OF_SUFFIX:
                raise ValueError(
                    f'the format of files "{pattern}" is unknown by its ending ({", ".join(FORMAT_OF_SUFFIX)}): '
                    'say format = "csv", "parquet" or "jsonl"'
                )
        return self

    def format_of(self, file_name: str) -> FileFormat:
        """The format of one of the input's files: the one given, or what its ending says."""
        return self.format or FORMAT_OF_SUFFIX[PurePosixPath(file_name).suffix.lower()]


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


class SourceMapping(BaseModel):
    """One source of rows for one core table.

    Attributes:
        entity: the core table the rows go to.
        input: name of the input whose rows are mapped; or
        query: DuckDB SQL over the inputs (each is a view by its name) whose rows are mapped.
        columns: renames, contract column = source column.
        expressions: derived columns, contract column = DuckDB SQL over the source's columns (beside them
            `source_file` and `source_row`, counted from 1).
        constants: contract column = the same value for every row.
        time_zone: zone of timestamps that carry none; by default the company's.
        money: whether mapped money is in `major` units (pounds, as decimals) or `minor` units (pence).
        rules: rules over the source's own columns, true for good rows; null passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    input: str | None = None
    query: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    expressions: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Constant] = Field(default_factory=dict)
    time_zone: str | None = None
    money: Literal["major", "minor"] | None = None
    rules: tuple[Rule, ...] = ()

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError) as unknown:
                raise ValueError(f'no time zone is called "{value}": expected a name like "Europe/London"') from unknown
        return value

    @model_validator(mode="after")
    def _mapping_fits_the_contract(self) -> Self:
        contract = core_contract(self.entity)
        mapped = [*self.columns, *self.expressions, *self.constants]
        for fault in (
            _input_or_query(self),
            _unknown_column(contract, mapped),
            _mapped_twice(mapped),
            _required_but_unmapped(contract, mapped),
            _money_without_unit(contract, mapped, self.money),
            _rule_named_twice([rule.name for rule in self.rules]),
        ):
            if fault:
                raise ValueError(fault)
        return self

    def mapped_columns(self) -> tuple[str, ...]:
        """The contract columns this source fills, in the contract's order."""
        filled = {*self.columns, *self.expressions, *self.constants}
        return tuple(name for name in core_contract(self.entity).columns if name in filled)


def close_match(name: str, known: list[str]) -> str:
    """A hint `did you mean "..."?` when one of the known names is close (letter case and blanks aside), else ""."""
    by_plain_name = {_plain(candidate): candidate for candidate in known}
    found = get_close_matches(_plain(name), list(by_plain_name), n=1)
    return f'did you mean "{by_plain_name[found[0]]}"?' if found else ""


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


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
