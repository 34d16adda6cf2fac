"""The published parameters of the CDNOW sample, and laws the three models of purchases have to keep."""

import os
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import gammaln, hyp2f1

from models.buy_till_you_die.beta_geometric import BetaGeometric, fit_beta_geometric
from models.buy_till_you_die.histories import histories
from models.buy_till_you_die.pareto_nbd import ParetoNbd, fit_pareto_nbd

ROOT = Path(__file__).parents[3]
CDNOW = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "cdnow"
BG = BetaGeometric(r=0.243, alpha=4.414, a=0.793, b=2.426)
MBG = BetaGeometric(r=0.525, alpha=6.183, a=0.891, b=1.614, may_leave_at_once=True)
PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
ALIKE = BetaGeometric(r=0.017, alpha=5.93, a=407.6, b=359.5)
"""Customers who leave alike: what buyers of hardly more than one order lead to."""
MODELS = pytest.mark.parametrize("model", [BG, MBG, ALIKE, PARETO], ids=["bg", "mbg", "alike", "pareto"])
HISTORY = st.tuples(st.integers(0, 60), st.floats(0, 1), st.floats(0.1, 200)).map(
    lambda drawn: (float(drawn[0]), drawn[1] * drawn[2] if drawn[0] else 0.0, drawn[2])
)


def arrays(*history):
    return [np.array([value]) for value in history]


def weekly_histories():
    lines = pl.read_parquet(CDNOW / "cdnow_sample.parquet").select("customer_id", "date").unique()
    end = date(1997, 9, 30)
    seen = (
        lines.filter(pl.col("date") <= end)
        .group_by("customer_id")
        .agg(
            repeats=pl.len() - 1,
            last=(pl.col("date").max() - pl.col("date").min()).dt.total_days() / 7,
            age=(pl.lit(end) - pl.col("date").min()).dt.total_days() / 7,
        )
    )
    return histories(*(seen[name].to_numpy() for name in ("repeats", "last", "age")))


@pytest.mark.skipif(not CDNOW.is_dir(), reason=f"no CDNOW in {CDNOW}; set GRISTMILL_SHARED_DATA")
def test_published_parameters_of_the_cdnow_sample():
    seen = weekly_histories()
    assert seen.customers.sum() == 2357
    bg = fit_beta_geometric(seen)
    assert (bg.r, bg.alpha, bg.a, bg.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert bg.log_likelihood(seen) == pytest.approx(-9582.4, abs=0.05)
    mbg = fit_beta_geometric(seen, may_leave_at_once=True)
    assert (mbg.r, mbg.alpha, mbg.a, mbg.b) == pytest.approx((0.525, 6.183, 0.891, 1.614), abs=3e-3)
    pareto = fit_pareto_nbd(seen)
    assert (pareto.r, pareto.alpha, pareto.s, pareto.beta) == pytest.approx((0.553, 10.578, 0.606, 11.669), rel=2e-3)
    assert pareto.log_likelihood(seen) == pytest.approx(-9595.0, abs=0.05)


def test_equal_histories_are_counted_once():
    seen = histories([2, 0, 2, 1], [3.0, 0.0, 3.0, 1.0], [9.0, 9.0, 9.0, 4.0])
    assert seen.customers.tolist() == [1, 1, 2]
    assert seen.repeats.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("repeats", "last", "age"),
    [([1.5], [1], [2]), ([1], [3], [2]), ([0], [1], [2]), ([-1], [0], [2]), ([1], [1], [np.nan]), ([1, 2], [1], [2])],
)
def test_impossible_histories_are_refused(repeats, last, age):
    with pytest.raises(ValueError, match=r"must|has"):
        histories(repeats, last, age)


@MODELS
@given(history=HISTORY, horizon=st.floats(0.01, 300))
def test_probabilities_and_expectations_are_possible(model, history, horizon):
    alive = model.probability_alive(*arrays(*history))[0]
    some = model.probability_any(*arrays(*history), horizon=horizon)[0]
    expected = model.expected_purchases(*arrays(*history), horizon=horizon)[0]
    assert 0 <= some <= alive <= 1
    assert some <= expected * (1 + 1e-9) + 1e-12  # one purchase or more


