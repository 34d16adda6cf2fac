"""Publishing as readers see it: one complete version, always; reruns, backfills, blocked nights, rolling back."""

import threading
import time
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from data_contracts.published import OutputContract, PublishedTable
from warehouse.errors import (
    AuditFailedError,
    EmptyTableError,
    NameRefusedError,
    NothingToRollBackToError,
    RolledBackError,
    RunSupersededError,
    VolumeChangedError,
)
from warehouse.ledger import finish_run, history, run_key, start_run
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.publications import current_publication, publication, publications, rows_before
from warehouse.publishing.write_audit_publish import PublishOptions, publish, rollback

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
READ = (
    "SELECT (SELECT string_agg(DISTINCT run_key, ' ') FROM segments.customer) AS customer, "
    "(SELECT string_agg(DISTINCT run_key, ' ') FROM segments.next_best_offer) AS offer, "
    "(SELECT count(*) FROM segments.customer) AS rows"
)
FORCED = PublishOptions(force=True)


def seen(place):
    """The dates that readers see in each table, and whether the ledger's current version agrees."""
    with place.open(read_only=True) as warehouse:
        row = warehouse.query(READ).row(0, named=True)
        current = current_publication(warehouse)
    assert row["customer"] == row["offer"] == current.run_key
    assert row["rows"] == current.tables["customer"]
    return current.as_of


def staged(place):
    with place.open(read_only=True) as warehouse:
        return warehouse.tables("segments_versions")


def test_a_night_is_read_through_stable_views_with_their_meanings(night, place):
    published = night.publish_night(place, MONDAY)
    assert published.outcome == "published"
    assert seen(place) == MONDAY
    with place.open(read_only=True) as warehouse:
        rows = warehouse.read_table("segments", "customer").sort("customer_id")
        described = warehouse.describe("segments", "customer")
        assert rows.equals(night.customer_frame(MONDAY))
        assert described.meaning == "one row a customer"
        assert described.columns["customer_id"] == "who: the customer's number"
        assert publication(warehouse, run_key("score", MONDAY, night.CONFIGURATION)) == published.publication


def test_the_same_night_again_changes_nothing(night, place):
    first = night.publish_night(place, MONDAY)
    tables = staged(place)
    again = night.publish_night(place, MONDAY)
    assert (again.outcome, again.publication) == ("unchanged", first.publication)
    assert staged(place) == tables


def test_force_restates_with_the_same_hash_and_supersedes(night, place):
    first = night.publish_night(place, MONDAY)
    again = night.publish_night(place, MONDAY, options=FORCED)
    assert again.outcome == "restated"
    assert again.publication.content_hash == first.publication.content_hash
    with place.open(read_only=True) as warehouse:
        assert [(each.version_number, each.superseded) for each in publications(warehouse)] == [(2, False), (1, True)]
    assert seen(place) == MONDAY


def test_an_old_night_published_late_does_not_move_readers_back(night, place):
    night.publish_night(place, WEDNESDAY)
    late = night.publish_night(place, MONDAY)
    assert late.outcome == "kept"
    assert seen(place) == WEDNESDAY
    with place.open(read_only=True) as warehouse:
        assert rows_before(warehouse, "customer", TUESDAY)["as_of"].unique().to_list() == [MONDAY]
        assert rows_before(warehouse, "customer", MONDAY) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.with_columns(churn_probability=pl.lit(float("nan"))), "NaN or infinite, in 10 rows"),
        (lambda f: f.drop("value_tier"), "missing columns ['value_tier']"),
    ],
)
def test_a_table_unlike_its_contract_publishes_none(night, place, change, reason):
    night.publish_night(place, MONDAY)
    tables = night.night_tables(TUESDAY)
    customer = change(tables["customer"].frame)
    tables["customer"] = PublishedTable(customer, night.CUSTOMER)
    with pytest.raises(AuditFailedError) as refused:
        night.publish_night(place, TUESDAY, tables=tables)
    assert reason in str(refused.value)
    assert refused.value.exit_code == 3
    assert seen(place) == MONDAY
    assert staged(place) == ["customer__1", "next_best_offer__1"]


def test_nothing_to_publish_is_refused(night, place):
    with pytest.raises(AuditFailedError, match="failed their audit"):
        night.publish_night(place, MONDAY, tables={})


def test_a_jump_in_row_counts_blocks_until_it_is_allowed(night, place):
    night.publish_night(place, MONDAY)
    tables = night.night_tables(TUESDAY, customers=5)
    with pytest.raises(VolumeChangedError):
        night.publish_night(place, TUESDAY, tables=tables)
    assert seen(place) == MONDAY
    allowed = PublishOptions(overrides=VolumeOverrides(allow_volume_change=True))
    published = night.publish_night(place, TUESDAY, tables=tables, options=allowed)
    assert published.publication.overrides == {"allow_volume_change": ["customer", "next_best_offer"]}
    assert seen(place) == TUESDAY


def test_an_empty_table_is_blocked_unless_allowed_or_normal(night, place):
    night.publish_night(place, MONDAY)
    tables = night.night_tables(TUESDAY, customers=0)
    with pytest.raises(EmptyTableError):
        night.publish_night(place, TUESDAY, tables=tables)
    some = night.night_tables(TUESDAY)
    exceptions = PublishedTable(tables["next_best_offer"].frame, replace(night.OFFER, may_be_empty=True))
    assert night.publish_night(place, TUESDAY, tables={**some, "next_best_offer": exceptions})
    allowed = PublishOptions(overrides=VolumeOverrides(allow_empty=True))
    published = night.publish_night(
        place, WEDNESDAY, tables=night.night_tables(WEDNESDAY, customers=0), options=allowed
    )
    assert published.publication.overrides == {"allow_empty": ["customer", "next_best_offer"]}


