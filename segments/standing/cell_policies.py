"""How each kind of customer is served: one policy a cell of the value matrix.

Belongs here: the policies that come with the product, and the table of those in force. Does not: who is in which cell
(`value_matrix.py`), or what to do with one customer tonight (`policy.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from segments.standing.value_matrix import CELLS, DEVELOP, INACTIVE, KEY, MAINTAIN, STANDARD


@dataclass(frozen=True, kw_only=True)
class CellPolicy:
    """How the customers of a cell are served.

    Attributes:
        service_level: in words.
        contacts_per_month: at most.
        discount_authority_share: of the price, that may be given without asking.
        owner: who answers for these customers.
    """

    service_level: str
    contacts_per_month: int
    discount_authority_share: float
    owner: str


DEFAULT_POLICIES: Mapping[str, CellPolicy] = {
    KEY: CellPolicy(
        service_level="personal contact, answer within the day, charter for each account",
        contacts_per_month=4,
        discount_authority_share=0.10,
        owner="key account manager",
    ),
    DEVELOP: CellPolicy(
        service_level="named contact, answer within two days, offers for more of their needs",
        contacts_per_month=4,
        discount_authority_share=0.15,
        owner="sales",
    ),
    MAINTAIN: CellPolicy(
        service_level="named contact, answer within two days, find out why they will buy less",
        contacts_per_month=2,
        discount_authority_share=0.10,
        owner="sales",
    ),
    STANDARD: CellPolicy(
        service_level="standard process, self-service first",
        contacts_per_month=2,
        discount_authority_share=0.05,
        owner="marketing",
    ),
    INACTIVE: CellPolicy(
        service_level="standard process; win back only who is worth it",
        contacts_per_month=1,
        discount_authority_share=0.15,
        owner="marketing",
    ),
}


def policy_table(rows: pl.DataFrame, *, policies: Mapping[str, CellPolicy]) -> pl.DataFrame:
    """The policies in force, with how many customers each is for.

    Args:
        rows: `matrix_cell`, `contribution_12m`, `expected_value_12m` (Int64, minor units) of every customer.
        policies: by cell; the product's own for cells that are not there.

    Returns:
        One row per cell, in the order of `CELLS`: `matrix_cell`, `service_level`, `contacts_per_month`,
        `discount_authority_share`, `owner`, `customers`, `contribution_12m`, `expected_value_12m`.
    """
    chosen = {cell: policies.get(cell, DEFAULT_POLICIES[cell]) for cell in CELLS}
    table = pl.DataFrame([{"matrix_cell": cell, **vars(policy)} for cell, policy in chosen.items()])
    counted = rows.group_by("matrix_cell").agg(
        pl.len().cast(pl.Int64).alias("customers"),
        pl.col("contribution_12m").sum(),
        pl.col("expected_value_12m").sum(),
    )
    return table.join(counted, on="matrix_cell", how="left", validate="1:1", maintain_order="left").with_columns(
        pl.col("customers", "contribution_12m", "expected_value_12m").fill_null(0)
    )
