import polars as pl

from segments.standing.customer_facts import FEATURES
from segments.standing.loyalty import loyalty
from segments.standing.rules import SegmentationRules

HABIT = {
    "purchase_day_count": 10,
    "purchase_day_count_365_days": 5,
    "distinct_categories_life": 2,
    "days_since_first_order": 500,
    "irregularity_of_orders": 0.5,
    "discounted_line_share_365_days": 0.3,
    "referral_count": 0,
}
LOYAL = {
    "purchase_day_count_365_days": 20,
    "distinct_categories_life": 6,
    "discounted_line_share_365_days": 0.0,
    "referral_count": 2,
    "irregularity_of_orders": 0.2,
}


def classes(*customers, **rules):
    rows = [dict.fromkeys(FEATURES) | HABIT | changed for changed in customers]
    facts = pl.DataFrame(rows, schema=FEATURES).insert_column(
        0, pl.Series("customer_id", [str(n) for n in range(len(rows))])
    )
    return loyalty(facts, rules=SegmentationRules(**rules))


def test_each_class_has_its_evidence():
    made = classes(
        LOYAL,
        {"discounted_line_share_365_days": 0.9},
        {"irregularity_of_orders": 2.0},
        {"purchase_day_count": 2, "discounted_line_share_365_days": 0.9},
        {},
        {},
    )
    assert made["loyalty_class"].to_list() == [
        "truly loyal",
        "discount-driven",
        "polygamous",
        "too early to tell",
        "habitual",
        "habitual",
    ]
    assert made["loyalty_points"].null_count() == 1
    assert made["loyalty_points"][0] == made["loyalty_points"].max()


def test_where_everything_is_always_discounted_nobody_is_driven_by_it():
    made = classes(*[{"discounted_line_share_365_days": 0.9}] * 5)
    assert "discount-driven" not in made["loyalty_class"].to_list()


def test_without_discounts_categories_or_referrals_there_is_still_a_class():
    unknown = dict.fromkeys(("discounted_line_share_365_days", "distinct_categories_life", "referral_count"))
    made = classes(unknown, unknown | {"irregularity_of_orders": None})
    assert made["loyalty_class"].null_count() == 0
    assert made["customers_brought"].to_list() == [None, None]
