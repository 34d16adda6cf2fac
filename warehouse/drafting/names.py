"""How much a source column's name sounds like a contract's column.

Belongs here: words out of names, the vocabulary of `source_synonyms.toml`, their likeness. Does not: what is in the
column (`profile.py`).
"""

import re
import tomllib
import unicodedata
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_LEAST_LIKENESS = 0.84
_LATER = 0.0005  # the more usual of two names wins
_SAME_WORDS, _WITHIN, _ALIKE = 0.97, 0.8, 0.75
_WITHOUT_TABLE = 0.95  # `customer_state` is the `state` of a table of customers
_WITHOUT_UNIT = 0.97  # `total_cents` is the `total`, in cents
MINOR_UNIT_WORDS = frozenset({"cents", "cent", "pence", "minor", "pennies", "ore"})
"""Words of names that say that amounts are counted in the currency's smallest unit."""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, in lower-case ASCII: `CustomerID` and `customer_id` are both ("customer", "id")."""
    plain = unicodedata.normalize("NFKD", name.translate(_GERMAN)).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in _WORD.findall(plain))


def singular_words(name: str) -> frozenset[str]:
    """The words of a name, each in the singular: of `Orders` and `order` the same."""
    return frozenset(map(_singular, words_of(name)))


@cache
def synonyms(entity: str, field: str) -> tuple[tuple[str, ...], ...]:
    """What companies call a field of a table, as words; the field's own name first."""
    vocabulary = _vocabulary()
    of_table: list[str] = vocabulary["tables"].get(entity, {}).get(field, [])
    general: list[str] = vocabulary["fields"].get(field, [])
    return tuple(dict.fromkeys(words_of(name) for name in (field, *of_table, *general)))


@cache
def table_words(entity: str) -> frozenset[str]:
    """Words that files and tables with such rows have in their names."""
    named: list[str] = _vocabulary()["tables"].get(entity, {}).get("words", [])
    return frozenset(word for name in named for word in words_of(name))


@cache
def likeness(name: str, entity: str, field: str) -> float:
    """From 0 (nothing in common) to 1 (the very name, or a usual one): how much a column sounds like a field."""
    words, known = words_of(name), synonyms(entity, field)
    spelled = [(1.0, words)]
    if len(words) > 1 and _singular(words[0]) in table_words(entity):
        spelled.append((_WITHOUT_TABLE, words[1:]))
    if len(words) > 1 and words[-1] in MINOR_UNIT_WORDS:
        spelled.append((_WITHOUT_UNIT, words[:-1]))
    return max(
        (
            sure * _likeness(each, synonym) - _LATER * place
            for sure, each in spelled
            for place, synonym in enumerate(known)
        ),
        default=0.0,
    )


def _likeness(words: tuple[str, ...], synonym: tuple[str, ...]) -> float:
    if not words or not synonym:
        return 0.0
    if "".join(words) == "".join(synonym):
        return 1.0
    own, other = set(map(_singular, words)), set(map(_singular, synonym))
    if own == other:
        return _SAME_WORDS
    ratio = _spelled_alike("".join(words), "".join(synonym))
    within = _WITHIN * len(own & other) / len(own | other) if own & other and (own <= other or other <= own) else 0.0
    return max(within, _ALIKE * ratio if ratio >= _LEAST_LIKENESS else 0.0)


def _spelled_alike(word: str, other: str) -> float:
    """Share of letters that two words have in common, in order; 0 where lengths or letters tell it is too small."""
    if 2 * min(len(word), len(other)) < _LEAST_LIKENESS * (len(word) + len(other)):
        return 0.0
    compared = SequenceMatcher(None, word, other, autojunk=False)
    return compared.ratio() if compared.quick_ratio() >= _LEAST_LIKENESS else 0.0


@cache
def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):  # noqa: PLR2004  # "ties" stays
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004  # "gas" stays


@cache
def _vocabulary() -> dict[str, dict]:  # type: ignore[type-arg]  # two levels of tables, one of them deeper
    return tomllib.loads((Path(__file__).parent / "source_synonyms.toml").read_text(encoding="utf-8"))
