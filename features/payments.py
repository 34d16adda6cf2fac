"""Whether they pay: open and overdue invoices, days late, trend, disputes.

An invoice counts from the day after its issue on. A payment counts once it lies before the snapshot; until then the
invoice is open. An open invoice is overdue once its due day lies before the snapshot. Credit notes (negative amounts)
count in what is open, and nowhere else.
"""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, MONEY, SHARE, Family, Feature, ratio
from features.inputs import Aggregate, Input, Table
from features.snapshots import Snapshot

YEAR_DAYS = 365
HALF_YEAR_DAYS = 180
_NEEDS = ("payments",)
_PAID = ("payments", "payments.paid_on")
_LATE = ("payments", "payments.due_on", "payments.paid_on")
NOTHING_PAID = "no invoice with a due day paid in the last 365 days"


def _rows(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Invoices issued before the snapshot, with what is known of each then."""
    paid_on = snapshot.past(pl.col("paid_on"))
    return (
        snapshot.known(frames["payments"])
        .filter(pl.col("issued_on") < snapshot.day)
        .with_columns(
            snapshot.days_since(pl.col("issued_on")).alias("age_days"),
            snapshot.days_since(paid_on).alias("paid_age_days"),
            (paid_on - pl.col("issued_on")).dt.total_days().alias("days_to_pay"),
            (paid_on - pl.col("due_on")).dt.total_days().alias("days_late"),
            paid_on.is_null().alias("open"),
            (pl.col("amount") > 0).alias("asks"),
        )
        .with_columns(
            pl.when(pl.col("open") & pl.col("asks")).then(snapshot.days_since(snapshot.past(pl.col("due_on"))))
            .alias("overdue_days")
        )
    )  # fmt: skip


TABLE = Table(name="payments", entities=("payments",), rows=_rows)


def _of(**sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=TABLE.name, expression=expression) for name, expression in sums.items()}


_IN_YEAR = (pl.col("age_days") <= YEAR_DAYS) & pl.col("asks")
_PAID_IN_YEAR = (pl.col("paid_age_days") <= YEAR_DAYS) & pl.col("asks")
_PAID_LATELY = (pl.col("paid_age_days") <= HALF_YEAR_DAYS) & pl.col("asks")
_DAYS_LATE = pl.col("days_late")
_OVERDUE = pl.col("overdue_days").is_not_null()


def _now() -> list[Feature]:
    listed: list[tuple[str, str, str, pl.Expr, tuple[str, ...], str]] = [
        ("invoice_count_365_days", "Invoices issued in the last 365 days.", "invoices", _IN_YEAR.sum(), _NEEDS,
         "got {invoice_count_365_days} invoices in the last year"),
        ("open_invoice_amount", "What is invoiced and not yet paid.", MONEY,
         pl.col("amount").filter(pl.col("open")).sum(), _PAID, "owes {open_invoice_amount}"),
        ("overdue_invoice_count", "Invoices that are overdue now.", "invoices", _OVERDUE.sum(), _LATE,
         "has {overdue_invoice_count} overdue invoices"),
        ("overdue_amount", "What is overdue now.", MONEY, pl.col("amount").filter(_OVERDUE).sum(), _LATE,
         "is overdue with {overdue_amount}"),
        ("disputed_invoice_count_365_days", "Disputed invoices of the last 365 days.", "invoices",
         (_IN_YEAR & pl.col("disputed")).sum(), ("payments", "payments.disputed"),
         "disputed {disputed_invoice_count_365_days} invoices in the last year"),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            dtype=pl.Int64,
            needs=needs,
            window_days=YEAR_DAYS if name.endswith("365_days") else None,
            inputs=_of(**{name: expression.cast(pl.Int64)}),
            value=pl.col(name).fill_null(0),
            phrase=phrase,
        )
        for name, meaning, unit, expression, needs, phrase in listed
    ]


def _spans() -> list[Feature]:
    longest, last = "longest_overdue_days", "days_since_last_payment"
    return [
        Feature(
            name=longest,
            meaning="Days for which the oldest overdue invoice has been overdue.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="nothing is overdue",
            needs=_LATE,
            inputs=_of(**{longest: pl.col("overdue_days").max()}),
            value=pl.col(longest),
            phrase=f"has been overdue for {{{longest}}} days",
            phrase_when_null="nothing is overdue",
        ),
        Feature(
            name=last,
            meaning="Days since an invoice was last paid.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="never paid an invoice",
            needs=_PAID,
            inputs=_of(**{last: pl.col("paid_age_days").filter(pl.col("asks")).min()}),
            value=pl.col(last),
            phrase=f"last paid {{{last}}} days ago",
            phrase_when_null="has paid no invoice yet",
        ),
    ]


def _habits() -> list[Feature]:
    late = _of(
        late_days_365=_DAYS_LATE.filter(_PAID_IN_YEAR).sum(),
        dated_365=_DAYS_LATE.filter(_PAID_IN_YEAR).count().cast(pl.Int64),
    )
    lately = _of(
        late_days_180=_DAYS_LATE.filter(_PAID_LATELY).sum(),
        dated_180=_DAYS_LATE.filter(_PAID_LATELY).count().cast(pl.Int64),
    )
    slow = _of(
        days_to_pay_365=pl.col("days_to_pay").filter(_PAID_IN_YEAR).sum(),
        paid_365=_PAID_IN_YEAR.fill_null(value=False).sum().cast(pl.Int64),
    )
    paid_late = _of(paid_late_365=(_PAID_IN_YEAR & (_DAYS_LATE > 0)).sum().cast(pl.Int64))
    recent = ratio(pl.col("late_days_180"), pl.col("dated_180"))
    before = ratio(pl.col("late_days_365") - pl.col("late_days_180"), pl.col("dated_365") - pl.col("dated_180"))
    listed: list[tuple[str, str, str, str, dict[str, Input], pl.Expr]] = [
        ("mean_days_late", "Mean days from due to paid of invoices paid in the last 365 days; below 0 is early.", DAYS,
         NOTHING_PAID, late, ratio(pl.col("late_days_365"), pl.col("dated_365"))),
        ("change_of_days_late", "Mean days late of invoices paid in the last 180 days minus that of the 185 before.",
         DAYS, "no invoice with a due day paid in one of the two", late | lately, recent - before),
        ("paid_late_share", "Share of invoices paid in the last 365 days that were paid after their due day.", SHARE,
         NOTHING_PAID, late | paid_late, ratio(pl.col("paid_late_365"), pl.col("dated_365"))),
        ("mean_days_to_pay", "Mean days from issue to payment of invoices paid in the last 365 days.", DAYS,
         "no invoice paid in the last 365 days", slow, ratio(pl.col("days_to_pay_365"), pl.col("paid_365"))),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            null_means=null_means,
            needs=_PAID if name == "mean_days_to_pay" else _LATE,
            window_days=YEAR_DAYS,
            inputs=inputs,
            value=value,
            phrase=f"pays {{{'mean_days_to_pay' if name == 'mean_days_to_pay' else 'mean_days_late'}}} days after "
            f"{'the invoice' if name == 'mean_days_to_pay' else 'the due day'}",
            phrase_when_null="has paid no invoice lately",
        )
        for name, meaning, unit, null_means, inputs, value in listed
    ]


FAMILY = Family(
    name="payments",
    about="Whether and how they pay: open and overdue invoices, days late, disputes.",
    features=(*_now(), *_spans(), *_habits()),
    tables=(TABLE,),
)
