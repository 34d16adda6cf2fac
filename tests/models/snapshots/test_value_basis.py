"""Value is learnt of margins or of net sales, never of some of both, and the model remembers which."""

from dataclasses import replace

import polars as pl
import pytest

from models.comparing import mismatch, target
from models.snapshots.value_basis import MARGIN, NET_SALES, SPEND_FEATURES, choose_basis, known_cost_share
from models.value.model import predict_value, train_value

TOLD = ("margin_amount_365_days", "margin_share", "days_since_last_order")


@pytest.mark.parametrize(
    ("sums", "features", "basis"),
    [
        ([(100, 95, 50, 48)], TOLD, MARGIN),
        ([(100, 95, 50, 48), (100, 85, 50, 42)], TOLD, MARGIN),
        ([(100, 89, 50, 50)], TOLD, NET_SALES),
        ([(100, 98, 10, 5)], TOLD, NET_SALES),  # costs have stopped coming
        ([(100, 100, 0, 0)], TOLD, MARGIN),
        ([(0, 0, 0, 0)], TOLD, NET_SALES),
        ([(100, 100, 50, 50)], TOLD[2:], NET_SALES),
    ],
)
def test_margin_where_nearly_all_costs_are_known_and_told(sums, features, basis):
    names = ["moved_amount", "costed_amount", "moved_amount_365_days", "costed_amount_365_days"]
    share = known_cost_share(pl.DataFrame(sums, schema=names, orient="row"))
    assert choose_basis(share, features) == basis


def test_a_model_of_margins_foretells_margins(data, happened, value_plan, value_bundle, tonight):
    """Every other customer's goods leave a fifth of what the others' do."""

    def with_margins(frame, sales, margin):
        share = pl.when(pl.col("customer_id").str.slice(-1).is_in(list("02468"))).then(0.1).otherwise(0.5)
        return frame.with_columns((pl.col(sales) * share).round().cast(pl.Int64).alias(margin), margin_share=share)

    costed = with_margins(data.features, "net_amount_365_days", "margin_amount_365_days")
    names = (*data.feature_names, "margin_amount_365_days", "margin_share")
    given = replace(
        data,
        features=costed,
        feature_names=names,
        spend_feature=SPEND_FEATURES[MARGIN],
        value_of=MARGIN,
        known_cost_share=0.97,
    )
    outcomes = {
        days: with_margins(frame, "value_amount", "margin_amount").drop("margin_share")
        for days, frame in happened.items()
    }
    bundle = train_value(given, outcomes, value_plan)
    assert (bundle.parameters["value_of"], bundle.parameters["known_cost_share"]) == (MARGIN, 0.97)
    assert (target(bundle), target(value_bundle)) == ("margin_amount", "value_amount")
    assert "margin_amount" in mismatch(bundle, value_bundle)
    asked = with_margins(tonight, "net_amount_365_days", "margin_amount_365_days")
    margins, sales = (predict_value(one, asked)["expected_value_90d_amount"] for one in (bundle, value_bundle))
    for share in (0.1, 0.5):
        theirs = asked["margin_share"] == share
        assert margins.filter(theirs).sum() / sales.filter(theirs).sum() == pytest.approx(share, rel=0.25)
