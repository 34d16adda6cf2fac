"""How they were served: complaints and enquiries, open tickets, time to settle, recovery, and what surveys say.

A ticket counts once it was opened. Its settlement, with compensation and the customer's judgement of it, counts once
that lies before the snapshot; until then the ticket is open.
"""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, MONEY, SHARE, Family, Feature, ratio
from features.inputs import Aggregate, Input, Table
from features.snapshots import INSTANT, Snapshot

YEAR_DAYS = 365
QUARTER_DAYS = 90
COMPLAINT = "complaint"
RECOVERED_FROM = 4.0  # satisfaction (1 to 5) from which on a settled complaint counts as recovered
GRADE = "grade (1 to 5)"
HUNDREDTHS = 100  # judgements are summed in hundredths, so that the sum is exact in any order
_TICKETS = ("tickets",)
_KIND = ("tickets", "tickets.kind")
_RESOLVED = ("tickets", "tickets.resolved_at")
_JUDGED = ("tickets", "tickets.resolved_at", "tickets.satisfaction")
_HOURS_A_DAY = 24


def _tickets(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Tickets opened before the snapshot, with what is known of each then."""
    instant = pl.lit(snapshot.instant, dtype=INSTANT)
    resolved = (pl.col("resolved_at") < instant).fill_null(value=False)
    hours = (pl.col("resolved_at") - pl.col("opened_at")).dt.total_hours()
    return (
        snapshot.known(frames["tickets"])
        .filter(pl.col("opened_at") < instant)
        .with_columns(
            snapshot.days_since(snapshot.business_date(pl.col("opened_at"))).alias("age_days"),
            (pl.col("kind") == COMPLAINT).fill_null(value=False).alias("complains"),
            resolved.alias("resolved"),
            pl.when(resolved).then(hours).alias("hours_to_resolve"),
            pl.when(resolved).then(pl.col("satisfaction")).alias("judged"),
            pl.when(resolved).then(pl.col("compensation")).alias("compensated"),
        )
    )


def _surveys(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Surveys answered before the snapshot, oldest first; equal times in the order of their answers."""
    return (
        snapshot.known(frames["surveys"])
        .filter(pl.col("answered_at") < pl.lit(snapshot.instant, dtype=INSTANT))
        .sort("customer_id", "answered_at", "satisfaction", "nps")
        .with_columns(snapshot.days_since(snapshot.business_date(pl.col("answered_at"))).alias("age_days"))
    )


TICKETS = Table(name="tickets", entities=("tickets",), rows=_tickets)
SURVEYS = Table(name="surveys", entities=("surveys",), rows=_surveys)


def _of(table: Table, **sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=table.name, expression=expression) for name, expression in sums.items()}


def _hundredths(grade: pl.Expr) -> pl.Expr:
    return (grade * HUNDREDTHS).round().cast(pl.Int64)


_IN_YEAR, _IN_QUARTER = pl.col("age_days") <= YEAR_DAYS, pl.col("age_days") <= QUARTER_DAYS
_COMPLAINS, _SETTLED = pl.col("complains"), pl.col("resolved")
_RECOVERED = _COMPLAINS & (pl.col("judged") >= RECOVERED_FROM)


def _counts() -> list[Feature]:
    listed: list[tuple[str, str, pl.Expr, tuple[str, ...], str]] = [
        ("ticket_count_365_days", "Tickets opened in the last 365 days.", _IN_YEAR, _TICKETS,
         "came to service {ticket_count_365_days} times in the last year"),
        ("complaint_count_90_days", "Complaints of the last 90 days.", _IN_QUARTER & _COMPLAINS, _KIND,
         "complained {complaint_count_90_days} times in the last 90 days"),
        ("complaint_count_365_days", "Complaints of the last 365 days.", _IN_YEAR & _COMPLAINS, _KIND,
         "complained {complaint_count_365_days} times in the last year"),
        ("open_ticket_count", "Tickets that are open.", ~_SETTLED, _RESOLVED, "has {open_ticket_count} open tickets"),
        ("open_complaint_count", "Complaints that are open.", ~_SETTLED & _COMPLAINS, (*_RESOLVED, "tickets.kind"),
         "has {open_complaint_count} open complaints"),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit="complaints" if "complaint" in name else "tickets",
            dtype=pl.Int64,
            needs=needs,
            window_days=YEAR_DAYS if "365" in name else QUARTER_DAYS if "90" in name else None,
            inputs=_of(TICKETS, **{name: rows.sum().cast(pl.Int64)}),
            value=pl.col(name).fill_null(0),
            phrase=phrase,
        )
        for name, meaning, rows, needs, phrase in listed
    ]


def _spans() -> list[Feature]:
    age = pl.col("age_days")
    listed: list[tuple[str, str, pl.Expr, str, tuple[str, ...], str]] = [
        ("days_since_last_complaint", "Days since the last complaint.", age.filter(_COMPLAINS).min(),
         "never complained", _KIND, "complained {days_since_last_complaint} days ago"),
        ("longest_open_ticket_days", "Days for which the oldest open ticket has been open.",
         age.filter(~_SETTLED).max(), "no ticket is open", _RESOLVED,
         "has waited {longest_open_ticket_days} days for an answer"),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=DAYS,
            dtype=pl.Int64,
            null_means=null_means,
            needs=needs,
            inputs=_of(TICKETS, **{name: expression}),
            value=pl.col(name),
            phrase=phrase,
            phrase_when_null=null_means,
        )
        for name, meaning, expression, null_means, needs, phrase in listed
    ]


