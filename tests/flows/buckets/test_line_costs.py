"""Costs of order lines that their orders don't say: the product's, as it was known when the line was."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.buckets.core_tables import CoreTables
from flows.buckets.line_costs import UnitCosts
from tests.flows.feature_company import ZONE, company, frame
from warehouse.lake import Lake

BERLIN = "Europe/Berlin"  # a day begins at 23:00 UTC in winter
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def at(day, hour=12):
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day, hours=hour)


def products(*rows):
    columns = ("product_id", "unit_cost", "known_at", "superseded_at")
    return frame("products", [dict(zip(columns, row, strict=False)) for row in rows], versions=True).lazy()


def costs(versions, lines):
    """`cost_amount` of lines given as (product, ordered at, known at, quantity, own cost)."""
    columns = ("product_id", "ordered_at", "known_at", "quantity", "cost_amount")
    orders = frame("orders", [dict(zip(columns, line, strict=True)) for line in lines])
    return UnitCosts.of(products(*versions), time_zone=BERLIN).filled(orders.lazy()).collect()["cost_amount"].to_list()


def test_a_line_without_a_cost_takes_quantity_times_the_products():
    lines = [
        ("a", at(0), at(0), 2.0, None),
        ("a", at(1), at(1), -1.0, None),  # a return gives the cost back
        ("b", at(0), at(0), 0.333, None),
        ("a", at(0), at(0), 2.0, 30),
        ("a", at(0), at(0), 2.0, 0),
        ("unknown", at(0), at(0), 2.0, None),
        ("no cost", at(0), at(0), 2.0, None),
        ("negative", at(0), at(0), 2.0, None),
    ]
    versions = [("a", 25, ALWAYS), ("b", 1_000, ALWAYS), ("no cost", None, ALWAYS), ("negative", -3, ALWAYS)]
    assert costs(versions, lines) == [50, -25, 333, 30, 0, None, None, None]


def test_the_cost_is_the_one_of_the_orders_day():
    versions = [("a", 10, ALWAYS, at(5)), ("a", 20, at(5)), ("b", 7, at(5))]
    days = [at(4), at(5, 1), at(5, 22), at(9)]
    assert costs(versions, [("a", day, day, 1.0, None) for day in days]) == [10, 20, 20, 20]
    # what becomes known at 00:30 of Berlin's sixth day was not known when the day of the order was over
    assert costs([("a", 10, ALWAYS), ("a", 20, at(5, 23.5))], [("a", at(5), at(5), 1.0, None)]) == [10]
    # the product came later than the order: a line that came later still takes it, one known at once has none
    assert costs(versions, [("b", at(4), at(4), 1.0, None), ("b", at(4), at(8), 1.0, None)]) == [None, 7]


def test_a_line_corrected_later_keeps_the_cost_of_its_day_and_a_version_read_wrongly_is_none():
    versions = [("a", 10, ALWAYS, at(5)), ("a", 20, at(5)), ("a", 99, at(2), at(2))]
    assert costs(versions, [("a", at(4), at(30), 1.0, None)]) == [10]


MOMENTS = st.integers(0, 40 * 24).map(lambda hours: at(0, hours))


def midnight_after(moment):
    """The first of Berlin's days to begin after a winter's moment."""
    local = moment + timedelta(hours=1)
    return datetime(local.year, local.month, local.day, tzinfo=UTC) + timedelta(hours=23)


@given(
    versions=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 99), MOMENTS), min_size=1, max_size=8),
    lines=st.lists(st.tuples(st.sampled_from("abc"), MOMENTS, st.integers(0, 20)), min_size=1, max_size=8),
)
def test_no_snapshot_that_counts_a_line_sees_a_cost_of_later(versions, lines):
    """Each line's cost by the slow definition: nothing that became known after the line's first snapshot is in it."""

    def known(product, moment):
        told = [(since, cost) for name, cost, since in versions if name == product and since < midnight_after(moment)]
        return max(told)[1] if told else None

    written = [(product, ordered, ordered + timedelta(days=late), 1.0, None) for product, ordered, late in lines]
    slow = [(known(name, ordered), known(name, since)) for name, ordered, since, _, _ in written]
    assert costs(versions, written) == [first if first is not None else second for first, second in slow]


def core_of(tmp_path, *, unit_cost, **columns):
    """The small company, whose order lines have no cost, with a cost of one unit of every product."""
    tables = company()
    tables["products"] = tables["products"].with_columns(pl.lit(unit_cost, pl.Int64).alias("unit_cost"))
    tables["orders"] = tables["orders"].with_columns(**columns)
    lake = Lake(tmp_path)
    lake.write_load("one", tables, buckets=2)
    return CoreTables(lake.open_load("one"), ZONE)


def test_a_company_without_costs_of_lines_has_margins(tmp_path):
    core = core_of(tmp_path, unit_cost=30)
    lines = core.orders().collect()
    assert lines["cost_amount"].to_list() == [30] * lines.height  # every line is of one unit
    assert lines.drop("cost_amount").equals(core.load.scan("orders").drop("cost_amount").collect())
    assert "orders.cost_amount" in core.load.absent_columns
    assert "orders.cost_amount" not in core.empty_columns
    assert "margin_share" in core.feature_names()


def test_only_lines_without_a_cost_take_the_products(tmp_path):
    own = pl.when(pl.col("amount") == 900).then(7)
    core = core_of(tmp_path, unit_cost=30, cost_amount=own)
    found = core.orders().select(pl.col("cost_amount") == pl.when(pl.col("amount") == 900).then(7).otherwise(30))
    assert found.collect().to_series().all()
    told = core_of(tmp_path / "all", unit_cost=30, cost_amount=pl.lit(7))
    assert told.orders().collect()["cost_amount"].unique().to_list() == [7]


@pytest.mark.parametrize("unit_cost", [None, -1])
def test_without_costs_of_products_there_are_none(tmp_path, unit_cost):
    core = core_of(tmp_path, unit_cost=unit_cost)
    assert core.orders().collect()["cost_amount"].is_null().all()
    assert "orders.cost_amount" in core.empty_columns
    assert "margin_share" not in core.feature_names()
