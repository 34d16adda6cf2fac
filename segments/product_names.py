"""Names of products in sentences: where several products have the same name, their ids tell them apart.

Belongs here: which name is said. Does not: the column `product_name` of what is published, which is the plain name.
"""

import polars as pl


def told_apart(*within: str) -> pl.Expr:
    """`product_name`, with the id in brackets behind it where it is also another product's; null stays null.

    Args:
        within: columns whose values a name has to be one product's within, such as the customer; none: in all rows.
    """
    name, product = pl.col("product_name"), pl.col("product_id")
    shared = product.n_unique().over(*within, "product_name") > 1
    return pl.when(shared).then(pl.format("{} ({})", name, product)).otherwise(name).alias("product_name")
