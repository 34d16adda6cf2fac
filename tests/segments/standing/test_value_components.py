from datetime import date

import polars as pl

from segments.standing.rules import SegmentationRules
from segments.standing.value_components import late_payment_days, order_sums, value_components

DAY = date(2026, 1, 1)


def lines(**columns):
    base = {"customer_id": ["a", "a", "b"], "quantity": [2.0, -1.0, 1.0], "amount": [1000, -300, 500]}
    base |= {"discount_amount": [100, None, None], "cost_amount": [600, -180, None]}
    return pl.LazyFrame(base | columns, schema_overrides={"discount_amount": pl.Int64, "cost_amount": pl.Int64})


def facts(**columns):
    base = {"customer_id": ["a", "b", "quiet"]}
    named = ("contact_cost_amount_365_days", "compensation_amount_365_days", "ticket_count_365_days")
    named += ("subscription_monthly_amount", "days_since_first_subscription")
    base |= dict.fromkeys(named)
    return pl.DataFrame(base | columns, schema_overrides=dict.fromkeys(named, pl.Int64))


def parts(sums, late=None, *, of=None, **rules):
    made = value_components(facts() if of is None else of, sums, late, rules=SegmentationRules(**rules))
    return {row["customer_id"]: row for row in made.to_dicts()}


def test_margin_is_known_where_costs_are_and_assumed_elsewhere():
    made = parts(order_sums(lines()), assumed_margin_share=0.4)
    assert (made["a"]["net_sales_12m"], made["a"]["returns_12m"], made["a"]["units_12m"]) == (700, 300, 1.0)
    assert (made["a"]["margin_12m"], made["a"]["margin_is_estimated"]) == (700 - 420, False)
    assert (made["b"]["margin_12m"], made["b"]["margin_is_estimated"]) == (200, True)
    assert (made["a"]["discounts_12m"], made["b"]["discounts_12m"]) == (100, 0)
    assert (made["quiet"]["net_sales_12m"], made["quiet"]["contribution_12m"]) == (0, 0)


def test_running_subscriptions_are_sales_whose_cost_is_assumed():
    of = facts(subscription_monthly_amount=[0, 1000, None], days_since_first_subscription=[900, 900, None])
    made = parts(order_sums(lines()), of=of, assumed_margin_share=0.5)
    assert [made[name]["subscription_sales_12m"] for name in ("a", "b", "quiet")] == [0, 12_000, None]
    assert (made["b"]["net_sales_12m"], made["b"]["margin_12m"]) == (12_500, 6_250)
    assert made["a"]["margin_is_estimated"] is False


def test_what_nobody_records_is_empty_and_not_nothing():
    made = parts(order_sums(lines(discount_amount=[None] * 3, cost_amount=[None] * 3)))
    names = ("discounts_12m", "goods_cost_12m", "contact_cost_12m", "service_cost_12m", "late_payment_cost_12m")
    assert [made["a"][name] for name in names] == [None] * 5
    assert made["a"]["contribution_12m"] == 210


def test_contacts_service_and_late_payment_are_taken_off():
    invoices = pl.LazyFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "issued_on": [date(2025, 10, 1)] * 3 + [DAY],
            "due_on": [date(2025, 10, 15), date(2025, 12, 22), date(2025, 10, 15), None],
            "paid_on": [date(2025, 10, 25), None, date(2025, 10, 10), None],
            "amount": [36_500, 73_000, 50_000, 99],
        }
    )
    late = late_payment_days(invoices, day=DAY)
    assert dict(late.iter_rows()) == {"a": 36_500 * 10 + 73_000 * 10, "b": 0}
    of = facts(contact_cost_amount_365_days=[5, 0, 0], compensation_amount_365_days=[7, 0, 0])
    of = of.with_columns(pl.Series("ticket_count_365_days", [2, 0, 0]))
    made = parts(order_sums(lines()), late, of=of, late_payment_rate_per_year=0.10, cost_per_ticket_amount=20)["a"]
    assert (made["contact_cost_12m"], made["service_cost_12m"], made["late_payment_cost_12m"]) == (5, 47, 300)
    assert made["contribution_12m"] == 280 - 5 - 47 - 300
