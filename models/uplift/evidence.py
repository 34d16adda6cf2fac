"""Whether a table can show what the treatment caused: were the groups drawn by lot, and which columns came after.

Belongs here: balance tests of columns between the arms, columns bound to the outcome, the word `evidence`. Does not:
effects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from models.learners.encoding import Floats
from models.prepared_table.columns import MISSING_TEXT, NOTHING
from models.uplift.clusters import Ints

RANDOMISED: Final = "randomised"
RESPONSE: Final = "response"
SURE = 1e-4  # of a difference between the arms, over all columns together
NOTICEABLE = 0.01  # Cramér's V
MOST_LEVELS = 20
QUANTILES = (0.2, 0.4, 0.6, 0.8)
BOUND = 0.99
NO_WORDS = ("no", "n", "false", "f", "0", "nein", "non", "not shown", "unopened")
LEAST_ROWS_BOUND = 20


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the table can show.

    Attributes:
        kind: `randomised`, or `response`: who was treated differs beforehand, so that no effect can be claimed.
        words: why, for people.
        differing: columns in which the arms differ, with how.
    """

    kind: str
    words: str
    differing: dict[str, str]


def judge_evidence(table: pl.DataFrame, arm: Ints, *, arms: Sequence[str], propensity_logged: bool) -> Evidence:
    """Hold the arms against each other, column by column (chi-squared, Bonferroni over the columns).

    The test takes rows for independent: hand in one a customer (`Trial.first_rows`).

    Args:
        table: typed columns, known before the treatment.
        arm: shape (rows,).
        arms: their names.
        propensity_logged: the probabilities of the draw are known row by row: then the arms may differ.
    """
    if propensity_logged:
        words = "the probability of each draw was logged: what the arms' differences beforehand explain is taken out"
        return Evidence(kind=RANDOMISED, words=words, differing={})
    differing = {}
    for name in table.columns:
        strength, chance = _difference(table[name], arm, len(arms))
        if chance < SURE / max(table.width, 1) and strength > NOTICEABLE:
            differing[name] = f"differs between the arms (Cramér's V {strength:.3f})"
    if differing:
        words = (
            f"the arms differed before the treatment in {', '.join(differing)}: nobody drew lots, so no effect "
            "can be claimed; what is learnt is who responds (a column that the treatment changed: --drop it)"
        )
        return Evidence(kind=RESPONSE, words=words, differing=differing)
    words = "the arms look drawn by lot: no column known beforehand differs between them"
    return Evidence(kind=RANDOMISED, words=words, differing={})


def only_among_treated(table: pl.DataFrame, arm: Ints) -> dict[str, str]:
    """Columns that say nothing (no, 0, missing) of the whole control group and differ among the treated, with how.

    That is what something the treatment brought about looks like (shown, opened, delivered). Whoever chose whom to
    treat by such a column would leave traces in the others too. A value that says something (all in the north were
    held out) is no such column.

    Args:
        table: typed columns.
        arm: 0 is the control group, shape (rows,).
    """
    control = table.filter(pl.Series(arm == 0))
    found = {}
    for name in table.columns:
        if control[name].n_unique() == 1 and table[name].n_unique() > 1 and _says_nothing(control.item(0, name)):
            told = "missing" if control.item(0, name) is None else control.item(0, name)
            found[name] = f"it is {told} in the whole control group, and differs among the treated only"
    return found


def _says_nothing(value: float | str | None) -> bool:
    return value in {None, 0.0, MISSING_TEXT} or (isinstance(value, str) and value.lower() in {*NOTHING, *NO_WORDS})


def bound_to_outcome(table: pl.DataFrame, happened: Floats) -> dict[str, str]:
    """Columns that must have come after the outcome, with how they give it away.

    A column is bound to the outcome where a value of it (or any but its commonest) almost always goes with an outcome
    that is the exception, or where almost every such outcome has a value that most rows don't have.

    Args:
        table: typed columns.
        happened: 1 where the outcome is not zero, shape (rows,).
    """
    if happened.mean() >= 0.5:  # noqa: PLR2004 half: then having it is no exception
        happened = 1 - happened
    bound: dict[str, str] = {}
    for name in table.columns:
        values = table[name]
        commonest: object = values.drop_nulls().mode().sort().first()
        others = (values != commonest).fill_null(value=True).to_numpy() if commonest is not None else None
        if others is None or not 0 < others.sum() < len(others):
            continue
        of_others, among_happened = happened[others].mean(), others[happened > 0].mean() if happened.any() else 0.0
        if others.sum() >= LEAST_ROWS_BOUND and of_others > BOUND > happened.mean() + 0.1:
            bound[name] = f"{of_others:.0%} of the rows where it is not {commonest} have the outcome"
        elif among_happened > BOUND and others.mean() < 0.6 and happened.sum() >= LEAST_ROWS_BOUND:  # noqa: PLR2004 a clear minority
            bound[name] = (
                f"it is not {commonest} in {among_happened:.0%} of the rows with the outcome, in "
                f"{others.mean():.0%} of all"
            )
    return bound


def _difference(values: pl.Series, arm: Ints, arms: int) -> tuple[float, float]:
    """Cramér's V between a column and the arms, and the chance of so much by lot."""
    from scipy.stats import chi2  # noqa: PLC0415 heavy

    place = _levels(values)
    counts = np.zeros((int(place.max()) + 1, arms))
    np.add.at(counts, (place, arm), 1.0)
    counts = counts[counts.sum(axis=1) >= 5 * arms]  # the test's own condition
    counts = counts[:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:  # noqa: PLR2004 nothing to compare
        return 0.0, 1.0
    total = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / total
    statistic = float(((counts - expected) ** 2 / expected).sum())
    smaller = min(counts.shape) - 1
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return float(np.sqrt(statistic / total / smaller)), float(chi2.sf(statistic, freedom))


def _levels(values: pl.Series) -> Ints:
    if values.dtype == pl.String:
        counts = values.rename("text").value_counts(name="rows").sort("rows", "text", descending=[True, False])
        common = counts["text"].head(MOST_LEVELS).sort().to_list()
        places = {text: place for place, text in enumerate(common)}
        return np.array([places.get(text, len(common)) for text in values.to_list()], dtype=np.int64)
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    there = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(there, QUANTILES)) if len(there) else np.zeros(0)
    if len(np.unique(there)) <= MOST_LEVELS:
        edges = np.unique(there)
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="left"), len(edges) + 1).astype(np.int64)
