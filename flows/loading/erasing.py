"""Erasing a person, and the frame around every verb that keeps erased people erased.

Belongs here: the key from the environment, the places a company's data are kept in, what is told. Does not: what is
erased and how (`warehouse.privacy.erasing`).

This never runs through the orchestrator: the person's id would be a parameter of the flow, and stay on its run page.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flows.context import Context
from flows.loading.personal_data import personal_data_key, phone_country
from flows.running.recording import alone
from flows.running.serving_copy import keep_serving_copy
from segments.contracts import published_contracts
from segments.money import currency_of
from warehouse.errors_personal_data import (
    ErasureNotConfirmedError,
    PersonalDataKeyNeededError,
    PersonUnknownError,
)
from warehouse.exports.files import UPLOADS
from warehouse.ledger import last_load
from warehouse.personal_data import KEY_VARIABLE
from warehouse.privacy.erased_rows import raw_places
from warehouse.privacy.erasing import (
    Places,
    apply_erasures,
    count_rows,
    record_erasure,
    rows_found,
    tombstones_on_record,
)
from warehouse.privacy.erasing_files import remember_files
from warehouse.privacy.erasing_search import Person, find_person
from warehouse.privacy.tombstones import Erasure, Tombstones

LOCK_NAME = "erase"  # who waits is told what runs, not whom it is about


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whom to erase, as the command was told.

    Attributes:
        customer: an id, as the source writes it or as segments show it.
        email: an e-mail address, for people without an id.
        phone: a phone number, likewise.
        reason: why, for the ledger.
        dry_run: only count.
        even_if_unknown: keep the person out of later loads although nothing of them is kept now.
    """

    customer: str | None = None
    email: str | None = None
    phone: str | None = None
    reason: str = ""
    dry_run: bool = False
    even_if_unknown: bool = False

    @property
    def named_by(self) -> str:
        """What was given, without its value."""
        given = {"id": self.customer, "e-mail address": self.email, "phone number": self.phone}
        return " or ".join(name for name, value in given.items() if value is not None)


def tombstones(context: Context) -> Tombstones:
    """Everybody erased, ready to be recognised; empty where nobody was.

    Raises:
        PersonalDataKeyNeededError, PersonalDataKeyChangedError: they can't be recognised with this key.
        ErasureRecordUnreadableError: a record is damaged.
    """
    return tombstones_on_record(places(context), key=personal_data_key(), country=phone_country(context.settings))


def places(context: Context) -> Places:
    """Where this company's data are kept."""
    settings = context.settings
    contracts = published_contracts(currency_of(settings.company.currency))
    return Places(
        lake=context.lake.root,
        records=settings.erasures_folder,
        exports=settings.workspace / "exports",
        open_warehouse=context.warehouse,
        contracts={contract.table: contract for contract in contracts},
        raw=raw_places(settings.sources),
    )


@contextmanager
def erasures_applied(context: Context) -> Iterator[None]:
    """A frame around a verb: erased people who came back with a backup are gone before it begins.

    The caller holds the lock. Where nobody was ever erased this costs a look at the ledger and two folders.

    Raises:
        PersonalDataKeyNeededError, PersonalDataKeyChangedError, ErasureRecordUnreadableError: see `tombstones`.
    """
    erased = tombstones(context)
    if not erased:
        yield
        return
    found = apply_erasures(places(context), erased, now=context.now)
    if found is not None and rows_found(found):
        context.reporter.say(f"took out {rows_found(found):,} rows of erased people that a restored copy brought back")
        _renew_copies(context)
    yield
    remember_files(context.lake.root, erased)  # what the verb wrote was made of swept data


def erase(context: Context, wanted: Wanted, *, confirm: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """Erase a person from everything that is kept, and put keyed tombstones in their place.

    Args:
        context: the surroundings.
        wanted: whom.
        confirm: is told what would go, and says whether to go on.

    Returns:
        Plain values without anything personal: `status` (`erased`, `dry_run`), `erasure_id`, `ids` (how many ids the
        person had), `contacts` (addresses and numbers), `shared_contacts`, and what went from where.

    Raises:
        PersonalDataKeyNeededError: the key is not set.
        PersonUnknownError: nothing that is kept is about the person, and `even_if_unknown` is not set.
        PersonAmbiguousError, ContactUnreadableError: the address or number does not name one person.
        ErasureNotConfirmedError: `confirm` said no.
    """
    key = personal_data_key()
    if key is None:
        raise PersonalDataKeyNeededError(variable=KEY_VARIABLE, erasures=0)
    with alone(context, LOCK_NAME), erasures_applied(context):
        person = _find(context, wanted)
        erasure = Erasure.of(person.values, key=key, now=context.now, requested_by=context.run_by, reason=wanted.reason)
        country = phone_country(context.settings)
        found = count_rows(places(context), Tombstones.opened([erasure], key=key, country=country))
        told = {**_facts(person), "rows": rows_found(found), "found": found}
        if not told["rows"] and not (wanted.even_if_unknown and person_is_named(person)):
            raise PersonUnknownError(looked_for=wanted.named_by)
        if wanted.dry_run:
            return {"status": "dry_run", **told}
        if not confirm(told):
            raise ErasureNotConfirmedError
        record_erasure(places(context), erasure)
        done = apply_erasures(places(context), tombstones(context), now=context.clock()) or {}
        _renew_copies(context)
    return {
        "status": "erased",
        "erasure_id": erasure.erasure_id,
        **_facts(person),
        "rows": rows_found(done),
        "found": done,
    }


def _renew_copies(context: Context) -> None:
    """The readers' copy is written anew; files for platforms go: nobody can tell whose hashes they hold."""
    shutil.rmtree(context.settings.workspace / "exports" / UPLOADS, ignore_errors=True)
    keep_serving_copy(context, force=True)


def person_is_named(person: Person) -> bool:
    """Whether there is anything to recognise the person by later on."""
    return any(person.values.values())


def _find(context: Context, wanted: Wanted) -> Person:
    newest = None
    if context.warehouse().exists():
        with context.warehouse() as warehouse:
            load = last_load(warehouse)
        newest = load.load_id if load and context.lake.has_load(load.load_id) else None
    return find_person(
        context.lake.root / "core",
        newest,
        customer=wanted.customer,
        email=wanted.email,
        phone=wanted.phone,
        country=phone_country(context.settings),
    )


def _facts(person: Person) -> dict[str, int]:
    return {
        "ids": len(person.values["customer_id"]),
        "contacts": len(person.values["email"]) + len(person.values["phone"]),
        "shared_contacts": person.shared,
    }