def _outcomes() -> list[Feature]:
    hours, judged = pl.col("hours_to_resolve"), pl.col("judged")
    time = _of(TICKETS, resolving_hours=hours.filter(_IN_YEAR).sum(), resolved_tickets=hours.filter(_IN_YEAR).count())
    grades = _of(TICKETS, ticket_grades=_hundredths(judged).sum(), judged_tickets=judged.count())
    recovery = _of(
        TICKETS,
        recovered=_RECOVERED.fill_null(value=False).sum().cast(pl.Int64),
        judged_complaints=judged.filter(_COMPLAINS).count(),
    )
    paid = "compensation_amount_365_days"
    return [
        Feature(
            name="mean_days_to_resolve",
            meaning="Mean days from opening to settling of tickets opened in the last 365 days and settled.",
            unit=DAYS,
            null_means="no ticket of the last 365 days is settled",
            needs=_RESOLVED,
            window_days=YEAR_DAYS,
            inputs=time,
            value=ratio(pl.col("resolving_hours"), pl.col("resolved_tickets").cast(pl.Int64) * _HOURS_A_DAY),
            phrase="waited {mean_days_to_resolve} days for answers",
            phrase_when_null="waited for no answer",
        ),
        Feature(
            name="mean_ticket_satisfaction",
            meaning="Mean judgement of how tickets were settled.",
            unit=GRADE,
            null_means="judged no ticket",
            needs=_JUDGED,
            inputs=grades,
            value=ratio(pl.col("ticket_grades"), pl.col("judged_tickets").cast(pl.Int64) * HUNDREDTHS),
            phrase="judged service {mean_ticket_satisfaction} of 5",
            phrase_when_null="has not judged service",
        ),
        Feature(
            name="recovered_complaint_share",
            meaning="Share of judged complaints whose settlement the customer judged 4 or 5.",
            unit=SHARE,
            null_means="judged no complaint",
            needs=(*_JUDGED, "tickets.kind"),
            inputs=recovery,
            value=ratio(pl.col("recovered"), pl.col("judged_complaints").cast(pl.Int64)),
            phrase="was satisfied after {recovered_complaint_share} of complaints",
            phrase_when_null="has judged no complaint",
        ),
        Feature(
            name=paid,
            meaning="Compensation given for tickets opened in the last 365 days.",
            unit=MONEY,
            dtype=pl.Int64,
            needs=("tickets", "tickets.resolved_at", "tickets.compensation"),
            window_days=YEAR_DAYS,
            inputs=_of(TICKETS, **{paid: pl.col("compensated").filter(_IN_YEAR).sum()}),
            value=pl.col(paid).fill_null(0),
            phrase=f"got {{{paid}}} in compensation last year",
        ),
    ]


def _answers() -> list[Feature]:
    grade, nps, age = pl.col("satisfaction"), pl.col("nps"), pl.col("age_days")
    grades = _of(SURVEYS, survey_grades=_hundredths(grade).sum(), graded_surveys=grade.count())
    mean = ratio(pl.col("survey_grades"), pl.col("graded_surveys").cast(pl.Int64) * HUNDREDTHS)
    last = _of(SURVEYS, last_survey_grade=grade.drop_nulls().last())
    listed: list[tuple[str, str, str, dict[str, Input], pl.Expr, str]] = [
        ("last_survey_satisfaction", "Satisfaction in the last survey that asked.", GRADE, last,
         pl.col("last_survey_grade"), "satisfaction"),
        ("mean_survey_satisfaction", "Mean satisfaction over surveys.", GRADE, grades, mean, "satisfaction"),
        ("change_of_survey_satisfaction", "Satisfaction in the last survey minus the mean over surveys.", "grades",
         grades | last, pl.col("last_survey_grade") - mean, "satisfaction"),
        ("last_recommendation_score", "Would recommend us, 0 to 10, in the last survey that asked.", "score (0 to 10)",
         _of(SURVEYS, last_nps=nps.drop_nulls().last()), pl.col("last_nps"), "nps"),
        ("days_since_last_survey", "Days since the customer last answered a survey.", DAYS,
         _of(SURVEYS, days_since_last_survey=age.min()), pl.col("days_since_last_survey"), ""),
    ]  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            null_means="answered no such survey",
            needs=("surveys", f"surveys.{column}") if column else ("surveys",),
            inputs=inputs,
            value=value,
            phrase=f"answered the last survey {'{days_since_last_survey}'} days ago",
            phrase_when_null="answered no survey",
        )
        for name, meaning, unit, inputs, value, column in listed
    ]


FAMILY = Family(
    name="service",
    about="How they were served: complaints, open tickets, time to settle, recovery, surveys.",
    features=(*_counts(), *_spans(), *_outcomes(), *_answers()),
    tables=(TICKETS, SURVEYS),
)
