"""From one bucket's order lines to every input that features of orders are made of.

Belongs here: the way through the stages, in an order that keeps memory small. Does not: how a stage works
(`order_lines`, `views`, `order_table`, `visits`, `items`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from features import items
from features.arrays import MISSING, Ints
from features.inputs import Decayed, Input, Item, Visit, Window
from features.items import BoughtLines, Items
from features.order_lines import OrderLines, order_lines
from features.order_table import OrderTable
from features.product_facts import ProductFacts
from features.snapshots import Snapshots
from features.views import Views, views_of

PRICE = "price"


@dataclass(frozen=True)
class _Stage:
    lines: OrderLines
    views: Views
    snapshots: Snapshots


def order_inputs(
    orders: pl.LazyFrame, products: pl.LazyFrame | None, wanted: Mapping[str, Input], snapshots: Snapshots
) -> pl.DataFrame:
    """Inputs by customer and snapshot.

    Args:
        orders: core order lines of one bucket, in any order.
        products: core products, or None; needed for items of kind `category`, `brand` and `price`.
        wanted: the inputs by name; aggregates of tables are passed over.
        snapshots: the dates.

    Returns:
        One row per customer in `orders` and snapshot, sorted by both: `customer_id`, `snapshot` (UInt16), and each
        input (Int64; null where a fact of visits has nothing to tell).
    """
    lines = order_lines(orders, snapshots)
    stage = _Stage(lines, views_of(lines, len(snapshots)), snapshots)
    found = _of_table(stage, wanted) | _of_items(stage, products, wanted)
    each = len(snapshots)
    customers = len(lines.customer_ids)
    keys = {
        "customer_id": lines.customer_ids[np.repeat(np.arange(customers), each)],
        "snapshot": pl.Series(np.tile(np.arange(each), customers), dtype=pl.UInt16),
    }
    frame = pl.DataFrame(keys | found)
    facts = [name for name, one in wanted.items() if isinstance(one, Visit)]
    return frame.with_columns(pl.when(pl.col(name) != MISSING).then(pl.col(name)).alias(name) for name in facts)


def _of_table(stage: _Stage, wanted: Mapping[str, Input]) -> dict[str, Ints]:
    table = OrderTable(stage.lines, stage.views, stage.snapshots)
    found: dict[str, Ints] = {}
    windows: dict[str, dict[str, tuple[int | None, int]]] = {}
    decayed: dict[int, dict[str, str]] = {}
    facts: dict[str, str] = {}
    for name, one in wanted.items():
        if isinstance(one, Window):
            windows.setdefault(one.column, {})[name] = (one.oldest_days, one.newest_days)
        elif isinstance(one, Decayed):
            decayed.setdefault(one.half_life_days, {})[name] = one.column
        elif isinstance(one, Visit):
            facts[name] = one.fact
    for column, asked in windows.items():
        found |= table.window_sums(column, asked)
    for half_life, columns in decayed.items():
        found |= table.decayed_sums(half_life, columns)
    told = table.facts(list(dict.fromkeys(facts.values())))
    return found | {name: told[fact] for name, fact in facts.items()}


def _of_items(stage: _Stage, products: pl.LazyFrame | None, wanted: Mapping[str, Input]) -> dict[str, Ints]:
    asked = {name: one for name, one in wanted.items() if isinstance(one, Item)}
    if not asked:
        return {}
    found: dict[str, Ints] = {name: np.zeros(stage.views.view_at.shape, dtype=np.int64) for name in asked}
    bought = BoughtLines.of(stage.lines, stage.views)
    kinds = {one.of for one in asked.values()}
    if "channel" in kinds:
        _, channel = items.codes(stage.lines.items["channel"])
        _fill(found, asked, "channel", stage, Items(bought, channel, views=stage.views.count))
    product_ids, product = items.codes(stage.lines.items["product_id"])
    facts = None if products is None else ProductFacts.of(products, product_ids, stage.snapshots)
    if kinds & {"product", PRICE}:
        by_product = Items(bought, product, views=stage.views.count)
        _fill(found, asked, "product", stage, by_product)
        if facts is not None and PRICE in kinds:
            _fill_prices(found, asked, stage, by_product, facts)
        del by_product
    for kind in sorted(kinds & {"category", "brand"}):
        for numbers, group in [] if facts is None else facts.groups(kind):
            by_group = Items(bought, group[product], views=stage.views.count)
            _fill(found, asked, kind, stage, by_group, numbers=numbers)
    return found


def _fill(
    found: dict[str, Ints],
    asked: Mapping[str, Item],
    kind: str,
    stage: _Stage,
    by_item: Items,
    *,
    numbers: tuple[int, ...] | None = None,
) -> None:
    """Write the facts of one kind of item, for all snapshots or those of the numbers given."""
    each = len(stage.snapshots)
    for number in range(each) if numbers is None else numbers:
        before = by_item.at(stage.snapshots.day_numbers[number])
        views = stage.views.view_at[number::each]
        for name, one in asked.items():
            if one.of == kind:
                found[name][number::each] = items.FACTS[one.fact](before, one.days)[views]


def _fill_prices(
    found: dict[str, Ints], asked: Mapping[str, Item], stage: _Stage, by_product: Items, facts: ProductFacts
) -> None:
    """Write the sums behind the price level: lines times list price against the category's, and lines."""
    each = len(stage.snapshots)
    for number, day in enumerate(stage.snapshots.day_numbers):
        weighted, lines = by_product.at(day).weighted(facts.price_level(number))
        views = stage.views.view_at[number::each]
        for name, one in asked.items():
            if one.of == PRICE:
                found[name][number::each] = (weighted if one.fact == "weighted" else lines)[views]
