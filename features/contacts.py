"""How they answer when we address them: contacts, what was opened, clicked, answered, fatigue, by kind of offer.

A contact counts once it was sent; customers held out on purpose were not addressed. Opening, clicking and responding
count once they lie before the snapshot. Rates are of contacts sent in the window, whenever (before the snapshot) they
were answered.
"""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, MONEY, SHARE, Family, Feature, balance, ratio
from features.inputs import Aggregate, Input, Table
from features.snapshots import INSTANT, Snapshot

YEAR_DAYS = 365
QUARTER_DAYS = 90
WINDOWS_DAYS = (30, 90, 365)
ANSWERS = {"opened": "opened_at", "clicked": "clicked_at", "responded": "responded_at"}
_NEEDS = ("contacts",)


def _rows(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Contacts sent before the snapshot, with what is known of each then."""
    instant = pl.lit(snapshot.instant, dtype=INSTANT)
    answered = [(pl.col(moment) < instant).fill_null(value=False).alias(what) for what, moment in ANSWERS.items()]
    responded_at = pl.when(pl.col("responded_at") < instant).then(pl.col("responded_at"))
    last_response = responded_at.max().over("customer_id")
    return (
        snapshot.known(frames["contacts"])
        .filter((pl.col("sent_at") < instant) & pl.col("held_out").ne_missing(other=True))
        .with_columns(
            snapshot.days_since(snapshot.business_date(pl.col("sent_at"))).alias("age_days"),
            snapshot.days_since(snapshot.business_date(responded_at)).alias("response_age_days"),
            (last_response.is_null() | (pl.col("sent_at") > last_response)).alias("since_response"),
            *answered,
        )
    )


def _with_offers(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """The same with the offer each contact made, where that was known: `with_discount` (null without a known offer)."""
    gives = (pl.col("discount").fill_null(0) > 0) | (pl.col("discount_share").fill_null(0) > 0)
    offers = snapshot.known(frames["offers"]).select("offer_id", gives.alias("with_discount"))
    return _rows(frames, snapshot).join(offers, on="offer_id", how="left", validate="m:1")


TABLE = Table(name="contacts", entities=("contacts",), rows=_rows)
OFFERS_TABLE = Table(name="contacts_with_offers", entities=("contacts", "offers"), rows=_with_offers)


def _of(**sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=TABLE.name, expression=expression) for name, expression in sums.items()}


def _sent(days: int) -> dict[str, Input]:
    return _of(**{f"sent_{days}": (pl.col("age_days") <= days).sum().cast(pl.Int64)})


def _answered(what: str, days: int) -> dict[str, Input]:
    counts = (pl.col("age_days") <= days) & pl.col(what)
    return _of(**{f"{what}_{days}": counts.sum().cast(pl.Int64)})


def _counts() -> list[Feature]:
    made = [
        Feature(
            name=f"contact_count_{days}_days",
            meaning=f"Times the customer was addressed in the last {days} days.",
            unit="contacts",
            dtype=pl.Int64,
            needs=_NEEDS,
            window_days=days,
            inputs=_sent(days),
            value=pl.col(f"sent_{days}").fill_null(0),
            phrase=f"was addressed {{contact_count_{days}_days}} times in the last {days} days",
        )
        for days in WINDOWS_DAYS
    ]
    fatigue, cost = "contacts_since_last_response", "contact_cost_amount_365_days"
    return [
        *made,
        Feature(
            name=fatigue,
            meaning="Contacts sent after the customer's last response; all of them where there was none.",
            unit="contacts",
            dtype=pl.Int64,
            needs=("contacts", "contacts.responded_at"),
            inputs=_of(**{fatigue: pl.col("since_response").sum().cast(pl.Int64)}),
            value=pl.col(fatigue).fill_null(0),
            phrase=f"was addressed {{{fatigue}}} times without an answer",
        ),
        Feature(
            name=cost,
            meaning="What contacts of the last 365 days cost.",
            unit=MONEY,
            dtype=pl.Int64,
            needs=("contacts", "contacts.cost"),
            window_days=YEAR_DAYS,
            inputs=_of(**{cost: pl.col("cost").filter(pl.col("age_days") <= YEAR_DAYS).sum()}),
            value=pl.col(cost).fill_null(0),
            phrase=f"cost {{{cost}}} in contacts last year",
        ),
    ]


def _rates() -> list[Feature]:
    said = "was addressed {contact_count_365_days} times in the last 365 days"
    words = {"opened": "opened", "clicked": "clicked", "responded": "answered"}
    return [
        Feature(
            name=f"{what}_contact_share_{days}_days",
            meaning=f"Share of contacts of the last {days} days that were {words[what]}.",
            unit=SHARE,
            null_means=f"not addressed in the last {days} days",
            needs=("contacts", f"contacts.{moment}"),
            window_days=days,
            inputs=_sent(days) | _answered(what, days),
            value=ratio(pl.col(f"{what}_{days}"), pl.col(f"sent_{days}")),
            phrase=f"{{{what}_contact_share_{days}_days}} of contacts were {words[what]}",
            phrase_when_null=said,
        )
        for what, moment in ANSWERS.items()
        for days in (QUARTER_DAYS, YEAR_DAYS)
    ]


def _spans() -> list[Feature]:
    listed = (
        ("days_since_last_contact", "Days since the customer was last addressed.", "never addressed", "age_days",
         _NEEDS, "was last addressed"),
        ("days_since_last_response", "Days since the customer last answered a contact.", "never answered",
         "response_age_days", ("contacts", "contacts.responded_at"), "last answered"),
    )  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=DAYS,
            dtype=pl.Int64,
            null_means=null_means,
            needs=needs,
            inputs=_of(**{name: pl.col(column).min()}),
            value=pl.col(name),
            phrase=f"{said} {{{name}}} days ago",
            phrase_when_null=null_means,
        )
        for name, meaning, null_means, column, needs, said in listed
    ]


def _pressure() -> Feature:
    sent = _sent(QUARTER_DAYS) | _of(sent_180=(pl.col("age_days") <= 2 * QUARTER_DAYS).sum().cast(pl.Int64))
    recent = pl.col(f"sent_{QUARTER_DAYS}")
    return Feature(
        name="contact_trend_90_days",
        meaning="Trend of contacts: last 90 days (a) against the 90 before (b), as (a - b) / (a + b).",
        unit="balance (-1 to 1)",
        null_means="not addressed in the last 180 days",
        needs=_NEEDS,
        window_days=2 * QUARTER_DAYS,
        inputs=sent,
        value=balance(recent, pl.col("sent_180") - recent),
        phrase="was addressed {contact_count_90_days} times in the last 90 days",
    )


def _by_offer() -> list[Feature]:
    made = []
    for kind, said, which in (
        ("discount", "at a discount", pl.col("with_discount")),
        ("full_price", "without a discount", ~pl.col("with_discount")),
    ):
        name = f"response_share_to_{kind}_offers"
        counted = {
            f"{kind}_offers": which.sum().cast(pl.Int64),
            f"{kind}_offers_answered": (which & pl.col("responded")).sum().cast(pl.Int64),
        }
        made.append(
            Feature(
                name=name,
                meaning=f"Share of contacts with an offer {said} that were answered.",
                unit=SHARE,
                null_means="got no such offer",
                needs=("contacts", "contacts.offer_id", "contacts.responded_at", "offers"),
                inputs={
                    key: Aggregate(table=OFFERS_TABLE.name, expression=expression)
                    for key, expression in counted.items()
                },
                value=ratio(pl.col(f"{kind}_offers_answered"), pl.col(f"{kind}_offers")),
                phrase=f"answers {{{name}}} of offers {said}",
                phrase_when_null="got no such offer",
            )
        )
    return made


FAMILY = Family(
    name="contacts",
    about="How they answer when addressed: contacts, opened, clicked, answered, fatigue, by kind of offer.",
    features=(*_counts(), *_rates(), *_spans(), _pressure(), *_by_offer()),
    tables=(TABLE, OFFERS_TABLE),
)
