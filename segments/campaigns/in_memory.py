"""The ledger of a few frames, for a notebook, a benchmark or a test.

Belongs here: frames in memory in place of a load's buckets. Does not: anything a night does
(`flows.nights.campaigning`).
"""

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl

from segments.campaigns.making import Source, make_ledger
from segments.campaigns.people import CONTACTS
from segments.campaigns.recorded import CAMPAIGNS, OFFERS, PRODUCTS, Recorded
from segments.campaigns.rows import LINES
from segments.campaigns.rules import CampaignRules
from segments.money import Currency

_TABLES = {"campaigns": CAMPAIGNS, "offers": OFFERS, "products": PRODUCTS}


def ledger_of_frames(
    contacts: pl.DataFrame,
    lines: pl.DataFrame,
    *,
    as_of: date,
    recorded: Mapping[str, pl.DataFrame] | None = None,
    rules: CampaignRules | None = None,
    currency: str = "EUR",
    assumed_margin_share: float = 0.3,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ledger and its balance.

    Args:
        contacts: as `people.CONTACTS`; columns that are not there are null.
        lines: as `rows.LINES`, likewise; one at least.
        as_of: the business date; everything in the frames lies before it.
        recorded: `campaigns`, `offers`, `products` as in `recorded`, any of them.
        rules: the limits; None for the usual ones.
        currency: ISO 4217 code of the amounts, one with hundredths.
        assumed_margin_share: of sales, where too few lines have a margin.

    Returns:
        As `making.make_ledger` does.
    """
    contacts, lines = completed(contacts, CONTACTS), completed(lines, LINES)
    nobody = pl.lit(None, pl.Date).alias("known_from")
    known = pl.concat([lines.select("customer_id", known_from="day"), contacts.select("customer_id", nobody)])
    people = known.group_by("customer_id").agg(pl.col("known_from").min()).sort("customer_id")
    given = recorded or {}
    tables = {
        name: completed(given[name], columns) if name in given else pl.DataFrame(schema=dict(columns))
        for name, columns in _TABLES.items()
    }
    first: date = lines["day"].min()  # type: ignore[assignment]  # a Date column
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        return make_ledger(
            Source(buckets=[0], contacts=lambda _: contacts, lines=lambda _: lines, known=lambda _: people),
            Recorded(
                **tables,
                sales=_sales(lines),
                assumed_margin_share=assumed_margin_share,
                channel_costs={},
                orders_begin_on=first,
            ),
            as_of=as_of,
            rules=rules or CampaignRules(),
            currency=Currency(code=currency),
            folder=Path(folder),
        )


def _sales(lines: pl.DataFrame) -> pl.DataFrame:
    amount, margin = pl.col("net_amount"), pl.col("margin_amount")
    costed = pl.when(margin.is_not_null()).then(amount)
    return lines.select("day", amount, costed_amount=costed, cost_amount=amount - margin)


def completed(frame: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The columns asked for, those that are not there null."""
    return frame.select(
        (pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype)).alias(name)
        for name, dtype in columns.items()
    )
