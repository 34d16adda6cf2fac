from datetime import date

import polars as pl
import pytest

from segments.errors import (
    ScoreNotUsableError,
    SegmentColumnsMissingError,
    SegmentKeyRepeatedError,
    SnapshotMismatchError,
)


@pytest.mark.parametrize("probability", [float("nan"), float("inf"), -0.01, 1.01])
def test_a_probability_that_can_not_be_is_refused(scored, build, make_churn, probability):
    with pytest.raises(ScoreNotUsableError) as refused:
        build(scored(churn=make_churn(["a", "b", "c"], [0.5, probability, 0.1])))
    assert refused.value.got == "1 rows"


@pytest.mark.parametrize("part", ["offers", "categories"])
def test_a_ranked_probability_that_can_not_be_is_refused(scored, build, part):
    frame = getattr(scored(), part).with_columns(purchase_probability=pl.lit(1.01))
    with pytest.raises(ScoreNotUsableError) as refused:
        build(scored(**{part: frame}))
    assert refused.value.where == f"{part}.purchase_probability"


@pytest.mark.parametrize("part", ["features", "churn", "value", "offers", "categories"])
def test_a_repeated_customer_is_refused(scored, build, part):
    frame = getattr(scored(), part)
    with pytest.raises(SegmentKeyRepeatedError) as refused:
        build(scored(**{part: pl.concat([frame, frame.head(1)])}))
    assert part in refused.value.where


def test_a_customer_without_an_id_is_refused(scored, build):
    customers = pl.DataFrame({"customer_id": ["a", None]})
    with pytest.raises(SegmentKeyRepeatedError):
        build(scored(customers=customers))


@pytest.mark.parametrize(
    ("part", "column"),
    [
        ("features", "days_since_last_order"),
        ("features", "net_amount_365_days"),
        ("churn", "churn_probability"),
        ("value", "expected_value_12m_amount"),
        ("offers", "neighbour_product_id"),
        ("categories", "category"),
        ("churn", "customer_id"),
    ],
)
def test_a_missing_column_is_named(scored, build, part, column):
    with pytest.raises(SegmentColumnsMissingError) as refused:
        build(scored(**{part: getattr(scored(), part).drop(column)}))
    assert column in refused.value.expected
    assert refused.value.where == part


def test_features_of_another_date_are_refused(scored, build, make_features):
    with pytest.raises(SnapshotMismatchError) as refused:
        build(scored(features=make_features(["a", "b", "c"], snapshot_date=date(2011, 8, 1))))
    assert (refused.value.got, refused.value.expected) == ("2011-08-01 (and 2 more rows)", "2011-09-01")
