"""Rules about whole loads, through the verb `ingest` and the ledger."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from config import load_settings
from data_contracts.errors_table_rules import TableRuleBrokenError
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors import OrdersNeededError
from flows.running.orchestration import carry_out
from flows.running.progress import Reporter
from flows.running.summaries import table_rule_table
from warehouse.ledger import history, last_load

NOW = datetime(2024, 6, 1, 3, tzinfo=UTC)
RULE = "subscription_rows_are_as_many_as_usual"
SETTINGS = """
[company]
name = "Test"
currency = "GBP"
time_zone = "Europe/London"
[inputs.subscriptions]
files = "subscriptions.csv"
[sources.subscriptions]
entity = "subscriptions"
input = "subscriptions"
money = "minor"
columns = { subscription_id = "id", customer_id = "id", started_on = "from", known_at = "from" }
constants = { amount = 999, billing_period_months = 1 }
"""


@pytest.fixture
def ingest(tmp_path):
    """Load so many subscriptions on such a day after NOW; the result through JSON, as programs get it."""
    (tmp_path / "gristmill.toml").write_text(SETTINGS)

    def done(subscriptions, day, **parameters):
        lines = [f"{number},2024-05-01" for number in range(subscriptions)]
        (tmp_path / "subscriptions.csv").write_text("\n".join(["id,from", *lines]))
        result = carry_out("ingest", opened(day), mode="none", config=None, data=None, parameters=parameters)
        return json.loads(json.dumps(result))

    def opened(day):
        now = NOW + timedelta(days=day)
        settings = load_settings(tmp_path / "gristmill.toml", environment={})
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True), run_by="tests")

    done.open = opened
    return done


def test_a_load_that_shrinks_is_blocked_then_accepted_then_usual(ingest):
    first = ingest(10, 0)
    assert {rule["verdict"] for rule in first["load"]["table_rules"]} == {"not judged"}
    with pytest.raises(TableRuleBrokenError):
        ingest(5, 1)
    with ingest.open(1).warehouse() as warehouse:
        assert last_load(warehouse).load_id == first["load"]["load_id"]
        blocked = history(warehouse)[0]
        assert (blocked.status, blocked.error["error"]) == ("blocked", "TableRuleBrokenError")

    accepted = ingest(5, 1, accept=[RULE])
    told = [rule for rule in accepted["load"]["table_rules"] if rule["rule"] == RULE]
    assert told == accepted["load"]["overrides"]
    assert told[0]["verdict"] == "accepted"
    assert table_rule_table(accepted)[0].row_count == 1
    with ingest.open(1).warehouse() as warehouse:
        load = last_load(warehouse)
        assert load.load_id == accepted["load"]["load_id"]
        assert load.counts["overrides"] == told

    later = ingest(6, 2)
    assert later["load"]["overrides"] == []
    assert table_rule_table(later) == []


def test_what_needs_orders_says_so(ingest):
    ingest(3, 0)
    with pytest.raises(OrdersNeededError) as caught:
        CoreTables.latest(ingest.open(0)).orders()
    assert "subscriptions" in caught.value.got
