import pytest

from segments.contracts import NEXT_BEST_CATEGORY, WATCHED_COLUMNS, customer_contract
from segments.money import Currency
from segments.ranked_offers import NEXT_BEST_OFFER

CUSTOMER = customer_contract(Currency(code="GBP", exponent=2))


@pytest.mark.parametrize("contract", [CUSTOMER, NEXT_BEST_OFFER, NEXT_BEST_CATEGORY])
def test_every_column_says_what_it_means(contract):
    assert contract.meaning
    assert [column.name for column in contract.columns if len(column.meaning) < 10] == []


def test_watched_columns_are_published_and_do_not_move_every_night():
    assert set(WATCHED_COLUMNS) <= set(CUSTOMER.names)
    restless = {"churn_probability", "expected_value_90d", "expected_value_12m", "days_since_last_order", "main_reason"}
    assert not restless & set(WATCHED_COLUMNS)


def test_amounts_are_in_the_companys_currency_only():
    by_name = {column.name: column for column in CUSTOMER.columns}
    assert by_name["currency"].allowed == ("GBP",)
