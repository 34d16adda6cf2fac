"""Words for yes and no, and for control groups, in the languages of companies' exports.

Belongs here: the words, and what a column's few different values mean together. Does not: the words that every load
reads by itself (`columns.py`).
"""

import re
import unicodedata
from collections.abc import Collection

PLAIN_TRUTH = frozenset({"true", "false", "t", "f", "yes", "no", "y", "n", "0", "1"})
"""What a load reads as yes or no without being told."""

_LANGUAGES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"yes", "true", "y", "t", "on", "1"}), frozenset({"no", "false", "n", "f", "off", "0"})),
    (frozenset({"oui", "vrai", "o"}), frozenset({"non", "faux", "n"})),
    (frozenset({"ja", "wahr", "j"}), frozenset({"nein", "falsch", "n"})),
    (frozenset({"sí", "si", "verdadero", "s"}), frozenset({"no", "falso", "n"})),
    (frozenset({"sì", "si", "vero", "s"}), frozenset({"no", "falso", "n"})),
    (frozenset({"sim", "verdadeiro", "s"}), frozenset({"não", "nao", "falso", "n"})),
    (frozenset({"ja", "waar", "j"}), frozenset({"nee", "onwaar", "n"})),
    (frozenset({"ja", "sant", "sann"}), frozenset({"nej", "nei", "falskt", "usann"})),
    (frozenset({"tak", "prawda", "t"}), frozenset({"nie", "fałsz", "falsz", "n"})),
    (frozenset({"ano", "áno", "a"}), frozenset({"ne", "nie", "n"})),
    (frozenset({"kyllä", "tosi", "k"}), frozenset({"ei", "epätosi", "e"})),
    (frozenset({"igen", "i"}), frozenset({"nem", "n"})),
    (frozenset({"evet", "e"}), frozenset({"hay\u0131r", "hayir", "h"})),
    (frozenset({"да"}), frozenset({"нет"})),
    (frozenset({"\u03bd\u03b1\u03b9"}), frozenset({"\u03cc\u03c7\u03b9", "\u03bf\u03c7\u03b9"})),
)
"""By language the words for yes and for no."""

_LETTER = 1
_CONTROL = frozenset({
    "control", "controls", "ctrl", "holdout", "holdouts", "kontroll", "kontrolle", "kontrollgruppe", "kontrol",
    "kontrolgruppe", "kontrollgrupp", "kontrolna", "kontrolni", "vergleichsgruppe", "temoin", "temoins", "testigo",
    "controllo", "controle", "controlegroep", "контроль", "контрольная",
})  # fmt: skip
"""Words for customers who were left alone so that others can be held against them."""
_AROUND = frozenset({
    "group", "gruppe", "grupo", "groupe", "gruppo", "groep", "grupa", "skupina", "grupp", "группа", "cell", "arm",
    "sample", "universal", "global", "none", "de", "di", "le", "la", "du", "il",
})  # fmt: skip
"""What may stand around such a word."""


def meaning_of_truth(words: Collection[str]) -> tuple[tuple[str, bool], ...]:
    """What each of a column's different values means, where all are words for yes and no of one language.

    Letter case and outer blanks do not matter. Single letters are only understood as a pair: `J` alone may mean
    anything. Empty where the values are something else, or mean the same in no language.
    """
    plain = {word: word.strip().casefold() for word in words}
    meant = set(plain.values())
    for yes, no in _LANGUAGES:
        if meant and meant <= yes | no and _is_clear(meant, yes, no):
            return tuple(sorted((word, spelled in yes) for word, spelled in plain.items()))
    return ()


def _is_clear(meant: set[str], yes: frozenset[str], no: frozenset[str]) -> bool:
    return bool(meant & yes and meant & no) or all(len(word) > _LETTER for word in meant)


def control_words(words: Collection[str]) -> tuple[str, ...]:
    """Those of a column's values that name a control group (`Control`, `hold-out`, `Kontrollgruppe`); sorted.

    `Pest control week` names none: beside the word only letters, digits and words such as `group` may stand.
    """
    return tuple(sorted(word for word in words if _names_control(word)))


def _names_control(value: str) -> bool:
    letters = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value)).casefold()
    plain = "".join(sign for sign in letters if not unicodedata.combining(sign))
    words = set(re.sub(r"\b(hold|held) out", "holdout", re.sub(r"[\W_]+", " ", plain)).split())
    others = words - _CONTROL
    return others != words and all(word in _AROUND or len(word) == _LETTER for word in others)
