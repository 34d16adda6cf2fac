"""Letters and complaints change orders and truth together."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from simulation.dealings import HOLD_OUT_SHARE, LETTERS_ABOUT, simulate_dealings
from simulation.retailer import simulate


@pytest.fixture(scope="module")
def company():
    return simulate(customers=400, start=date(2024, 1, 1), end=date(2025, 4, 1), seed=4)


@pytest.fixture(scope="module")
def made(company):
    return simulate_dealings(company, seed=4)


def test_nothing_tells_the_orders_of_a_letter_apart(made):
    orders = made.company.orders
    heads = orders.unique("order_id", keep="first", maintain_order=True)
    assert heads["order_id"].to_list() == [f"{number:08}" for number in range(1, heads.height + 1)]
    assert not orders.select(pl.struct("order_id", "line_number").is_duplicated().any()).item()
    assert orders["ordered_at"].is_sorted()


def test_whoever_left_for_a_complaint_is_gone_from_then_on(made, company):
    leavers = made.complaints.filter("left_for_it")["customer_id"]
    assert leavers.len() > 0
    truth = made.company.truth.filter(pl.col("customer_id").is_in(leavers.implode()))
    assert not truth["alive_at_end"].any()
    assert truth["expected_value_next_365_days"].sum() == 0
    assert truth["expected_orders_next_90_days"].sum() == 0
    known = company.orders.filter(pl.col("amount") > 0).join(truth, on="customer_id")
    assert known.filter(pl.col("ordered_at") >= pl.col("died_at")).height > 0  # the counterfactual had orders then
    others = made.company.truth.filter(~pl.col("customer_id").is_in(leavers.implode()))
    assert others.equals(company.truth.filter(~pl.col("customer_id").is_in(leavers.implode())))


def test_nobody_buys_after_they_left(made):
    bought = made.company.orders.filter(pl.col("amount") > 0).join(made.company.truth, on="customer_id")
    assert bought.filter(pl.col("ordered_at") >= pl.col("died_at")).is_empty()
    assert made.caused["orders"].sum() > 0


def test_letters_are_by_lot_and_of_known_effect(made):
    contacts, caused = made.contacts, made.caused
    assert made.campaigns.height == caused.height > 2
    assert contacts["held_out"].mean() == pytest.approx(HOLD_OUT_SHARE, abs=0.05)
    assert set(made.offers["category"]) == set(LETTERS_ABOUT)
    assert set(contacts["offer_id"]) == set(made.offers["offer_id"]) == set(made.campaigns["offer_id"])
    assert caused["margin_amount"].sum() > 0


def test_the_same_again_and_none_in_a_young_company(made, company):
    again = simulate_dealings(company, seed=4)
    assert again.company.orders.equals(made.company.orders)
    assert again.contacts.equals(made.contacts)
    young = replace(
        company, end=date(2024, 7, 1), orders=company.orders.filter(pl.col("ordered_at") < date(2024, 7, 1))
    )
    assert simulate_dealings(young, seed=4).contacts.is_empty()
