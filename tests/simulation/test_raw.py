import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from simulation.raw import _major_units, raw_customers, raw_orders, raw_products

COLUMNS = {
    raw_orders: (
        "order_number line customer_number placed_at sku units net_amount discount unit_cost_total sales_channel "
        "currency month"
    ),
    raw_customers: (
        "customer_number kind joined_at region year_of_birth came_from credit_limit email phone may_contact"
    ),
    raw_products: "sku title department maker list_price unit_cost launched_on is_active",
}


@pytest.mark.parametrize("export", COLUMNS)
def test_columns_are_the_companys_own_and_text(small_company, export):
    exported = export(small_company)
    assert exported.columns == COLUMNS[export].split()
    assert set(exported.dtypes) == {pl.String}


@given(st.integers(-(10**12), 10**12))
def test_money_is_exact(hundredths):
    text = pl.DataFrame({"amount": [hundredths]}).select(_major_units("amount")).item()
    whole, cents = text.lstrip("-").split(".")
    assert len(cents) == 2
    assert int(whole + cents) * (-1 if text.startswith("-") else 1) == hundredths


def test_missing_money_stays_missing():
    assert pl.DataFrame({"amount": [None]}, schema={"amount": pl.Int64}).select(_major_units("amount")).item() is None


def test_times_are_local_and_lead_back_to_the_instant(small_company):
    exported = raw_orders(small_company)
    instant = (
        exported["placed_at"]
        .str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
        .dt.replace_time_zone("Europe/London")
        .dt.convert_time_zone("UTC")
    )
    assert_series_equal(instant, small_company.orders["ordered_at"], check_names=False)
    assert (exported["placed_at"].str.slice(0, 7) == exported["month"]).all()
    summer = small_company.orders["ordered_at"].dt.month() == 5
    wall_hour = exported["placed_at"].str.slice(11, 2).cast(pl.Int8)
    assert (wall_hour.filter(summer) == small_company.orders["ordered_at"].dt.hour().filter(summer) + 1).all()
