"""The settings to begin with, as the company's currency makes them."""

import pytest

from config import load_settings
from config.template import settings_template

DRAFTED = """
[inputs.orders]
files = "orders.csv"

[sources.orders]
entity = "orders"
input = "orders"
money = "major"

[sources.orders.columns]
order_id = "a"
line_number = "b"
customer_id = "c"
ordered_at = "d"
product_id = "e"
quantity = "f"
amount = "g"
currency = "h"
"""


@pytest.mark.parametrize(
    ("currency", "costs"), [("EUR", (1, 5, 10)), ("CZK", (10, 50, 100)), ("JPY", (100, 500, 1000))]
)
def test_assumed_costs_are_in_units_of_the_companys_money(tmp_path, currency, costs):
    text = settings_template(currency=currency, time_zone="UTC")
    (tmp_path / "gristmill.toml").write_text(text + DRAFTED)
    found = load_settings(tmp_path, environment={}).decisions
    assert (found.attempt_cost, found.ticket_cost, found.personal_service_cost) == costs
    assert text.count("ASSUMED") == (0 if currency == "EUR" else 3)
