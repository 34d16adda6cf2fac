"""Random stories of nights, reruns, late data, backfills, kills, rollbacks, erasures, promotions; what must hold.

Readers see exactly one complete version; ledger and versions agree, hashes included; keys are unique; erased people are
nowhere; nothing says that it runs when nobody does.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from data_contracts.published import PublishedTable
from warehouse.errors import NothingToRollBackToError, RolledBackError
from warehouse.ledger import history
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.erased_rows import RawPlace
from warehouse.privacy.erasing import Places, apply_erasures, record_erasure, tombstones_on_record
from warehouse.privacy.tombstones import Erasure
from warehouse.promotions import Promotion, champion_for, record_promotion
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.content_hash import content_hash
from warehouse.publishing.publications import current_publication, publications, versioned_name
from warehouse.publishing.write_audit_publish import FAILPOINTS, PublishOptions, rollback

ROOT = Path(__file__).parents[2]
MONDAY = date(2026, 3, 2)
KEY = PersonalDataKey(bytes(range(32)))
DAYS = st.integers(0, 4)
CONTENTS = st.integers(0, 2)
KILLED = """
import json, os, signal, sys
import night
from tests.faults import test_state_machine as ours
asked = json.loads(sys.argv[1])
def kill(passed):
    if passed == asked["failpoint"]:
        os.kill(os.getpid(), signal.SIGKILL)
ours.publish(night, night.Place(asked["address"]), asked["day"], asked["content"], asked["erased"], failpoint=kill)
"""


class Killed(BaseException):
    """What stands for SIGKILL where a process of its own would take too long: nothing is tidied up after it."""


def publish(night, place, day, content, erased, *, force=False, failpoint=None):
    """A night of a day, with that day's data as it is known now (`content`), without those who are erased."""
    tables = {}
    for name, table in night.night_tables(MONDAY + timedelta(days=day)).items():
        frame = table.frame.filter(~pl.col("customer_id").is_in(erased))
        if name == "customer":
            frame = frame.with_columns(pl.col("churn_probability") / (1 + content))
        tables[name] = PublishedTable(frame, table.contract)
    more = {"failpoint": failpoint} if failpoint else {}
    options = PublishOptions(force=force, keep_versions=4, overrides=VolumeOverrides(allow_volume_change=True), **more)
    return night.publish_night(place, MONDAY + timedelta(days=day), tables=tables, options=options)


def erase_person(night, place, folder, who):
    """Erase a customer, as `gristmill erase` does."""
    places = Places(
        lake=folder / "lake",
        records=folder / "records",
        exports=folder / "exports",
        open_warehouse=place.open,
        contracts={"customer": night.CUSTOMER, "next_best_offer": night.OFFER},
        raw={"shop": RawPlace()},
    )
    values = {"customer_id": [who]}
    record_erasure(places, Erasure.of(values, key=KEY, now=night.NOW, requested_by="tests", reason="asked"))
    apply_erasures(places, tombstones_on_record(places, key=KEY, country="GB"), now=night.NOW)


