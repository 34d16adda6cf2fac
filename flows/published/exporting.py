"""Handing a published list to those who contact customers: consent asked again, control group left out.

Belongs here: who is on the list, and what is told of those who are not. Does not: the files and
what platforms ask for (`warehouse.exports`), printing (`export_reporting`).

`gristmill show --csv` is for looking; this is for acting. So whoever opted out since the night is left out, whatever
the published table says, and a customer the last load does not know any more is too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from config.errors import CommandUnknownNameError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions.inputs import suppressed_customers
from flows.loading.erasing import erasures_applied
from flows.loading.personal_data import phone_country
from flows.published.errors_exporting import NothingPublishedError
from flows.published.showing import parse_condition
from flows.running.recording import alone
from segments.control_group import in_control_group
from warehouse.exports.audience_profiles import PROFILES, AudienceProfile, upload_rows
from warehouse.exports.contacts import contacts_in_force, has_contacts
from warehouse.exports.errors import ExportNeedsContactsError, ExportNeedsCustomersError
from warehouse.exports.files import (
    ADDED,
    CHANGE,
    CHANGED,
    REMOVED,
    UPLOADS,
    changes_since,
    checked_name,
    write_parquet,
    write_spreadsheet_csv,
    write_upload_csv,
)
from warehouse.exports.records import Export, record_export
from warehouse.lake import SUPERSEDED_AT
from warehouse.publishing.publications import PUBLISHED_SCHEMA, Publication, current_publication

CUSTOMER = "customer_id"
FORMATS = ("csv", "parquet", *PROFILES)
_LAST = ".last"
_MOVES_EVERY_NIGHT = ("as_of", "run_key")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to export.

    Attributes:
        table: a table of the schema `segments`.
        name: of the audience: the same name again exports what changed; by default the table's.
        format: one of `FORMATS`.
        where: conditions as of `gristmill show`.
        columns: which, in which order; None for all (the key is always there). Not for advertising platforms.
        folder: where the files go; None for `exports` in the workspace.
        everything: export all rows, whatever was exported before.
        with_control_group: keep customers of the control group in the list.
    """

    table: str = "customer"
    name: str = ""
    format: str = "csv"
    where: Sequence[str] = ()
    columns: Sequence[str] | None = None
    folder: Path | None = None
    everything: bool = False
    with_control_group: bool = False

    @property
    def audience(self) -> str:
        """The list's name, fit to be a file's name."""
        return checked_name(self.name or self.table)


def export(context: Context, wanted: Wanted) -> dict[str, Any]:
    """Write a list of customers to files, and the export into the ledger.

    Returns:
        Plain values: `status`, `files`, `rows` (on the list), `added`, `changed`, `removed` since the last export of
        that name, `left_out` by reason, `consent_not_recorded` (on the list without anybody having said yes or no).

    Raises:
        CommandUnknownNameError: there is no such table, column or format.
        FilterUnreadableError: a condition can't be read.
        NothingPublishedError: there is no published version.
        SuppressionListError: the suppression list can't be read.
        ExportNameRefusedError, ExportPlaceRefusedError: the name or the place is not safe.
        ExportNeedsCustomersError, ExportNeedsContactsError: a platform's format needs what is not there.
        WarehouseBusyError: a run is under way.
    """
    if wanted.format not in FORMATS:
        raise CommandUnknownNameError(what="format", got=wanted.format, known=list(FORMATS))
    audience = wanted.audience
    with alone(context, f"export {audience}"), erasures_applied(context):
        rows, key, version = _published(context, wanted)
        core = CoreTables.latest(context)
        profile = PROFILES.get(wanted.format)
        _check_profile(wanted, profile, rows, core)
        listed, left_out = _may_be_contacted(context, rows, wanted, core)
        unrecorded = without_record(context, listed, core)
        home = context.settings.workspace / "exports"
        last = home / _LAST / f"{audience}-{wanted.format}.parquet"
        before = None if wanted.everything or not last.exists() else pl.read_parquet(last)
        changes = changes_since(before, listed.drop(_MOVES_EVERY_NIGHT, strict=False), key=key)
        folder = wanted.folder or (home / UPLOADS if profile else home)
        stem = folder / f"{audience}-{version.as_of}"
        if profile is None:
            files = [_plain_file(stem, wanted.format, changes if before is not None else listed.sort(key))]
        else:
            files, unreachable = _upload_files(stem, profile, changes, core, phone_country(context.settings))
            left_out |= unreachable
        write_parquet(listed.drop(_MOVES_EVERY_NIGHT, strict=False), last)
        counts = {"rows": listed.height, **_counted(changes), **left_out}
        _record(context, wanted, version, core, counts, files)
    return {
        "verb": "export",
        "status": "exported",
        "audience": audience,
        "table": wanted.table,
        "format": wanted.format,
        "as_of": version.as_of.isoformat(),
        "version": version.version_number,
        "since_last_export": before is not None,
        "rows": listed.height,
        **_counted(changes),
        "left_out": left_out,
        "consent_not_recorded": unrecorded,
        "files": [str(path) for path in files],
        "personal": profile is not None,
        "smallest_list": profile.smallest_list if profile else None,
    }


