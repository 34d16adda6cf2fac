"""Who may get what at all: consent, suppression, contacts already made, validity, stock, the control group.

Belongs here: the rules a candidate is blocked by, in words. Does not: choosing among those that are open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

NO_CONSENT = "the customer did not agree to be contacted"
SUPPRESSED = "the customer is on the suppression list"
IN_CONTROL_GROUP = "the customer is in the control group, left alone so that effects can be measured"
OUT_OF_STOCK = "the offer is out of stock"


@dataclass(frozen=True, kw_only=True)
class Blocking:
    """What candidates are held against.

    Attributes:
        may_be_contacted: `customer_id`, `may_be_contacted` (Boolean).
        suppressed: ids of customers never to address.
        control: ids of customers in the control group.
        recent_contacts: `customer_id`, `channel`, `contacts` (sent in the period); those of an unknown channel (null)
            may have been by any, so they count towards each.
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
            (Int64), `not_eligible` (String, for whom the offer is where that is not the customer).
        blocking: see `Blocking`.
        as_of: the business date.

    Returns:
        The same with `blocked` (String): the first rule that blocks it, null where none does; and `held_out` (Boolean):
        nothing but the control group blocks it. Order kept.
    """
    agreed = blocking.may_be_contacted.select("customer_id", "may_be_contacted")
    rows = candidates.join(agreed, on="customer_id", how="left", validate="m:1", maintain_order="left")
    rows = _with_recent(rows, blocking)
    customer = pl.col("customer_id")
    allowed = pl.col("most_contacts")
    reasons = [
        pl.when(pl.col("may_be_contacted").eq_missing(other=False)).then(pl.lit(NO_CONSENT)),
        pl.when(customer.is_in(sorted(set(blocking.suppressed)))).then(pl.lit(SUPPRESSED)),
        pl.when(pl.col("contacts") >= allowed).then(_tired(blocking.period_days)),
        *_validity(rows, as_of),
    ]
    control = customer.is_in(sorted(set(blocking.control)))
    rows = rows.with_columns(pl.coalesce(reasons).alias("blocked"))
    held_out = control & pl.col("blocked").is_null()
    return rows.with_columns(
        pl.when(held_out).then(pl.lit(IN_CONTROL_GROUP)).otherwise("blocked").alias("blocked"),
        held_out.alias("held_out"),
    ).drop("may_be_contacted", "contacts", "unknown", "most_contacts")


def _tired(period_days: int) -> pl.Expr:
    unknown = pl.when(pl.col("unknown") > 0).then(pl.lit(" or an unknown channel")).otherwise(pl.lit(""))
    return pl.format(
        f"the customer had {{}} contacts by {{}}{{}} in the last {period_days} days, at most {{}} are allowed",
        "contacts",
        "channel",
        unknown,
        "most_contacts",
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
    unknown = counted.filter(pl.col("channel").is_null()).select("customer_id", pl.col("contacts").alias("unknown"))
    known = counted.filter(pl.col("channel").is_not_null())
    rows = rows.join(known, on=["customer_id", "channel"], how="left", validate="m:1", maintain_order="left")
    rows = rows.join(unknown, on="customer_id", how="left", validate="m:1", maintain_order="left")
    return rows.join(limits, on="channel", how="left", validate="m:1", maintain_order="left").with_columns(
        pl.col("contacts").fill_null(0) + pl.col("unknown").fill_null(0)
    )


def _validity(rows: pl.DataFrame, as_of: date) -> list[pl.Expr]:
    reasons: list[pl.Expr] = [pl.col("not_eligible")] if "not_eligible" in rows.columns else []
    if "valid_from" in rows.columns:
        reasons.append(
            pl.when(pl.col("valid_from") > as_of).then(
                pl.format("the offer is not valid before {}", pl.col("valid_from"))
            )
        )
    if "valid_to" in rows.columns:
        reasons.append(
            pl.when(pl.col("valid_to") < as_of).then(pl.format("the offer was valid until {}", pl.col("valid_to")))
        )
    if "stock" in rows.columns:
        reasons.append(pl.when(pl.col("stock") <= 0).then(pl.lit(OUT_OF_STOCK)))
    return reasons
