"""A dry run of mappings: what rows become, which would be rejected and why. Nothing is written anywhere.

Belongs here: sampling, judging by the rules' own predicates (Great Expectations, which takes seconds to import, only
counts the same again), rows before and after with personal values masked. Does not: printing it.

It is tried on the first rows of each input; where these would tell nothing (`sources.reading.is_read_whole`), on all.
Each source stands alone: rules that look into other tables or earlier loads are not judged, and a key counts as
repeated only when it is repeated in the sample.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from data_contracts.checking import ACCEPTED, RuleCount, judge
from data_contracts.errors import GristmillError
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.rules import BoundRule, bind_rules
from data_contracts.sql import identifier, text
from warehouse.core.judged_rows import JudgedEntity
from warehouse.errors_ingestion import SourceUnknownError
from warehouse.loads.refusals import refuse_what_cannot_be_used
from warehouse.sources.mapping import MappedSource, faults_named, stage_entity, staged_table
from warehouse.sources.reading import SourcePlan, is_read_whole, prepare_connection, read_sources
from warehouse.sources.unreadable_lines import with_unreadable
from warehouse.sources.values import PersonalColumns, columns_named_in, origins_of

CONSTANT = "constant"
_ROWS_OF_A_KIND = 2
_ROWS_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One value on its way: the contract column, what it is mapped from, the source's value and what became of it.

    Where an expression makes it (`is_made`), `made_of` names what that looks at, each as `column = value`.
    """

    column: str
    mapped_from: str
    before: str | None
    after: str | None
    made_of: tuple[str, ...] = ()
    is_made: bool = False


@dataclass(frozen=True, kw_only=True)
class ShownRow:
    """A row before and after; `rules` it breaks, warnings included; `accepted` when it would be loaded."""

    source_file: str
    source_row: int
    accepted: bool
    rules: tuple[str, ...]
    cells: tuple[Cell, ...]

    def expressions(self) -> dict[str, str]:
        """By contract column the SQL that its value is made by; the same in all rows of a source."""
        return {cell.column: cell.mapped_from for cell in self.cells if cell.is_made}


@dataclass(frozen=True, kw_only=True)
class SourceCheck:
    """What came of a source.

    Attributes:
        source: its name.
        entity: the core table it feeds.
        read: rows that were judged.
        accepted: rows that would be loaded.
        left_out: rows beside those read that are not the table's, as the source's `where` says.
        is_sample: there are more rows than were looked at.
        rules: counts of the rules that any row breaks.
        rows: some rows, of each kind of fault and without.
        unmapped: the source's columns that no part of the mapping mentions.
        failure: why the source can't be loaded, if it can't.
    """

    source: str
    entity: str
    read: int = 0
    accepted: int = 0
    left_out: int = 0
    is_sample: bool = False
    rules: tuple[RuleCount, ...] = ()
    rows: tuple[ShownRow, ...] = ()
    unmapped: tuple[str, ...] = ()
    failure: GristmillError | None = None


def check_sources(
    plan: SourcePlan, rules: Sequence[RuleSpec], *, names: Sequence[str] = (), now: datetime
) -> list[SourceCheck]:
    """Try the mappings of sources, mostly on the head of their inputs.

    Args:
        plan: the inputs and sources, and how many rows to read.
        rules: the company's rules.
        names: the sources to try; all when none is named.
        now: the moment it is tried (with a time zone).

    Raises:
        SourceUnknownError: a name is not that of a source. (What is wrong with a source itself is in its result.)
    """
    for name in names:
        if name not in plan.sources:
            raise SourceUnknownError(source=name, known=sorted(plan.sources))
    wanted = names or tuple(plan.sources)
    return [_check_source(replace(plan, sources={name: plan.sources[name]}), name, rules, now=now) for name in wanted]


def _check_source(plan: SourcePlan, name: str, rules: Sequence[RuleSpec], *, now: datetime) -> SourceCheck:
    mapping = plan.sources[name]
    with duckdb.connect() as connection:
        prepare_connection(connection, company_currency=plan.company_currency, now=now, time_zone=plan.time_zone)
        result = SourceCheck(source=name, entity=mapping.entity)
        try:
            source = read_sources(connection, plan)[name]
            judged = _judged(connection, source, rules)
            result = _result(connection, judged, source)
            result = replace(result, is_sample=_is_sample(plan, result))
            nothing_seen = result.is_sample and not result.read  # none of those looked at is the table's: no verdict
            refuse_what_cannot_be_used(connection, judged, may_be_empty=nothing_seen)
        except GristmillError as failure:
            return replace(result, failure=failure)
    return result


