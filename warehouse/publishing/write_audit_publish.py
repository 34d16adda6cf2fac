"""Write, audit, publish: how a night's segment tables reach their readers, all of them or none.

Belongs here: the order of the steps, the one transaction that moves the stable views, and rolling back. Does not: the
version's own tables (`staging.py`), and which checks they have to pass (`audit.py`).

The caller holds the warehouse's lock (`Warehouse.lock`) and has started a run (`ledger.start_run`). Whatever
happens before the commit, readers keep the version before; tables staged by a run that failed or was killed are
removed when the next one publishes, never earlier, so that an unclear commit can be read up in the ledger first.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from data_contracts.errors import DependencyDownError, GristmillError
from data_contracts.published import OutputContract, PublishedTable
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.errors import AuditFailedError, CommitUnclearError, NothingToRollBackToError, RolledBackError
from warehouse.ledger import Run, check_still_running
from warehouse.ledger_schema import SCHEMA, make_ledger, to_json
from warehouse.publishing.audit import VolumeOverrides, check_volume, check_volume_against, schema_findings
from warehouse.publishing.publications import (
    PUBLISHED_SCHEMA,
    VERSIONS_SCHEMA,
    Publication,
    current_publication,
    publication,
    publication_before,
    publications,
    rolled_back_publication,
    versioned_name,
)
from warehouse.publishing.staging import collect_versions, next_version_number, remove_unlisted_tables, stage_and_audit

FAILPOINTS = (
    "before_staging",
    "first_table_staged",
    "all_staged",
    "audited",
    "ledger_row_written",
    "first_view_moved",
    "before_commit",
    "committed",
    "collected",
)


def _carry_on(_failpoint: str) -> None:
    """What happens at a failpoint on any ordinary night."""


@dataclass(frozen=True)
class PublishOptions:
    """How to publish.

    Attributes:
        force: publish a run again that is published already, or was rolled back.
        overrides: which volume checks people have set aside this time.
        keep_versions: how many versions stay readable.
        failpoint: called with each name of `FAILPOINTS` as it is passed; for tests that kill the process there.
        scratch: where what was staged is audited; None for the system's temporary folder.
    """

    force: bool = False
    overrides: VolumeOverrides = field(default_factory=VolumeOverrides)
    keep_versions: int = 30
    failpoint: Callable[[str], None] = field(default=_carry_on, repr=False)
    scratch: Path | None = None


@dataclass(frozen=True)
class Published:
    """What came of it.

    Attributes:
        outcome: `published` (readers see it now); `restated` (published again by force); `kept` (an earlier date:
            in the history, while readers keep the later one); `unchanged` (was published before; nothing done).
        publication: the version in which the run is published.
    """

    outcome: Literal["published", "restated", "kept", "unchanged"]
    publication: Publication


def publish(
    warehouse: Warehouse,
    tables: Mapping[str, PublishedTable],
    *,
    run: Run,
    now: datetime,
    options: PublishOptions | None = None,
) -> Published:
    """Publish a run's tables as `segments.<table>`, all of them in one transaction.

    Args:
        warehouse: open for writing, its lock held.
        tables: the tables by name.
        run: the run they come from; running, according to the ledger.
        now: when this happens (an aware datetime).
        options: see `PublishOptions`.

    Raises:
        NameRefusedError: a table's or column's name is not allowed; nothing was created.
        AuditFailedError: a table is not what its contract says.
        EmptyTableError, VolumeChangedError: the number of rows can't be right.
        RolledBackError: the run was rolled back, and `force` is not set.
        RunSupersededError: the ledger says that somebody else took over.
    """
    chosen = options or PublishOptions()
    make_ledger(warehouse)
    standing = publication(warehouse, run.run_key)
    if standing is not None and not chosen.force:
        return Published("unchanged", standing)
    _refuse_what_was_rolled_back(warehouse, run, force=chosen.force)
    check_still_running(warehouse, run)
    remove_unlisted_tables(warehouse)
    with _told_when_superseded(warehouse, run):
        version = _staged_version(warehouse, tables, run=run, now=now, options=chosen)
    _commit(warehouse, version, run, chosen.failpoint)
    chosen.failpoint("committed")
    with suppress(DependencyDownError):  # the night is published; what is too old is collected next time
        collect_versions(warehouse, keep=chosen.keep_versions, now=now)
    chosen.failpoint("collected")
    if standing is not None:
        return Published("restated", version)
    return Published("published" if version.is_current else "kept", version)


def rollback(warehouse: Warehouse, *, now: datetime) -> Publication:
    """Show the version before the current one again, in one transaction. The caller holds the lock.

    Returns:
        The version that is current now.

    Raises:
        NothingToRollBackToError: nothing is published, or no earlier version is kept.
    """
    current = current_publication(warehouse)
    earlier = [
        version
        for version in publications(warehouse)
        if current is not None
        and (version.as_of, version.version_number) < (current.as_of, current.version_number)
        and version.rolled_back_at is None
        and version.collected_at is None
    ]
    if current is None or not earlier:
        raise NothingToRollBackToError(current=current.run_key if current else "nothing")
    with warehouse.transaction(moving=_views_once_published(warehouse)):
        warehouse.execute(
            "UPDATE gristmill.publications SET rolled_back_at = ?, is_current = FALSE WHERE version_number = ?",
            [now, current.version_number],
            step="take back the current version",
        )
        warehouse.execute(
            "UPDATE gristmill.publications SET superseded = FALSE, is_current = TRUE WHERE version_number = ?",
            [earlier[0].version_number],
            step="bring back the version before",
        )
        _move_views(warehouse, earlier[0], _carry_on)
    return dataclasses.replace(earlier[0], superseded=False, is_current=True)


def _refuse_what_was_rolled_back(warehouse: Warehouse, run: Run, *, force: bool) -> None:
    taken_back = rolled_back_publication(warehouse, run.run_key)
    if taken_back is not None and not force:
        raise RolledBackError(run_key=run.run_key, version_number=taken_back.version_number)


@contextmanager
def _told_when_superseded(warehouse: Warehouse, run: Run) -> Iterator[None]:
    """A run that woke up after others went on stumbles over their tables; what it is told is that they went on."""
    try:
        yield
    except GristmillError:
        with suppress(DependencyDownError):  # a warehouse that is gone can't tell: what was met first stands
            check_still_running(warehouse, run)
        raise


def _staged_version(
    warehouse: Warehouse, tables: Mapping[str, PublishedTable], *, run: Run, now: datetime, options: PublishOptions
) -> Publication:
    """The version as it will stand in the ledger, its tables checked, staged and audited; nobody sees it yet."""
    version_number = next_version_number(warehouse)
    overrides = _checked_before_staging(warehouse, tables, run, version_number, options)
    return Publication(
        version_number=version_number,
        run_key=run.run_key,
        attempt=run.attempt,
        as_of=run.as_of,
        content_hash=stage_and_audit(
            warehouse,
            tables,
            run=run,
            version_number=version_number,
            failpoint=options.failpoint,
            scratch=options.scratch,
        ),
        tables={name: tables[name].frame.height for name in sorted(tables)},
        overrides=overrides,
        published_at=now,
        superseded=False,
        is_current=_becomes_current(warehouse, run),
        rolled_back_at=None,
        collected_at=None,
    )


def _checked_before_staging(
    warehouse: Warehouse, tables: Mapping[str, PublishedTable], run: Run, version_number: int, options: PublishOptions
) -> dict[str, list[str]]:
    """Names, columns and numbers of rows, before anything is written; returns the overrides that were needed."""
    for name, table in tables.items():
        quoted(VERSIONS_SCHEMA, versioned_name(name, version_number), *table.contract.names)
    findings = [
        *(
            f"{name}: its contract is of {table.contract.table}"
            for name, table in tables.items()
            if name != table.contract.table
        ),
        *(finding for table in tables.values() for finding in schema_findings(table.frame, table.contract)),
        *(() if tables else ("nothing: there is no table to publish",)),
    ]
    if findings:
        raise AuditFailedError(findings=findings)
    contracts: dict[str, OutputContract] = {name: table.contract for name, table in tables.items()}
    rows = {name: table.frame.height for name, table in tables.items()}
    needed = check_volume(rows, contracts, overrides=options.overrides)
    before = publication_before(warehouse, run.as_of)
    if before is not None:
        needed |= check_volume_against(
            before.tables, rows, contracts, as_of_before=before.as_of, overrides=options.overrides
        )
    return needed


def _becomes_current(warehouse: Warehouse, run: Run) -> bool:
    """Readers never go back in time because an old date is published late."""
    current = current_publication(warehouse)
    return current is None or run.as_of >= current.as_of


def _commit(warehouse: Warehouse, version: Publication, run: Run, failpoint: Callable[[str], None]) -> None:
    """The one transaction: ledger rows, and where the version becomes current, all stable views.

    When its outcome is unclear, the ledger is asked.
    """
    moving = _views_once_published(warehouse) if version.is_current else ()
    try:
        _write_and_move(warehouse, version, run, moving, failpoint)
    except CommitUnclearError:
        warehouse.settle(SCHEMA, "publications")
        standing = publication(warehouse, run.run_key)
        if standing is None or (standing.version_number, standing.attempt) != (version.version_number, version.attempt):
            check_still_running(warehouse, run)
            raise


def _write_and_move(
    warehouse: Warehouse,
    version: Publication,
    run: Run,
    moving: Sequence[tuple[str, str]],
    failpoint: Callable[[str], None],
) -> None:
    with warehouse.transaction(moving=moving):
        check_still_running(warehouse, run)
        _write_ledger_rows(warehouse, version)
        failpoint("ledger_row_written")
        if version.is_current:
            _move_views(warehouse, version, failpoint)
        failpoint("before_commit")


def _write_ledger_rows(warehouse: Warehouse, version: Publication) -> None:
    step = "write down the publication"
    warehouse.execute(
        "UPDATE gristmill.publications SET superseded = TRUE WHERE run_key = ?", [version.run_key], step=step
    )
    if version.is_current:
        warehouse.execute("UPDATE gristmill.publications SET is_current = FALSE WHERE is_current", step=step)
    warehouse.execute(
        "INSERT INTO gristmill.publications (version_number, run_key, attempt, as_of, content_hash, tables, "
        "overrides, published_at, superseded, is_current) VALUES (?, ?, ?, ?, ?, ?, ?, ?, FALSE, ?)",
        [
            version.version_number,
            version.run_key,
            version.attempt,
            version.as_of,
            version.content_hash,
            to_json(version.tables),
            to_json(version.overrides),
            version.published_at,
            version.is_current,
        ],
        step=step,
    )
    warehouse.execute(
        "UPDATE gristmill.runs SET content_hash = ? WHERE run_key = ? AND attempt = ?",
        [version.content_hash, version.run_key, version.attempt],
        step=step,
    )


def _move_views(warehouse: Warehouse, version: Publication, failpoint: Callable[[str], None]) -> None:
    """Point every stable view at the version, and drop those of tables that it does not have."""
    for schema, view in _views_once_published(warehouse):
        if view not in version.tables:
            warehouse.drop_view(schema, view)
    for number, table in enumerate(sorted(version.tables)):
        staged = versioned_name(table, version.version_number)
        warehouse.point_view((PUBLISHED_SCHEMA, table), (VERSIONS_SCHEMA, staged))
        if number == 0:
            failpoint("first_view_moved")


def _views_once_published(warehouse: Warehouse) -> list[tuple[str, str]]:
    """The stable views that are there and are ours, not somebody else's in the same schema."""
    ours = {table for version in publications(warehouse) for table in version.tables}
    return [(PUBLISHED_SCHEMA, view) for view in warehouse.views(PUBLISHED_SCHEMA) if view in ours]
