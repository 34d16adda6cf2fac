"""Entities beyond orders, extra attributes and table rules, through a whole ingestion."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from data_contracts.errors_table_rules import AcceptedRuleUnknownError, TableRuleBrokenError, TableRuleUnfitError
from data_contracts.inputs import InputSpec
from data_contracts.mapping import RuleSpec, SourceMapping
from data_contracts.table_checking import TableChecks
from data_contracts.table_rules import TableRuleSpec
from warehouse.errors_ingestion import NothingAcceptedError
from warehouse.lake import Lake
from warehouse.loads.ingestion import Destination, ingest

FIRST = datetime(2024, 1, 1, 10, tzinfo=UTC)
ROWS = "order_rows_are_as_many_as_usual"
MAPPINGS = {
    "subscriptions": {
        "entity": "subscriptions",
        "input": "subscriptions",
        "money": "major",
        "columns": {
            "subscription_id": "id",
            "customer_id": "who",
            "started_on": "from",
            "ended_on": "to",
            "amount": "price",
            "billing_period_months": "months",
            "known_at": "from",
        },
    },
    "customers": {
        "entity": "customers",
        "input": "customers",
        "columns": {"customer_id": "who", "created_at": "since", "known_at": "since"},
        "keep": {"loyalty_card": "text", "visits": {"column": "Visits a year", "type": "number"}},
    },
    "orders": {
        "entity": "orders",
        "input": "orders",
        "money": "minor",
        "columns": {
            "order_id": "id",
            "customer_id": "who",
            "ordered_at": "at",
            "amount": "net",
            "channel": "channel",
            "known_at": "at",
        },
        "constants": {"line_number": 1, "product_id": "P", "quantity": 1, "currency": "GBP"},
    },
}
SUBSCRIPTIONS = "id,who,from,to,price,months\n1,a,2024-01-05,,9.99,1\n2,b,2024-01-05,2024-01-01,9.99,1\n"
CUSTOMERS = "who,since,loyalty_card,Visits a year\na,2024-01-09,00042,3.5\nb,2024-01-01,,many\n"


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """A load of files given as text, by source."""
    folder = tmp_path_factory.mktemp("raw")

    def loaded(files, *, now=datetime(2024, 6, 1, 12, tzinfo=UTC), rules=(), **checks):
        for name, content in files.items():
            (folder / f"{name}.csv").write_text(content)
        specs = [TableRuleSpec.model_validate(spec) for spec in checks.pop("specs", ())]
        return ingest(
            inputs={name: InputSpec(files=(f"{name}.csv",)) for name in files},
            sources={name: SourceMapping.model_validate(MAPPINGS[name]) for name in files},
            rules=[RuleSpec.model_validate(rule) for rule in rules],
            data_root=folder,
            company_currency="GBP",
            time_zone="Europe/London",
            now=now,
            load_id="load",
            into=Destination(lake=Lake(folder / "lake"), buckets=2),
            table_checks=TableChecks(specs=specs, **checks),
        )

    return loaded


def orders(days, *, a_day=20, without=(), channel="web"):
    """Orders of so many days, all alike."""
    lines = [
        f"{day}-{number},c{number},{(FIRST + timedelta(days=day)).isoformat()},100,{channel}"
        for day in range(days)
        if day not in without
        for number in range(a_day)
    ]
    return {"orders": "\n".join(["id,who,at,net,channel", *lines])}


@pytest.fixture(scope="module")
def first(load):
    """A first load of sixty days."""
    return load(orders(60), now=on(60))


@pytest.fixture
def earlier(first):
    return {"orders": [first.profiles["orders"]]}


def on(day):
    return FIRST + timedelta(days=day)


def results(loaded):
    return {result.rule: result for result in loaded.table_rules}


def test_a_subscription_business_needs_no_orders(load):
    loaded = load({"subscriptions": SUBSCRIPTIONS})
    assert loaded.load.scan("subscriptions").sort("subscription_id").collect().select(
        "subscription_id", "amount"
    ).rows() == [("1", 999)]
    assert loaded.quarantined["rules"].to_list() == ["ended_on_is_not_before_started_on"]


def test_a_load_whose_subscriptions_are_all_bad_is_refused(load):
    with pytest.raises(NothingAcceptedError, match="subscriptions"):
        load({"subscriptions": SUBSCRIPTIONS.replace("9.99", "")})


def test_extra_attributes_of_customers_are_kept(load):
    loaded = load({"subscriptions": SUBSCRIPTIONS, "customers": CUSTOMERS})
    kept = loaded.load.scan("customers").sort("customer_id").collect()
    assert kept.select("customer_id", "loyalty_card", "visits").rows() == [("a", "00042", 3.5), ("b", None, None)]
    assert kept.schema["visits"] == pl.Float64
    assert loaded.counts["customers"].broken() == {"visits_is_parsable": 1}
    assert "00042" not in loaded.profiles["customers"].model_dump_json()


def test_rules_across_tables_and_over_extra_attributes_can_be_declared_in_settings(load):
    rules = [
        {"entity": "subscriptions", "name": "is_regular", "expression": "customers.created_at < now()", "meaning": "x"},
        {"entity": "subscriptions", "name": "subscription_is_not_before_its_customer", "severity": "error"},
        {"entity": "customers", "name": "has_a_card", "expression": "loyalty_card <> '00042'", "meaning": "x"},
    ]
    loaded = load({"subscriptions": SUBSCRIPTIONS.replace(",2024-01-01,", ",,"), "customers": CUSTOMERS}, rules=rules)
    assert loaded.counts["customers"].broken() == {"has_a_card": 1, "visits_is_parsable": 1}
    assert loaded.counts["subscriptions"].broken() == {"subscription_customer_is_known": 1}


def test_a_first_load_is_profiled_and_later_ones_are_held_against_it(load, first, earlier):
    assert first.profiles["orders"].rows == 1200
    assert {result.verdict for result in first.table_rules} <= {"kept", "not judged"}
    second = load(orders(61), now=on(61), earlier=earlier)
    assert results(second)[ROWS].verdict == "kept"
    few = {"order_new_days_are_as_full_as_usual"}  # ten rows on the one new day
    assert {result.verdict for result in second.table_rules if result.rule not in few} == {"kept"}
    assert results(second)[few.pop()].verdict == "not judged"


@pytest.mark.parametrize(
    ("files", "rule", "told"),
    [
        (orders(30), ROWS, "600 rows, 0.50 times the usual 1,200"),
        (orders(61, without=[59]), "order_days_are_complete", "1 missing day: Thu 2024-02-29"),
        (orders(60), "order_days_are_complete", "1 missing day: Fri 2024-03-01"),
        (orders(61, without=[30]), "order_days_are_complete", "1 missing day: Wed 2024-01-31"),
    ],
)
def test_a_load_that_lacks_rows_is_blocked(load, earlier, files, rule, told):
    with pytest.raises(TableRuleBrokenError) as caught:
        load(files, now=on(61), earlier=earlier)
    assert caught.value.where.startswith(f"table rule {rule} of orders")
    assert told in caught.value.got


def test_a_load_may_be_accepted_and_says_so(load, earlier):
    files = orders(30)
    with pytest.raises(TableRuleBrokenError, match=f"--accept {ROWS} --accept order_days_are_complete"):
        load(files, now=on(61), earlier=earlier)
    accepted = load(files, now=on(61), earlier=earlier, accepted=[ROWS, "orders.order_days_are_complete"])
    assert results(accepted)[ROWS].verdict == "accepted"
    assert accepted.profiles["orders"].accepted == (ROWS, "order_days_are_complete")


def test_warnings_are_reported_and_block_nothing(load, earlier):
    loaded = load(orders(61, channel="fax"), now=on(61), earlier=earlier)
    found = results(loaded)["order_channel_has_no_new_values"]
    assert (found.verdict, found.got) == ("broken", "100.0% of the rows have a new value: 'fax'")


def test_bounds_and_severities_are_the_companys(load, earlier):
    strict = {"entity": "orders", "name": ROWS, "at_most": 1.01}
    with pytest.raises(TableRuleBrokenError, match=ROWS):
        load(orders(61), now=on(61), earlier=earlier, specs=[strict])


def test_rules_that_can_mean_nothing_are_told_before_anything_is_read(load):
    with pytest.raises(TableRuleUnfitError):
        load({"orders": "not,read"}, specs=[{"entity": "orders", "name": "new", "at_most": 1}])
    with pytest.raises(AcceptedRuleUnknownError):
        load({"orders": "not,read"}, accepted=["nonsense"])