def _is_sample(plan: SourcePlan, result: SourceCheck) -> bool:
    name = plan.sources[result.source].input
    if plan.rows is None or name is None or is_read_whole(plan, name):
        return False
    return result.read + result.left_out >= plan.rows


def _judged(connection: duckdb.DuckDBPyConnection, source: MappedSource, rules: Sequence[RuleSpec]) -> JudgedEntity:
    contract = source.mapping.contract()
    stage_entity(connection, source.mapping.entity, [source])
    bound = bind_rules(
        contract,
        mapped_columns=source.mapping.mapped_columns(),
        source_rules=source.mapping.all_rules(),
        added_rules=rules,
        loaded=(),
    )
    with faults_named(connection, [source]):
        checked = judge(connection, contract, bound, staged=staged_table(source.mapping.entity))
    checked = with_unreadable(connection, checked, [source.raw.unreadable])
    return JudgedEntity(contract=contract, checked=checked, rules=bound, sources=(source,))


def _result(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, source: MappedSource) -> SourceCheck:
    return SourceCheck(
        source=source.name,
        entity=source.mapping.entity,
        read=judged.checked.read,
        accepted=judged.checked.accepted,
        left_out=source.raw.left_out,
        rules=tuple(count for count in judged.checked.rules if count.rows),
        rows=tuple(_shown_rows(connection, judged, source)),
        unmapped=_unmapped(source),
    )


def _unmapped(source: MappedSource) -> tuple[str, ...]:
    used = set(origins_of(source.mapping, source.raw.columns).values())
    mentioned = {column for columns in used for column in columns}
    for written in (*(rule.expression for rule in source.mapping.rules), source.mapping.where or ""):
        mentioned.update(columns_named_in(written, source.raw.columns))
    return tuple(column for column in source.raw.columns if column not in mentioned)


def _shown_rows(connection: duckdb.DuckDBPyConnection, judged: JudgedEntity, source: MappedSource) -> list[ShownRow]:
    origins = origins_of(source.mapping, source.raw.columns)
    personal = PersonalColumns.of(source.mapping.contract(), origins)
    mapped = source.mapping.mapped_columns()
    raw_names = list(dict.fromkeys(column for columns in origins.values() for column in columns))
    raw_values = "".join(f", raw.{identifier(name)}::varchar as {identifier('raw ' + name)}" for name in raw_names)
    core_values = "".join(f", picked.{identifier(name)}::varchar as {identifier('core ' + name)}" for name in mapped)
    frame = connection.sql(
        f"""
        with picked as (
            select *, {_broken_sql(judged.rules)} as broken from {identifier(judged.checked.table)}
            qualify row_number() over (partition by broken order by row_id) <= {_ROWS_OF_A_KIND}
        )
        select picked.source_file, picked.source_row, picked.{ACCEPTED} as accepted, picked.broken
            {raw_values} {core_values}
        from picked join (select rowid as raw_id, * from {source.raw.table}) as raw on raw.raw_id = picked.raw_row
        order by picked.{ACCEPTED} desc, picked.broken, picked.row_id limit {_ROWS_SHOWN}
        """  # noqa: S608  # quoted names
    ).pl()
    return [
        ShownRow(
            source_file=row["source_file"],
            source_row=row["source_row"],
            accepted=row["accepted"],
            rules=tuple(filter(None, row["broken"].split(", "))),
            cells=tuple(_cell(name, source.mapping, origins[name], row, personal) for name in mapped),
        )
        for row in frame.to_dicts()
    ]


def _broken_sql(rules: Sequence[BoundRule]) -> str:
    names = ", ".join(f"case when not {identifier(rule.name)} then {text(rule.name)} end" for rule in rules)
    return f"concat_ws(', ', {names})"


def _cell(
    name: str,
    mapping: SourceMapping,
    origin: Sequence[str],
    row: Mapping[str, Any],
    personal: PersonalColumns,
) -> Cell:
    after = personal.shown(name, row["core " + name])
    if name in mapping.constants:
        return Cell(column=name, mapped_from=CONSTANT, before=None, after=after)
    values = {column: personal.shown_raw(column, row["raw " + column]) for column in origin}
    if name in mapping.expressions:
        made_of = tuple(f"{column} = {'none' if value is None else value}" for column, value in values.items())
        expression = mapping.expressions[name]
        return Cell(
            column=name, mapped_from=expression, before=", ".join(made_of), after=after, made_of=made_of, is_made=True
        )
    column = mapping.renames()[name]
    return Cell(column=name, mapped_from=column, before=values[column], after=after)
