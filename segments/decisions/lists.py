"""What the lists of decisions have in common: rank, expected gain with its interval, evidence, reason, origin.

Belongs here: these columns, and putting a list into its published form. Does not: who is on which list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.decisions.values import EVIDENCE, EVIDENCE_MEANING
from segments.money import Currency, amount_dtype, to_major_units

GAINS = ("expected_gain", "expected_gain_low", "expected_gain_high")


@dataclass(frozen=True, kw_only=True)
class ListStamp:
    """Where a list comes from.

    Attributes:
        as_of: the business date.
        run_key: the run that publishes.
        currency: of the amounts.
    """

    as_of: date
    run_key: str
    currency: Currency


def list_contract(
    table: str, own: Sequence[OutputColumn], *, currency: Currency, meaning: str, rank_meaning: str
) -> OutputContract:
    """The contract of a list: one row a customer, `own` columns between the common ones."""
    return OutputContract(
        table=table,
        key=("customer_id",),
        columns=(
            OutputColumn("customer_id", pl.String, meaning="The customer."),
            OutputColumn("rank", pl.Int32, minimum=1, meaning=rank_meaning),
            OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
            *own,
            *gain_columns(currency),
            OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts."),
            OutputColumn("reason", pl.String, meaning="Why the customer is on the list, in words."),
            OutputColumn("run_key", pl.String, meaning="The run that published this row."),
        ),
        volatile=("run_key",),
        meaning=meaning,
        may_be_empty=True,
    )


def gain_columns(currency: Currency, *, nullable: bool = False) -> tuple[OutputColumn, ...]:
    """Expected gain, its interval and what it rests on."""
    amount = amount_dtype(currency)
    return (
        OutputColumn(
            "expected_gain",
            amount,
            nullable=nullable,
            meaning="What is expected to be gained against doing nothing; where the evidence is response, what such "
            "customers bring, part of it anyway.",
        ),
        OutputColumn("expected_gain_low", amount, nullable=nullable, meaning="The lower end of its interval."),
        OutputColumn("expected_gain_high", amount, nullable=nullable, meaning="The upper end of its interval."),
        OutputColumn("evidence", pl.String, nullable=nullable, allowed=EVIDENCE, meaning=EVIDENCE_MEANING),
    )


def as_list(
    rows: pl.DataFrame,
    contract: OutputContract,
    stamp: ListStamp,
    *,
    amounts: Sequence[str] = (),
    among_equals: str = "gain_amount",
) -> pl.DataFrame:
    """Rows in their published form, ranked by expected gain.

    Args:
        rows: the contract's own columns; `gain_amount`, `gain_low_amount`, `gain_high_amount` and those of `amounts`
            are minor units (Int64); `evidence`, `reason`.
        contract: see `list_contract`.
        stamp: where it comes from.
        amounts: own columns in minor units.
        among_equals: the column by which equal gains are ranked, most first.
    """
    order = ("gain_amount", among_equals, "customer_id")
    ranked = rows.sort(order, descending=[True, True, False]).with_row_index("rank", offset=1)
    minor = dict(zip(GAINS, ("gain_amount", "gain_low_amount", "gain_high_amount"), strict=True))
    minor |= {name: name for name in amounts}
    return ranked.with_columns(
        pl.col("rank").cast(pl.Int32),
        *(to_major_units(pl.col(source), stamp.currency).alias(name) for name, source in minor.items()),
        pl.lit(stamp.as_of, pl.Date).alias("as_of"),
        pl.lit(stamp.currency.code).alias("currency"),
        pl.lit(stamp.run_key).alias("run_key"),
    ).select(contract.names)