@MODELS
@given(history=HISTORY, short=st.floats(0.1, 50), longer=st.floats(0.1, 50))
def test_a_longer_horizon_never_expects_less(model, history, short, longer):
    there = arrays(*history)
    near, far = (model.expected_purchases(*there, horizon=days)[0] for days in (short, short + longer))
    assert far >= near
    assert model.probability_any(*there, horizon=short + longer)[0] >= model.probability_any(*there, horizon=short)[0]


@MODELS
@given(repeats=st.integers(1, 30), age=st.floats(1, 100), early=st.floats(0.05, 0.95))
def test_longer_silence_makes_leaving_likelier(model, repeats, age, early):
    lately = model.probability_alive(*arrays(float(repeats), age, age))[0]
    silent = model.probability_alive(*arrays(float(repeats), early * age, age))[0]
    assert silent < lately


@MODELS
def test_a_short_horizon_expects_one_purchase_at_most(model):
    there = arrays(3.0, 10.0, 12.0)
    some, expected = (ask(*there, horizon=1e-4)[0] for ask in (model.probability_any, model.expected_purchases))
    assert some == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("history", [(0.0, 0.0, 30.0), (2.0, 30.43, 38.86), (26.0, 30.86, 31.0), (1.0, 0.5, 150.0)])
@pytest.mark.parametrize("horizon", [1.0, 39.0, 400.0])
def test_bg_expectation_is_the_published_formula(history, horizon):
    x, last, age = history
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b
    curve = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (alpha + age + horizon))
    bracket = 1 - ((alpha + age) / (alpha + age + horizon)) ** (r + x) * curve
    odds = (x > 0) * a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x) if x else 0.0
    published = (a + b + x - 1) / (a - 1) * bracket / (1 + odds)
    assert BG.expected_purchases(*arrays(*history), horizon=horizon)[0] == pytest.approx(published, rel=1e-8)


def test_nothing_happens_where_the_published_formulas_divide_by_zero():
    there = arrays(3.0, 10.0, 12.0)
    around = [BetaGeometric(r=0.5, alpha=5, a=a, b=2).expected_purchases(*there, horizon=20)[0] for a in (1, 1 + 1e-7)]
    assert around[0] == pytest.approx(around[1], rel=1e-6)
    around = [ParetoNbd(r=0.5, alpha=5, s=s, beta=9).expected_purchases(*there, horizon=20)[0] for s in (1, 1 + 1e-7)]
    assert around[0] == pytest.approx(around[1], rel=1e-6)


@pytest.mark.parametrize("history", [(0.0, 0.0, 30.0), (2.0, 30.43, 38.86), (26.0, 30.86, 31.0), (150.0, 20.0, 104.0)])
@pytest.mark.parametrize("model", [PARETO, ParetoNbd(r=2.0, alpha=0.5, s=0.1, beta=60.0)])
def test_pareto_likelihood_is_the_integral_over_the_moment_of_leaving(model, history):
    x, last, age = history
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta

    def left_at(moment):
        by_rate = (r + x) * np.log((alpha + moment) / (alpha + last))
        return np.exp(-by_rate - (s + 1) * np.log((beta + moment) / (beta + last)))

    edges = last + (age - last) * np.concatenate([[0], np.geomspace(1e-4, 1, 9)])
    area = sum(quad(left_at, *pair, epsabs=0, epsrel=1e-12)[0] for pair in pairwise(edges))
    gone = np.log(s * area) - (r + x) * np.log(alpha + last) - (s + 1) * np.log(beta + last)
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    assert model.log_likelihood(histories(*([value] for value in history))) == pytest.approx(
        constant + np.logaddexp(gone, alive), rel=1e-6
    )


def test_pareto_chance_of_a_purchase_is_the_integral_over_rates():
    x, last, age, horizon = 2.0, 20.0, 30.0, 39.0
    shape, now = PARETO.r + x, PARETO.alpha + age

    def density(wait):
        return shape / now * (1 + wait / now) ** -(shape + 1) * (1 + wait / (PARETO.beta + age)) ** -PARETO.s

    there = arrays(x, last, age)
    expected = quad(density, 0, horizon)[0] * PARETO.probability_alive(*there)[0]
    assert PARETO.probability_any(*there, horizon=horizon)[0] == pytest.approx(expected, rel=1e-9)


