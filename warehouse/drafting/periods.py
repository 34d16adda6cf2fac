"""Paid periods as subscriptions: a table with a row for each period that a customer paid for, several to a customer.

Belongs here: how such a table is recognised, and the query that makes one subscription of periods that follow each
other. Does not: what the query's columns are mapped to (`draft.py`).

A renewal may come late, so a subscription that is not renewed ends `GRACE_DAYS` after what was paid for, and not
before: on every day in between nobody could know. One that was cancelled ends with what was paid for. Another plan or
price ends one and begins another, as the contract of subscriptions wants it; the day on which the next begins is the
last of the one before, since nobody knew the day before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from data_contracts.sql import first_row, text
from warehouse.drafting.fit import Fit
from warehouse.drafting.names import likeness, words_of
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.sources.values import plain_identifier as identifier

GRACE_DAYS = 30
_MONTH_DAYS = 30
_SHORTEST_MONTH = 28
_ENDS = {"expire", "expires", "expiry", "expiration", "end", "ends", "ended", "until", "to", "renewal", "ende", "bis"}
_STARTS = {
    "start",
    "starts",
    "started",
    "begin",
    "begins",
    "from",
    "transaction",
    "payment",
    "paid",
    "purchase",
    "date",
}
_LENGTHS = {"plan", "period", "duration", "length", "term", "validity"}
_CANCELS = {"cancel", "cancels", "canceled", "cancelled", "cancellation", "terminated"}
_RENEWS = {"renew", "renewal", "renews", "autorenew"}
_NEARLY_ALL, _MOST, _HALF, _UNIQUE = 0.95, 0.8, 0.5, 0.9995
_LEAST_ROWS, _LEAST_PAIRS = 20, 10
_SOUNDS = 0.4


@dataclass(frozen=True, kw_only=True)
class Periods:
    """Which columns say who paid, from when until when, and what else is known of a period (empty: nothing)."""

    customer: str
    start: str
    end: str
    amount: str
    days: str = ""
    plan: str = ""
    cancelled: str = ""
    renews: str = ""
    subscription: str = ""


def paid_periods(sample: Sample, fits: dict[str, Fit]) -> Periods | None:
    """The columns of paid periods; None where the rows are no such thing.

    They are, where customers come again, each row has a start and a later end, and most customers' next row begins
    about where the last one ends (or the rows last as long as periods do).

    Args:
        sample: the rows.
        fits: by field of the contract of subscriptions the column that fits.
    """
    customer = fits.get("customer_id")
    amount = _amount(sample, fits)
    if customer is None or not amount or sample.rows < _LEAST_ROWS or sample.facts[customer.column].unique >= _UNIQUE:
        return None
    of_rows = fits.get("subscription_id")
    subscription = of_rows.column if of_rows is not None and of_rows.column != customer.column else ""
    if subscription and sample.facts[subscription].unique >= _NEARLY_ALL:
        subscription = ""
    for start, end in _spans(sample):
        found = Periods(
            customer=customer.column,
            start=start.name,
            end=end.name,
            amount=amount,
            days=_named(sample, _LENGTHS, with_word="days", numeric=True),
            plan=fits["plan"].column if "plan" in fits else "",
            cancelled=_named(sample, _CANCELS),
            renews=_named(sample, _RENEWS),
            subscription=subscription,
        )
        if _follow_each_other(sample, found):
            return found
    return None


def _amount(sample: Sample, fits: dict[str, Fit]) -> str:
    """The column of what was paid: the one that fits, else the one number that sounds most like an order's amount."""
    if "amount" in fits:
        return fits["amount"].column
    sounds = {
        name: likeness(name, "orders", "amount")
        for name, facts in sample.facts.items()
        if facts.numeric >= _NEARLY_ALL and not facts.is_dated
    }
    best = max(sounds, key=lambda name: (sounds[name], name), default="")
    return best if best and sounds[best] >= _SOUNDS else ""


