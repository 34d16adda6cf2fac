"""When rows happened, where no single column names a day: years, months and days apart, or months as a whole.

Belongs here: the expressions that make a day of them. Does not: columns of dates (`column_dates.py`), counted days
(`gaps.py`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from warehouse.drafting.column_dates import FORMATS_OF_MONTHS
from warehouse.drafting.fit import ENDS, main_moment
from warehouse.drafting.names import words_of
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.sources.values import plain_identifier as identifier

if TYPE_CHECKING:
    from warehouse.drafting.gaps import Gaps

_DATE_ALONE = 0.5  # the only column of dates may be another one
_HAPPENS = ("orders", "payments", "events")  # rows of a month tell what happened in it
_DATED_BY_PARTS = ("orders", "customers", "payments", "events", "subscriptions")
_NEARLY_ALL = 0.95


def is_of_whole_months(entity: str, facts: ColumnFacts) -> bool:
    """Whether a column of months dates what happened in them, which nobody knew on their first day."""
    written = facts.date_formats[:1]
    return entity in _HAPPENS and facts.type == "VARCHAR" and bool(written) and written[0] in FORMATS_OF_MONTHS


def moment_of_parts(gaps: "Gaps") -> None:
    """A date whose year and month (and day) stand in columns of their own, where nothing names it surely."""
    wanted = main_moment(gaps.contract)
    known = gaps.proposals.get(wanted)
    if wanted == "" or gaps.contract.entity not in _DATED_BY_PARTS or (known and known.confidence > _DATE_ALONE):
        return
    for year, month, day in _date_parts(gaps.sample):
        parts = ", ".join([identifier(year), identifier(month), identifier(day) if day else "1"])
        for pattern in ("%Y-%m-%d", "%Y-%B-%d", "%Y-%b-%d"):
            value = f"try_strptime(concat_ws('-', {parts}), '{pattern}')"
            if gaps.sample.ask(f"coalesce(avg(({value} is not null)::int), 0)") >= _NEARLY_ALL:
                happens = gaps.contract.entity in _HAPPENS and not day
                told = f"{year}, {month}" + (
                    f" and {day}" if day else f": the {'last' if happens else 'first'} day of it"
                )
                gaps.put(wanted, "expressions", end_of_month(value) if happens else value, 0.6 if day else 0.45, told)
                return


def end_of_month(moment: str) -> str:
    """SQL of the last day of a moment's month."""
    return f"last_day({moment})"


def _date_parts(sample: Sample) -> Iterator[tuple[str, str, str]]:
    """Columns of years and months (and days, else empty) whose names are alike beside these words."""
    names = {name: frozenset(words_of(name)) for name in sample.facts}
    for year, words in names.items():
        rest = words - {"year"}
        if "year" not in words or rest & ENDS or not sample.facts[year].filled:
            continue
        months = [name for name, other in names.items() if "month" in other and other - {"month"} == rest]
        days = [name for name, other in names.items() if "day" in other and other - {"day", "of", "month"} == rest]
        if months:
            yield year, months[0], days[0] if days else ""
