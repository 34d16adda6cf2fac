"""Who may get what at all: consent, suppression, contacts already made, validity, stock, the control group.

Belongs here: the rules a candidate is blocked by, in words. Does not: choosing among those that are open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

NO_CONSENT = "did not agree to be contacted"
SUPPRESSED = "is on the suppression list"
IN_CONTROL_GROUP = "is in the control group, left alone so that effects can be measured"
OUT_OF_STOCK = "is out of stock"


@dataclass(frozen=True, kw_only=True)
class Blocking:
    """What candidates are held against.

    Attributes:
        may_be_contacted: `customer_id`, `may_be_contacted` (Boolean).
        suppressed: ids of customers never to address.
        control: ids of customers in the control group.
        recent_contacts: `customer_id`, `channel`, `contacts` (sent in the period).
        most_contacts: by channel, at most so many in the period.
        period_days: the period.
    """

    may_be_contacted: pl.DataFrame
    suppressed: Iterable[str] = ()
    control: Iterable[str] = ()
    recent_contacts: pl.DataFrame | None = None
    most_contacts: dict[str, int] | None = None
    period_days: int = 30


def with_blocks(candidates: pl.DataFrame, blocking: Blocking, *, as_of: date) -> pl.DataFrame:
    """Say of every candidate by which rule it is blocked.

    Args:
        candidates: `customer_id`, `channel`, and, where offers have them, `valid_from`, `valid_to` (Date), `stock`
            (Int64).
        blocking: see `Blocking`.
        as_of: the business date.

    Returns:
        The same with `blocked` (String): the first rule that blocks it, null where none does. Order kept.
    """
    agreed = blocking.may_be_contacted.select("customer_id", "may_be_contacted")
    rows = candidates.join(agreed, on="customer_id", how="left", validate="m:1", maintain_order="left")
    rows = _with_recent(rows, blocking)
    customer = pl.col("customer_id")
    allowed = pl.col("most_contacts")
    reasons = [
        pl.when(pl.col("may_be_contacted").eq_missing(other=False)).then(pl.lit(NO_CONSENT)),
        pl.when(customer.is_in(sorted(set(blocking.suppressed)))).then(pl.lit(SUPPRESSED)),
        pl.when(customer.is_in(sorted(set(blocking.control)))).then(pl.lit(IN_CONTROL_GROUP)),
        pl.when(pl.col("contacts") >= allowed).then(
            pl.format(
                f"had {{}} contacts by {{}} in the last {blocking.period_days} days, at most {{}} are allowed",
                "contacts",
                "channel",
                allowed,
            )
        ),
        *_validity(rows, as_of),
    ]
    return rows.with_columns(pl.coalesce(reasons).alias("blocked")).drop(
        "may_be_contacted", "contacts", "most_contacts"
    )


def _with_recent(rows: pl.DataFrame, blocking: Blocking) -> pl.DataFrame:
    most = blocking.most_contacts or {}
    limits = pl.DataFrame(
        {"channel": list(most), "most_contacts": list(most.values())},
        schema={"channel": pl.String, "most_contacts": pl.Int64},
    )
    recent = blocking.recent_contacts
    if recent is None:
        recent = pl.DataFrame(schema={"customer_id": pl.String, "channel": pl.String, "contacts": pl.Int64})
    counted = recent.select("customer_id", "channel", pl.col("contacts").cast(pl.Int64))
    rows = rows.join(counted, on=["customer_id", "channel"], how="left", validate="m:1", maintain_order="left")
    return rows.join(limits, on="channel", how="left", validate="m:1", maintain_order="left")


def _validity(rows: pl.DataFrame, as_of: date) -> list[pl.Expr]:
    reasons: list[pl.Expr] = []
    if "valid_from" in rows.columns:
        reasons.append(
            pl.when(pl.col("valid_from") > as_of).then(pl.format("is not valid before {}", pl.col("valid_from")))
        )
    if "valid_to" in rows.columns:
        reasons.append(pl.when(pl.col("valid_to") < as_of).then(pl.format("was valid until {}", pl.col("valid_to"))))
    if "stock" in rows.columns:
        reasons.append(pl.when(pl.col("stock") <= 0).then(pl.lit(OUT_OF_STOCK)))
    return reasons
