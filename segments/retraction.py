"""Which customers' rows an export has to take back, because their records were joined with others' or parted.

Belongs here: the published table `customer_retraction`, its contract and how it is made. Does not: finding out who is
who (the warehouse), or exporting.

People who were erased are not listed: their id is to stand nowhere.
"""

from datetime import date
from typing import Final

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.checks import require_columns, require_key

MERGED: Final = "merged"
SPLIT: Final = "split"

CUSTOMER_RETRACTION = OutputContract(
    table="customer_retraction",
    key=("customer_id", "became_customer_id"),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="The id that rows were published and exported under."),
        OutputColumn(
            "reason",
            pl.String,
            allowed=(MERGED, SPLIT),
            meaning="merged: all of this customer is another's now, take the row back; split: part of what the row "
            "stood for is another customer's now, replace it.",
        ),
        OutputColumn(
            "became_customer_id", pl.String, meaning="Whose it is now; a row for each, where there are several."
        ),
        OutputColumn("since", pl.Date, meaning="The business date on which this was found out."),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for."),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="Customers whose rows an export has to take back or replace, because records were joined or parted. A row "
    "goes when its customer is back.",
    may_be_empty=True,
)


def customer_retraction(changes: pl.DataFrame, *, as_of: date, run_key: str, time_zone: str) -> pl.DataFrame:
    """The rows of `segments.customer_retraction`.

    Args:
        changes: `customer_id` String, `change` String (merged or split), `became_customer_id` String, `since`
            Datetime("us", "UTC"), the moment of the load that found it out; one row for each pair of ids.
        as_of: the business date of the run.
        run_key: the run.
        time_zone: the company's: business dates are days of this zone.

    Returns:
        As `CUSTOMER_RETRACTION`, sorted by its key.

    Raises:
        SegmentColumnsMissingError, SegmentKeyRepeatedError: `changes` is not that.
    """
    require_columns(changes, ("customer_id", "change", "became_customer_id", "since"), name="identity changes")
    require_key(changes, CUSTOMER_RETRACTION.key, name="identity changes")
    return changes.select(
        "customer_id",
        pl.col("change").alias("reason"),
        "became_customer_id",
        pl.col("since").dt.convert_time_zone(time_zone).dt.date(),
        pl.lit(as_of).alias("as_of"),
        pl.lit(run_key).alias("run_key"),
    ).sort(CUSTOMER_RETRACTION.key)