def _published(context: Context, wanted: Wanted) -> tuple[pl.DataFrame, tuple[str, ...], Publication]:
    """The rows asked for, what identifies one, and the version they are of."""
    if not context.warehouse().exists():
        raise NothingPublishedError
    with context.warehouse() as warehouse:
        version = current_publication(warehouse)
        if version is None:
            raise NothingPublishedError
        tables = warehouse.views(PUBLISHED_SCHEMA)
        if wanted.table not in tables:
            raise CommandUnknownNameError(what="table in the schema segments", got=wanted.table, known=tables)
        frame = warehouse.read_table(PUBLISHED_SCHEMA, wanted.table)
    for condition in wanted.where:
        frame = frame.filter(parse_condition(condition, frame.schema))
    key = _key(context, wanted.table)
    columns = wanted.columns if wanted.columns is not None else frame.columns
    unknown = [name for name in columns if name not in frame.columns]
    if unknown:
        raise CommandUnknownNameError(what="column in that table", got=unknown[0], known=frame.columns)
    return frame.select(*key, *(name for name in columns if name not in key)), key, version


def _key(context: Context, table: str) -> tuple[str, ...]:
    from segments.contracts import published_contracts  # noqa: PLC0415 only here
    from segments.money import currency_of  # noqa: PLC0415

    contracts = published_contracts(currency_of(context.settings.company.currency))
    return next(contract.key for contract in contracts if contract.table == table)


def _check_profile(wanted: Wanted, profile: AudienceProfile | None, rows: pl.DataFrame, core: CoreTables) -> None:
    if profile is None:
        return
    if CUSTOMER not in rows.columns:
        raise ExportNeedsCustomersError(table=wanted.table, profile=profile.name)
    if not has_contacts(core.load):
        raise ExportNeedsContactsError(profile=profile.name)


