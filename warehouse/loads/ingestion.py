"""One load: from a company's raw files to a new version of the core in the lake, and the rows that were set aside.

Belongs here: the order of the steps (read, stage, judge, merge, write, hold against earlier loads) and what they hand
on. Does not: any of the steps, or writing down in the ledger that there was a load (the flows do).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.checking import open_expectations_on
from data_contracts.identity import IdentitySettings
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.table_checking import TableChecks, refuse_broken
from warehouse.loads.fingerprints import source_fingerprint
from warehouse.loads.refusals import offenders_kept
from warehouse.loads.results import CoreLoad, Destination, EntityCounts, LoadPlan
from warehouse.loads.source_drift import DRIFT_RULES, departed_results, drift_results, useless_results
from warehouse.loads.steps import LoadRun, load_contracts
from warehouse.loads.table_checks import table_rules_of
from warehouse.scratch import Scratch, scratch_folder

if TYPE_CHECKING:
    from warehouse.loads.increments import Versions

__all__ = ["CoreLoad", "Destination", "EntityCounts", "ingest", "load_contracts", "source_fingerprint"]


def ingest(  # noqa: PLR0913  # the sections of the settings that make up a load, by name, and the load's own facts
    *,
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    rules: Sequence[RuleSpec],
    data_root: Path,
    company_currency: str,
    time_zone: str,
    now: datetime,
    load_id: str,
    into: Destination,
    identity: IdentitySettings | None = None,
    environment: Mapping[str, str] | None = None,
    docs_folder: Path | None = None,
    table_checks: TableChecks | None = None,
    versions: "Versions | None" = None,
    scratch: Scratch | None = None,
) -> CoreLoad:
    """Read, map and judge the sources, merge them with the load before, and put the result into the lake.

    Args:
        inputs: see `LoadPlan`, as the next five.
        sources: see `LoadPlan`.
        rules: see `LoadPlan`.
        data_root: see `LoadPlan`.
        company_currency: see `LoadPlan`.
        time_zone: see `LoadPlan`.
        now: the moment of the load (with a time zone); later events are in the future.
        load_id: names the load in the lake, in rows, quarantine and pages.
        into: the lake, and the load before.
        identity: see `LoadPlan`.
        environment: see `LoadPlan`.
        docs_folder: where to write the Data Docs, if anywhere.
        table_checks: the company's table rules, earlier loads to hold this one against, and what is accepted.
        versions: the inputs' files and their versions (`fingerprints.versions_of`), where they are known already.
        scratch: see `LoadPlan`.

    Returns:
        The load, complete in the lake; the ledger does not know of it yet. The same whatever the number of threads.

    Raises:
        UsageError: a file is missing, or an expression or rule can't mean anything.
        DataBlockedError: files are empty or unreadable, a mapped column is missing or of another type than before, most
            dates or currencies are unknown, a critical rule about rows or a whole table is broken, or no order (or
            subscription) survives, or the load does not fit its memory. Nothing is left of the load.
        DependencyDownError: a database or store is down, or the disk is full.
    """
    plan = LoadPlan(
        inputs=inputs,
        sources=sources,
        rules=rules,
        data_root=data_root,
        company_currency=company_currency,
        time_zone=time_zone,
        environment=environment or {},
        identity=identity or IdentitySettings(),
        scratch=scratch or Scratch(),
    )
    checks = table_checks or TableChecks()
    run = LoadRun(plan=plan, into=into, now=now, load_id=load_id, contracts=load_contracts(sources))
    table_rules = table_rules_of(run.contracts, checks, DRIFT_RULES)
    departed = departed_results(sources.keys(), into.standing.sources, accepted=checks.accepted)
    refuse_broken(departed)
    run.choose(versions)
    with scratch_folder(plan.scratch, room_bytes=run.room_needed()) as folder:
        database = folder / "staging.duckdb"
        run.stage(database)  # first: a wrong mapping is told before seconds of imports
        drifted = departed + drift_results(run.sources, into.standing.sources, accepted=checks.accepted)
        refuse_broken(drifted)
        with open_expectations_on(database) as expectations:
            connection = expectations.connection
            run.judge(expectations)
            drifted += useless_results(connection, run.judged, accepted=checks.accepted)
            page = expectations.write_pages(docs_folder) if docs_folder is not None else None
            with offenders_kept(connection, run.judged, load_id=load_id, keep=into.when_blocked):
                run.refuse(connection)
                with into.lake.writing(load_id) as aside:
                    run.write(connection, aside)
                    results = run.hold_against_earlier(connection, table_rules, checks)
                    if docs_folder is not None:
                        expectations.write_pages(docs_folder, table_rules=(*drifted, *results.rules))
                    refuse_broken(results.rules)
                    quarantined = run.set_aside(connection)
                    states = run.states(connection)
                    into.failpoint("load_written")
                into.failpoint("load_in_place")
    return CoreLoad(
        load=into.lake.open_load(load_id),
        quarantined=quarantined,
        counts=run.counts(),
        docs_page=page,
        profiles=results.profiles,
        table_rules=(*drifted, *results.rules),
        states=states,
        reading=run.reading,
        identities=run.identities,
        erased=run.erased_rows(),
    )