class Nights(RuleBasedStateMachine):
    """One company's nights; `night`, `make` (gives an empty place) and `really_kill` are set by the test."""

    night = make = None
    really_kill = False

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="gm-nights-"))
        self.place = type(self).make(self.folder)
        self.erased, self.taken_back, self.current, self.promoted = [], set(), None, []
        self.refused = 0

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(day=DAYS, content=CONTENTS, force=st.booleans())
    def publish(self, day, content, force):
        if day in self.taken_back and not force:
            with pytest.raises(RolledBackError):
                publish(self.night, self.place, day, content, self.erased)
            self.refused = 1
            return
        self.refused = 0
        there = self._listed()
        done = publish(self.night, self.place, day, content, self.erased, force=force)
        if day in there and not force:
            assert done.outcome == "unchanged"
            return
        assert done.outcome == "restated" if day in there else ("published", "kept")
        assert done.publication.is_current == (self.current is None or day >= self.current)
        self.taken_back.discard(day)
        self.current = day if done.publication.is_current else self.current

    @rule(day=DAYS, content=CONTENTS, failpoint=st.sampled_from(FAILPOINTS))
    def killed(self, day, content, failpoint):
        if day in self.taken_back or day in self._listed():
            return
        self.refused = 0
        self._kill(day, content, failpoint)
        if failpoint in {"committed", "collected"} and (self.current is None or day > self.current):
            self.current = day
        again = publish(self.night, self.place, day, content, self.erased)
        assert (again.outcome == "unchanged") == (failpoint in {"committed", "collected"})
        if self.current is None or day > self.current:
            self.current = day

    @rule()
    def roll_back(self):
        try:
            with self.place.open() as warehouse:
                before = current_publication(warehouse)
                now = rollback(warehouse, now=self.night.NOW)
        except NothingToRollBackToError:
            return
        if now.run_key != before.run_key:
            self.taken_back.add((before.as_of - MONDAY).days)
        self.current = (now.as_of - MONDAY).days
        assert (now.as_of, now.version_number) < (before.as_of, before.version_number)

    @rule(number=st.integers(0, 9))
    def erase(self, number):
        who = f"{number:05d}"
        erase_person(self.night, self.place, self.folder, who)
        self.erased = sorted({*self.erased, who})

    @rule(day=DAYS)
    def promote(self, day):
        moment = self.night.NOW + timedelta(hours=len(self.promoted))
        facts = {"trained_as_of": MONDAY + timedelta(days=day), "promoted_at": moment, "beats_baseline": True}
        self.promoted.append(day)
        with self.place.open() as warehouse:
            record_promotion(
                warehouse, Promotion(name="churn", version=len(self.promoted), digest="d", metrics={}, **facts)
            )
            for asked in range(5):
                able = [(trained, number) for number, trained in enumerate(self.promoted, 1) if trained <= asked]
                champion = champion_for(warehouse, "churn", MONDAY + timedelta(days=asked))
                assert (champion.version if champion else None) == (max(able)[1] if able else None)

    @invariant()
    def readers_see_one_complete_version(self):
        with self.place.open() as warehouse:
            current = current_publication(warehouse)
            assert (current is None) == (self.current is None)
            if current is None:
                assert warehouse.views("segments") == []
                return
            assert current.as_of == MONDAY + timedelta(days=self.current)
            for table, rows in current.tables.items():
                seen = warehouse.read_table("segments", table)
                assert seen["run_key"].unique().to_list() == [current.run_key]
                assert seen.height == rows == 10 - len(self.erased)

    @invariant()
    def ledger_and_versions_agree(self):
        contracts = {"customer": self.night.CUSTOMER, "next_best_offer": self.night.OFFER}
        with self.place.open() as warehouse:
            there = set(warehouse.tables("segments_versions"))
            for version in [each for each in publications(warehouse) if each.collected_at is None]:
                names = {table: versioned_name(table, version.version_number) for table in version.tables}
                assert set(names.values()) <= there
                there -= set(names.values())
                rows = {table: warehouse.read_table("segments_versions", name) for table, name in names.items()}
                read = [PublishedTable(rows[table], contracts[table]) for table in rows]
                assert content_hash(read) == version.content_hash
                for table in read:
                    assert not table.frame.select(table.contract.key).is_duplicated().any()
                    assert set(table.frame["customer_id"]).isdisjoint(self.erased)
            assert there == set()
            left = [run for run in history(warehouse, limit=99) if run.status == "running"]
            assert len(left) <= self.refused  # whoever was refused says nothing here, and is settled by the next run

    def _listed(self):
        with self.place.open() as warehouse:
            return {
                (each.as_of - MONDAY).days
                for each in publications(warehouse)
                if not each.superseded and each.rolled_back_at is None
            }

    def _kill(self, day, content, failpoint):
        if self.really_kill:
            asked = {"address": self.place.address, "day": day, "content": content}
            asked |= {"erased": self.erased, "failpoint": failpoint}
            folders = f"{ROOT}:{Path(self.night.__file__).parent}"
            ended = subprocess.run(  # noqa: S603 code of this test
                [sys.executable, "-c", KILLED, json.dumps(asked)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": folders, "POLARS_MAX_THREADS": "1"},
                check=False,
                capture_output=True,
            )
            assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
            return

        def killed(passed):
            if passed == failpoint:
                raise Killed

        with pytest.raises(Killed):
            publish(self.night, self.place, day, content, self.erased, failpoint=killed)


def stories(effort):
    return settings(
        max_examples=2 * effort,
        stateful_step_count=8 if effort == 1 else 20,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # a story is long enough to read; making it shorter takes minutes
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def test_somebody_may_be_erased_before_anything_is_there(night, place, tmp_path):
    erase_person(night, place, tmp_path, "00003")
    assert publish(night, place, 0, 0, ["00003"]).outcome == "published"


def test_any_story_of_nights_on_duckdb(night, effort):
    def make(folder):
        return night.Place(str(folder / "warehouse.duckdb"))

    machine = type("OnDuckDB", (Nights,), {"night": night, "make": staticmethod(make), "really_kill": effort > 1})
    run_state_machine_as_test(machine, settings=stories(effort))


def test_any_story_of_nights_on_postgresql(night, effort, make_database):
    if effort == 1:
        pytest.skip("`make test-faults` tries it")

    def make(_folder):
        return night.Place(make_database())

    machine = type("OnServer", (Nights,), {"night": night, "make": staticmethod(make), "really_kill": True})
    run_state_machine_as_test(machine, settings=stories(effort))