@MODELS
def test_the_gradient_points_uphill(model):
    """A fit to histories drawn from a model comes back near the model, from any scale of time."""
    seen = histories(*drawn(model, customers=20_000))
    fit = fit_pareto_nbd if isinstance(model, ParetoNbd) else fit_beta_geometric
    options = {"may_leave_at_once": True} if model is MBG else {}
    found = fit(seen, **options)
    assert found.log_likelihood(seen) >= model.log_likelihood(seen)
    assert found.r == pytest.approx(model.r, rel=0.15)
    some = histories(*drawn(model, customers=1_000))
    in_days = fit(some.scaled(7.0), **options)
    assert in_days.alpha == pytest.approx(7 * fit(some, **options).alpha, rel=1e-2)


def test_expectation_is_what_simulated_customers_do():
    repeats, last, age = drawn(PARETO, customers=50_000)
    expected = PARETO.expected_purchases(repeats, last, age, horizon=39.0).mean()
    later = drawn(PARETO, customers=50_000, ages=age + 39.0, until=age)[0]
    assert later.mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("few", [1, 3])
def test_a_handful_of_customers_gives_finite_parameters(few):
    seen = histories(np.zeros(few), np.zeros(few), np.full(few, 10.0))
    for found in (fit_beta_geometric(seen), fit_pareto_nbd(seen)):
        assert np.isfinite(found.expected_purchases(*arrays(0.0, 0.0, 10.0), horizon=10.0)).all()


def test_beta_odds_by_hand():
    """One repeat: the customer left after it with odds B(a+1, b) / B(a, b+1), stretched by the silence."""
    odds = beta_function(BG.a + 1, BG.b) / beta_function(BG.a, BG.b + 1)
    stretched = odds * ((BG.alpha + 9) / (BG.alpha + 4)) ** (BG.r + 1)
    assert BG.probability_alive(*arrays(1.0, 4.0, 9.0))[0] == pytest.approx(1 / (1 + stretched))


def drawn(model, *, customers, ages=None, until=None):
    """Histories simulated customer by customer; with `until`, purchases after that age only are counted."""
    random = np.random.default_rng(17)
    age = random.uniform(10, 90, customers) if ages is None else ages
    rate = random.gamma(model.r, 1 / model.alpha, customers)
    if isinstance(model, ParetoNbd):
        life = random.exponential(1 / random.gamma(model.s, 1 / model.beta, customers))
        chance = np.zeros(customers)
    else:
        life, chance = np.full(customers, np.inf), random.beta(model.a, model.b, customers)
    here = np.zeros(customers)
    at_once = getattr(model, "may_leave_at_once", False)
    gone = random.random(customers) < chance * at_once
    repeats, last = np.zeros(customers), np.zeros(customers)
    while not gone.all():
        here += random.exponential(1 / np.maximum(rate, 1e-12))
        gone |= here > np.minimum(life, age)
        counts = ~gone if until is None else ~gone & (here > until)
        repeats += counts
        last = np.where(counts, here, last)
        gone |= random.random(customers) < chance
    return repeats, last, age


@given(history=HISTORY, horizon=st.floats(0.1, 104), a=st.floats(10, 45), b=st.floats(0.05, 400), at_once=st.booleans())
def test_customers_who_leave_alike_are_averaged_to_what_the_series_says(history, horizon, a, b, at_once):
    series = BetaGeometric(r=0.2, alpha=5.0, a=10.0, b=b, may_leave_at_once=at_once)
    averaged = BetaGeometric(r=0.2, alpha=5.0, a=10.0000001, b=b, may_leave_at_once=at_once)
    assert averaged.expected_purchases(*arrays(*history), horizon=horizon) == pytest.approx(
        series.expected_purchases(*arrays(*history), horizon=horizon), rel=1e-5
    )
    alike = BetaGeometric(r=0.2, alpha=5.0, a=a * 1000, b=b * 1000, may_leave_at_once=at_once)
    odds, (repeats, _, age) = a / (a + b), arrays(*history)
    waited = -np.expm1(-(0.2 + repeats) * np.log1p(odds * horizon / (5.0 + age))) / odds
    assert alike.expected_purchases(*arrays(*history), horizon=horizon) == pytest.approx(
        waited * alike.probability_alive(*arrays(*history)), rel=0.05
    )
