import numpy as np
import polars as pl
import pytest

from models.buy_till_you_die.from_features import can_tell_histories, fit_purchase_odds, purchase_odds_from


@pytest.fixture(scope="module")
def customers():
    random = np.random.default_rng(3)
    first = random.integers(1, 700, 800)
    count = 1 + random.poisson(first / 120)
    last = np.where(count > 1, (first * random.random(800)).astype(int), first)
    return pl.DataFrame({"purchase_day_count": count, "days_since_first_order": first, "days_since_last_order": last})


def test_more_purchases_and_less_silence_mean_better_odds(customers):
    odds = fit_purchase_odds(customers, horizon_days=90)
    asked = pl.DataFrame(
        {
            "purchase_day_count": [2, 8, 8],
            "days_since_first_order": [400, 400, 400],
            "days_since_last_order": [20, 20, 390],
        }
    )
    few, many, silent = odds.log_odds(asked)
    assert silent < many > few
    parts = odds.contributions(asked)
    assert parts["days_since_last_order"][2] < parts["days_since_last_order"][1]
    assert np.allclose(sum(parts.values()) + odds.mean_log_odds, odds.log_odds(asked))
    assert purchase_odds_from(odds.described()) == odds


def test_impossible_histories_are_mended(customers):
    odds = fit_purchase_odds(customers, horizon_days=90)
    odd = pl.DataFrame(
        {
            "purchase_day_count": [None, 0, 3],
            "days_since_first_order": [None, 5, 10],
            "days_since_last_order": [None, 9, 40],
        },
        schema=customers.schema,
    )
    assert np.isfinite(odds.log_odds(odd)).all()
    assert not can_tell_histories(["purchase_day_count"])
