"""What `gristmill status` says of a ledger: what runs, what is late and why, what is set aside, what to do."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from data_contracts.errors import DataBlockedError
from flows.running.recording import recorded
from flows.status.ledger_facts import Ledger, read_status, told_of
from flows.status.overrides import overrides
from flows.status.reporting import print_status
from flows.status.schedule import in_words, running_now, schedule
from warehouse.databases.locking import LockHolder
from warehouse.ledger import Load, Run
from warehouse.promotions import Promotion
from warehouse.publishing.publications import Publication

NOW = datetime(2026, 1, 10, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def run_of(as_of, *, kind="score", status="done", started_at=None, seconds=60.0, error=None):
    began = started_at or datetime.combine(as_of, datetime.min.time(), UTC) + 2 * HOUR
    return Run(
        run_key=f"{kind}-{as_of}-abc",
        attempt=1,
        kind=kind,
        as_of=as_of,
        status=status,
        started_at=began,
        finished_at=None if status == "running" else began + timedelta(seconds=seconds),
        load_id=None,
        configuration_hash="abc",
        model_versions={},
        content_hash=None,
        counts={},
        timings={},
        error=error,
        run_by="tests",
    )


def published(as_of, *, number=1, at=None, **changes):
    facts = {
        "version_number": number,
        "run_key": f"score-{as_of}-abc",
        "attempt": 1,
        "as_of": as_of,
        "content_hash": "0" * 64,
        "tables": {"customer": 900},
        "overrides": {},
        "published_at": at or datetime.combine(as_of, datetime.min.time(), UTC) + 2 * HOUR,
        "superseded": False,
        "is_current": False,
        "rolled_back_at": None,
        "collected_at": None,
    }
    return Publication(**{**facts, **changes})


def promoted(version, kind, *, at, number):
    return Promotion(
        name="churn",
        version=version,
        digest="d",
        trained_as_of=date(2025, 12, 1),
        promoted_at=at,
        beats_baseline=True,
        metrics={},
        kind=kind,
        because="we know better" if kind != "won" else "",
        decided_by="ada@desk",
        number=number,
    )


@pytest.fixture
def context(open_at, tmp_path):
    return open_at(tmp_path / "work", now=NOW)


def test_a_night_that_is_missing_says_since_when_and_what_stopped_it(context):
    nights = [published(date(2026, 1, day)) for day in (7, 8)]
    blocked = run_of(date(2026, 1, 10), status="blocked", error={"what": "the orders end too soon"})
    (late,) = schedule(context, [blocked, run_of(date(2026, 1, 8))], nights)["late"]
    assert late["missed"] == ["2026-01-09", "2026-01-10"]
    assert late["seconds"] == 7 * 3600
    assert late["why"] == "blocked: the orders end too soon"
    assert "7 hours" in late["what"]


def test_nights_that_are_missing_come_with_what_to_do(context):
    nights = (published(date(2026, 1, 8), is_current=True), published(date(2026, 1, 7)))
    found = told_of(context, Ledger(runs=(run_of(date(2026, 1, 8)),), publications=nights), None, limit=5)
    assert "2 nights" in found["late"][0]
    assert "gristmill run --catch-up 1" in found["next"]


def test_what_went_well_later_is_mended_and_readers_come_before_training(context):
    crashed = [run_of(date(2026, 1, 9), kind=kind, status="running") for kind in ("train", "score")]
    runs = (run_of(date(2026, 1, 9)), *crashed, run_of(date(2026, 1, 8), kind="ingest", status="failed"))
    died = frozenset((run.run_key, run.attempt) for run in crashed)
    nights = (published(date(2026, 1, 9), is_current=True), published(date(2026, 1, 8)))
    ledger = Ledger(runs=runs, crashed=died - {(runs[0].run_key, 1)}, publications=nights, drift=("an alarm",))
    assert [advice.split(":")[0].split(";")[0] for advice in told_of(context, ledger, None, limit=5)["advice"]] == [
        "the load of 2026-01-08 failed",
        "a night is late",
        "the training of 2026-01-09 died",
        "look at the drift alarms above",
    ]


def test_who_scores_dates_of_the_past_is_late_for_nothing(context):
    found = schedule(context, [run_of(date(2025, 6, 1))], [published(date(2025, 6, 1), at=NOW)])
    assert (found["kept_since"], found["late"]) == (None, [])


def test_training_long_forgotten_is_late_too(context):
    nights = [published(date(2025, 12, 31)), *(published(date(2026, 1, day)) for day in range(1, 11))]
    runs = [run_of(date(2026, 1, 10)), run_of(date(2025, 12, 31))]
    assert [one["schedule"] for one in schedule(context, runs, nights)["late"]] == ["weekly training"]


def test_training_is_late_by_its_own_line(context):
    trained = run_of(date(2025, 12, 30), kind="train")
    nights = [published(date(2026, 1, day)) for day in range(1, 11)]
    (late,) = schedule(context, [trained], nights)["late"]
    assert (late["schedule"], late["missed"]) == ("weekly training", [])


def test_what_runs_is_told_with_how_long_it_usually_takes():
    before = [run_of(date(2026, 1, day), seconds=seconds) for day, seconds in ((9, 100), (8, 80), (7, 900))]
    before += [
        run_of(date(2026, 1, 9), kind="ingest", seconds=20),
        run_of(date(2026, 1, 9), status="failed", seconds=1),
    ]
    now = run_of(date(2026, 1, 10), status="running")
    holder = LockHolder(4711, "mill", "run 2026-01-10", (NOW - HOUR).isoformat())
    found = running_now(holder, [now, *before], now=NOW)
    assert (found["what"], found["process"], found["machine"], found["seconds"]) == (
        "run 2026-01-10",
        4711,
        "mill",
        3600,
    )
    assert found["usual_seconds"] == 120  # the median of the nights that went well, and loading
    assert (found["run_key"], found["doing"]) == (now.run_key, "score")


def test_overrides_in_force_come_before_those_that_were(context):
    versions = [
        published(date(2026, 1, 10), number=3, is_current=True, overrides={"allow_volume_change": ["customer"]}),
        published(date(2026, 1, 9), number=2, rolled_back_at=NOW - HOUR),
        published(date(2025, 9, 1), number=1, overrides={"allow_empty": ["reasons"]}),  # too long ago
    ]
    accepted = {"rule": "order_rows_are_as_many_as_usual", "got": "half of them"}
    loads = [
        Load(
            load_id=f"l{day}",
            source_fingerprint="",
            configuration_hash="",
            loaded_at=NOW - day * 24 * HOUR,
            counts=counts,
        )
        for day, counts in ((1, {"overrides": []}), (2, {"overrides": [accepted]}))
    ]
    decisions = [promoted(2, "by hand", at=NOW - 3 * HOUR, number=2), promoted(1, "won", at=NOW - 90 * HOUR, number=1)]
    found = overrides(context, versions, loads, decisions, champions=decisions[:1])
    assert [(one["in_force"], one["what"]) for one in found] == [
        (True, "churn 2 is champion by a person's decision: we know better"),
        (True, "--allow-volume-change for customer"),
        (False, "taken back by gristmill rollback"),
        (False, "--accept order_rows_are_as_many_as_usual: half of them"),
    ]


def test_one_look_at_a_real_ledger(context, capsys):
    assert read_status(context, limit=5)["next"] == "run `gristmill run`"
    with pytest.raises(DataBlockedError), recorded(context, "score", date(2026, 1, 10)):
        raise DataBlockedError("the orders end too soon", action="load the missing days")
    with context.warehouse().lock(run_key="train 2026-01-10", now=NOW - HOUR):
        found = read_status(context, limit=5)
        assert (found["running"]["what"], found["running"]["seconds"]) == ("train 2026-01-10", 3600)
        assert found["next"] == "a run is under way; wait for it"
    found = read_status(context, limit=5)
    assert (found["running"], found["published"], found["champions"], found["exports"]) == (None, None, [], [])
    assert found["next"] == "the scoring of 2026-01-10 was blocked: load the missing days; what is published is whole"
    assert json.loads(json.dumps(found)) == found
    print_status(found)
    assert "load the missing days" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12, "12 seconds"), (90, "2 minutes"), (3600, "1 hour"), (97_200, "1 day 3 hours"), (90_061, "1 day 1 hour")],
)
def test_lengths_of_time_in_words(seconds, words):
    assert in_words(seconds) == words
