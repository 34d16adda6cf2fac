"""Drift of a night: what a broken source, other customers and other scores look like, and what a quiet night does."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.errors_reviewing import DriftNotKeptError, NothingToReviewError
from flows.nights.drift_reporting import drift_document, page_facts_of, print_drift
from flows.nights.drift_sources import source_findings
from flows.nights.drifting import Population, population_findings
from models.snapshots.reference_counts import FILE, take_reference
from segments.drift.findings import ALARM, alarms, judged
from segments.drift.words import DATA_QUALITY, POPULATION
from warehouse.lake import Lake

LATER = date(2026, 1, 1)
AS_OF = date(2026, 1, 1)
BROKE = AS_OF - timedelta(days=7)
MONEY = ("amount", "discount_amount", "cost_amount")


def order_lines(days=400, lines_a_day=60):
    """A shop with a busy December, whose products have prices of their own."""
    random = np.random.default_rng(3)
    dates = [AS_OF - timedelta(days=back) for back in range(days, 0, -1)]
    busy = [lines_a_day * (2 if day.month == 12 else 1) for day in dates]
    day = np.repeat(np.arange(days), busy)
    rows = len(day)
    product = random.integers(0, 40, rows)
    quantity = random.integers(1, 5, rows)
    amount = np.rint(quantity * np.exp(np.linspace(5, 8, 40))[product]).astype(np.int64)
    start = datetime.combine(dates[0], datetime.min.time(), tzinfo=UTC)
    return pl.DataFrame(
        {
            "order_id": [str(number) for number in range(rows)],
            "line_number": 1,
            "customer_id": [f"c{number}" for number in random.integers(0, 900, rows)],
            "ordered_at": [start + timedelta(days=int(one), hours=12) for one in day],
            "product_id": [f"p{number}" for number in product],
            "quantity": quantity.astype(np.float64),
            "amount": amount,
            "discount_amount": np.where(random.random(rows) < 0.3, amount // 10, 0),
            "cost_amount": amount // 2,
            "channel": np.where(random.random(rows) < 0.6, "web", "shop"),
            "currency": "EUR",
        }
    ).with_columns(known_at=pl.col("ordered_at"), load_id=pl.lit("made up"))


def since(value, otherwise):
    return pl.when(pl.col("ordered_at").dt.date() >= BROKE).then(value).otherwise(otherwise)


CASES = {
    "nothing": ([], set()),
    "amounts times 100": ([since(pl.col(name) * 100, pl.col(name)).alias(name) for name in MONEY], {"prices"}),
    "prices up 30 %": ([since(pl.col("amount") * 13 // 10, pl.col("amount")).alias("amount")], {"prices"}),
    "no costs": ([since(None, pl.col("cost_amount")).alias("cost_amount")], {"empty"}),
    "a new text": (
        [since(pl.col("channel").replace("web", "app"), pl.col("channel")).alias("channel")],
        {"unknown texts"},
    ),
}


@pytest.mark.parametrize("case", [*CASES, "most lines missing"])
def test_a_broken_source_is_found_and_a_busy_december_is_not(tmp_path, case):
    lines = order_lines()
    changes, expected = CASES.get(case, ([], {"rows"}))
    if case == "most lines missing":
        kept = (pl.col("ordered_at").dt.date() < BROKE) | (pl.int_range(pl.len()) % 8 == 0)
        lines = lines.filter(kept)
    load = Lake(tmp_path).write_load("made up", {"orders": lines.with_columns(changes)}, buckets=2)
    found = source_findings(CoreTables(load, "UTC"), as_of=AS_OF)
    rows = judged(found, night=AS_OF)
    assert len(alarms(rows)) == (0 if case == "nothing" else 1)
    assert expected <= set(rows.filter(status=ALARM)["measure"])
    assert rows.height > 12
    before = source_findings(CoreTables(load, "UTC"), as_of=BROKE)  # what came later is not known yet
    assert not alarms(judged(before, night=BROKE))


@pytest.mark.parametrize("lines", [1, 30, 5000])
def test_of_odd_tables_nothing_is_said_that_is_not_so(tmp_path, lines):
    """Few rows, columns without a value, one product, tables without their time: no alarm, and no failure."""
    orders = (
        order_lines()
        .head(lines)
        .with_columns(
            pl.lit("p1").alias("product_id"), pl.lit(None, pl.Int64).alias("cost_amount"), pl.lit(None).alias("channel")
        )
    )
    ids = orders.select("customer_id").unique().sort("customer_id")
    people = ids.with_columns(region=pl.lit("north"), known_at=pl.lit(datetime(2020, 1, 1, tzinfo=UTC)))
    load = Lake(tmp_path).write_load("odd", {"orders": orders, "customers": people}, buckets=4)
    last = orders["ordered_at"].max().date() + timedelta(days=1)
    found = source_findings(CoreTables(load, "UTC"), as_of=last)
    assert not alarms(judged(found, night=last))
    assert bool(found) == (lines == 5000)


def customers(shares=(0.5, 0.3, 0.2), factor=1.0, day=AS_OF, seed=1):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(600)],
            "snapshot_date": day,
            "spent": random.lognormal(5, 1, 600) * factor,
            "region": random.choice(["north", "south", "east"], 600, p=shares),
        }
    )


@pytest.mark.parametrize(
    ("tonight", "expected"),
    [
        (customers(seed=9), []),
        (customers(seed=9, factor=100.0), ["spent"]),
        (customers(seed=9, shares=(0.05, 0.05, 0.9)), ["region"]),
        (customers(seed=9).with_columns(region=pl.lit("abroad")), ["region"]),
        (customers(seed=9).with_columns(spent=pl.lit(None, pl.Float64)), ["spent"]),
    ],
)
def test_other_customers_than_those_trained_on_are_found(tonight, expected):
    days = [AS_OF - timedelta(days=30 * back) for back in range(12, 1, -1)]
    trained = pl.concat([customers(day=day, seed=place) for place, day in enumerate(days)])
    reference = take_reference(trained, ("spent", "region"))
    bundle = SimpleNamespace(files={FILE: reference.file()}, features=("spent", "region"), metrics={}, name="churn")
    scores = tonight.select("customer_id", churn_probability=pl.lit(0.5))
    population = Population(features=tonight, families={"spent": "purchases"}, scores={"churn_probability": scores})
    found = population_findings(population, {"churn": SimpleNamespace(bundle=bundle)}, day=AS_OF)
    rows = judged(found, night=AS_OF)
    assert rows.filter(status=ALARM)["what"].to_list() == expected
    assert set(rows["kind"]) == {POPULATION}


@pytest.mark.slow
def test_a_night_says_what_drifted_and_says_the_same_again(workspace, open_at, do, capsys):
    context = open_at(workspace)
    first = do("score", context, as_of=LATER)
    assert first["drift"]["alarms"] == []
    assert first["rows"]["drift"] > first["drift"]["looked_at"] > 100  # the night before is still shown
    found = drift_document(context)
    assert found["nights"] == ["2025-12-01", "2026-01-01"]
    assert {row["kind"] for row in found["rows"]} >= {POPULATION, DATA_QUALITY, "prediction"}
    do("score", context, as_of=LATER, force=True)
    again = drift_document(context)
    keys = ("kind", "what", "measure", "value", "threshold", "status")
    assert [[row[key] for key in keys] for row in again["rows"]] == [
        [row[key] for key in keys] for row in found["rows"]
    ]
    print_drift(found, everything=True)
    assert "no alarm" in capsys.readouterr().out
    with pytest.raises(DriftNotKeptError):
        drift_document(context, night=date(2025, 12, 2))
    page = (workspace / "reports" / "night-2026-01-01.html").read_text(encoding="utf-8")
    assert "is the world still what the models learnt" in page


def test_before_the_first_night_there_is_nothing(open_at, tmp_path):
    with pytest.raises(NothingToReviewError):
        drift_document(open_at(tmp_path))
    assert page_facts_of(None) is None
