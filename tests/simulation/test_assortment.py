from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.assortment import PRICE_LEVELS, build_assortment
from simulation.calendar import Calendar
from simulation.departments import DEPARTMENT_CODES, DEPARTMENTS
from simulation.randomness import stream

CALENDAR = Calendar(start=date(2024, 1, 1), end=date(2026, 1, 1), time_zone="UTC")


@pytest.fixture(scope="module")
def assortment():
    return build_assortment(stream(7, "assortment"), products=240, calendar=CALENDAR)


@given(seed=st.integers(0, 10_000), products=st.integers(24, 900), edge=st.sampled_from([0.0, 0.5, np.nextafter(1, 0)]))
@settings(max_examples=12, deadline=None)
def test_a_draw_never_leaves_its_department(seed, products, edge):
    built = build_assortment(stream(seed, "assortment"), products=products, calendar=CALENDAR)
    department = np.tile(np.arange(len(DEPARTMENTS)), PRICE_LEVELS)
    level = np.repeat(np.arange(PRICE_LEVELS), len(DEPARTMENTS))
    for evergreen in (False, True):
        product = built.choose(np.full(department.size, edge), department, level, evergreen=evergreen)
        assert (built.department[product] == department).all()
        if evergreen:
            assert (built.sold_from_day[product] <= 0).all()
            assert (built.sold_until_day[product] >= CALENDAR.day_count).all()


@pytest.mark.parametrize("products", [24, 240, 900])
def test_names_and_numbers_differ(products):
    frame = build_assortment(stream(7, "assortment"), products=products, calendar=CALENDAR).frame
    assert frame["product_id"].is_unique().all()
    assert frame.select("category", "name").is_unique().all()


def test_prices_cover_costs(assortment):
    assert (assortment.unit_cost < assortment.list_price).all()
    assert (assortment.list_price % 10 == 9).all()


def test_dear_buyers_choose_dearer_products(assortment):
    draws = np.random.default_rng(1).random(3000)
    kitchen = np.full(3000, DEPARTMENT_CODES.index("KIT"))
    cheap, dear = (
        assortment.list_price[assortment.choose(draws, kitchen, np.full(3000, level))].mean() for level in (0, 2)
    )
    assert dear > 1.2 * cheap


def test_complements_come_from_the_partner_department(assortment):
    partners = [DEPARTMENTS[one].partner for one in assortment.department]
    assert [DEPARTMENT_CODES[one] for one in assortment.department[assortment.complement]] == partners
