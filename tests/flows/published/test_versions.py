"""History, rollback and backfill, on a small simulated company that was taken the whole way."""

from dataclasses import replace
from datetime import UTC, date, datetime

import duckdb
import pytest

from data_contracts.errors import DataBlockedError
from flows.backfilling import as_it_was, backfill_days
from flows.errors_backfilling import BackfillRangeError, ChampionsOfTheDayError
from flows.published.versions import read_history, roll_back
from warehouse.errors import NothingToRollBackToError
from warehouse.ledger import finish_run, history, start_run
from warehouse.promotions import promotions_of, record_promotion

TRAINED = date(2025, 12, 1)
LATER = date(2026, 1, 1)


def readers_date(workspace):
    with duckdb.connect(str(workspace / "serving.duckdb"), read_only=True) as connection:
        return connection.execute("SELECT DISTINCT as_of FROM segments.customer").fetchall()


@pytest.mark.slow
def test_back_to_the_version_before_and_what_is_written_down(workspace, open_at, do):
    context = open_at(workspace)
    assert readers_date(workspace) == [(TRAINED,)]
    later = do("score", context, as_of=LATER)
    assert readers_date(workspace) == [(LATER,)]

    done = roll_back(context, because="prices were wrong")
    assert (done["from"]["as_of"], done["to"]["as_of"]) == (LATER.isoformat(), TRAINED.isoformat())
    assert readers_date(workspace) == [(TRAINED,)]
    told = read_history(context, limit=5)
    assert [(version["as_of"], version["state"]) for version in told["versions"]] == [
        (LATER.isoformat(), "rolled back"),
        (TRAINED.isoformat(), "current"),
    ]
    assert told["versions"][0]["model_versions"] == dict.fromkeys(later["champions"], 1)
    with context.warehouse() as warehouse:
        (run,) = [run for run in history(warehouse) if run.kind == "rollback"]
    assert (run.status, run.counts["because"], run.run_by) == ("done", "prices were wrong", "tests")

    with pytest.raises(DataBlockedError):  # what people took back does not come again by itself
        do("score", context, as_of=LATER)
    assert readers_date(workspace) == [(TRAINED,)]
    again = do("score", context, as_of=LATER, force=True)
    assert again["content_hash"] == later["content_hash"]
    assert readers_date(workspace) == [(LATER,)]


@pytest.mark.slow
def test_past_nights_come_out_as_they_would_have_been(workspace, open_at, do):
    context = open_at(workspace)
    whole = {"first": date(2025, 11, 20), "last": date(2025, 12, 11), "every": "week", "train": "never"}
    done = do("backfill", context, **whole)
    assert [(night["as_of"], night["status"]) for night in done["nights"]] == [
        ("2025-11-20", "blocked"),
        ("2025-11-27", "blocked"),
        ("2025-12-04", "published"),
        ("2025-12-11", "published"),
    ]
    assert done["status"] == "incomplete"
    assert {night["error"] for night in done["nights"] if night["status"] == "blocked"} == {"NoChampionError"}
    alone = do("score", context, as_of=date(2025, 12, 4), force=True)
    assert alone["content_hash"] == done["nights"][2]["content_hash"]
    assert readers_date(workspace) == [(date(2025, 12, 11),)]


@pytest.mark.slow
def test_a_date_is_scored_by_whoever_was_champion_then(workspace, open_at, do):
    """The champions were promoted at 3 o'clock of 2 January; the day after, a person put another in their place."""
    context = open_at(workspace, now=datetime(2026, 1, 4, 9, tzinfo=UTC))
    with context.warehouse() as warehouse:
        (first,) = promotions_of(warehouse, "churn")
        for_good = {"kind": "by hand", "version": 7, "promoted_at": datetime(2026, 1, 3, 12, tzinfo=UTC)}
        record_promotion(warehouse, replace(first, **for_good))
    days = {"first": date(2026, 1, 2), "last": date(2026, 1, 3)}
    then = do("backfill", context, **days, champions="of-the-day")["nights"]
    assert (then[0]["status"], then[0]["error"]) == ("blocked", "NoChampionError")  # it was due an hour before
    assert "--champions today" in then[0]["action"]
    assert (then[1]["status"], then[1]["trained"], then[1]["model_versions"]["churn"]) == ("published", False, 1)
    now = do("backfill", context, **days, champions="today", force=True)["nights"]
    assert {(night["status"], night["error"]) for night in now} == {("blocked", "ChampionGoneError")}
    assert "churn 7 is not in the registry any more" in now[0]["what"]


def test_what_was_decided_when_a_date_was_scored(tmp_path, open_at):
    context = open_at(tmp_path / "work", now=datetime(2026, 1, 9, 9, tzinfo=UTC))
    day, at = date(2026, 1, 5), lambda hour: datetime(2026, 1, 5, hour, tzinfo=UTC)
    assert as_it_was(context, day).champions_decided_before == at(2)  # when it was due
    with context.warehouse() as warehouse:
        for attempt, status in enumerate(["failed", "done", "done"]):  # at 5, 6 and 7 o'clock
            of_run = {"kind": "score", "as_of": day, "configuration_hash": f"{attempt}", "run_by": "tests"}
            run = start_run(warehouse, now=at(5 + attempt), **of_run)
            finish_run(warehouse, run, status=status, now=at(8))
    assert as_it_was(context, day).champions_decided_before == at(6)


def test_the_champions_of_a_day_are_not_trained_now(tmp_path, open_at, do):
    days = {"first": date(2025, 12, 1), "last": date(2025, 12, 1)}
    with pytest.raises(ChampionsOfTheDayError):
        do("backfill", open_at(tmp_path / "work"), **days, champions="of-the-day", train="always")


@pytest.mark.slow
def test_missed_nights_are_published_before_tonight(workspace, open_at, do):
    context = open_at(workspace)
    done = do("run", context, as_of=date(2025, 12, 6), catch_up_nights=2)
    assert list(done["caught_up"]) == ["2025-12-04", "2025-12-05"]
    told = read_history(context, limit=10)["versions"]
    assert [version["as_of"] for version in told] == ["2025-12-06", "2025-12-05", "2025-12-04", "2025-12-01"]
    assert "caught_up" not in do("run", context, as_of=date(2025, 12, 6), catch_up_nights=2)


@pytest.mark.parametrize(
    ("first", "last", "every", "days"),
    [
        (date(2024, 2, 28), date(2024, 3, 1), "day", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (date(2024, 1, 31), date(2024, 4, 30), "month", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        (date(2025, 12, 30), date(2026, 1, 8), "week", ["2025-12-30", "2026-01-06"]),
        (date(2025, 1, 1), date(2025, 1, 1), "month", ["2025-01-01"]),
    ],
)
def test_the_dates_of_a_range(first, last, every, days):
    assert [day.isoformat() for day in backfill_days(first, last, every=every)] == days


def test_a_range_that_ends_before_it_begins():
    with pytest.raises(BackfillRangeError):
        backfill_days(date(2026, 1, 2), date(2026, 1, 1), every="day")


def test_nothing_published_is_nothing_to_go_back_to(tmp_path, open_at):
    context = open_at(tmp_path / "empty")
    assert read_history(context, limit=5) == {"current": None, "versions": []}
    with pytest.raises(NothingToRollBackToError):
        roll_back(context, because="")
