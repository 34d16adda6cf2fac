import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulation.dirt import FIRST_LINE_OF_DIRT, add_dirt
from simulation.randomness import stream
from simulation.raw import raw_orders

KEY = ["order_number", "line"]
FINDS = {
    "customer_id_is_present": pl.col("customer_number").is_null(),
    "ordered_at_is_parsable": pl.col("placed_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).is_null(),
    "ordered_at_is_not_in_the_future": pl.col("placed_at").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False).dt.year()
    > 2026,
    "currency_is_known": pl.col("currency") == "XXX",
    "amount_is_present": pl.col("net_amount").is_null(),
    "quantity_is_not_zero": pl.col("units") == "0",
}


@pytest.fixture(scope="module")
def clean(company):
    return raw_orders(company)


@pytest.fixture(scope="module")
def dirty(clean):
    return add_dirt(stream(5, "dirt"), clean)


def _known(company):
    return pl.col("sku").is_in(company.products["product_id"].to_list())


def test_the_share_of_dirt_is_small_and_every_kind_is_there(clean, dirty):
    assert set(dirty.counts) == {*FINDS, "key_is_unique", "order_product_is_known"}
    assert min(dirty.counts.values()) > 20
    assert 0.004 < sum(dirty.counts.values()) / clean.height < 0.01
    assert dirty.lines.height == clean.height + sum(dirty.counts.values())


@pytest.mark.parametrize("rule", FINDS)
def test_each_rule_finds_exactly_its_count(dirty, rule):
    assert dirty.lines.filter(FINDS[rule]).height == dirty.counts[rule]


def test_unknown_products_are_exactly_counted(company, dirty):
    assert dirty.lines.filter(~_known(company)).height == dirty.counts["order_product_is_known"]


def test_keys_repeat_exactly_for_replayed_lines_which_are_whole_copies(dirty):
    assert dirty.lines.height - dirty.lines.select(KEY).n_unique() == dirty.counts["key_is_unique"]
    assert dirty.lines.height - dirty.lines.n_unique() == dirty.counts["key_is_unique"]


def test_a_bad_line_has_one_defect_only(company, dirty):
    added = dirty.lines.filter(pl.col("line").cast(pl.Int32) >= FIRST_LINE_OF_DIRT)
    defects = added.select(pl.sum_horizontal(*FINDS.values(), ~_known(company)))
    assert (defects.to_series() == 1).all()


def test_good_lines_survive_in_their_order(clean, dirty):
    good = dirty.lines.filter(pl.col("line").cast(pl.Int32) < FIRST_LINE_OF_DIRT).unique(
        KEY, keep="first", maintain_order=True
    )
    assert_frame_equal(good, clean)


def test_leap_days_in_the_future_stay_dates(clean):
    leap = clean.with_columns(placed_at=pl.lit("2024-02-29 12:00:00"))
    dirty = add_dirt(stream(5, "dirt"), leap)
    assert dirty.lines.filter(FINDS["ordered_at_is_parsable"]).height == dirty.counts["ordered_at_is_parsable"]
    assert "2096-02-29 12:00:00" in dirty.lines["placed_at"]


@pytest.mark.parametrize("rows", [0, 1, 3, 8, 50])
def test_few_lines_get_what_dirt_there_is_room_for(clean, rows):
    dirty = add_dirt(np.random.Generator(np.random.PCG64(1)), clean.head(rows))
    assert sum(dirty.counts.values()) == min(rows, 8)
    assert dirty.lines.height == rows + min(rows, 8)
