"""What becomes of a load's accepted rows beside those of the load before: new, late, corrected, restated, gone.

Belongs here: that decision for every row of one entity, in DuckDB, and its counts. Does not: writing the result
(`core_writing.py`), or which rows are fit for use (`data_contracts/checking.py`).

Rows are matched by their key, against the rows in force:

- equal in all columns but `known_at`: nothing changes;
- a new key: added, known since its `known_at`, or, where the source maps none, since it happened. Where it happened
  no later than the newest row that its source had brought before, it is *late*: known since the load. (Not where the
  mapping or the rules changed since: the row came in time, it was read wrongly);
- a known key with other values: a correction. The old version is superseded and the new one known since the load.
  Where the mapping changed since, the values are *restated* instead: replaced in place, known since they were;
- a key that its source, shown in full, no longer has: removed, that is superseded without a successor.

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
from warehouse.core_rows import as_the_source_writes_it, core_columns, customer_columns, stored_rows
from warehouse.lake import SUPERSEDED_AT

ALWAYS_KNOWN = "1970-01-01 00:00:00+00"
"""What `known_at` becomes of rows of a first load that say neither when they happened nor since when they are known."""

IDENTITY_MAP = "identity_map"
MOVED_CUSTOMERS = "moved_customers"


@dataclass(frozen=True, kw_only=True)
class SourceStanding:
    """What a merge has to know of a source.

    Attributes:
        name: the source.
        keeps_absent: rows that don't arrive stay (an incremental source); else they are gone.
        restates: its mapping or rules are others than when its rows were loaded.
        newest_event: when the newest of its rows of earlier loads happened; None: it never brought any.
        look_back_days: how late a row may be without being told of as very late.
    """

    name: str
    keeps_absent: bool
    restates: bool
    newest_event: datetime | None
    look_back_days: int


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all merges of a load share.

    Attributes:
        load_id: the load.
        known_since: from when on (exclusive) what this load alone tells is known.
        time_zone: the company's.
        buckets: how many buckets customers are spread over.
        identities: whether there is an identity map (table `identity_map`) and a table of customers who moved.
    """

    load_id: str
    known_since: datetime
    time_zone: str
    buckets: int
    identities: bool = False


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


def key_of(contract: Contract) -> list[str]:
    """The columns that rows of the core are matched by: ids as the source writes them."""
    ids = customer_columns(contract)
    return [as_the_source_writes_it(name) if name in ids else name for name in contract.key]


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
        `days_late`), the rows to be written, and `leaving_<entity>` (the key's columns, `bucket`, `verdict`), the
        stored rows to be superseded or replaced.
    """
    arriving, leaving = identifier(f"arriving_{contract.entity}"), identifier(f"leaving_{contract.entity}")
    rows = accepted_rows_sql(contract, checked, around)
    if stored:
        _make_sources(connection, contract.entity, sources)
        before = stored_rows(connection, stored, core_columns(contract))
        connection.execute(f"create temp table {arriving} as {_decided(contract, rows, before, around)}")
        connection.execute(f"create temp table {leaving} as {_leaving(contract, rows, before, sources, around)}")
    else:
        connection.execute(f"create temp table {arriving} as {_all_new(contract, rows, around)}")
        columns = ", ".join(f"{identifier(name)} varchar" for name in key_of(contract))
        connection.execute(f"create temp table {leaving} ({columns}, bucket integer, verdict varchar)")
    return _counted(connection, contract.entity, checked)


def event_instant(contract: Contract, time_zone: str) -> str:
    """SQL of when a row happened: an instant; of a date, the first one of that day."""
    column = identifier(contract.event_time)
    if not contract.event_time:
        return "null::timestamptz"
    if contract.columns[contract.event_time].type == "timestamp":
        return column
    return f"timezone({text(time_zone)}, {column}::timestamp)"


def bucket_sql(customer: str, buckets: int) -> str:
    """SQL of a customer's bucket: see `lake.bucket_of`."""
    return f"(md5_number_lower({customer}) % {buckets:d})::integer"


def accepted_rows_sql(contract: Contract, checked: str, around: Surroundings) -> str:
    """SQL of the accepted rows: the contract's columns with canonical customers, their ids beside, `event_at`."""
    ids = customer_columns(contract)
    if not checked:
        kinds = {name: kind for name, kind in core_columns(contract).items() if name not in ("load_id", SUPERSEDED_AT)}
        nothing = ", ".join(f"null::{kind} as {identifier(name)}" for name, kind in kinds.items())
        return f"(select 0::bigint as row_id, {nothing}, null::timestamptz as event_at where false)"
    known = {name: f"n.{identifier(name)}" for name in contract.columns}
    joins = ""
    if around.identities:
        known |= {name: f"coalesce(m_{name}.customer_id, n.{identifier(name)})" for name in ids}
        joins = "".join(
            f" left join {IDENTITY_MAP} as m_{name} on m_{name}.source_customer_id = n.{identifier(name)}"
            for name in ids
        )
    columns = ", ".join(f"{sql} as {identifier(name)}" for name, sql in known.items())
    beside = "".join(f", n.{identifier(name)} as {identifier(as_the_source_writes_it(name))}" for name in ids)
    event = event_instant(contract, around.time_zone).replace(
        identifier(contract.event_time), f"n.{identifier(contract.event_time)}"
    )
    return (
        f"(select n.row_id, n.source, {columns}{beside}, {event} as event_at from {identifier(checked)} n{joins} "  # noqa: S608  # quoted names
        f"where n.{ACCEPTED})"
    )


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
        "(source varchar, restates boolean, newest_event timestamptz, look_back_days integer)"
    )
    if sources:
        connection.executemany(
            f"insert into {table} values (?, ?, ?, ?)",  # noqa: S608  # a quoted name
            [[each.name, each.restates, each.newest_event, each.look_back_days] for each in sources],
        )


