"""Cutting checked customers in two: what everybody may read, and how a customer can be reached, which few may.

Belongs here: the contracts of both parts and the views that a load merges and writes. Does not: merging and writing
them, and the key (`personal_data.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from data_contracts.contracts import Column, Contract
from data_contracts.joins import accepted_view
from data_contracts.sql import first_row, identifier, text
from warehouse.core.rows import core_columns, stored_rows
from warehouse.lake import SUPERSEDED_AT
from warehouse.personal_data import CONTACT_DETAILS, CONTACT_KINDS, ContactKind, PersonalDataKey, contact_keys


@dataclass(frozen=True, kw_only=True)
class ContactCounts:
    """Records with an e-mail address and with a phone number, and how many of these can't be read as one.

    Without a key nothing is read, so none is unreadable.
    """

    emails: int = 0
    phones: int = 0
    unreadable_emails: int = 0
    unreadable_phones: int = 0


@dataclass(frozen=True, kw_only=True)
class SeparatedCustomers:
    """Checked customers, cut in two.

    Attributes:
        customers: the contract without `email` and `phone`, with `email_key` and `phone_key` instead.
        rows: the relation of its rows: those of the checked table, with its columns for bookkeeping (`row_id`,
            `source`, what the rules said).
        contact_details: the contract of what was cut off.
        contact_rows: the relation of its rows: the records that have an address or a number, and those that no longer
            have any where the load before keeps some in force.
        counts: how many records have which.
    """

    customers: Contract
    rows: str
    contact_details: Contract
    contact_rows: str
    counts: ContactCounts


def separate_contacts(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    checked: str,
    *,
    key: PersonalDataKey | None,
    country: str | None,
    stored: Sequence[Path] = (),
) -> SeparatedCustomers:
    """Cut a checked table of customers in two: what everybody may read, and what few may.

    Args:
        connection: holds the table.
        contract: of customers, extra attributes included.
        checked: the table of checked customers; "" where none were read.
        key: the company's key; None leaves the hashes null.
        country: where phone numbers without a country are from.
        stored: files of contact data in the load before. What a record has in force there and gave up since has to be
            superseded by a row without either, as an incremental source keeps what does not arrive.

    Returns:
        Both contracts, and views of both sets of rows ("" where none were read). What the rules said of a row goes for
        both: where a record is fit for use, so are its contact data.
    """
    customers, details = customers_contract(contract), contact_details_contract(contract)
    if not checked:
        return SeparatedCustomers(
            customers=customers, rows="", contact_details=details, contact_rows="", counts=ContactCounts()
        )
    for kind in CONTACT_KINDS:
        _make_keys(connection, kind, checked, key=key, country=country)
    rows, contact_rows = f"{checked} without contacts", f"{checked} contacts"
    keys = ", ".join(f"{kind}_keys.hashed as {kind}_key" for kind in CONTACT_KINDS)
    joins = " ".join(f"left join {kind}_keys on {kind}_keys.written = c.{kind}" for kind in CONTACT_KINDS)
    given = " or ".join(f"c.{kind} is not null" for kind in CONTACT_KINDS)
    given_up = _make_given_up(connection, details, checked, stored)
    source = f"from {identifier(checked)} c {joins}"
    for name, what, condition in (
        (rows, f"c.* exclude ({', '.join(CONTACT_KINDS)})", "true"),
        (contact_rows, "c.*", f"{given} or c.row_id in (from {given_up})"),
    ):
        connection.execute(
            f"create or replace temp view {identifier(name)} as select {what}, {keys} {source} where {condition}"
        )
    return SeparatedCustomers(
        customers=customers,
        rows=rows,
        contact_details=details,
        contact_rows=contact_rows,
        counts=_counts(connection, contact_rows, with_key=key is not None),
    )


def show_with_contacts(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Show the merged customers with their contact data again, for the rules about whole tables.

    Args:
        connection: the load's database, in which `core.views.show_merged` has shown the customers.
        folder: where the load keeps the contact data.
    """
    view, cut = identifier(accepted_view("customers")), identifier("merged customers without contacts")
    files = ", ".join(text(str(path)) for path in sorted(folder.glob("*.parquet")))
    latest = ", ".join(f"max({kind}) as {kind}" for kind in CONTACT_KINDS)
    connection.execute(f"drop view if exists {cut}")
    connection.execute(f"alter view {view} rename to {cut}")
    connection.execute(
        f"create or replace temp view {view} as select * from {cut} left join (select customer_id, {latest} "  # noqa: S608 quoted names
        f"from read_parquet([{files}], hive_partitioning = false) where {SUPERSEDED_AT} is null group by customer_id) "
        "using (customer_id)"
    )