def _spans(sample: Sample) -> Iterator[tuple[ColumnFacts, ColumnFacts]]:
    """Pairs of columns of dates that sound like a start and an end; the end is given and nearly always later."""
    dated = [
        facts for facts in sample.facts.values() if facts.date_formats and facts.filled >= _NEARLY_ALL * facts.rows
    ]
    for start, end in permutations(dated, 2):
        begins, ends = set(words_of(start.name)), set(words_of(end.name))
        if not (ends & _ENDS and begins & _STARTS) or begins & _ENDS:
            continue
        later = f"{_day(end)} >= {_day(start)}"
        if sample.ask(f"coalesce(avg(({later})::int), 0)") >= _MOST:
            yield start, end


def _named(sample: Sample, words: set[str], *, with_word: str = "", numeric: bool = False) -> str:
    """The first column with such a word in its name (and another, if given) that holds numbers, or else yes and no."""
    for name, facts in sample.facts.items():
        own = set(words_of(name))
        suits = facts.whole >= _NEARLY_ALL if numeric else facts.truth >= _NEARLY_ALL
        if own & words and (not with_word or with_word in own) and suits and not facts.is_dated:
            return name
    return ""


def _follow_each_other(sample: Sample, periods: Periods) -> bool:
    """Whether most begin about where their customer's one before ends; or last like periods, as of a sample is seen."""
    facts = sample.facts
    key = identifier(periods.subscription or periods.customer)
    start, end = _day(facts[periods.start]), _day(facts[periods.end])
    days = f"try_cast({identifier(periods.days)}::varchar as double)" if periods.days else "null"
    sql = f"""
        select count(gap), coalesce(avg((abs(gap) <= {GRACE_DAYS})::int), 0), avg(regular::int) from (
          select s - lag(e) over (partition by k order by s, e) as gap,
            e > s and (coalesce(abs(e - s - d) <= 1, false) or (e - s) % 7 = 0 and e - s < {_SHORTEST_MONTH}
            or (e - s) between 28 * round((e - s) / 30.4) and 31 * round((e - s) / 30.4)) as regular
          from (select {key} as k, {start} as s, {end} as e, {days} as d from {sample.raw.table}) where s is not null)"""  # noqa: S608, E501  # quoted names
    pairs, adjacent, regular = first_row(sample.connection, sql)
    if pairs >= _LEAST_PAIRS and adjacent >= _HALF:
        return True
    return bool(pairs) and bool(regular >= _MOST) and bool(periods.days or periods.cancelled or periods.renews)


def _day(facts: ColumnFacts) -> str:
    """SQL of a column of dates as dates; null where it can't be read."""
    value, written = identifier(facts.name), facts.date_formats[0]
    if written == "":
        return f"try_cast({value} as date)" if facts.type == "VARCHAR" else f"{value}::date"
    if written.startswith("epoch"):
        unit = 1000 if written == "epoch_milliseconds" else 1
        return f"to_timestamp(try_cast({value} as double) / {unit})::date"
    return f"try_strptime(trim({value}::varchar), {text(written)})::date"


