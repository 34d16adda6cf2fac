"""The ledger: what it says is what happened."""

from datetime import UTC, date, datetime, timedelta

import pytest

from warehouse.errors import RunSupersededError
from warehouse.ledger import (
    Load,
    RunResult,
    crashed_runs,
    finish_run,
    history,
    last_load,
    record_load,
    run_key,
    start_run,
)
from warehouse.publishing.publications import current_publication, publications

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)


def started(warehouse, *, kind="score", as_of=MONDAY, now=NOW):
    return start_run(
        warehouse, kind=kind, as_of=as_of, configuration_hash="1a2b3c4d5e6f7788", now=now, run_by="tester@here"
    )


def load(load_id, loaded_at, status="done"):
    return Load(
        load_id=load_id,
        source_fingerprint="f" * 64,
        configuration_hash="c" * 64,
        loaded_at=loaded_at,
        counts={"orders": {"read": 3, "accepted": 2}},
        status=status,
    )


def test_a_run_key_says_what_a_night_is():
    assert run_key("score", date(2011, 12, 1), "1a2b3c4d5e6f7788") == "score-2011-12-01-1a2b3c4d5e6f"


def test_an_empty_warehouse_has_no_ledger_and_says_nothing(warehouse):
    assert history(warehouse) == []
    assert last_load(warehouse) is None
    assert publications(warehouse) == []
    assert current_publication(warehouse) is None
    assert warehouse.tables("gristmill") == []


def test_a_run_is_written_down_from_its_beginning_to_its_end(warehouse):
    run = started(warehouse)
    assert (run.status, run.attempt, run.started_at, run.finished_at) == ("running", 1, NOW, None)
    assert crashed_runs(warehouse, lock_is_free=False) == []
    result = RunResult(load_id="load-1", model_versions={"churn": 3}, counts={"customers": 10}, timings={"score": 1.5})
    done = finish_run(warehouse, run, status="done", now=NOW + HOUR, result=result)
    assert history(warehouse) == [done]
    assert (done.status, done.finished_at, done.load_id, done.error) == ("done", NOW + HOUR, "load-1", None)
    assert (done.model_versions, done.counts, done.timings) == ({"churn": 3}, {"customers": 10}, {"score": 1.5})
    assert done.run_by == "tester@here"


@pytest.mark.parametrize("status", ["blocked", "failed"])
def test_what_stopped_a_run_is_kept_as_facts(warehouse, status):
    run = started(warehouse)
    facts = {"error": "TooLittleHistoryError", "got": 'it\'s "3" months'}
    assert finish_run(warehouse, run, status=status, now=NOW, result=RunResult(error=facts)).error == facts


def test_a_crashed_run_is_reported_and_the_next_one_settles_it(warehouse):
    crashed = started(warehouse, kind="train")
    assert crashed_runs(warehouse, lock_is_free=True) == [crashed]
    following = started(warehouse, now=NOW + HOUR)
    assert crashed_runs(warehouse, lock_is_free=True) == [following]
    settled = next(run for run in history(warehouse) if run.kind == "train")
    assert (settled.status, settled.finished_at) == ("failed", NOW + HOUR)
    assert settled.error["error"] == "ProcessDied"


def test_an_attempt_that_was_settled_can_not_finish(warehouse):
    paused = started(warehouse)
    again = started(warehouse, now=NOW + HOUR)
    assert again.attempt == 2
    with pytest.raises(RunSupersededError) as refused:
        finish_run(warehouse, paused, status="done", now=NOW + HOUR)
    assert refused.value.exit_code == 5
    finish_run(warehouse, again, status="done", now=NOW + HOUR)
    with pytest.raises(RunSupersededError):
        finish_run(warehouse, again, status="failed", now=NOW + HOUR)


def test_history_is_newest_first_and_no_longer_than_asked(warehouse):
    for day in range(4):
        run = started(warehouse, as_of=MONDAY + timedelta(days=day), now=NOW + day * HOUR)
        finish_run(warehouse, run, status="done", now=NOW + day * HOUR)
    assert [run.as_of for run in history(warehouse, limit=2)] == [date(2026, 3, 5), date(2026, 3, 4)]


def test_the_last_load_is_the_latest_that_is_done(warehouse):
    record_load(warehouse, load("load-1", NOW))
    record_load(warehouse, load("load-2", NOW + HOUR))
    record_load(warehouse, load("load-3", NOW + 2 * HOUR, status="failed"))
    assert last_load(warehouse) == load("load-2", NOW + HOUR)


def test_figures_that_are_no_numbers_become_null(warehouse):
    run = started(warehouse)
    done = finish_run(
        warehouse, run, status="done", now=NOW, result=RunResult(counts={"a": [float("nan")], "b": float("inf")})
    )
    assert done.counts == {"a": [None], "b": None}
