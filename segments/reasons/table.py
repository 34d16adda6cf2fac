"""Every scored customer's strongest reasons, for and against: the table `segments.reasons`.

Belongs here: adding contributions up by feature family, choosing three families each way, saying the strongest feature
of each in words. Does not: contributions (the models), phrases (the feature catalogue), the one main reason
(`reasons`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.money import Currency
from segments.reasons.main import Phrasebook, named_features, phrases_said

KEPT = 3
CHUNK_ROWS = 100_000
LEAST = 0.02  # what a family must add to be a reason: two per cent of the odds, or of the value
DIGITS = 4  # of a contribution; more would differ by how rows were batched
UP, DOWN = "up", "down"
OTHER = "other"
Floats = npt.NDArray[np.float64]
COLUMNS = {
    "customer_id": pl.String,
    "model": pl.String,
    "direction": pl.String,
    "rank": pl.Int32,
    "family": pl.String,
    "feature": pl.String,
    "words": pl.String,
    "contribution": pl.Float64,
}

REASONS = OutputContract(
    table="reasons",
    key=("customer_id", "model", "direction", "rank"),
    columns=(
        OutputColumn("customer_id", pl.String, meaning="The customer."),
        OutputColumn(
            "model",
            pl.String,
            allowed=("churn", "subscription_churn", "value"),
            meaning="What is explained: the risk to leave (churn, subscription_churn), or the expected value.",
        ),
        OutputColumn(
            "direction",
            pl.String,
            allowed=(UP, DOWN),
            meaning="up: makes the risk or the value larger than an average customer's; down: smaller.",
        ),
        OutputColumn("rank", pl.Int32, minimum=1, maximum=KEPT, meaning="1 is the strongest reason of its direction."),
        OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used."),
        OutputColumn("family", pl.String, meaning="The kind of facts the reason is about."),
        OutputColumn("feature", pl.String, meaning="The fact of this kind that does most in this direction."),
        OutputColumn("words", pl.String, meaning="That fact in words, with the customer's own figures."),
        OutputColumn(
            "contribution",
            pl.Float64,
            meaning="What all facts of this kind add together: to the log-odds of leaving, or to the logarithm of the "
            "expected value of 90 days.",
        ),
        OutputColumn("run_key", pl.String, meaning="The run that published this row."),
    ),
    volatile=("run_key",),
    meaning="Why each scored customer's risk and value are what they are: up to three reasons each way.",
    may_be_empty=True,
)


def reason_rows(
    contributions: pl.DataFrame,
    features: pl.DataFrame,
    *,
    model: str,
    phrasebook: Phrasebook,
    families: Mapping[str, str],
    currency: Currency,
) -> pl.DataFrame:
    """The strongest families of features each way, with the words of the strongest feature of each.

    A family's contribution is the sum over all its features, whether they have words or not; a family without anything
    to say in the direction it pushes, and one that adds next to nothing, is passed over.

    Args:
        contributions: `customer_id` (unique) and one Float64 column a feature.
        features: `customer_id` (unique) and the features that phrases name.
        model: what is explained.
        phrasebook: the wording of features.
        families: family by feature.
        currency: of money features.

    Returns:
        `COLUMNS`, sorted by customer, direction and rank.
    """
    parts = [
        _chosen(chunk, features, phrasebook, families, currency) for chunk in contributions.iter_slices(CHUNK_ROWS)
    ]
    rows = pl.concat(parts) if parts else pl.DataFrame(schema=COLUMNS).drop("model")
    named = rows.with_columns(pl.lit(model).alias("model")).select(list(COLUMNS))
    return named.sort("customer_id", "direction", "rank")


def family_sums(contributions: pl.DataFrame, families: Mapping[str, str]) -> tuple[list[str], Floats]:
    """Families in the order of their first feature, and what each adds, shape (rows, families)."""
    names = [name for name in contributions.columns if name != "customer_id"]
    of_each = [families.get(name, OTHER) for name in names]
    kinds = list(dict.fromkeys(of_each))
    matrix = contributions.select(names).to_numpy().astype(np.float64)
    sums = [matrix[:, [place for place, one in enumerate(of_each) if one == kind]].sum(axis=1) for kind in kinds]
    return kinds, np.round(np.stack(sums, axis=1), DIGITS) if sums else np.zeros((contributions.height, 0))


def _chosen(
    chunk: pl.DataFrame,
    features: pl.DataFrame,
    phrasebook: Phrasebook,
    families: Mapping[str, str],
    currency: Currency,
) -> pl.DataFrame:
    kinds, sums = family_sums(chunk, families)
    causes = _causes(chunk, phrasebook)
    found: list[pl.DataFrame] = []
    for direction, sign in ((UP, 1.0), (DOWN, -1.0)):
        strongest, sayable = _strongest(chunk, causes, kinds, families, sign)
        push = np.where(sayable & (sign * sums >= LEAST), sign * sums, -np.inf)
        order = np.argsort(-push, axis=1, kind="stable")
        for rank in range(min(KEPT, len(kinds))):
            place = order[:, rank]
            rows = np.flatnonzero(np.isfinite(push[np.arange(len(push)), place]))
            kind = place[rows]
            found.append(
                pl.DataFrame(
                    {
                        "row": rows,
                        "direction": pl.Series([direction] * len(rows), dtype=pl.String),
                        "rank": pl.Series(np.full(len(rows), rank + 1), dtype=pl.Int32),
                        "family": pl.Series(np.array(kinds, dtype=object)[kind].tolist(), dtype=pl.String),
                        "feature": pl.Series(
                            np.array(list(causes) or [""], dtype=object)[strongest[rows, kind]].tolist(),
                            dtype=pl.String,
                        ),
                        "contribution": sums[rows, kind],
                    }
                )
            )
    chosen = pl.concat(found) if found else pl.DataFrame()
    if chosen.is_empty():
        return pl.DataFrame(schema=COLUMNS).drop("model")
    return _with_words(chosen, chunk, features, phrasebook, currency)


def _causes(chunk: pl.DataFrame, phrasebook: Phrasebook) -> dict[str, list[str]]:
    """Features that are said in the same words and are there, by the first of them that is."""
    there = [[name for name in names if name in chunk.columns] for names in phrasebook.causes().values()]
    return {names[0]: names for names in there if names}


def _strongest(
    chunk: pl.DataFrame, causes: Mapping[str, Sequence[str]], kinds: list[str], families: Mapping[str, str], sign: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """By row and family: the cause that pushes most in a direction (its place), and whether any does."""
    best = np.zeros((chunk.height, len(kinds)), dtype=np.int64)
    sayable = np.zeros((chunk.height, len(kinds)), dtype=bool)
    for place, kind in enumerate(kinds):
        numbered = enumerate(causes.items())
        mine = [(number, names) for number, (first, names) in numbered if families.get(first, OTHER) == kind]
        if not mine:
            continue
        pushes = np.stack([sign * chunk.select(names).to_numpy().sum(axis=1) for _, names in mine], axis=1)
        rounded = np.round(pushes, DIGITS)
        best[:, place] = np.array([number for number, _ in mine])[rounded.argmax(axis=1)]
        sayable[:, place] = rounded.max(axis=1) > 0
    return best, sayable


def _with_words(
    chosen: pl.DataFrame, chunk: pl.DataFrame, features: pl.DataFrame, phrasebook: Phrasebook, currency: Currency
) -> pl.DataFrame:
    named = [name for name in named_features(phrasebook) if name in features.columns]
    figures = chunk.select("customer_id").join(
        features.select("customer_id", *named), on="customer_id", how="left", validate="1:1", maintain_order="left"
    )
    parts = []
    for (feature,), rows in chosen.partition_by("feature", as_dict=True, maintain_order=True).items():
        needed = [name for name in phrasebook.figures_of(str(feature)) if name in figures.columns]
        of_rows = figures.select("customer_id", *needed)[rows["row"]]
        words = phrases_said(of_rows, str(feature), phrasebook, currency)
        plain = str(feature).replace("_", " ")
        parts.append(rows.with_columns(of_rows["customer_id"], words.fill_null(plain).alias("words")))
    return pl.concat(parts).select([name for name in COLUMNS if name != "model"])
