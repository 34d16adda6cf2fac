"""What a model's card shows of next offers: do the chances of first offers mean what they say, and for whom.

Belongs here: the test snapshot's first offers as groups and segments. Not: drawing them, or the gate (verdict).
"""

import polars as pl

from models.judging.reliability import reliability_table, segment_table
from models.next_offer.baseline import baseline_score
from models.next_offer.candidates import SOURCES
from models.next_offer.examples import Examples
from models.next_offer.probability import Calibration, Floats, fit_calibration, purchase_probabilities
from models.next_offer.verdict import with_ranks

ORDERS_EDGES = ((1, "1: one order"), (5, "2: 2 to 5 orders"), (20, "3: 6 to 20 orders"))
MOST_ORDERS = "4: more than 20 orders"


def card_evidence(
    earlier: Examples, calibration: Calibration, test: Examples, scores: Floats
) -> dict[str, list[dict[str, float]] | list[dict[str, object]]]:
    """Groups and segments of the customers asked at the test snapshot, by the product that stands first on their list.

    Args:
        earlier: the snapshot before, whole: there the baseline's chances are calibrated too.
        calibration: of the model's scores, from `earlier`.
        test: the test snapshot, whole.
        scores: the model's rank scores of its rows, shape (rows,).

    Returns:
        `reliability`: see `reliability.reliability_table`; `segments`: see `reliability.segment_table`, the baseline's
        chances being those of the same products.
    """
    rule_scores = baseline_score(test.frame).to_numpy()
    then = baseline_score(earlier.frame).to_numpy()
    rule = fit_calibration(earlier.frame, then, earlier.frame["bought"].cast(pl.Float64).to_numpy())
    chances = test.frame.select(
        "customer",
        "product",
        "source",
        "customer_orders",
        "bought",
        pl.Series("said", purchase_probabilities(calibration, test.frame, scores)),
        pl.Series("rule", purchase_probabilities(rule, test.frame, rule_scores)),
    )
    first = with_ranks(chances, scores).filter(pl.col("rank") == 1)
    said, by_rule, bought = (first[name].cast(pl.Float64).to_numpy() for name in ("said", "rule", "bought"))
    divisions = {"orders so far": _orders(first), "why it is offered": _sources(first)}
    return {
        "reliability": reliability_table(said, bought),
        "segments": segment_table(said, by_rule, bought, divisions, is_probability=True),
    }


def _orders(first: pl.DataFrame) -> pl.Series:
    bands = pl.lit(MOST_ORDERS)
    for edge, words in reversed(ORDERS_EDGES):
        bands = pl.when(pl.col("customer_orders") <= edge).then(pl.lit(words)).otherwise(bands)
    return first.select(bands.alias("orders")).to_series()


def _sources(first: pl.DataFrame) -> pl.Series:
    return first["source"].replace_strict(dict(enumerate(SOURCES)), return_dtype=pl.String)