def test_a_table_that_is_gone_blocks_and_when_allowed_takes_its_view_along(night, place):
    night.publish_night(place, MONDAY)
    only = {"customer": night.night_tables(TUESDAY)["customer"]}
    with pytest.raises(VolumeChangedError, match="jumped"):
        night.publish_night(place, TUESDAY, tables=only)
    allowed = PublishOptions(overrides=VolumeOverrides(allow_volume_change=True))
    night.publish_night(place, TUESDAY, tables=only, options=allowed)
    with place.open(read_only=True) as warehouse:
        assert warehouse.views("segments") == ["customer"]


@pytest.mark.parametrize("table", ['a"; DROP TABLE gristmill.runs; --', "x" * 62])
def test_a_name_not_on_the_allow_list_creates_nothing(night, place, table):
    contract = OutputContract(table, night.OFFER.key, night.OFFER.columns)
    tables = {table: PublishedTable(night.night_tables(MONDAY)["next_best_offer"].frame, contract)}
    with pytest.raises(NameRefusedError):
        night.publish_night(place, MONDAY, tables=tables)
    assert staged(place) == []


@pytest.mark.parametrize(
    "where",
    ["first_table_staged", "first_view_moved"],
)
def test_a_failure_anywhere_before_the_commit_leaves_the_old_whole(night, place, where):
    def fail(passed):
        if passed == where:
            raise OSError("no space left on device")

    night.publish_night(place, MONDAY)
    with pytest.raises(OSError, match="no space"):
        night.publish_night(place, TUESDAY, options=PublishOptions(failpoint=fail))
    assert seen(place) == MONDAY
    assert night.publish_night(place, TUESDAY).outcome == "published"
    assert seen(place) == TUESDAY
    assert staged(place) == ["customer__1", "customer__2", "next_best_offer__1", "next_best_offer__2"]


def test_a_run_that_was_taken_over_can_not_publish(night, warehouse):
    facts = {"kind": "score", "as_of": MONDAY, "configuration_hash": night.CONFIGURATION, "run_by": "tester@here"}
    paused = start_run(warehouse, now=night.NOW, **facts)
    start_run(warehouse, now=night.NOW + timedelta(hours=1), **facts)
    with pytest.raises(RunSupersededError):
        publish(warehouse, night.night_tables(MONDAY), run=paused, now=night.NOW)
    assert warehouse.views("segments") == []


def test_rolling_back_shows_the_version_before_and_says_so(night, place):
    night.publish_night(place, MONDAY)
    night.publish_night(place, TUESDAY)
    with place.open() as warehouse:
        assert rollback(warehouse, now=night.NOW).as_of == MONDAY
        assert publications(warehouse)[0].rolled_back_at == night.NOW
        assert warehouse.describe("segments", "customer").meaning == "one row a customer"
    assert seen(place) == MONDAY
    with pytest.raises(RolledBackError):
        night.publish_night(place, TUESDAY)
    assert night.publish_night(place, TUESDAY, options=FORCED).outcome == "published"
    assert seen(place) == TUESDAY


def test_rolling_back_a_restated_night_shows_its_first_version(night, place):
    night.publish_night(place, MONDAY)
    night.publish_night(place, MONDAY, options=FORCED)
    with place.open() as warehouse:
        assert rollback(warehouse, now=night.NOW).version_number == 1
        assert publication(warehouse, run_key("score", MONDAY, night.CONFIGURATION)).version_number == 1
        with pytest.raises(NothingToRollBackToError):
            rollback(warehouse, now=night.NOW)


def test_old_versions_are_collected_but_never_the_current_one(night, place):
    keep_two = PublishOptions(keep_versions=2)
    for day in range(5):
        night.publish_night(place, MONDAY + timedelta(days=day), options=keep_two)
    assert staged(place) == ["customer__4", "customer__5", "next_best_offer__4", "next_best_offer__5"]
    night.publish_night(place, MONDAY - timedelta(days=9), options=PublishOptions(keep_versions=0))
    assert staged(place) == ["customer__5", "next_best_offer__5"]
    assert seen(place) == MONDAY + timedelta(days=4)


def test_a_failed_and_a_done_run_stand_in_the_history(night, place):
    with pytest.raises(AuditFailedError):
        night.publish_night(place, MONDAY, tables={})
    night.publish_night(place, MONDAY)
    with place.open(read_only=True) as warehouse:
        assert [(run.attempt, run.status) for run in history(warehouse)] == [(2, "done"), (1, "failed")]


def test_a_reader_looping_during_publishes_sees_one_complete_version(night, place):
    night.publish_night(place, MONDAY)
    ended, problems, looks = threading.Event(), [], []

    def look():
        with place.open() as reader:
            while not ended.is_set():
                row = reader.query(READ).row(0, named=True)
                time.sleep(0.005)
                looks.append(row["customer"])
                if row["customer"] != row["offer"] or " " in row["customer"] or row["rows"] != 10:
                    problems.append(row)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        with place.open() as warehouse:
            for day in range(1, 9):
                as_of = MONDAY + timedelta(days=day)
                run = start_run(
                    warehouse,
                    kind="score",
                    as_of=as_of,
                    configuration_hash=night.CONFIGURATION,
                    now=night.NOW + timedelta(days=day),
                    run_by="tester@here",
                )
                tables = night.night_tables(as_of)
                publish(warehouse, tables, run=run, now=night.NOW, options=PublishOptions(keep_versions=3))
                finish_run(warehouse, run, status="done", now=night.NOW)
    finally:
        ended.set()
        thread.join()
    assert problems == []
    assert len(set(looks)) > 1
