"""Words for yes and no in the languages of companies' exports.

Belongs here: the words, and what a column's few different values mean together. Does not: the words that every load
reads by itself (`source_columns.py`).
"""

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
