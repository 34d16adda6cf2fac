"""Three families each way, with the words of the strongest feature of each."""

import numpy as np
import polars as pl

from segments.money import currency_of
from segments.reasons.main import Phrasebook
from segments.reasons.table import REASONS, family_sums, reason_rows

GBP = currency_of("GBP")
FAMILIES = {
    "silence": "timing",
    "usual_gap": "timing",
    "spend_amount": "purchases",
    "region": "profile",
    "visits": "engagement",
}
BOOK = Phrasebook(
    phrases={
        "silence": "silent for {silence} days, usually orders every {usual_gap} days",
        "usual_gap": "usually orders every {usual_gap} days",
        "spend_amount": "spent {spend_amount} in a year",
        "region": "lives in {region}",
        "visits": "has come by {visits} times",
    },
    phrases_when_unknown={"silence": "never ordered"},
    units={"silence": "days", "usual_gap": "days", "spend_amount": "minor units"},
)
FEATURES = pl.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "silence": [61, 5, None],
        "usual_gap": [23.0, 30.0, None],
        "spend_amount": [120_000, 100, 0],
        "region": ["north", None, "south"],
        "visits": [1, 2, 3],
    }
)
CONTRIBUTIONS = pl.DataFrame(
    {
        "customer_id": ["c", "a", "b"],
        "silence": [0.5, 1.5, -0.4],
        "usual_gap": [0.0, -0.2, -0.6],
        "spend_amount": [0.0, -0.8, 0.3],
        "region": [-0.1, 0.05, -0.2],
        "visits": [0.01, 0.01, -0.01],  # next to nothing
        "wordless": [0.0, 0.7, 0.0],
    }
)


def rows():
    return reason_rows(CONTRIBUTIONS, FEATURES, model="churn", phrasebook=BOOK, families=FAMILIES, currency=GBP)


def test_families_are_ranked_by_their_sum_and_said_by_their_strongest_feature():
    told = rows().select("customer_id", "direction", "rank", "family", "feature", "words", "contribution").rows()
    assert told == [
        ("a", "down", 1, "purchases", "spend_amount", "spent £1,200 in a year", -0.8),
        ("a", "up", 1, "timing", "silence", "silent for 61 days, usually orders every 23 days", 1.3),
        ("a", "up", 2, "profile", "region", "lives in north", 0.05),
        ("b", "down", 1, "timing", "usual_gap", "usually orders every 30 days", -1.0),
        ("b", "down", 2, "profile", "region", "region", -0.2),
        ("b", "up", 1, "purchases", "spend_amount", "spent £1.00 in a year", 0.3),
        ("c", "down", 1, "profile", "region", "lives in south", -0.1),
        ("c", "up", 1, "timing", "silence", "never ordered", 0.5),
    ]


def test_family_sums_are_the_whole_of_the_contributions():
    kinds, sums = family_sums(CONTRIBUTIONS, FAMILIES)
    assert kinds == ["timing", "purchases", "profile", "engagement", "other"]
    whole = CONTRIBUTIONS.drop("customer_id").sum_horizontal().to_numpy()
    np.testing.assert_allclose(sums.sum(axis=1), whole, atol=1e-3)


def test_order_of_rows_does_not_matter_and_nothing_to_explain_is_no_row():
    again = reason_rows(
        CONTRIBUTIONS.reverse(), FEATURES.reverse(), model="churn", phrasebook=BOOK, families=FAMILIES, currency=GBP
    )
    assert again.equals(rows())
    none = reason_rows(CONTRIBUTIONS.clear(), FEATURES, model="value", phrasebook=BOOK, families=FAMILIES, currency=GBP)
    assert none.is_empty()
    assert set(none.columns) <= set(REASONS.names)
