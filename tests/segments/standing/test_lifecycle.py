import polars as pl
import pytest

from segments.standing.customer_facts import FEATURES
from segments.standing.lifecycle import lifecycle
from segments.standing.rules import SegmentationRules

REGULAR = {
    "days_since_last_order": 10,
    "days_since_first_order": 700,
    "purchase_day_count": 30,
    "mean_days_between_orders": 24.0,
    "purchase_trend_180_days": 0.0,
    "purchase_day_count_365_days": 25,
}


def stages(*customers, previous=None):
    """Stages of customers who buy every 24 days but for what is said."""
    rows = [dict.fromkeys(FEATURES) | REGULAR | changed for changed in customers]
    facts = pl.DataFrame(rows, schema=FEATURES).insert_column(
        0, pl.Series("customer_id", [str(n) for n in range(len(rows))])
    )
    before = None
    if previous is not None:
        before = pl.DataFrame({"customer_id": [str(n) for n in range(len(rows))], "lifecycle": previous})
    return lifecycle(facts, rules=SegmentationRules(), previous=before)["lifecycle"].to_list()


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ({}, "mature"),
        ({"purchase_trend_180_days": 0.4}, "growing"),
        ({"purchase_trend_180_days": -0.4}, "declining"),
        ({"purchase_trend_180_days": 0.4, "purchase_day_count_365_days": 10}, "mature"),  # seven after three: chance
        ({"purchase_trend_180_days": -0.4, "purchase_day_count_365_days": 10}, "mature"),
        ({"purchase_trend_180_days": 0.9, "purchase_day_count_365_days": 6}, "growing"),
        ({"purchase_trend_180_days": 0.9, "days_since_first_order": 200}, "mature"),  # nothing earlier to compare with
        ({"days_since_last_order": 50}, "declining"),
        ({"days_since_last_order": 80}, "dormant"),
        ({"days_since_last_order": 200}, "lost"),
        # the same silence is nothing to who buys twice a year
        ({"days_since_last_order": 200, "mean_days_between_orders": 180.0, "purchase_day_count": 12}, "mature"),
        ({"purchase_day_count": 1, "mean_days_between_orders": None, "purchase_trend_180_days": None}, "new"),
        ({"days_since_last_order": 200, "running_subscription_count": 1}, "mature"),
        ({"days_since_last_order": None, "running_subscription_count": 1, "days_since_first_subscription": 30}, "new"),
        ({"days_since_last_order": None, "running_subscription_count": 0, "days_since_first_subscription": 30}, "lost"),
    ],
)
def test_stages_go_by_own_rhythm(changed, stage):
    assert stages(changed, {}, {}) == [stage, "mature", "mature"]


def test_nobody_flickers_at_a_line():
    just_beyond = {"days_since_last_order": 74}  # 3.1 gaps, dormant from 3.0 on
    assert stages(just_beyond) == ["dormant"]
    assert stages(just_beyond, previous=["declining"]) == ["declining"]
    assert stages({"days_since_last_order": 90}, previous=["declining"]) == ["dormant"]


def test_where_nobody_ever_came_back_there_is_still_a_stage():
    single = {"purchase_day_count": 1, "mean_days_between_orders": None, "purchase_trend_180_days": None}
    assert stages(single, single | {"days_since_last_order": 700}) == ["new", "lost"]
