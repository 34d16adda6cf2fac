"""Why a customer stands where they stand: one sentence each.

Belongs here: choosing the strongest cause and saying it. Does not: computing contributions (the models do) and the
phrases themselves (the feature catalogue has them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from segments.money import Currency
from segments.numbers_in_words import in_words, kind_of
from segments.vocabulary import ACTIVE, CRITICAL, HIGH, LAPSED, LOW, MEDIUM
from segments.wording import clauses, filled, filled_by_row

LEFT_PHRASE = "no subscription runs any more"
LAPSED_PHRASE = "no purchase for {days_since_last_order} days"
PROSPECT_PHRASE = "no purchase yet"
ORDINARY_PHRASE = "nothing unusual; last bought {days_since_last_order} days ago"
UNKNOWN_PHRASE = "too little history to say more; last bought {days_since_last_order} days ago"


@dataclass(frozen=True, kw_only=True)
class Phrasebook:
    """How to say features to a marketer.

    Args:
        phrases: template by feature. Features with the same words count as one cause: their contributions add up. A
            feature without words, or whose words have no figure of the customer's in them, is never given as a
            reason. Of equally strong causes the first here is taken.
        phrases_when_unknown: by feature, what to say instead where a figure of its phrase is unknown.
        units: by feature, its unit (`days`, `minor units`, `share`, …); where absent it is read from the name.
    """

    phrases: Mapping[str, str] = field(default_factory=dict)
    phrases_when_unknown: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def causes(self) -> dict[str, tuple[str, ...]]:
        """Features that are said in the same words, by the first of them."""
        by_words: dict[str, list[str]] = {}
        for feature, template in self.phrases.items():
            if any(clause.placeholders for clause in clauses(template)):
                by_words.setdefault(template, []).append(feature)
        return {features[0]: tuple(features) for features in by_words.values()}

    def figures_of(self, feature: str) -> list[str]:
        """The features whose figures the words of a feature name, sorted."""
        templates = [words[feature] for words in (self.phrases, self.phrases_when_unknown) if words.get(feature)]
        return sorted({name for template in templates for clause in clauses(template) for name in clause.placeholders})


# what counts as a cause in each band: what pushes up, what pulls down, what does most either way
_CAUSES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({HIGH, CRITICAL}), "up"),
    (frozenset({LOW}), "down"),
    (frozenset({MEDIUM}), "either"),
)


def strongest_causes(
    contributions: pl.DataFrame, bands: pl.DataFrame, *, causes: Mapping[str, Sequence[str]]
) -> pl.DataFrame:
    """The cause that does most to explain a customer's risk band.

    For high and critical risk that is the largest contribution above zero, for low risk the smallest below zero, for
    medium risk the largest either way. Contributions are additive (Shapley values), so that a cause of several
    features contributes their sum.

    Args:
        contributions: `customer_id` (unique) and one Float64 column a feature, towards churn, in log-odds.
        bands: `customer_id` (unique), `churn_risk_band`.
        causes: the features of each cause, by the name of the cause; features that are not there are passed over.

    Returns:
        `customer_id`, `feature` (String: the name of the cause; null where none points the right way): scored
        customers that are in both frames.
    """
    there = {cause: [name for name in names if name in contributions.columns] for cause, names in causes.items()}
    summed = contributions.select(
        "customer_id",
        *(
            pl.sum_horizontal(pl.col(names).cast(pl.Float64).fill_nan(None)).alias(f"cause:{cause}")
            for cause, names in there.items()
            if names
        ),
    )
    rows = bands.select("customer_id", "churn_risk_band").join(summed, on="customer_id", validate="1:1")
    return pl.concat(
        _strongest(rows.filter(pl.col("churn_risk_band").is_in(list(of_bands))), pushing=pushing)
        for of_bands, pushing in _CAUSES
    )


def main_reasons(
    customers: pl.DataFrame,
    features: pl.DataFrame,
    contributions: pl.DataFrame | None,
    *,
    phrasebook: Phrasebook,
    currency: Currency,
) -> pl.Series:
    """One sentence a customer (String, never null), in the order of `customers`.

    The phrase of the strongest feature with the customer's own figures. With an unknown figure: what the phrasebook
    has for that case, else the phrase without the parts that need the figure. Where nothing of it is left, or no
    feature points the right way, a plain sentence about their last purchase stands in. Lapsed customers and prospects
    get their status in words.

    Args:
        customers: `customer_id` (unique), `customer_status`, `churn_risk_band`, `days_since_last_order`.
        features: `customer_id` (unique) and the features that phrases name (money in minor units).
        contributions: as in `strongest_causes`; None where the model gives none.
        phrasebook: the wording of features.
        currency: of money features.

    Raises:
        PhraseTemplateError: a phrase can't be read.
    """
    there = [name for name in named_features(phrasebook) if name in features.columns]
    rows = customers.select("customer_id", "customer_status", "churn_risk_band", "days_since_last_order")
    figures = features.select("customer_id", *(pl.col(name).alias(f"figure:{name}") for name in there))
    rows = rows.join(figures, on="customer_id", how="left", validate="1:1", maintain_order="left")
    kinds = {name: kind_of(name, features.schema[name], unit=phrasebook.units.get(name)) for name in there}
    values = {name: in_words(pl.col(f"figure:{name}"), kinds[name], currency=currency) for name in there}
    rows = rows.with_columns(_feature_of_each(rows, contributions, phrasebook.causes()))
    rows = rows.with_columns(pl.lit(None, pl.String).alias("text"))
    for templates, whole in (
        (phrasebook.phrases, True),
        (phrasebook.phrases_when_unknown, True),
        (phrasebook.phrases, False),
    ):
        unsaid = rows.with_columns(pl.when(pl.col("text").is_null()).then(_template(templates)).alias("template"))
        said = filled_by_row(unsaid, "template", values, whole=whole)
        rows = rows.with_columns(pl.coalesce("text", said).alias("text"))
    return _with_fallback(rows)


def phrases_said(figures: pl.DataFrame, feature: str, phrasebook: Phrasebook, currency: Currency) -> pl.Series:
    """The phrase of one feature for every row, with the row's own figures (String); null where nothing can be said.

    Args:
        figures: features by name; those that are not there are unknown.
        feature: whose words.
        phrasebook: the wording; where a figure is unknown, as in `main_reasons`.
        currency: of money features.
    """
    ways = ((phrasebook.phrases, True), (phrasebook.phrases_when_unknown, True), (phrasebook.phrases, False))
    templates = [(words[feature], whole) for words, whole in ways if words.get(feature)]
    there = [name for name in phrasebook.figures_of(feature) if name in figures.columns]
    kinds = {name: kind_of(name, figures.schema[name], unit=phrasebook.units.get(name)) for name in there}
    values = {name: in_words(pl.col(name), kinds[name], currency=currency) for name in there}
    said = [filled(template, values, whole=whole) for template, whole in templates]
    return figures.select(pl.coalesce(*said, pl.lit(None, pl.String)).alias("words")).to_series()


def named_features(phrasebook: Phrasebook) -> list[str]:
    """Every feature that some phrase names, sorted."""
    templates = (*phrasebook.phrases.values(), *phrasebook.phrases_when_unknown.values())
    return sorted({name for template in templates for clause in clauses(template) for name in clause.placeholders})


def _template(templates: Mapping[str, str]) -> pl.Expr:
    if not templates:
        return pl.lit(None, pl.String)
    return pl.col("feature").replace_strict(dict(templates), default=None, return_dtype=pl.String)


def _feature_of_each(
    rows: pl.DataFrame, contributions: pl.DataFrame | None, causes: Mapping[str, Sequence[str]]
) -> pl.Series | pl.Expr:
    if contributions is None:
        return pl.lit(None, pl.String).alias("feature")
    chosen = strongest_causes(contributions, rows, causes=causes)
    return (
        rows.select("customer_id")
        .join(chosen, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .get_column("feature")
    )


def _with_fallback(rows: pl.DataFrame) -> pl.Series:
    """The filled phrase (`text`), else the sentence that is true without one."""
    status = pl.col("customer_status")
    plain = (
        pl.when((status == LAPSED) & pl.col("days_since_last_order").is_null())
        .then(pl.lit(LEFT_PHRASE))
        .when(status == LAPSED)
        .then(pl.lit(LAPSED_PHRASE))
        .when(status != ACTIVE)
        .then(pl.lit(PROSPECT_PHRASE))
        .when(pl.col("feature").is_null())
        .then(pl.lit(ORDINARY_PHRASE))
        .otherwise(pl.lit(UNKNOWN_PHRASE))
    )
    silent = pl.when((status != ACTIVE) | pl.col("text").is_null()).then(plain)
    days = {"days_since_last_order": pl.col("days_since_last_order").cast(pl.String)}
    fallback = filled_by_row(rows.with_columns(silent.alias("fallback")), "fallback", days)
    return rows.select(pl.coalesce(fallback.alias("fallback"), pl.col("text")).alias("main_reason")).to_series()


def _strongest(rows: pl.DataFrame, *, pushing: str) -> pl.DataFrame:
    """By customer the cause with the largest push above zero; the first of equals; null where none pushes."""
    causes = [name for name in rows.columns if name.startswith("cause:")]
    if not causes:
        return rows.select("customer_id", pl.lit(None, pl.String).alias("feature"))
    pushes = rows.select(_push(pl.col(name), pushing) for name in causes)
    best = pushes.max_horizontal().alias("best")
    positions = [
        pl.when((pl.col(name) == best) & (best > 0)).then(pl.lit(index, pl.Int16)) for index, name in enumerate(causes)
    ]
    position = pushes.select(pl.coalesce(positions).alias("feature"))["feature"]
    names = dict(enumerate(name.removeprefix("cause:") for name in causes))
    return rows.select(
        "customer_id", position.replace_strict(names, default=None, return_dtype=pl.String).alias("feature")
    )


def _push(contribution: pl.Expr, pushing: str) -> pl.Expr:
    if pushing == "either":
        return contribution.abs()
    return contribution if pushing == "up" else -contribution
