"""How well a source's column fits a contract's column: its name and what is in it, together.

Belongs here: the score of one column for one field, and the best pairing of columns and fields. Does not: fields that
no column fits (`gaps.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from data_contracts.contracts import Column, Contract
from warehouse.drafting.names import likeness, words_of
from warehouse.drafting.profile import ColumnFacts, Sample

LEAST_SCORE = 0.4
HELPERS: dict[str, tuple[str, ...]] = {
    "orders": ("@unit_price",),
    "customers": ("@age",),
    "subscriptions": ("@tenure_months", "@gone"),
}
"""By entity what is no column of its contract, but helps to make one."""

_MOMENT_ALONE, _CODE_ALONE, _EMAIL_ALONE = 0.5, 0.6, 0.7
_MOST, _NEARLY_ALL = 0.8, 0.95
_LARGEST_COUNT_OF_DAYS = 20_000
_MOST_LINES = 200  # a number that more rows than these share, on the average, names a channel or a shop, no order
_BESIDE_THE_PRICE = {
    "shipping",
    "freight",
    "postage",
    "delivery",
    "tax",
    "vat",
    "refund",
    "refunded",
    "discount",
    "tip",
}
_WITH_OR_WITHOUT = {"incl", "including", "with", "after", "excl", "excluding", "ex", "net", "before", "without", "less"}
_COUNTED_TIMES = {"day", "days", "date", "time", "hour", "hours", "week", "weeks", "start", "end"}
ENDS = {"churn", "churned", "cancel", "cancelled", "canceled", "cancellation", "end", "ended", "expiry", "expire",
         "expires", "last", "latest", "closed", "deleted", "left", "birth", "dob", "death", "due"}  # fmt: skip
"""Words in names of dates on which something ended or was seen last, or of another kind: no relation begins there."""
_RANGES = {"birth_year": (1890, 2100), "nps": (0, 10), "satisfaction": (0, 10), "severity": (0, 10)}


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A column that may be a field: how sure, 0 to 1, and why in a few words."""

    field: str
    column: str
    score: float
    why: str


def best_fits(contract: Contract, sample: Sample) -> dict[str, Fit]:
    """By field the column that fits best; each column serves one field. The same whatever the order of columns."""
    fits = sorted(_fits(contract, sample), key=lambda fit: (-fit.score, fit.field, fit.column))
    chosen: dict[str, Fit] = {}
    taken: set[str] = set()
    for fit in fits:
        if fit.field not in chosen and fit.column not in taken:
            chosen[fit.field] = fit
            taken.add(fit.column)
    return chosen


def main_moment(contract: Contract) -> str:
    """The date or time that says when a row happened: the first required one, else the first (never `known_at`)."""
    moments = [name for name in contract.columns_of_type("date", "timestamp") if name != "known_at"]
    required = [name for name in moments if contract.columns[name].required]
    return next(iter(required or moments), "")


def is_counted_time(facts: ColumnFacts) -> bool:
    """Whether a column counts days, weeks or hours from some start, instead of naming dates."""
    return (
        not facts.is_dated
        and facts.whole >= _NEARLY_ALL
        and facts.largest < _LARGEST_COUNT_OF_DAYS
        and facts.distinct > 1
        and bool(set(words_of(facts.name)) & _COUNTED_TIMES)
    )


def _fits(contract: Contract, sample: Sample) -> Iterator[Fit]:
    fields = {**contract.columns, **dict.fromkeys(HELPERS.get(contract.entity, ()))}
    dated = [facts for facts in sample.facts.values() if facts.is_dated and not _is_number_only(facts)]
    for facts in sample.facts.values():
        for field, column in fields.items():
            sound = likeness(facts.name, contract.entity, field)
            shape = _shape(contract, field, column, facts)
            score = sound * (0.5 + 0.5 * shape) if shape else 0.0
            why = f"its name, {_described(facts, names=column is not None and column.identifier)}"
            alone = _by_values_alone(contract, field, facts, dated)
            if alone > score:
                score, why = alone, f"no other column has such values: {_described(facts)}"
            if score >= LEAST_SCORE and (field != "known_at" or sound >= _NEARLY_ALL):
                if contract.key == (field,) and facts.unique < _NEARLY_ALL:
                    score, why = (
                        LEAST_SCORE,
                        f"its name, but only {facts.unique:.0%} of the rows would have a key of their own",
                    )
                yield Fit(field=field, column=facts.name, score=score, why=why)


