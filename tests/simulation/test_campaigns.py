"""Campaigns put into a simulated company do what their truth says."""

from datetime import date

import polars as pl
import pytest

from simulation.campaigns import simulate_campaigns
from simulation.retailer import simulate

STARTS = [date(2025, 3, 1), date(2025, 6, 1)]


@pytest.fixture(scope="module")
def company():
    return simulate(customers=400, start=date(2024, 1, 1), end=date(2025, 10, 1), seed=4)


def test_what_orders_gained_and_lost_is_what_the_truth_says(company):
    made = simulate_campaigns(company, starts=STARTS, hold_out_share=0.3)
    truth = made.truth
    assert made.truth["orders"].min() > 0
    difference = made.orders["amount"].sum() - company.orders["amount"].sum()
    assert difference == truth["net_amount"].sum() + truth["later_net_amount"].sum()
    assert (truth["net_amount"] == truth["promoted_net_amount"] + truth["other_net_amount"]).all()
    added = made.orders.filter(pl.col("order_id").str.starts_with("C01-"))
    held_out = made.contacts.filter(pl.col("campaign_id") == "C01", pl.col("held_out"))["customer_id"]
    assert not added["customer_id"].is_in(held_out.implode()).any()
    assert made.orders.schema == company.orders.schema
    again = simulate_campaigns(company, starts=STARTS, hold_out_share=0.3)
    assert again.orders.equals(made.orders)
    assert again.contacts.equals(made.contacts)


def test_without_a_hold_out_nobody_is_left_alone_on_purpose(company):
    made = simulate_campaigns(company, starts=STARTS[:1], hold_out_share=0.0)
    assert not made.contacts["held_out"].any()
    assert made.contacts["customer_id"].n_unique() < company.customers.height
