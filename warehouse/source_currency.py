"""The currency that a source's columns tell without a column of its own: by their names, or by signs at their values.

Belongs here: which words and signs mean which currency. Does not: what is proposed where they don't (`source_gaps.py`).
"""

from collections.abc import Mapping

from warehouse.source_names import words_of
from warehouse.source_numbers import CURRENCY_SIGNS
from warehouse.source_profile import ColumnFacts

_CURRENCY_WORDS = {
    "dollar": "USD", "dollars": "USD", "usd": "USD", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "sterling": "GBP",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "yen": "JPY", "jpy": "JPY", "chf": "CHF", "pln": "PLN",
}  # fmt: skip
_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS")


def said_currency(facts: Mapping[str, ColumnFacts], *, company: str | None) -> tuple[str, float, str] | None:
    """The currency's code, how sure that is (0 to 1), and why; None where nothing tells it.

    Args:
        facts: of the source's columns, by name.
        company: the company's currency, where it is known: a dollar is its own.
    """
    for name in facts:
        for word in words_of(name):
            if word in _CURRENCY_WORDS:
                return _CURRENCY_WORDS[word], 0.8, f"the name of {name}"
    for name, column in facts.items():
        if column.sign == "$" and company in _DOLLARS:
            return str(company), 0.7, f"the sign $ of {name}, and [company]"
        if column.sign:
            return CURRENCY_SIGNS[column.sign], 0.8 if column.sign != "$" else 0.6, f"the sign {column.sign} of {name}"
    return None