def _may_be_contacted(
    context: Context, rows: pl.DataFrame, wanted: Wanted, core: CoreTables
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows of customers who may be contacted now, and how many customers are left out, by reason."""
    if CUSTOMER not in rows.columns:
        return rows, {}
    asked = rows.select(CUSTOMER).unique()
    consent = asked.join(_consent(context, core), on=CUSTOMER, how="left", validate="1:1")
    refused = consent.filter(~pl.col("may_be_contacted").fill_null(value=False))
    kept = consent.join(refused, on=CUSTOMER, how="anti").select(CUSTOMER)
    suppressed = kept.filter(pl.col(CUSTOMER).is_in(suppressed_customers(context)))
    kept = kept.join(suppressed, on=CUSTOMER, how="anti")
    held_out = kept.clear()
    if not wanted.with_control_group:
        held_out = _control_group(context, kept, wanted.audience)
    kept = kept.join(held_out, on=CUSTOMER, how="anti")
    return rows.join(kept, on=CUSTOMER, how="semi"), {
        "without_consent": refused.height,
        "suppressed": suppressed.height,
        "control_group": held_out.height,
    }


def without_record(context: Context, listed: pl.DataFrame, core: CoreTables) -> int:
    """How many customers of a list nobody asked: the settings let them be contacted all the same."""
    if CUSTOMER not in listed.columns:
        return 0
    unasked = _consent(context, core).filter(~pl.col("is_recorded")).select(CUSTOMER)
    return listed.select(CUSTOMER).unique().join(unasked, on=CUSTOMER, how="semi").height


def _consent(context: Context, core: CoreTables) -> pl.DataFrame:
    """`customer_id`, `may_be_contacted` as the last load has it, `is_recorded`: whether somebody was asked at all.

    An opt-out counts from the moment it is loaded.
    """
    silent = context.settings.segments.contact_without_recorded_consent
    customers = core.scan("customers")
    active = [core.scan(entity) for entity in ("orders", "subscriptions")]
    others = pl.concat([_in_force(rows).select(CUSTOMER) for rows in active if rows is not None]).unique()
    parts = []
    if customers is not None:
        in_force = _in_force(customers)
        columns = in_force.collect_schema().names()
        given = pl.col("consent_marketing") if "consent_marketing" in columns else pl.lit(None, pl.Boolean)
        recorded = in_force.select(
            CUSTOMER, given.fill_null(value=silent).alias("may_be_contacted"), given.is_not_null().alias("is_recorded")
        )
        others = others.join(recorded, on=CUSTOMER, how="anti")
        parts.append(recorded)
    unasked = others.with_columns(
        pl.lit(value=silent).alias("may_be_contacted"), pl.lit(value=False).alias("is_recorded")
    )
    return pl.concat([*parts, unasked]).collect()


def _in_force(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.filter(pl.col(SUPERSEDED_AT).is_null()) if SUPERSEDED_AT in rows.collect_schema() else rows


def _control_group(context: Context, customers: pl.DataFrame, audience: str) -> pl.DataFrame:
    """Those of the customers who are held out of this audience, always the same ones."""
    share = context.settings.segments.control_group_share
    return customers.filter(in_control_group(customers[CUSTOMER], audience=audience, share=share))


def _plain_file(stem: Path, file_format: str, frame: pl.DataFrame) -> Path:
    path = stem.with_name(f"{stem.name}.{file_format}")
    (write_parquet if file_format == "parquet" else write_spreadsheet_csv)(frame, path)
    return path


def _upload_files(
    stem: Path, profile: AudienceProfile, changes: pl.DataFrame, core: CoreTables, country: str | None
) -> tuple[list[Path], dict[str, int]]:
    """Files of people to add to the platform's list and, where there are any, to take off it."""
    files: list[Path] = []
    unreachable = 0
    for what, suffix in ((ADDED, "add"), (REMOVED, "remove")):
        ids = changes.filter(pl.col(CHANGE) == what)[CUSTOMER].unique()
        if what == REMOVED and ids.is_empty():
            continue
        contacts = contacts_in_force(core.load, ids)
        reachable = contacts.filter(pl.any_horizontal(pl.col("email", "phone").is_not_null()))[CUSTOMER].n_unique()
        unreachable += (len(ids) - reachable) if what == ADDED else 0
        path = stem.with_name(f"{stem.name}-{profile.name}-{suffix}.csv")
        write_upload_csv(upload_rows(contacts, profile, country=country), path)
        files.append(path)
    return files, {"without_contact_data": unreachable}


def _counted(changes: pl.DataFrame) -> dict[str, int]:
    return {what: changes.filter(pl.col(CHANGE) == what).height for what in (ADDED, CHANGED, REMOVED)}


def _record(  # noqa: PLR0917 the facts of the row
    context: Context,
    wanted: Wanted,
    version: Publication,
    core: CoreTables,
    counts: Mapping[str, int],
    files: Sequence[Path],
) -> None:
    record = Export(
        audience=wanted.audience,
        exported_table=wanted.table,
        format=wanted.format,
        conditions={"where": [_without_ids(condition) for condition in wanted.where]},
        as_of=version.as_of,
        version_number=version.version_number,
        load_id=core.load.load_id,
        counts=counts,
        files={"names": [path.name for path in files]},
        exported_at=context.clock(),
        run_by=context.run_by,
    )
    with context.warehouse() as warehouse:
        record_export(warehouse, record)


def _without_ids(condition: str) -> str:
    """A condition as the ledger keeps it: a customer's id does not stay there."""
    return f"{CUSTOMER}…" if condition.strip().startswith(CUSTOMER) else condition
