"""Drift in plain words: what an alarm says, and what to do about it.

Belongs here: sentences, and the words that the table knows. Does not: what is an alarm (`findings.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

POPULATION, PREDICTION, DATA_QUALITY, PERFORMANCE = "population", "prediction", "data quality", "performance"
KINDS: Final = (POPULATION, PREDICTION, DATA_QUALITY, PERFORMANCE)
DISTANCE, SINCE_LAST_NIGHT, MEAN = "distribution", "since the last night", "mean"
EMPTY, UNKNOWN_TEXTS, PRICES, ROWS, SET_ASIDE = "empty", "unknown texts", "prices", "rows", "set aside"
PROMISE: Final = "promise"
MEASURES: Final = (DISTANCE, SINCE_LAST_NIGHT, MEAN, EMPTY, UNKNOWN_TEXTS, PRICES, ROWS, SET_ASIDE, PROMISE)
SHOWN: Final = 3

_DO: Final[Mapping[str, str]] = {
    DISTANCE: "See whether the source changed; if the business did, train anew: gristmill train.",
    SINCE_LAST_NIGHT: "See what changed since the last night: the load (gristmill status), the settings, the model.",
    MEAN: "Hold the scores against the next receipts; if the business changed, train anew: gristmill train.",
    EMPTY: "Ask who delivers the source why the column is no longer filled; the scores of tonight rest on it.",
    UNKNOWN_TEXTS: "Map the new texts to the known ones in the source; if they are meant, train anew: gristmill train.",
    PRICES: "Ask whether prices, or the unit of the amounts, were changed; if they were, train anew: gristmill train.",
    ROWS: "Ask who delivers the source whether rows are missing or come twice.",
    SET_ASIDE: "See which rules the rows broke: gristmill quarantine.",
    PROMISE: "Train anew: gristmill train; compare the new version with the champion before it takes over.",
}
_SAYS: Final[Mapping[str, str]] = {
    DISTANCE: "is distributed unlike any time it is held against ({value:.2f} away, {threshold:.2f} may be)",
    SINCE_LAST_NIGHT: "moved since the last night ({value:.2f} away, {threshold:.2f} may be)",
    MEAN: "is {value:.1%} in the mean, {reference:.1%} was promised",
    EMPTY: "is empty in {value:.0%} of the newest rows, usually in {reference:.0%}",
    UNKNOWN_TEXTS: "has texts never seen before in {value:.0%} of the newest rows, usually in {reference:.0%}",
    PRICES: "are {value:.2f} times what the same products cost before",
    ROWS: "has {value:,.0f} rows in the newest days, usually {reference:,.0f}",
    SET_ASIDE: "had {value:.1%} of its rows set aside, usually {reference:.1%}",
    PROMISE: "no longer keeps the promise of its test (ranking {value:.3f}, {reference:.3f} promised)",
}

Row = Mapping[str, object]


def alert_words(group: Sequence[Row], *, of: int) -> str:
    """One sentence on the alarms of one cause, and what to do.

    Args:
        group: their rows, the furthest beyond first.
        of: how many things of the kind were looked at.
    """
    first = group[0]
    since = min(str(row["since"]) for row in group)
    if first["kind"] == POPULATION and len(group) > 1:
        about = (
            f"the customers: {len(group)} of {of} features are distributed unlike any time in training, {_most(group)}"
        )
    else:
        about = str(first["in_words"])
        more = [str(row["what"]) for row in group[1:] if row["what"] != first["what"]]
        if more:
            listed = ", ".join(dict.fromkeys(more[:SHOWN]))
            about += f"; likewise {listed}{' and others' if len(set(more)) > SHOWN else ''}"
    return f"{about}, since {since}. {_DO[str(first['measure'])]}"


def what_to_do(row: Row) -> str:
    """What a row that is not quiet asks for."""
    return _DO[str(row["measure"])]


def told(row: Row) -> str:
    """A row in words."""
    return f"{_called(row)} {_said(row)}"


def _most(group: Sequence[Row]) -> str:
    named = ", ".join(str(row["what"]) for row in group[:SHOWN])
    return f"most of all {named}"


def _called(row: Row) -> str:
    if row["measure"] == PRICES:
        return f"the prices in {row['part_of']}"
    return str(row["what"])


def _said(row: Row) -> str:
    numbers = {name: row[name] if isinstance(row[name], float) else float("nan") for name in _NUMBERS}
    return _SAYS[str(row["measure"])].format(**numbers)


_NUMBERS: Final = ("value", "reference", "threshold")
