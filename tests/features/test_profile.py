from datetime import UTC, datetime

RECORD = {
    "customer_type": "trader",
    "created_at": datetime(2024, 1, 1, 23, 30, tzinfo=UTC),
    "region": "North",
    "birth_year": 1980,
    "acquisition_channel": "web",
    "credit_limit": 5000,
    "consent_marketing": False,
}
NAMES = [
    "customer_type",
    "region",
    "acquisition_channel",
    "age_years",
    "days_since_registration",
    "credit_limit_amount",
    "has_marketing_consent",
]


def test_values(orders_of, customers_of, features_of):
    built = features_of(orders_of({"at": "2024-01-10"}), "2024-03-01", customers=customers_of(RECORD))
    assert built.select(NAMES).rows() == [("trader", "North", "web", 44, 60, 5000, 0)]


def test_a_record_counts_from_when_it_was_known(orders_of, customers_of, features_of):
    late = customers_of(RECORD | {"known_at": datetime(2024, 2, 1, tzinfo=UTC)})
    built = features_of(orders_of({"at": "2024-01-10"}), "2024-02-01", "2024-02-02", customers=late)
    assert built["region"].to_list() == [None, "North"]
    assert built["age_years"].to_list() == [None, 44]


def test_a_customer_without_a_record_stays(orders_of, customers_of, features_of):
    stranger = customers_of(RECORD | {"customer_id": "somebody else"})
    built = features_of(orders_of({"at": "2024-01-10"}), "2024-03-01", customers=stranger)
    assert built.select(NAMES).rows() == [(None,) * len(NAMES)]


def test_a_registration_after_the_snapshot_is_not_negative(orders_of, customers_of, one_row):
    future = customers_of(RECORD | {"created_at": datetime(2025, 1, 1, tzinfo=UTC)})
    row = one_row(orders_of({"at": "2024-01-10"}), "2024-03-01", customers=future)
    assert row["days_since_registration"] is None
