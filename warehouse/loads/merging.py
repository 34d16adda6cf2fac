"""What becomes of a load's accepted rows beside those of the load before: new, late, corrected, restated, gone.

Belongs here: that decision for every row of one entity, in DuckDB, and its counts. Does not: writing the result
(`core_writing.py`), or which rows are fit for use (`data_contracts/checking.py`).

Rows are matched by their key, against the rows in force:

- equal in all columns but `known_at`: nothing changes;
- a new key: added, known since its `known_at`, or, where the source maps none, since it happened. Where it happened
  no later than the newest row that its source had brought before, it is *late*: known since the load. (Not where the
  mapping or the rules changed since: the row came in time, it was read wrongly);
- a known key with other values: a correction. The old version is superseded and the new one known since the load.
  Where its source's mapping changed since, the values are *restated* instead: replaced in place, known since they
  were; so are hashes of contact data where nothing but the key changed;
- a key that its source, shown in full, no longer has: removed, that is superseded without a successor. Where the
  mapping changed since, the row had been read wrongly: it counts for no date any more;
- a key that an incremental source of an earlier place in the settings brought: that source's word stands.

"Since the load" means the last microsecond before the load's business date, so that a night scored as of that date
counts it and no earlier date does. Versions of a row never overlap: see `data_contracts.orders.current_at`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from data_contracts.checking import ACCEPTED
from data_contracts.contracts import Contract
from data_contracts.sql import first_row, identifier, text
from warehouse.core.rows import as_the_source_writes_it, core_columns, customer_columns, stored_rows
from warehouse.core.sql import Surroundings, accepted_rows_sql, bucket_sql, event_instant, key_of
from warehouse.lake import SUPERSEDED_AT
from warehouse.personal_data import KEYED_COLUMNS

ALWAYS_KNOWN = "1970-01-01 00:00:00+00"
"""What `known_at` becomes of rows of a first load that say neither when they happened nor since when they are known."""

_FEW_AMONG = 10
"""Rows are few beside so many times as many stored ones."""


@dataclass(frozen=True, kw_only=True)
class SourceStanding:
    """What a merge has to know of a source.

    Attributes:
        name: the source.
        keeps_absent: rows that don't arrive stay (an incremental source); else they are gone.
        restates: its mapping or rules are others than when its rows were loaded.
        newest_event: when the newest of its rows of earlier loads happened; None: it never brought any.
        look_back_days: how late a row may be without being told of as very late.
        shows_all: all that it ever brought was looked at now.
    """

    name: str
    keeps_absent: bool
    restates: bool
    newest_event: datetime | None
    look_back_days: int
    shows_all: bool = False


@dataclass(frozen=True, kw_only=True)
class MergeCounts:
    """Accepted rows of a load by what became of them, and rows of earlier loads that are gone.

    Attributes:
        unchanged: were there already, just so.
        added: were new, late ones included.
        late: came after newer rows of their source had.
        late_beyond_look_back: of those, more days after than the source looks back.
        latest_days: of those, the most days.
        corrected: superseded an older version.
        restated: replaced a row in place because the mapping changed.
        removed: were there, and are no longer in a source that shows everything.
    """

    unchanged: int = 0
    added: int = 0
    late: int = 0
    late_beyond_look_back: int = 0
    latest_days: int = 0
    corrected: int = 0
    restated: int = 0
    removed: int = 0

    def plain(self) -> dict[str, int]:
        """As JSON values."""
        return asdict(self)

    @property
    def changes(self) -> int:
        """Rows by which the core differs from before."""
        return self.added + self.corrected + self.restated + self.removed


def decide(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    checked: str,
    sources: Sequence[SourceStanding],
    stored: Sequence[Path],
    around: Surroundings,
) -> MergeCounts:
    """Decide what becomes of the rows of an entity.

    Args:
        connection: the load's database.
        contract: the entity's contract, extra attributes included.
        checked: the table of checked rows (see `data_contracts.checking`); "" where no source was read.
        sources: all sources of the entity in the settings, also those that were not read now.
        stored: files of the entity in the load before.
        around: what all merges of the load share.

    Returns:
        The counts. Beside them two tables are made: `arriving_<entity>` (`row_id`, `bucket`, `verdict`, `known_at`,
        `days_late`), the rows to be written, and `leaving_<entity>` (the key's columns, `bucket`, `verdict`,
        `ends_at`), the stored rows to be superseded or replaced.
    """
    arriving, leaving = identifier(f"arriving_{contract.entity}"), identifier(f"leaving_{contract.entity}")
    rows = accepted_rows_sql(contract, checked, around)
    if stored:
        _make_sources(connection, contract.entity, sources)
        before = stored_rows(connection, stored, core_columns(contract))
        met = _met_rows(connection, contract, rows, before)
        connection.execute(f"create temp table {arriving} as {_decided(contract, rows, met, around)}")
        gone = _leaving(contract, rows, met, before, sources=sources, around=around)
        connection.execute(f"create temp table {leaving} as {gone}")
    else:
        connection.execute(f"create temp table {arriving} as {_all_new(contract, rows, around)}")
        columns = ", ".join(f"{identifier(name)} varchar" for name in key_of(contract))
        columns += ", bucket integer, verdict varchar, ends_at timestamptz"
        connection.execute(f"create temp table {leaving} ({columns})")
    return _counted(connection, contract.entity, checked)


def _all_new(contract: Contract, rows: str, around: Surroundings) -> str:
    """SQL of `arriving` where nothing is stored yet: every row is new, and none can be late."""
    known = f"coalesce(known_at, event_at, timestamptz '{ALWAYS_KNOWN}')"
    columns = f"'added' as verdict, {known} as known_at, null::integer as days_late"
    if "customer_id" not in contract.columns:
        return f"select row_id, 0 as bucket, {columns} from {rows}"  # noqa: S608  # quoted names
    bucket = bucket_sql("customer_id", around.buckets)
    homes = f"select customer_id, {bucket} as bucket from (select distinct customer_id from {rows})"  # noqa: S608  # quoted names
    return f"select row_id, bucket, {columns} from {rows} join ({homes}) using (customer_id)"  # noqa: S608  # quoted names


def _make_sources(connection: duckdb.DuckDBPyConnection, entity: str, sources: Sequence[SourceStanding]) -> None:
    table = identifier(f"sources_of_{entity}")
    connection.execute(
        f"create temp table {table} "
        "(source varchar, place integer, keeps_absent boolean, restates boolean, newest_event timestamptz, "
        "look_back_days integer)"
    )
    if sources:
        connection.executemany(
            f"insert into {table} values (?, ?, ?, ?, ?, ?)",  # noqa: S608  # a quoted name
            [
                [each.name, place, each.keeps_absent, each.restates, each.newest_event, each.look_back_days]
                for place, each in enumerate(sources)
            ],
        )


def _met_rows(connection: duckdb.DuckDBPyConnection, contract: Contract, rows: str, before: str) -> str:
    """SQL of stored rows, all of those with the key of an arriving one among them.

    Where few rows arrive, those are looked up once, in a pass that keeps nothing else; else it is all stored rows.
    """
    counts = f"select (select count(*) from {rows}), (select count(*) from {before})"  # noqa: S608  # quoted names
    arriving, stored = first_row(connection, counts)
    if arriving * _FEW_AMONG > stored:
        return before
    table, keys = identifier(f"met_{contract.entity}"), ", ".join(map(identifier, key_of(contract)))
    connection.execute(
        f"create temp table {table} as select p.* from {before} p semi join {rows} n using ({keys})"  # noqa: S608  # quoted
    )
    return table


def _decided(contract: Contract, rows: str, before: str, around: Surroundings) -> str:
    """SQL of `arriving`: the rows that change anything, with what becomes of them."""
    key, ids = key_of(contract), customer_columns(contract)
    on_stored = " and ".join(f"n.{identifier(name)} = p.{identifier(name)}" for name in key)
    on_past = " and ".join(f"n.{identifier(name)} = o.{identifier(name)}" for name in key)
    keys = ", ".join(map(identifier, key))
    compared = [
        as_the_source_writes_it(name) if name in ids else name for name in contract.columns if name != "known_at"
    ]
    unlike = {
        name: f"n.{identifier(name)} is distinct from p.{identifier(name)}" for name in compared if name not in key
    } | {"source": "coalesce(n.source <> p.source, false)"}
    hashes = KEYED_COLUMNS if around.other_key else frozenset()
    differs, differs_in_more = (
        " or ".join(sql for name, sql in unlike.items() if name not in aside) for aside in (frozenset(), hashes)
    )
    since = f"timestamptz {text(around.known_since.isoformat())}"
    bucket = bucket_sql("customer_id", around.buckets) if "customer_id" in contract.columns else "0"
    event = identifier(contract.event_time or "")
    stored_event = event_instant(contract, around.time_zone).replace(event, f"p.{event}")
    sources = identifier("sources_of_" + contract.entity)
    past = f"from stored where {SUPERSEDED_AT} > known_at group by all"  # what counted for some date
    return f"""
        with stored as (select * from {before}),
        beside as (
            select n.*, s.newest_event, p.known_at as stored_known_at, {stored_event} as stored_event_at,
                s.restates and (p.source is null or p.source = n.source or q.source is null) as restates,
                coalesce(p.source <> n.source and q.place < s.place and q.keeps_absent, false) as is_outranked,
                p.{identifier(key[0])} is null as is_new, o.past_ends_at, o.past_ends_at is not null as has_a_past,
                ({differs}) as differs, ({differs_in_more}) as differs_in_more
            from {rows} n left join {sources} s on s.source = n.source
            left join (select * from stored where {SUPERSEDED_AT} is null) p on {on_stored}
            left join {sources} q on q.source = p.source
            left join (select {keys}, max({SUPERSEDED_AT}) as past_ends_at {past}) o on {on_past}
        ),
        told as (
            select *, coalesce(known_at, event_at) as told_since,
                known_at is not null and not has_a_past as may_say_since,
                case
                    when is_outranked then 'unchanged'
                    when is_new and known_at is null and event_at <= newest_event and not restates then 'late'
                    when is_new then 'added'
                    when restates and (differs or (may_say_since and known_at <> stored_known_at)) then 'restated'
                    when differs_in_more then 'corrected'
                    when differs then 'restated'
                    else 'unchanged'
                end as verdict
            from beside
        )
        select row_id, {bucket} as bucket, verdict,
            case
                when verdict = 'restated' and restates and may_say_since then known_at
                when verdict = 'restated' and stored_known_at = stored_event_at and not has_a_past then
                    coalesce(event_at, stored_known_at)
                when verdict = 'restated' then stored_known_at
                when verdict = 'added' and not has_a_past then
                    coalesce(told_since, if(newest_event is null, timestamptz '{ALWAYS_KNOWN}', {since}))
                else greatest(told_since, {since}, stored_known_at, past_ends_at)
            end as known_at,
            if(verdict = 'late', date_diff('day', timezone({text(around.time_zone)}, event_at),
                timezone({text(around.time_zone)}, newest_event)), null)::integer as days_late
        from told where verdict <> 'unchanged'
    """  # noqa: S608  # quoted names


def _leaving(  # rows of both sides, and what is known of them, each by name
    contract: Contract,
    rows: str,
    met: str,
    before: str,
    *,
    sources: Sequence[SourceStanding],
    around: Surroundings,
) -> str:
    """SQL of `leaving`: stored rows in force that a correction or a restatement replaces, and those that are gone.

    The rows of both sides are named once (`with`), so that they are read once.
    """
    key = key_of(contract)
    keys = ", ".join(f"p.{identifier(name)}" for name in key)
    same = " and ".join(f"n.{identifier(name)} = p.{identifier(name)}" for name in key)
    bucket = bucket_sql("p.customer_id", around.buckets) if "customer_id" in contract.columns else "0"
    kept = ", ".join(text(each.name) for each in sources if _keeps(each)) or "''"
    misread = ", ".join(text(each.name) for each in sources if each.restates) or "''"
    since = f"timestamptz {text(around.known_since.isoformat())}"
    arriving = identifier(f"arriving_{contract.entity}")
    all_stored = "stored" if met == before else f"(select * from {before} where {SUPERSEDED_AT} is null)"  # noqa: S608  # quoted
    return f"""
        with stored as (select * from {met} where {SUPERSEDED_AT} is null), arrived as (select * from {rows})
        select {keys}, {bucket} as bucket, a.verdict, a.known_at as ends_at
        from arrived n join {arriving} a using (row_id) join stored p on {same}
        where a.verdict in ('corrected', 'restated')
        union all
        select {keys}, {bucket} as bucket, 'removed' as verdict,
            if(coalesce(p.source, '') in ({misread}), p.known_at, greatest(p.known_at, {since})) as ends_at
        from {all_stored} p anti join arrived n on {same} where coalesce(p.source, '') not in ({kept})
    """  # noqa: S608  # quoted names


def _keeps(source: SourceStanding) -> bool:
    """Whether rows of the source that don't arrive stay as they are."""
    return source.keeps_absent and not (source.restates and source.shows_all)