def spells_query(name: str, sample: Sample, periods: Periods) -> str:
    """SQL of one row a subscription, with the names of its contract; rows without a start are kept, one each.

    Args:
        name: the input.
        sample: its rows.
        periods: its columns.
    """
    start, end = _day(sample.facts[periods.start]), _day(sample.facts[periods.end])
    days = f"try_cast({identifier(periods.days)}::varchar as integer)" if periods.days else "null"
    same = "customer_id, contract" if periods.subscription else "customer_id"
    listed = ",\n    ".join(
        [
            f"{identifier(periods.customer)} as customer_id",
            *([f"{identifier(periods.subscription)} as contract"] if periods.subscription else []),
            f"{start} as paid_from",
            f"{end} as told_until",
            f"{_truth(sample, periods.cancelled)} as cancelled",
            f"coalesce(nullif(greatest({days}, 0), 0), greatest(1, {end} - {start}))::integer as days",
            f"try_cast({sample.number(periods.amount)}::varchar as decimal(18, 4)) as price",
        ]
    )
    return f"""with periods as (
  select {listed}, {_plan(sample, periods)} as plan
  from {identifier(name)}
), paid as (
  select *, case when told_until >= paid_from then told_until when cancelled then paid_from else paid_from + days end as until,
    row_number() over (partition by {same} order by paid_from, cancelled desc, told_until, days, price, plan) as number
  from periods
), told as (
  select *, coalesce(sum(cancelled::int) over (partition by {same} order by number rows between unbounded preceding and 1 preceding), 0) as cancellations
  from paid
), covered as (
  select *, case when cancelled then until else max(until) over (partition by {same}, cancellations order by number) end as covered_until
  from told
), compared as (
  select *, lag(covered_until) over before + case when lag(cancelled) over before then 1 else {GRACE_DAYS} end as renewed_by,
    lag(plan) over before is distinct from plan or lag(price) over before is distinct from price as changed
  from covered window before as (partition by {same} order by number)
), counted as (
  select *, sum((not coalesce(cancelled and number > 1 or paid_from <= renewed_by and not changed, false))::int)
    over (partition by {same} order by number) as spell
  from compared
), spells as (
  select {same}, spell, min(paid_from) as started_on, arg_max(covered_until, number) as covered_until,
    arg_max(cancelled, number) as cancelled, arg_min(plan, number) as plan, arg_min(price, number) as price, arg_min(days, number) as days
  from counted group by all
), ended as (
  select *, covered_until + case when cancelled then 0 else {GRACE_DAYS} end as ends_on,
    least(lead(started_on) over (partition by {same} order by spell),
      case when cancelled or ends_on <= (select max(paid_from) from periods) then ends_on end) as ended_on
  from spells
)
select concat_ws('-', {same}, started_on, spell) as subscription_id, customer_id, plan, started_on,
  case when ended_on is not null then greatest(started_on, ended_on) end as ended_on,
  case when days < {_SHORTEST_MONTH} then price * {_MONTH_DAYS} / days else price end as amount,
  greatest(1, round(days / 30.4))::integer as billing_period_months
from ended"""  # noqa: S608, E501  # quoted names; a query that people read


def payments_query(name: str, sample: Sample, periods: Periods) -> str:
    """SQL of one row a payment, with the names of their contract: each period but what was cancelled, paid at once.

    They tell how long ago somebody paid, which the subscriptions do not: who is late has most likely left.

    Args:
        name: the input.
        sample: its rows.
        periods: its columns.
    """
    start, customer = _day(sample.facts[periods.start]), identifier(periods.customer)
    price = f"try_cast({sample.number(periods.amount)}::varchar as decimal(18, 4))"
    return f"""select concat_ws('-', {customer}, {start}, row_number() over (partition by {customer}, {start} order by {price})) as invoice_id,
  {customer} as customer_id, {start} as issued_on, {start} as paid_on, {price} as amount
from {identifier(name)}
where not {_truth(sample, periods.cancelled)}"""  # noqa: S608, E501  # quoted names; a query that people read


def _truth(sample: Sample, column: str) -> str:
    if not column:
        return "false"
    own = (word.lower() for word, meant in sample.facts[column].truth_words if meant)
    yes = sorted({"yes", "y", "true", "t", "1", *own})
    return f"coalesce(lower(trim({identifier(column)}::varchar)) in ({', '.join(map(text, yes))}), false)"


def _plan(sample: Sample, periods: Periods) -> str:
    """SQL of a plan's name: its column, else how long a period is; and whether it renews itself."""
    if periods.plan:
        parts = [f"{identifier(periods.plan)}::varchar"]
    else:
        parts = [f"{identifier(periods.days)}::varchar || ' days'"] if periods.days else []
    if periods.renews:
        parts.append(f"case when {_truth(sample, periods.renews)} then 'renews itself' else 'renewed by hand' end")
    return f"concat_ws(', ', {', '.join(parts)})" if parts else "null::varchar"


def told_of_spells(periods: Periods) -> str:
    """What whoever takes the proposal over should know."""
    ends = f"; {periods.cancelled} ends it with what was paid for" if periods.cancelled else ""
    return (
        f"each row is a period paid for, from {periods.start} until {periods.end}: those of a customer that follow "
        f"each other within {GRACE_DAYS} days at one plan and price are one subscription, which ends {GRACE_DAYS} days "
        f"after the last one if it is not renewed by then{ends}; are {GRACE_DAYS} days right?"
    )