def customers_contract(contract: Contract) -> Contract:
    """The contract of customers as the core keeps them: hashes in place of contact data."""
    columns: dict[str, Column] = {}
    for name, column in contract.columns.items():
        if name in CONTACT_KINDS:
            columns[f"{name}_key"] = _key_column(name)
        else:
            columns[name] = column
    return contract.model_copy(update={"columns": columns})


def contact_details_contract(contract: Contract) -> Contract:
    """The contract of contact data, one row a customer record, matched by its id as customers are."""
    kept = {name: contract.columns[name] for name in ("customer_id", *CONTACT_KINDS, "known_at")}
    columns = {**kept, **{f"{kind}_key": _key_column(kind) for kind in CONTACT_KINDS}}
    changed = {"entity": CONTACT_DETAILS, "meaning": "how one customer can be reached", "columns": columns}
    nothing = {"event_time": "", "rules": (), "references": (), "table_rules": ()}
    return contract.model_copy(update={**changed, **nothing})


def _key_column(kind: str) -> Column:
    word = "e-mail address" if kind == "email" else "phone number"
    return Column(type="text", meaning=f"keyed hash of the {word}, to join by")


def _make_keys(
    connection: duckdb.DuckDBPyConnection,
    kind: ContactKind,
    table: str,
    *,
    key: PersonalDataKey | None,
    country: str | None,
) -> None:
    """A table of the distinct values of a column and their hashes."""
    connection.execute(f"create or replace temp table {kind}_keys (written varchar, hashed varchar)")
    if key is None:
        return
    query = f"select distinct {kind} as written from {identifier(table)} where {kind} is not null order by written"  # noqa: S608 quoted names
    values: pl.Series = connection.sql(query).pl()["written"]
    hashed = contact_keys(values, kind, key=key, country=country)
    keyed = pl.DataFrame({"written": values, "hashed": hashed}).to_arrow()  # noqa: F841 DuckDB finds it by its name
    connection.execute(f"insert into {kind}_keys select written, hashed from keyed")  # noqa: S608 a literal


def _make_given_up(
    connection: duckdb.DuckDBPyConnection, details: Contract, checked: str, stored: Sequence[Path]
) -> str:
    """A table of the rows (`row_id`) without contact data whose record has contact data in force; returns its name."""
    table = identifier("given up contacts")
    before = stored_rows(connection, stored, core_columns(details))
    without = " and ".join(f"c.{kind} is null" for kind in CONTACT_KINDS)
    connection.execute(
        f"create or replace temp table {table} as select c.row_id from {identifier(checked)} c "  # noqa: S608 quoted names
        f"semi join (select * from {before} where {SUPERSEDED_AT} is null) p on p.source_customer_id = c.customer_id "
        f"where {without}"
    )
    return table


def _counts(connection: duckdb.DuckDBPyConnection, contact_rows: str, *, with_key: bool) -> ContactCounts:
    emails, phones, email_keys, phone_keys = first_row(
        connection,
        f"select count(email), count(phone), count(email_key), count(phone_key) from {identifier(contact_rows)}",  # noqa: S608 quoted name
    )
    return ContactCounts(
        emails=emails,
        phones=phones,
        unreadable_emails=emails - email_keys if with_key else 0,
        unreadable_phones=phones - phone_keys if with_key else 0,
    )