def _counted(connection: duckdb.DuckDBPyConnection, entity: str, checked: str) -> MergeCounts:
    arriving, leaving = identifier(f"arriving_{entity}"), identifier(f"leaving_{entity}")
    by_verdict: dict[str, int] = dict(
        connection.execute(f"select verdict, count(*) from {arriving} group by verdict").fetchall()  # noqa: S608  # quoted
    )
    removed = first_row(connection, f"select count(*) from {leaving} where verdict = 'removed'")[0]  # noqa: S608  # quoted
    rows = f"select count(*) from {identifier(checked)} where {ACCEPTED}"  # noqa: S608  # quoted
    accepted = first_row(connection, rows)[0] if checked else 0
    beyond, most = _lateness(connection, entity, checked) if by_verdict.get("late") else (0, 0)
    late = by_verdict.get("late", 0)
    return MergeCounts(
        unchanged=accepted - sum(by_verdict.values()),
        added=by_verdict.get("added", 0) + late,
        late=late,
        late_beyond_look_back=beyond,
        latest_days=most,
        corrected=by_verdict.get("corrected", 0),
        restated=by_verdict.get("restated", 0),
        removed=removed,
    )


def _lateness(connection: duckdb.DuckDBPyConnection, entity: str, checked: str) -> tuple[Any, ...]:
    return first_row(
        connection,
        f"select count(*) filter (days_late > look_back_days), max(days_late) from {identifier('arriving_' + entity)} "  # noqa: S608  # quoted
        f"join {identifier(checked)} using (row_id) join {identifier('sources_of_' + entity)} using (source)",
    )
