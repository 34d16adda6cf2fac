"""The currency that a source's columns tell without a column of its own: by their names, or by signs at their values.

Belongs here: which words and signs mean which currency. Does not: what is proposed where they don't (`gaps.py`).
"""

from collections.abc import Iterable, Mapping

from warehouse.drafting.names import words_of
from warehouse.drafting.profile import ColumnFacts
from warehouse.sources.numbers import CURRENCY_SIGNS

_CURRENCY_WORDS = {
    "dollar": "USD", "dollars": "USD", "usd": "USD", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "sterling": "GBP",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "yen": "JPY", "jpy": "JPY", "chf": "CHF", "pln": "PLN",
}  # fmt: skip
_WEIGHT_WORDS = {"weight", "mass", "lb", "lbs", "load"}  # pounds are no money beside them
_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS")


def said_currency(facts: Mapping[str, ColumnFacts], *, company: str | None) -> tuple[str, float, str] | None:
    """The currency's code, how sure that is (0 to 1), and why; None where nothing tells it.

    Args:
        facts: of the source's columns, by name.
        company: the company's currency, where it is known: a dollar is its own.
    """
    named = _named_currencies(facts)
    if named:
        code, name = next(iter(named.items()))
        others = "".join(f", but that of {other} says {another}" for another, other in list(named.items())[1:])
        return code, 0.4 if others else 0.8, f"the name of {name}{others}"
    for name, column in facts.items():
        if column.sign == "$" and company in _DOLLARS:
            return str(company), 0.7, f"the sign $ of {name}, and [company]"
        if column.sign in ("¥", "￥") and company == "CNY":
            return company, 0.7, f"the sign {column.sign} of {name}, and [company]"
        if column.sign:
            return CURRENCY_SIGNS[column.sign], 0.8 if column.sign != "$" else 0.6, f"the sign {column.sign} of {name}"
    return None


def _named_currencies(names: Iterable[str]) -> dict[str, str]:
    """By currency the first column whose name says it."""
    named: dict[str, str] = {}
    for name in names:
        words = set(words_of(name))
        for word in sorted(words & _CURRENCY_WORDS.keys()):
            if not (word in {"pound", "pounds"} and words & _WEIGHT_WORDS):
                named.setdefault(_CURRENCY_WORDS[word], name)
    return named
