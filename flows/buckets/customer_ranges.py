"""A bucket cut into ranges of customers where it is too large to be worked on at once.

Belongs here: where the cuts are. Does not: what is done with a range. A customer is never cut: all that is computed of
a customer's rows is the same in any range, so the cuts change memory and nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import polars as pl

import features
from flows.buckets.core_tables import CoreTables

MOST_ROWS = 2_000_000
"""Core rows of a range (order lines and others together), unless one customer has more: about 0.6 GB at work."""
MOST_BUILT = 300_000
"""Customers times dates of a range: about 1 GB of features and what they are made of."""


def cut_by_customers(
    core: CoreTables, bucket: int, *, dates: int, most_rows: int = MOST_ROWS, most_built: int = MOST_BUILT
) -> Iterator[CoreTables]:
    """The bucket's core tables, range after range in the order of the ids; as they are where one range will do.

    Args:
        core: the core tables.
        bucket: the bucket's number.
        dates: how many dates something is built of for each customer.
        most_rows: rows a range may have, more only for a single customer.
        most_built: customers times dates a range may have.
    """
    frames = [core.scan(entity, bucket) for entity in features.ENTITIES]
    rows = [frame for frame in frames if frame is not None and "customer_id" in frame.collect_schema()]
    total = sum(frame.select(pl.len()).collect().item() for frame in rows)
    if total <= min(most_rows, most_built // dates):  # there are no more customers than rows
        yield core
        return
    counted = pl.concat([frame.group_by("customer_id").len() for frame in rows])
    each = counted.group_by("customer_id").agg(pl.col("len").sum()).sort("customer_id").collect()
    firsts = _firsts(each["customer_id"].to_list(), each["len"].to_list(), most_rows, max(most_built // dates, 1))
    edges = [None, *firsts, None]
    for first, end in pairwise(edges):
        yield replace(core, customers=replace(core.customers, first=first, end=end))


def _firsts(customers: list[str], rows: list[int], most_rows: int, most_customers: int) -> list[str]:
    """The first customer of every range but the first one."""
    firsts, held_rows, held = [], 0, 0
    for customer, own in zip(customers, rows, strict=True):
        if held and (held_rows + own > most_rows or held >= most_customers):
            firsts.append(customer)
            held_rows, held = 0, 0
        held_rows, held = held_rows + own, held + 1
    return firsts
