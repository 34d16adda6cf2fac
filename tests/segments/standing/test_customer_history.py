from datetime import date, timedelta

import polars as pl

from segments.standing.customer_history import FACTS, standing_on, with_causes, with_tonight

FIRST = date(2025, 1, 1)


def night(values, tier="gold"):
    ids = list(values)
    return pl.DataFrame(
        {
            "customer_id": ids,
            **dict.fromkeys(FACTS, "x"),
            "value_tier": tier,
            "expected_value_12m": list(values.values()),
            "churn_probability": 0.5,
            "value_model_version": 1,
        },
        schema_overrides={"expected_value_12m": pl.Int64, "value_model_version": pl.Int32},
    )


def test_a_row_only_when_a_class_or_the_value_moved():
    history = with_tonight(night({"a": 100, "b": 100}), None, as_of=FIRST, keep_days=365)
    second, third = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
    history = with_tonight(night({"a": 110, "b": 130}), history, as_of=second, keep_days=365)
    assert history.select("customer_id", "as_of").rows() == [("a", FIRST), ("b", FIRST), ("b", second)]
    again = with_tonight(night({"a": 110, "b": 130}), history, as_of=second, keep_days=365)
    assert again.equals(history)
    history = with_tonight(night({"a": 110, "b": 130}, tier="iron"), history, as_of=third, keep_days=365)
    assert history.height == 5
    assert standing_on(history, second)["expected_value_12m"].to_list() == [100, 130]
    assert standing_on(history, third)["value_tier"].to_list() == ["iron", "iron"]


def test_old_rows_go_but_never_the_last_one_in_force():
    history = with_tonight(night({"a": 100}), None, as_of=FIRST, keep_days=10)
    for days, value in ((5, 500), (40, 5000)):
        history = with_tonight(night({"a": value}), history, as_of=FIRST + timedelta(days=days), keep_days=10)
    assert history["as_of"].to_list() == [FIRST + timedelta(days=5), FIRST + timedelta(days=40)]


def test_every_change_carries_its_cause():
    history = with_tonight(night({"a": 100, "b": 100}), None, as_of=FIRST, keep_days=99)
    history = with_causes(history, None, None, as_of=FIRST)
    assert history["cause"].null_count() == 2
    later = FIRST + timedelta(days=30)
    kept = with_tonight(night({"a": 900, "b": 100, "c": 1}, tier="iron"), history, as_of=later, keep_days=99)
    changes = pl.DataFrame(
        {"customer_id": ["a", "b"], "cause": ["model", None], "value_cause": ["behaviour", "data correction"]}
    )
    caused = with_causes(kept, history, changes, as_of=later)
    assert caused.filter(as_of=later).select("customer_id", "cause").rows() == [
        ("a", "model"),
        ("b", "data correction"),
        ("c", None),
    ]