def _by_values_alone(contract: Contract, field: str, facts: ColumnFacts, dated: list[ColumnFacts]) -> float:
    if field == "email" and facts.email >= _MOST:
        return _EMAIL_ALONE
    if contract.entity == "orders" and field == "order_id" and facts.numbered >= _NEARLY_ALL:
        return _CODE_ALONE
    if field == "currency" and facts.currency_code >= _NEARLY_ALL and facts.type == "VARCHAR":
        return _CODE_ALONE
    if field == main_moment(contract) and dated == [facts] and not _says_an_end(contract, facts):
        return _MOMENT_ALONE
    return 0.0


def _says_an_end(contract: Contract, facts: ColumnFacts) -> bool:
    """Whether a date of customers is called one on which something ended or was seen last: no relation begins there."""
    return contract.entity == "customers" and bool(set(words_of(facts.name)) & ENDS)


def _is_number_only(facts: ColumnFacts) -> bool:
    return facts.numeric >= _NEARLY_ALL


def _shape(contract: Contract, field: str, column: Column | None, facts: ColumnFacts) -> float:
    """How well the values suit the field, 0 (they can't be it) to 1."""
    if not facts.filled or not facts.is_scalar:
        return 0.0
    if column is None:
        return facts.numeric if field != "@gone" else facts.truth
    if column.identifier:
        return _shape_of_identifier(contract, field, facts)
    return _SHAPES[column.type](field, facts)


def _shape_of_identifier(contract: Contract, field: str, facts: ColumnFacts) -> float:
    if facts.decimals > 0 or (facts.is_dated and not _is_number_only(facts)) or facts.email >= _MOST:
        return 0.0
    if contract.key == (field,):
        return facts.unique if facts.unique >= _NEARLY_ALL else 0.1 * facts.unique
    if contract.entity == "orders" and field == "order_id" and facts.distinct * _MOST_LINES < facts.rows:
        return 0.0
    return 1.0 if facts.distinct > 1 else 0.3


def _shape_of_moment(field: str, facts: ColumnFacts) -> float:
    del field
    if facts.is_dated:
        return 1.0 if not _is_number_only(facts) else 0.8
    return 0.3 if is_counted_time(facts) else 0.0


def _shape_of_money(field: str, facts: ColumnFacts) -> float:
    if facts.numeric < _NEARLY_ALL or (facts.is_dated and not facts.decimals):
        return 0.0
    words = set(words_of(facts.name))
    if field == "amount" and words & _BESIDE_THE_PRICE and not words & _WITH_OR_WITHOUT:
        return 0.2
    return 1.0 if facts.decimals else 0.7


def _shape_of_number(field: str, facts: ColumnFacts) -> float:
    low, high = _RANGES.get(field, (0.0, float("inf")))
    if facts.numeric < _NEARLY_ALL or not low <= facts.largest <= high:
        return 0.0
    return 1.0 - 0.6 * facts.decimals if field == "quantity" else 1.0


def _shape_of_integer(field: str, facts: ColumnFacts) -> float:
    return 0.0 if facts.whole < _NEARLY_ALL else _shape_of_number(field, facts)


def _shape_of_truth(field: str, facts: ColumnFacts) -> float:
    del field
    return 1.0 if facts.truth >= _NEARLY_ALL else 0.0


def _shape_of_text(field: str, facts: ColumnFacts) -> float:
    special = {"email": facts.email, "phone": facts.phone, "currency": facts.currency_code}
    if field in special:
        return special[field] if special[field] >= _MOST / 2 else 0.0
    if facts.email >= _MOST or (facts.is_dated and not _is_number_only(facts)) or facts.decimals:
        return 0.0
    numbers = facts.numeric >= _MOST
    return 0.0 if numbers and field == "name" else 0.5 if numbers else 1.0  # a length of a name is no name


_SHAPES: dict[str, Callable[[str, ColumnFacts], float]] = {
    "text": _shape_of_text,
    "integer": _shape_of_integer,
    "number": _shape_of_number,
    "money": _shape_of_money,
    "date": _shape_of_moment,
    "timestamp": _shape_of_moment,
    "boolean": _shape_of_truth,
}


def _described(facts: ColumnFacts, *, names: bool = False) -> str:
    """What is in a column; numbers that name something are numbers, though they could be read as times."""
    if facts.is_dated and not (names and _is_number_only(facts)):
        kind = "dates" if not facts.has_time else "times"
    elif facts.numeric >= _NEARLY_ALL:
        kind = "decimal numbers" if facts.decimals else "whole numbers"
    elif facts.email >= _MOST:
        kind = "e-mail addresses"
    else:
        kind = "text"
    empty = f", {1 - facts.filled / facts.rows:.0%} empty" if facts.filled < facts.rows else ""
    return f"{kind}, {facts.distinct:,} different{empty}"
