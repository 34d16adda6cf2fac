"""Complaints whose effect is known: who leaves for one is gone from the orders, and nothing else is touched."""

import polars as pl
import pytest

from simulation.complaints import COMPLAINT_PROBABILITY, LEAVES_SETTLED, LEAVES_UNSETTLED, simulate_complaints


@pytest.fixture(scope="module")
def made(company):
    return simulate_complaints(company, seed=4)


def test_the_same_seed_gives_the_same_and_tickets_fit_the_truth(company, made):
    again = simulate_complaints(company, seed=4)
    assert again.tickets.equals(made.tickets)
    assert again.orders.equals(made.orders)
    assert made.tickets["ticket_id"].to_list() == made.truth["ticket_id"].to_list()
    purchases = company.orders.filter(pl.col("amount") > 0)["order_id"].n_unique()
    assert 0.5 * COMPLAINT_PROBABILITY < made.tickets.height / purchases <= 1.5 * COMPLAINT_PROBABILITY


def test_who_leaves_for_a_complaint_buys_nothing_after_it_and_the_others_as_ever(company, made):
    left = made.truth.filter("left_for_it").select("customer_id")
    assert left["customer_id"].is_unique().all()  # whoever has left complains no more
    gone_at = left.join(made.tickets.select("customer_id", "opened_at"), on="customer_id").group_by("customer_id").max()
    after = made.orders.join(gone_at, on="customer_id").filter(pl.col("ordered_at") >= pl.col("opened_at"))
    assert after.is_empty()
    others = company.orders.join(left, on="customer_id", how="anti")
    assert made.orders.join(left, on="customer_id", how="anti").equals(others)


def test_settling_keeps_customers(made):
    share = dict(made.truth.group_by("settled").agg(pl.col("left_for_it").mean()).iter_rows())
    assert share[False] == pytest.approx(LEAVES_UNSETTLED, abs=0.12)
    assert share[True] == pytest.approx(LEAVES_SETTLED, abs=0.06)