def _decided(contract: Contract, rows: str, before: str, around: Surroundings) -> str:
    """SQL of `arriving`: the rows that change anything, with what becomes of them."""
    key, ids = key_of(contract), customer_columns(contract)
    on_stored = " and ".join(f"n.{identifier(name)} = p.{identifier(name)}" for name in key)
    on_past = " and ".join(f"n.{identifier(name)} = o.{identifier(name)}" for name in key)
    keys = ", ".join(map(identifier, key))
    compared = [
        as_the_source_writes_it(name) if name in ids else name for name in contract.columns if name != "known_at"
    ]
    differs = " or ".join(
        [
            *(f"n.{identifier(name)} is distinct from p.{identifier(name)}" for name in compared if name not in key),
            "coalesce(n.source <> p.source, false)",
        ]
    )
    since = f"timestamptz {text(around.known_since.isoformat())}"
    bucket = bucket_sql("customer_id", around.buckets) if "customer_id" in contract.columns else "0"
    return f"""
        with stored as (select * from {before}),
        beside as (
            select n.*, s.restates, s.newest_event, p.known_at as stored_known_at,
                p.{identifier(key[0])} is null as is_new, o.{identifier(key[0])} is not null as has_a_past,
                ({differs}) as differs
            from {rows} n left join {identifier("sources_of_" + contract.entity)} s on s.source = n.source
            left join (select * from stored where {SUPERSEDED_AT} is null) p on {on_stored}
            left join (select distinct {keys} from stored where {SUPERSEDED_AT} is not null) o on {on_past}
        ),
        told as (
            select *, coalesce(known_at, event_at) as told_since,
                known_at is not null and not has_a_past as may_say_since,
                case
                    when is_new and known_at is null and event_at <= newest_event and not restates then 'late'
                    when is_new then 'added'
                    when restates and (differs or (may_say_since and known_at <> stored_known_at)) then 'restated'
                    when differs then 'corrected'
                    else 'unchanged'
                end as verdict
            from beside
        )
        select row_id, {bucket} as bucket, verdict,
            case
                when verdict = 'restated' then if(may_say_since, known_at, stored_known_at)
                when verdict = 'added' and not has_a_past then
                    coalesce(told_since, if(newest_event is null, timestamptz '{ALWAYS_KNOWN}', {since}))
                else greatest(coalesce(told_since, {since}), {since})
            end as known_at,
            if(verdict = 'late', date_diff('day', timezone({text(around.time_zone)}, event_at),
                timezone({text(around.time_zone)}, newest_event)), null)::integer as days_late
        from told where verdict <> 'unchanged'
    """  # noqa: S608  # quoted names


def _leaving(
    contract: Contract, rows: str, before: str, sources: Sequence[SourceStanding], around: Surroundings
) -> str:
    """SQL of `leaving`: stored rows in force that a correction or a restatement replaces, and those that are gone."""
    key = key_of(contract)
    keys = ", ".join(f"p.{identifier(name)}" for name in key)
    same = " and ".join(f"n.{identifier(name)} = p.{identifier(name)}" for name in key)
    bucket = bucket_sql("p.customer_id", around.buckets) if "customer_id" in contract.columns else "0"
    kept = ", ".join(text(each.name) for each in sources if each.keeps_absent) or "''"
    arriving = identifier(f"arriving_{contract.entity}")
    return f"""
        with stored as (select * from {before} where {SUPERSEDED_AT} is null), arrived as (select * from {rows})
        select {keys}, {bucket} as bucket, a.verdict
        from arrived n join {arriving} a using (row_id) join stored p on {same}
        where a.verdict in ('corrected', 'restated')
        union all
        select {keys}, {bucket} as bucket, 'removed' as verdict
        from stored p anti join arrived n on {same} where coalesce(p.source, '') not in ({kept})
    """  # noqa: S608  # quoted names


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
