from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from simulation.assortment import build_assortment
from simulation.calendar import Calendar
from simulation.departments import DEPARTMENT_NAMES
from simulation.order_times import draw_joining_seconds, draw_order_times
from simulation.people import draw_people
from simulation.randomness import stream
from simulation.truth import taste_column, tell_truth


def test_everybody_is_in_the_truth_once_and_in_order(company):
    assert company.truth["customer_id"].to_list() == company.customers["customer_id"].to_list()
    assert company.truth["acquired_at"].to_list() == company.customers["created_at"].to_list()


def test_alive_at_the_end_means_no_death(company):
    assert (company.truth["alive_at_end"] == company.truth["died_at"].is_null()).all()
    assert 0.3 < company.truth["alive_at_end"].mean() < 0.8


def test_tastes_sum_to_one(company):
    total = company.truth.select(pl.sum_horizontal(taste_column(name) for name in DEPARTMENT_NAMES)).to_series()
    assert np.allclose(total, 1.0)


@pytest.mark.parametrize("column", ["price_sensitivity", "loyalty_share", "return_probability"])
def test_shares_are_shares(company, column):
    assert company.truth[column].is_between(0.0, 1.0).all()


def test_the_mean_order_value_is_what_steady_buyers_spend_on_average(company):
    bought = company.orders.filter(pl.col("amount") > 0).group_by("customer_id", "order_id").agg(pl.col("amount").sum())
    steady = bought.group_by("customer_id").agg(pl.col("amount").mean(), orders=pl.len()).filter(pl.col("orders") >= 15)
    steady = steady.join(company.truth, on="customer_id", validate="1:1")
    assert steady["amount"].sum() / steady["mean_order_value"].sum() == pytest.approx(1.0, abs=0.05)
    assert steady.select(pl.corr("amount", "mean_order_value")).item() > 0.9


def test_the_dead_are_expected_to_buy_nothing_and_the_living_less_the_sooner_they_die(company):
    dead = company.truth.filter(~pl.col("alive_at_end"))
    living = company.truth.filter("alive_at_end")
    assert dead["expected_orders_next_365_days"].max() == 0.0
    assert (living["expected_orders_next_90_days"] < living["expected_orders_next_365_days"]).all()
    share_of_rate = pl.col("expected_orders_next_365_days") / pl.col("buying_rate_per_year")
    assert living.select(pl.corr(share_of_rate, -pl.col("death_hazard_per_year"))).item() > 0.9
    assert dead["expected_value_next_365_days"].max() == 0
    fades = pl.col("fades_from").is_not_null()
    worth = pl.col("expected_value_next_365_days").sum()
    plain = (pl.col("mean_order_value") * pl.col("expected_orders_next_365_days")).sum()
    assert living.filter(~fades).select(worth / plain).item() == pytest.approx(1.0, abs=0.001)
    assert living.filter(fades).select(worth / plain).item() < 0.3  # they slow down, and are lost within 150 days


def test_expected_orders_are_what_happens_when_time_goes_on(company):
    calendar = Calendar(start=company.start, end=company.end, time_zone=company.time_zone)
    assortment = build_assortment(stream(1, "assortment"), products=24, calendar=calendar)
    people = draw_people(1, customers=5000, calendar=calendar, assortment=assortment)
    seconds = draw_joining_seconds(stream(1, "joining"), people)
    created_at = calendar.instants(people.lives.acquired_day, seconds)
    truth = tell_truth(people=people, created_at=created_at, calendar=calendar, assortment=assortment)
    later = replace(calendar, end=calendar.end.replace(year=calendar.end.year + 1))
    times = draw_order_times(stream(1, "order times"), people=people, joining_second=seconds, calendar=later)
    for days in (90, 365):
        happened = ((times.day >= calendar.day_count) & (times.day < calendar.day_count + days)).sum()
        expected = truth[f"expected_orders_next_{days}_days"].sum()
        assert 0.85 < happened / expected < 1.03  # fading takes a few orders away


def test_fading_customers_buy_less_before_they_are_lost(company):
    fading = company.truth.filter(pl.col("fades_from").is_not_null() & pl.col("died_at").is_not_null())
    days = (pl.col("died_at").dt.date() - pl.col("fades_from")).dt.total_days()
    orders = company.orders.filter(pl.col("amount") > 0).unique("order_id", maintain_order=True)
    late = orders.join(fading, on="customer_id").filter(pl.col("ordered_at").dt.date() >= pl.col("fades_from"))
    expected = fading.select((days / 365.25 * pl.col("buying_rate_per_year")).sum()).item()
    assert 0.2 < late.height / expected < 0.6
