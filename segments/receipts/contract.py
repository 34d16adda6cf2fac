"""What a receipt is: which scores have one, its columns, and what the test of a model promised.

Belongs here: names, the contract, promises. Does not: making a receipt (`making`), which nights have matured,
or reading outcomes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.contract_columns import AS_OF, RUN_KEY, count, number, one_of, share

CHURN, VALUE_90D, VALUE_12M = "churn_probability", "expected_value_90d", "expected_value_12m"
LEAVING, RENEWAL = "subscription_churn_probability", "subscription_end_at_renewal_probability"
OFFER, CATEGORY = "offer_purchase_probability", "category_purchase_probability"
SCORES: Final = (CHURN, VALUE_90D, VALUE_12M, LEAVING, RENEWAL, OFFER, CATEGORY)
LEFT_OR_STAYED: Final = (CHURN, LEAVING, RENEWAL)
LISTED: Final = (OFFER, CATEGORY)
"""Of lists: several rows a customer, so that means are over rows of the list."""
MODEL_OF: Final = {
    CHURN: "churn",
    VALUE_90D: "value",
    VALUE_12M: "value",
    LEAVING: "subscription_churn",
    RENEWAL: "subscription_churn",
    OFFER: "next_offer",
    CATEGORY: "next_offer",
}
"""The model behind each score; of a company without orders amounts are the subscription model's too."""
ALL, TIER, DECILE, RANK = "all", "tier", "decile", "rank"
SLICES: Final = (ALL, TIER, DECILE, RANK)
KEPT, BROKEN, TOO_FEW, NO_PROMISE = "as promised", "below its promise", "too few to tell", "no promise"
VERDICTS: Final = (KEPT, BROKEN, TOO_FEW, NO_PROMISE)

SCORE_RECEIPTS = OutputContract(
    table="score_receipts",
    key=("scored_as_of", "score", "slice", "part"),
    columns=(
        OutputColumn("scored_as_of", pl.Date, meaning="The night whose scores these were."),
        one_of(
            "score",
            SCORES,
            "Which score; offer and category_purchase_probability are purchase_probability of next_best_offer and "
            "next_best_category.",
        ),
        one_of("slice", SLICES, "all customers, by tier of that night, by tenth of the score, or by place in a list."),
        OutputColumn("part", pl.String, meaning="The tier, or the tenth or place: 01 had the highest scores."),
        AS_OF,
        count("horizon_days", "Length of the window that was predicted; of renewals the longest."),
        OutputColumn("window_end", pl.Date, meaning="The first day after the window."),
        OutputColumn("model", pl.String, meaning="The model that scored."),
        OutputColumn("model_version", pl.Int32, nullable=True, meaning="Its version."),
        OutputColumn("model_digest", pl.String, nullable=True, meaning="SHA-256 of that version's manifest."),
        OutputColumn("load_id", pl.String, meaning="The load of data that was scored."),
        OutputColumn("features_hash", pl.String, meaning="SHA-256 of the features that were scored."),
        count("customers", "Scored customers whose outcome is known."),
        count("customers_without_outcome", "Scored customers not known any more: joined with another, or erased."),
        number(
            "predicted",
            "Mean of the score: a share of customers (of lists: of the products or categories listed), or an amount a "
            "customer in major units.",
        ),
        number("actual", "What came, in the same unit."),
        number("actual_low", "The lower end of its 95 % interval."),
        number("actual_high", "The upper end of its 95 % interval."),
        number("error", "Predicted minus actual."),
        number("calibration_error", "Mean distance of predicted and actual over tenths; only for all customers."),
        number("lift", "Actual of the tenth scored highest over that of all; only for all customers."),
        number(
            "ranking",
            "Only for all customers. Of who left: chance that they were scored above who stayed (0.5 is a coin, 1 "
            "perfect); of amounts: rank correlation of predicted and actual; of lists: NDCG at 10 of who bought.",
        ),
        number("promised_ranking", "The same when the model was tested before it was made champion."),
        share("coverage", "Share of customers whose amount lay in the interval published (80 %); empty: none was."),
        one_of("verdict", VERDICTS, "Whether the model kept what its test promised; only for all.", nullable=True),
        OutputColumn("why", pl.String, nullable=True, meaning="What fell short, in words."),
        RUN_KEY,
    ),
    volatile=("run_key",),
    meaning="Published scores held against what happened, once the window they spoke of is over.",
    may_be_empty=True,
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a model's test said of it; None where it said nothing.

    Attributes:
        ranking: area under the curve (who left), rank correlation (amounts), or NDCG at 10 (lists).
        customers: of the test.
        level_error: by how much the level was off: of who left the calibration error, else |predicted / actual - 1|.
    """

    ranking: float | None = None
    customers: int = 0
    level_error: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Of which night and score a receipt is.

    Attributes:
        scored_as_of: the night.
        score: one of `SCORES`.
        horizon_days: length of the window.
        model, model_version, model_digest: of the model.
        load_id, features_hash: of what it was asked.
        promise: of the model's test.
    """

    scored_as_of: date
    score: str
    horizon_days: int
    model: str
    model_version: int | None
    model_digest: str | None
    load_id: str
    features_hash: str
    promise: Promise = Promise()


_PROMISES: Final = {  # what is told before a figure's name, then ranking, customers, level
    CHURN: ("", "auc", "test_rows", "calibration_error"),
    LEAVING: ("", "auc", "test_rows", "calibration_error"),
    VALUE_90D: ("value_90d_", "spearman", "test_rows", "predicted_to_actual"),
    OFFER: ("", "ndcg_at_10", "test_customers", "probability_predicted_per_actual"),
}


def promise_of(score: str, metrics: Mapping[str, float], *, by_baseline: bool = False) -> Promise:
    """What the test figures of a model promise of a score.

    A year's value is mostly extended from a shorter window, and renewals and categories are not tested: nothing is
    promised of them.

    Args:
        score: one of `SCORES`.
        metrics: test figures, the baseline's beside them (`baseline_*`).
        by_baseline: the model did not pass its test, and its baseline is what scores.
    """
    if score not in _PROMISES:
        return Promise()
    prefix, ranking, customers, level = _PROMISES[score]
    own = prefix + ("baseline_" if by_baseline else "")
    if own + ranking not in metrics:
        return Promise()
    told = metrics.get(own + level, 0.0 if score in LEFT_OR_STAYED else 1.0)
    return Promise(
        ranking=metrics[own + ranking],
        customers=int(metrics.get(prefix + customers, 0)),
        level_error=told if score in LEFT_OR_STAYED else abs(told - 1),
    )
