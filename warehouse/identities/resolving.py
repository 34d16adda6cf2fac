"""One customer: which records of the sources are the same person or company, under which id, and why.

Belongs here: the order of the steps. Does not: each step (`matching.py` and `likeness.py` find links,
`groups.py` follows them, `choice.py` chooses ids), what a load keeps of them (`state.py`),
which values the customer then has (`golden_records.py`), files (`keeping.py`).

The groups follow from the records and the settings alone, whatever the order in which they came; only the choice of a
group's id looks at the load before, so that it stays what it was.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb
import numpy as np
import polars as pl

from data_contracts.identity import IdentitySettings
from data_contracts.sql import identifier
from warehouse.errors_identity import IdentityColumnMissingError
from warehouse.identities.groups import Guards, group, never_pairs
from warehouse.identities.matching import all_links, contact_links, decided_links, id_links, other_ids
from warehouse.identities.state import INSTANT, IdentityState, Resolved, state_of

MAP_TABLE = "identity_map"


def resolve(  # the two relations, the state before, the settings and the load's own facts, by name
    connection: duckdb.DuckDBPyConnection,
    *,
    records: str,
    previous: IdentityState | None,
    settings: IdentitySettings,
    load_id: str,
    decided_at: datetime,
    earlier: str | None = None,
) -> IdentityState:
    """Find out which records are one customer, and leave the table `identity_map` in the connection.

    Args:
        connection: the staging database. A table `identity_map(source_customer_id varchar, customer_id varchar)` is
            made (replaced): the ids that differ from their customer's.
        records: the relation of this load's accepted customers, one row an id: `source_customer_id` (or `customer_id`),
            `source`, `created_at`, `known_at`, `email`, `phone` and every column that the settings name.
        previous: what the load before knew; None at the first.
        settings: the section `[identity]`.
        load_id: this load.
        decided_at: the moment of this load (with a time zone).
        earlier: a relation of the same columns with the records that earlier loads brought (in their last version,
            gone ones too: that a record is gone does not make it somebody else's). Ids in `records` win.

    Returns:
        The state to keep for the next load. The same whatever the order of rows.

    Raises:
        IdentityColumnMissingError: the settings name a column that customers do not have.
        CountryUnknownError, SplinkMissingError: the settings ask for what can't be done.
    """
    frame = _read_records(connection, records, earlier, settings)
    evidence = contact_links(frame, settings)
    probable, model = _probable_links(frame, settings, previous)
    links = all_links([decided_links(settings.always), id_links(frame, settings.same_as), evidence.links, probable])
    nodes = _nodes(frame, links, previous)
    grouping = group(nodes.height, _edges(links, nodes), _guards(frame, nodes, settings))
    state = state_of(
        Resolved(nodes=nodes, links=links, grouping=grouping, shared=evidence.shared, model=model),
        previous=previous,
        load_id=load_id,
        decided_at=decided_at,
    )
    _leave_map(connection, state)
    return state


def _read_records(
    connection: duckdb.DuckDBPyConnection, records: str, earlier: str | None, settings: IdentitySettings
) -> pl.DataFrame:
    """One row an id, sorted: `id`, `source`, `created_at`, `known_at`, `email`, `phone` and the columns in question."""
    wanted = _wanted_columns(settings)
    frame = _read(connection, records, wanted)
    if earlier is not None:
        before = _read(connection, earlier, wanted, may_lack=True)
        frame = pl.concat([frame, before.join(frame, on="id", how="anti")], how="vertical_relaxed")
    return frame.sort("id")


def _wanted_columns(settings: IdentitySettings) -> dict[str, str]:
    """By column, the setting that names it."""
    compared = settings.probabilistic.comparisons() if settings.probabilistic.enabled else {}
    return {
        **dict.fromkeys(settings.match_on, "identity.match_on"),
        **dict.fromkeys(settings.conflicts, "identity.conflicts"),
        **{each.column: "identity.same_as" for each in settings.same_as},
        **dict.fromkeys(compared, "identity.probabilistic.compare"),
    }


def _read(
    connection: duckdb.DuckDBPyConnection, relation: str, wanted: Mapping[str, str], *, may_lack: bool = False
) -> pl.DataFrame:
    described = connection.execute(f"describe select * from {identifier(relation)}").fetchall()  # noqa: S608  # quoted
    present = [str(name) for name, *_ in described]
    for column, setting in wanted.items():
        if column not in present and not may_lack:
            raise IdentityColumnMissingError(setting=setting, column=column, present=present)
    number = "source_customer_id" if "source_customer_id" in present else "customer_id"
    fixed = [f"{identifier(number)} as id", "source"]
    fixed += [f"{name}::timestamptz as {name}" for name in ("created_at", "known_at")]
    others = [name for name in wanted if name not in ("created_at", "known_at")]
    asked = [identifier(name) if name in present else f"null::varchar as {identifier(name)}" for name in others]
    listed = ", ".join([*fixed, *asked])
    frame: pl.DataFrame = connection.sql(f"select {listed} from {identifier(relation)}").pl()  # noqa: S608  # as above
    return frame.with_columns(pl.col("created_at", "known_at").cast(INSTANT))


def _nodes(records: pl.DataFrame, links: pl.DataFrame, previous: IdentityState | None) -> pl.DataFrame:
    """Every id there is, sorted: `id`, `created_at`, `known_at`, `is_record`, `was_canonical`, and its `node`."""
    ids = [records["id"], links["left_id"], links["right_id"]]
    canonical = pl.Series([], dtype=pl.String)
    if previous is not None:
        ids.append(previous.identities["source_customer_id"])
        canonical = previous.identities["customer_id"].unique()
    every = pl.concat([each.alias("id") for each in ids]).unique().sort().to_frame()
    known = records.select("id", "created_at", "known_at", pl.lit(value=True).alias("is_record"))
    was = canonical.alias("id").to_frame().with_columns(pl.lit(value=True).alias("was_canonical"))
    return (
        every.join(known, on="id", how="left", validate="1:1")
        .join(was, on="id", how="left", validate="1:1")
        .with_columns(pl.col("is_record", "was_canonical").fill_null(value=False))
        .sort("id")
        .with_row_index("node")
        .with_columns(pl.col("node").cast(pl.Int64))
    )


def _edges(links: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    numbers = nodes.select("id", "node")
    return links.join(numbers.rename({"id": "left_id", "node": "left"}), on="left_id", validate="m:1").join(
        numbers.rename({"id": "right_id", "node": "right"}), on="right_id", validate="m:1"
    )


def _guards(records: pl.DataFrame, nodes: pl.DataFrame, settings: IdentitySettings) -> Guards:
    numbers = nodes.select("id", "node")
    told = records.join(numbers, on="id", validate="1:1")
    facts = [pl.DataFrame(schema={"node": pl.Int64, "fact": pl.String, "value": pl.String})]
    facts += [_fact(told, column, pl.col(column).cast(pl.String)) for column in settings.conflicts]
    facts += [
        _fact(told.filter(pl.col("source") == each.source), f"{each.source}.{each.column}", other_ids(each))
        for each in settings.same_as
    ]
    return Guards(
        facts=pl.concat(facts),
        never=never_pairs([pair.ordered() for pair in settings.never], nodes["id"]),
        most_records=settings.most_records_per_customer,
        is_record=nodes["is_record"].to_numpy().astype(np.bool_),
    )


def _fact(records: pl.DataFrame, name: str, value: pl.Expr) -> pl.DataFrame:
    return records.select("node", pl.lit(name).alias("fact"), value.alias("value")).drop_nulls("value")


def _probable_links(
    records: pl.DataFrame, settings: IdentitySettings, previous: IdentityState | None
) -> tuple[pl.DataFrame, Mapping[str, Any] | None]:
    """Links by likeness, and the weights they were judged by; none where that is switched off."""
    from warehouse.identities.likeness import no_links, probable_links  # noqa: PLC0415 where Splink is imported

    if not settings.probabilistic.enabled:
        return no_links(), None
    return probable_links(records, settings, model=previous.model if previous else None)


def _leave_map(connection: duckdb.DuckDBPyConnection, state: IdentityState) -> None:
    connection.execute(
        f"create or replace table {MAP_TABLE} (source_customer_id varchar primary key, customer_id varchar not null)"
    )
    connection.register("joined identities", state.joined_ids())
    connection.execute(f'insert into {MAP_TABLE} select source_customer_id, customer_id from "joined identities"')  # noqa: S608  # literals
    connection.unregister("joined identities")
