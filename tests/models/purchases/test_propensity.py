from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from models.judging.calibration import fit_calibrator
from models.learners.encoding import fit_encoder
from models.purchases.propensity import propensity_from
from models.purchases.propensity_fitting import Recipe, fit_propensity
from models.snapshots.season import Season

WINTER, SPRING, SUMMER, AUTUMN = (date(2025, month, 1) for month in (1, 4, 7, 10))
BUSY_AUTUMN = Season(known_at=AUTUMN, purchases=(2.0, 2.0, 2.0, *([0.7] * 9)), baskets=(1.0,) * 12)


def rows(*snapshots, count=600, seed=1):
    """Customers whose purchases in the window are Poisson with a rate of their own times the season."""
    random = np.random.default_rng(seed)
    parts = []
    for day in snapshots:
        rate = random.gamma(1.0, 1.0, count)
        pace = 2.0 if day == AUTUMN else 0.7
        parts.append(
            pl.DataFrame(
                {
                    "snapshot_date": [day] * count,
                    "orders_last_year": random.poisson(rate * 4),
                    "noise": random.normal(size=count),
                    "bought": (random.random(count) < 1 - np.exp(-rate * pace)).astype(np.int8),
                }
            )
        )
    return pl.concat(parts)


def recipe(train):
    encoder = fit_encoder(train, ["orders_last_year", "noise"], model="churn")
    return Recipe(model="churn", target="bought", encoder=encoder, horizon_days=90, threads=1, seed=1)


def bias(fitted, frame):
    return fitted.probabilities(frame, model="churn", threads=1).mean() - frame["bought"].mean()


@pytest.fixture(scope="module")
def train():
    return rows(WINTER, SPRING, count=1500)


@pytest.fixture(scope="module")
def calibrate():
    return rows(SPRING, SUMMER, seed=2)


def test_a_season_not_learnt_from_is_foreseen(train, calibrate):
    autumn = rows(AUTUMN, seed=3, count=2000)
    seasonal = fit_propensity(train, calibrate, recipe(train), BUSY_AUTUMN)
    flat = fit_propensity(train, calibrate, recipe(train), Season(known_at=AUTUMN))
    assert 0.8 < seasonal.season_weight < 2.5
    assert flat.season_weight == 0.0
    assert abs(bias(seasonal, autumn)) < 0.08 < abs(bias(flat, autumn))


def test_a_misleading_season_is_given_up(train):
    upside_down = replace(BUSY_AUTUMN, purchases=(0.4, 0.4, 0.4, 3.0, 0.4, 0.4, *([1.0] * 6)))
    calibrate = rows(SPRING, SUMMER, WINTER, AUTUMN, seed=2)
    assert fit_propensity(train, calibrate, recipe(train), upside_down).season_weight == 0.0


@pytest.mark.parametrize("kind", ["platt", "beta", "isotonic"])
def test_no_curve_breaks_in_another_season(train, calibrate, kind):
    fitted = fit_propensity(train, calibrate, recipe(train), BUSY_AUTUMN)
    scores = fitted.log_odds(calibrate, model="churn", threads=1)
    curve = fit_calibrator(kind, scores, calibrate["bought"].to_numpy().astype(float))
    assert abs(bias(replace(fitted, calibrator=curve), rows(AUTUMN, seed=3, count=2000))) < 0.09


def test_later_windows_are_learnt_from_too_and_held_to_their_level(train, calibrate):
    newer = calibrate.with_columns(bought=(pl.col("noise") > 0).cast(pl.Int8))
    early = fit_propensity(train, newer, recipe(train), Season(known_at=AUTUMN))
    late = fit_propensity(train, newer, recipe(train), Season(known_at=AUTUMN), everything=pl.concat([train, newer]))
    assert late.trees != early.trees
    assert late.shares == early.shares
    assert abs(bias(late, newer)) < 0.005


def test_members_that_order_badly_count_less(train, calibrate):
    frame = train.with_columns(
        purchase_day_count=pl.col("orders_last_year") + 1, days_since_first_order=300, days_since_last_order=100
    )
    names = ["orders_last_year", "purchase_day_count", "days_since_first_order", "days_since_last_order"]
    encoder = fit_encoder(frame, names, model="churn")
    upside_down = frame.with_columns(bought=1 - pl.col("bought"))
    fitted = fit_propensity(frame, upside_down, replace(recipe(train), encoder=encoder), Season(known_at=AUTUMN))
    assert (fitted.shares.trees, fitted.shares.smooth) == (0.0, 0.0)
    assert fitted.shares.purchases < 0.3
    parts = fitted.contributions(frame, model="churn", threads=1).sum(axis=1)
    scores = fitted.log_odds(frame, model="churn", threads=1)
    assert np.allclose(parts - parts.mean(), scores - scores.mean(), atol=1e-6)


def test_files_round_trip(train, calibrate):
    fitted = fit_propensity(train, calibrate, recipe(train), BUSY_AUTUMN)
    again = propensity_from(fitted.files("p"), "p")
    assert again.files("p") == fitted.files("p")
    expected = fitted.probabilities(calibrate, model="churn", threads=1)
    assert np.array_equal(again.probabilities(calibrate, model="churn", threads=1), expected)
