"""The whole way with a PostgreSQL warehouse: the same content as with DuckDB, and a password that nobody sees."""

import json
from datetime import date

import pytest

from data_contracts.errors import AlreadyRunningError
from flows.errors import NothingLoadedError
from flows.published.showing import read_segment
from flows.reporting import print_result
from flows.status.ledger_facts import read_status

TRAINED_TIER = ["value_tier=platinum"]


@pytest.fixture
def open_on_postgresql(open_at, postgresql_address, tmp_path):
    """A context whose warehouse is an empty PostgreSQL database; its address carries a password (trusted unseen)."""
    address = postgresql_address.replace("postgres@", "postgres:hunter2@")
    return lambda **options: open_at(tmp_path / "work", GRISTMILL_WAREHOUSE_URL=address, **options)


def test_before_anything_ran_there_is_nothing_to_say(open_on_postgresql, do):
    found = read_status(open_on_postgresql(), limit=5)
    assert (found["runs"], found["running"], found["next"]) == ([], None, "run `gristmill run`")
    with pytest.raises(NothingLoadedError):
        do("score", open_on_postgresql(), as_of=None)


def test_a_second_run_at_the_same_time_is_turned_away(open_on_postgresql, do):
    context = open_on_postgresql()
    with context.warehouse().lock(run_key="score 2026-01-01", now=context.now):
        assert read_status(context, limit=1)["running"]["what"] == "score 2026-01-01"
        with pytest.raises(AlreadyRunningError) as caught:
            do("ingest", context)
    assert "score 2026-01-01" in caught.value.got


@pytest.mark.slow
def test_the_same_night_is_published_with_the_same_content(open_on_postgresql, do, trained, capsys):
    _, on_duckdb = trained
    context = open_on_postgresql()
    day = date.fromisoformat(on_duckdb["as_of"])
    result = do("run", context, as_of=day)
    assert result["status"] == "published"
    assert result["content_hash"] == on_duckdb["content_hash"]
    assert result["rows"] == on_duckdb["rows"]
    assert not context.settings.warehouse_file.exists()

    again = do("run", open_on_postgresql(), as_of=day)
    assert (again["status"], again["version"]) == ("unchanged", result["version"])
    status = read_status(context, limit=5)
    assert status["published"]["content_hash"] == on_duckdb["content_hash"]
    assert read_segment(context, "customer", where=TRAINED_TIER, columns=["customer_id"]).height > 0
    with context.warehouse(read_only=True) as warehouse:
        assert (
            warehouse.read_table("quarantine", "orders").height
            == on_duckdb["load"]["entities"]["orders"]["quarantined"]
        )

    print_result("run", result, context.settings)
    told = capsys.readouterr()
    assert "psql " in told.out
    assert "hunter2" not in told.out + told.err + json.dumps([result, again, status], default=str) + repr(context)
