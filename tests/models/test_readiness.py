from dataclasses import replace
from datetime import date

import pytest

from models.readiness import History, curve_in_words, learning_curve, readiness
from models.snapshots.rows import at, training_frame

ENOUGH = History(
    first_event=date(2023, 1, 1),
    last_event=date(2025, 12, 31),
    as_of=date(2026, 1, 1),
    customers=5000,
    active=3000,
    products=50,
    buyers_lately=800,
    subscriptions=400,
    cancellations=90,
    entities=("orders", "products", "subscriptions"),
)


def answers(**changes):
    told = readiness(replace(ENOUGH, **changes), churn_horizon_days=90, history_days=90, window_days=30)
    return {answer.model: answer for answer in told}


def test_with_enough_of_everything_all_is_ready():
    assert all(answer.ready for answer in answers().values())


@pytest.mark.parametrize(
    ("changes", "not_ready", "words"),
    [
        ({"first_event": date(2025, 9, 1)}, {"churn", "value", "next_offer", "demand"} - {"next_offer"}, "more days"),
        ({"first_event": date(2025, 11, 1)}, {"churn", "value", "next_offer", "demand"}, "more days"),
        ({"active": 30}, {"churn", "value"}, "more active customers"),
        ({"products": 1}, {"next_offer"}, "second product"),
        ({"buyers_lately": 3}, {"next_offer"}, "27 more customers"),
        ({"subscriptions": 0, "cancellations": 0}, {"subscription_churn"}, "subscriptions table"),
        ({"cancellations": 20}, {"subscription_churn"}, "30 more cancellations"),
    ],
)
def test_what_is_missing_is_said(changes, not_ready, words):
    told = answers(**changes)
    lacking = {name for name, answer in told.items() if not answer.ready}
    assert lacking >= not_ready - {"next_offer"} or lacking == not_ready
    assert any(words in line for name in not_ready & lacking for line in told[name].missing)
    assert all(answer.meanwhile for answer in told.values())


def test_the_learning_curve_rises_with_what_is_learnt_from(data, happened, churn_plan):
    rows = training_frame(data.features, happened[90], snapshots=churn_plan.all_snapshots, model="churn")
    points = learning_curve(
        at(rows, churn_plan.train), at(rows, [churn_plan.test]), data.feature_names, "churned", model="churn"
    )
    whole = next(point for point in points if point.part == "100% of the customers")
    quarter = next(point for point in points if point.part == "25% of the customers")
    assert quarter.customers < 0.35 * whole.customers
    assert whole.auc > 0.7
    assert whole.log_loss <= quarter.log_loss + 0.005
    assert any("latest 1 of" in point.part for point in points)
    assert "twice the customers" in curve_in_words(points)[0]
    assert "too few rows" in curve_in_words([])[0]


def test_silence_after_the_last_order_is_no_history():
    late = replace(ENOUGH, as_of=date(2026, 11, 22))
    assert (late.days, ENOUGH.days) == (1096, 1096)
    assert replace(ENOUGH, as_of=date(2024, 1, 1)).days == 365
