"""Which id a customer of several records has, and what becomes of customers when records join or part.

Belongs here: the choice, which is stable from load to load, and the changes between two loads. Does not: which records
are together (`groups.py`).
"""

import polars as pl

MERGED, SPLIT = "merged", "split"

CHANGE_SCHEMA: dict[str, pl.DataType] = {
    "customer_id": pl.String(),
    "change": pl.String(),
    "became_customer_id": pl.String(),
}


def canonical_ids(members: pl.DataFrame) -> pl.DataFrame:
    """The id of each group: one that was a customer's at the load before, if any of its members was.

    Of several such ids, and where there is none, the record's that was created first, then known first, then the
    smallest id. A customer's id is always that of one of its records, so no two groups can claim the same.

    Args:
        members: `id` String, `label` Int64 (the group), `created_at` and `known_at` Datetime or null,
            `was_canonical` Boolean (whether it was a customer's id at the load before).

    Returns:
        `label` and `customer_id`, one row a group.
    """
    return (
        members.sort(
            "label",
            "was_canonical",
            "created_at",
            "known_at",
            "id",
            descending=[False, True, False, False, False],
            nulls_last=[False, True, True, True, True],
        )
        .group_by("label", maintain_order=True)
        .agg(pl.col("id").first().alias("customer_id"))
    )


def identity_changes(previous: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """What became of the customers of the load before.

    Args:
        previous: `source_customer_id` and `customer_id` of every record at the load before.
        new: the same now.

    Returns:
        As `CHANGE_SCHEMA`, sorted. `merged`: the id is no customer's any more, all it stood for is now
        `became_customer_id`'s. `split`: some or all records of the customer are now `became_customer_id`'s, others are
        not; one row for each such id. A customer whose records are all still its own has no row.
    """
    moved = (
        previous.join(new, on="source_customer_id", suffix="_now", validate="1:1")
        .group_by("customer_id", pl.col("customer_id_now").alias("became_customer_id"))
        .len()
    )
    ways = moved.group_by("customer_id").agg(pl.len().alias("ways"))
    return (
        moved.filter(pl.col("customer_id") != pl.col("became_customer_id"))
        .join(ways, on="customer_id", validate="m:1")
        .with_columns(pl.when(pl.col("ways") > 1).then(pl.lit(SPLIT)).otherwise(pl.lit(MERGED)).alias("change"))
        .select(list(CHANGE_SCHEMA))
        .sort("customer_id", "became_customer_id")
    )
