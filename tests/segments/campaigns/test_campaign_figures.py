"""The formulas behind the ledger: sums between days, intervals, power."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.campaigns.dated_sums import DatedSums
from segments.campaigns.estimating import effects, t_95
from segments.campaigns.likeness import Sides
from segments.campaigns.power import customers_needed, hold_out_needed, smallest_visible

DAY = date(2025, 1, 1)
EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(-50, 50)), max_size=30)


@given(EVENTS, st.integers(0, 3), st.integers(0, 9), st.integers(0, 9))
def test_sums_between_days_are_those_of_the_rows(events, customer, first, last):
    start, end = min(first, last), max(first, last)
    rows = pl.DataFrame(events, schema=["customer", "offset", "amount"], orient="row")
    rows = rows.cast(pl.Int64).select("customer", "amount", day=pl.lit(DAY) + pl.duration(days="offset"))
    sums = DatedSums.of(rows.with_columns(pl.col("day").cast(pl.Date)))
    number = (DAY - date(1970, 1, 1)).days
    who = np.array([customer])
    edges = [sums.edge(who, np.array([number + offset])) for offset in (start, end)]
    own = [(offset, amount) for one, offset, amount in events if one == customer]
    assert sums.between("amount", *edges)[0] == sum(amount for offset, amount in own if start <= offset < end)
    before = [number + offset for offset, _ in own if offset < end]
    assert sums.last_day_before(who, edges[1])[0] == max(before, default=-1)


def test_intervals_hold_the_truth_as_often_as_they_say_and_adjusting_narrows_them():
    rng = np.random.default_rng(3)
    inside, halves = 0, []
    for _ in range(300):
        before = rng.gamma(0.5, 100, (400, 1))
        contacted = rng.random(400) < 0.7
        outcome = before[:, 0] + rng.exponential(50, 400) + 20 * contacted
        plain = Sides(contacted=contacted, weights=np.ones(400), covariates=before * 0, with_like=1.0)
        sides = Sides(contacted=contacted, weights=np.ones(400), covariates=before, with_like=1.0)
        (found,) = effects(outcome[:, None], sides, by_lot=True)
        inside += abs(found.mean - 20) < found.half
        halves.append(effects(outcome[:, None], plain, by_lot=True)[0].half / found.half)
    assert inside / 300 == pytest.approx(0.95, abs=0.03)
    assert np.mean(halves) > 1.5


def test_few_held_out_of_whom_fewer_bought_do_not_look_sure():
    rng = np.random.default_rng(3)
    contacted, inside = np.arange(900) >= 100, 0
    sides = Sides(contacted=contacted, weights=np.ones(900), covariates=np.zeros((900, 1)), with_like=1.0)
    for _ in range(400):
        bought = (rng.random(900) < 0.06) * rng.lognormal(3, 1, 900)
        (found,) = effects(bought[:, None], sides, by_lot=True)
        inside += abs(found.mean) < found.half
    assert inside / 400 > 0.93  # each side by its own variance: 0.83


def test_few_contacted_who_vary_more_than_many_left_alone_are_not_told_to_vary_as_little():
    rng = np.random.default_rng(3)
    contacted = np.arange(3_000) < 100
    sides = Sides(contacted=contacted, weights=np.ones(3_000), covariates=np.zeros((3_000, 1)), with_like=1.0)
    outcome = rng.normal(0, np.where(contacted, 90, 30))
    (found,) = effects(outcome[:, None], sides, by_lot=True)
    own = np.sqrt(outcome[contacted].var(ddof=1) / 100 + outcome[~contacted].var(ddof=1) / 2_900)
    assert found.error == pytest.approx(own, rel=0.01)  # drawn to both: 0.67 of it


@pytest.mark.parametrize(("degrees", "quantile"), [(5, 2.5706), (30, 2.0423), (1e9, 1.96)])
def test_quantiles_of_student(degrees, quantile):
    assert t_95(degrees) == pytest.approx(quantile, abs=1e-3)


def test_the_hold_out_asked_for_sees_the_effect_and_no_smaller_one_does():
    customers, spread, effect = 20_000, 40.0, 2.0
    needed = hold_out_needed(customers=customers, spread=spread, effect=effect)

    def error(held_out):
        return spread * np.sqrt(1 / held_out + 1 / (customers - held_out))

    assert smallest_visible(error(needed)) <= effect < smallest_visible(error(needed - 1))
    assert hold_out_needed(customers=5000, spread=spread, effect=effect) is None
    least = customers_needed(spread=spread, effect=effect)
    assert hold_out_needed(customers=least, spread=spread, effect=effect) == pytest.approx(least / 2, rel=0.02)
