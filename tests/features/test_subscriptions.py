from datetime import date

import pytest

import features


@pytest.fixture(scope="module")
def contracts(rows_of):
    """As of 2024-03-01: a small plan that ended, then a large one; the end of the large one lies ahead."""
    return rows_of(
        "subscriptions",
        {"plan": "small", "started_on": "2023-01-31", "ended_on": "2023-12-31", "amount": 1000},
        {
            "plan": "large",
            "started_on": "2024-01-01",
            "ended_on": "2024-06-30",
            "amount": 36000,
            "billing_period_months": 12,
        },
        {"plan": "large", "started_on": "2024-03-01"},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("subscription_count", 2),
        ("running_subscription_count", 1),
        ("ended_subscription_count_365_days", 1),
        ("plan_change_count", 1),
        ("plan_upgrade_count", 1),
        ("plan_downgrade_count", 0),
        ("days_since_first_subscription", 395),
        ("days_since_last_subscription", 60),
        ("days_since_subscription_ended", 61),
        ("days_to_renewal", 306),
        ("renewal_count", 0),
        ("subscription_monthly_amount", 3000),
        ("price_change_since_first_subscription", 3.0),
        ("last_price_change", 3.0),
        ("purchase_count_life", 0),
        ("net_amount_365_days", 0),
        ("distinct_products_life", 0),
        ("days_since_last_order", None),
        ("amount_per_purchase", None),
    ],
)
def test_a_subscriber_who_never_ordered_has_features(contracts, orders_of, one_row, name, expected):
    somebody_else = orders_of({"at": "2024-03-05", "customer_id": "b"})
    assert one_row(somebody_else, "2024-03-01", subscriptions=contracts)[name] == expected


def test_a_business_without_orders_has_subscribers(contracts, features_of):
    built = features_of(None, "2023-01-31", "2023-02-01", "2024-03-01", subscriptions=contracts)
    assert built.columns == features.names(["subscriptions"])
    assert built["snapshot_date"].to_list() == [date(2023, 2, 1), date(2024, 3, 1)]
    assert built["subscription_count"].to_list() == [1, 2]


def test_nobody_at_all_gives_no_rows(rows_of, features_of):
    assert features_of(None, "2024-03-01", subscriptions=rows_of("subscriptions")).is_empty()


@pytest.mark.parametrize(
    ("started", "snapshot", "renewals", "days"),
    [
        ("2024-01-31", "2024-02-28", 0, 1),  # February's last day stands in for the 31st
        ("2024-01-31", "2024-03-30", 1, 1),
        ("2024-01-31", "2024-03-31", 2, 30),
        ("2024-02-29", "2025-02-28", 11, 0),
        ("2024-03-15", "2024-04-15", 1, 30),
        ("2024-03-15", "2024-04-14", 0, 1),
    ],
)
def test_renewals_follow_the_calendar(rows_of, features_of, started, snapshot, renewals, days):
    built = features_of(None, snapshot, subscriptions=rows_of("subscriptions", {"started_on": started}))
    assert built.select("renewal_count", "days_to_renewal").rows() == [(renewals, days)]
