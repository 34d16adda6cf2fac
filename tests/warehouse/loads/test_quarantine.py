from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from warehouse.core.judged_rows import QUARANTINE_SCHEMA
from warehouse.ledger import Load, record_load
from warehouse.loads.quarantine import (
    BLOCKED,
    RowsWanted,
    actions,
    count_by_load,
    count_by_rule,
    count_rows,
    entities_in_quarantine,
    read_rows,
)
from warehouse.loads.quarantine_writing import drop_rows, forget_blocked, keep_blocked, replace_replayed

FIRST = datetime(2024, 6, 1, 3, tzinfo=UTC)


def row(number, rules, *, load="load-1", source="shop", entity="orders"):
    return {
        "entity": entity,
        "source": source,
        "source_file": "a.csv",
        "source_row": number,
        "rules": rules,
        "severity": "error",
        "raw_row": f'{{"n": {number}}}',
        "load_id": load,
    }


def frame(*rows):
    return pl.DataFrame(list(rows), schema=dict(QUARANTINE_SCHEMA))


def load(name, day, status="done"):
    return Load(
        load_id=name,
        source_fingerprint="f",
        configuration_hash="c",
        loaded_at=FIRST + timedelta(days=day),
        counts={},
        status=status,
    )


ROWS = (
    row(1, "amount_is_present"),
    row(2, "amount_is_present, key_is_unique"),
    row(3, "amount_is_present_too", load="load-2", source="web"),
    row(4, "key_is_unique", load="load-2"),
)


@pytest.fixture
def quarantine(warehouse):
    """A warehouse with four rows of two loads in the quarantine of orders, and an empty one of customers."""
    record_load(warehouse, load("load-1", 0))
    record_load(warehouse, load("load-2", 1))
    warehouse.write_frame("quarantine", "orders", frame(*ROWS))
    warehouse.write_frame("quarantine", "customers", frame())
    return warehouse


def test_an_empty_warehouse_has_no_quarantine(warehouse):
    assert entities_in_quarantine(warehouse) == []
    assert count_by_rule(warehouse).is_empty()
    assert count_by_load(warehouse).is_empty()
    assert count_rows(warehouse, RowsWanted(entity="orders")) == 0
    assert actions(warehouse) == []


def test_a_row_counts_under_each_rule_it_breaks(quarantine):
    told = count_by_rule(quarantine)
    assert told.select("entity", "rule", "rows", "loads").rows() == [
        ("orders", "amount_is_present", 2, 1),
        ("orders", "key_is_unique", 2, 2),
        ("orders", "amount_is_present_too", 1, 1),
    ]
    assert told["sources"].to_list() == [["shop"], ["shop"], ["web"]]
    unique = told.row(by_predicate=pl.col("rule") == "key_is_unique", named=True)
    assert (unique["oldest"], unique["newest"]) == (FIRST, FIRST + timedelta(days=1))
    assert count_by_load(quarantine).select("load_id", "rows").sort("load_id").rows() == [("load-1", 2), ("load-2", 2)]


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ({}, [4, 3, 1, 2]),  # the newest load first
        ({"rule": "amount_is_present"}, [1, 2]),  # and not the rule that begins like it
        ({"rule": "amount_is_presen_"}, []),
        ({"load_id": "load-2"}, [4, 3]),
        ({"source": "shop"}, [4, 1, 2]),
        ({"source": "shop", "rule": "key_is_unique", "load_id": "load-1"}, [2]),
        ({"source": "'; DROP TABLE quarantine.orders; --"}, []),
    ],
)
def test_rows_are_picked_out_by_every_condition(quarantine, conditions, numbers):
    wanted = RowsWanted(entity="orders", **conditions)
    assert read_rows(quarantine, wanted)["source_row"].to_list() == numbers
    assert read_rows(quarantine, wanted, limit=1)["source_row"].to_list() == numbers[:1]
    assert count_rows(quarantine, wanted) == len(numbers)


def test_what_a_blocked_load_broke_on_stands_apart_and_gives_way(quarantine):
    critical = row(9, "amount_is_present", load="load-3")
    keep_blocked(quarantine, frame(critical), load("load-3", 2, BLOCKED))
    keep_blocked(
        quarantine,
        frame(row(9, "amount_is_present", load="load-4"), row(1, "x", load="load-4", entity="tickets")),
        load("load-4", 3, BLOCKED),
    )
    told = count_by_rule(quarantine)
    assert told.filter("blocked").select("entity", "rule", "rows").rows() == [
        ("orders", "amount_is_present", 1),
        ("tickets", "x", 1),
    ]
    assert count_rows(quarantine, RowsWanted(entity="orders")) == len(ROWS) + 1
    assert read_rows(quarantine, RowsWanted(entity="orders"), limit=1)["load_status"].item() == BLOCKED
    with quarantine.transaction():
        forget_blocked(quarantine)
    assert count_rows(quarantine, RowsWanted(entity="orders")) == len(ROWS)
    assert count_rows(quarantine, RowsWanted(entity="tickets")) == 0


def test_replayed_rows_are_replaced_and_no_others(quarantine):
    keep_blocked(quarantine, frame(row(9, "key_is_unique", load="load-3")), load("load-3", 2, BLOCKED))
    wanted = RowsWanted(entity="orders", rule="key_is_unique")
    with quarantine.transaction():
        replace_replayed(quarantine, wanted, frame(row(4, "amount_is_present", load="load-2")), sources=["shop"])
    kept = read_rows(quarantine, RowsWanted(entity="orders")).select("source_row", "rules").sort("source_row").rows()
    assert kept == [
        (1, "amount_is_present"),
        (3, "amount_is_present_too"),
        (4, "amount_is_present"),
        (9, "key_is_unique"),
    ]


def test_rows_are_dropped_with_their_reason_or_not_at_all(quarantine):
    def dropped(**conditions):
        return drop_rows(
            quarantine, RowsWanted(entity="orders", **conditions), reason="a test", now=FIRST, run_by="somebody"
        )

    assert dropped(rule="key_is_unique") == 2
    assert dropped(rule="key_is_unique") == 0
    (told,) = actions(quarantine)
    assert (told["action"], told["rule"], told["rows"], told["reason"], told["run_by"]) == (
        "dropped",
        "key_is_unique",
        2,
        "a test",
        "somebody",
    )
    assert read_rows(quarantine, RowsWanted(entity="orders"))["source_row"].to_list() == [3, 1]
