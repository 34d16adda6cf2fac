from datetime import date, timedelta

import polars as pl
import pytest

from segments.standing.channel_effectiveness import channel_effectiveness, channel_uses, ticket_figures
from segments.standing.rules import SegmentationRules
from segments.standing.service_recovery import index_days, recovery_strata, service_recovery
from segments.statistics import stratified_difference

RULES = SegmentationRules()
AS_OF = date(2026, 1, 15)


def test_only_months_that_could_be_followed_to_the_end_count():
    days = index_days(AS_OF, rules=RULES)
    assert (days[-1], len(days)) == (date(2025, 10, 1), 12)
    assert all(day + timedelta(days=RULES.follow_days) <= AS_OF for day in days)


def test_who_complained_is_held_against_like_customers():
    """40 customers who bought once in September; ten complained, six of them were recovered and came back."""
    ids = [f"{n:02d}" for n in range(40)]
    before = pl.DataFrame({"customer_id": ids, "day": [date(2025, 9, 5)] * 40})
    back = [*ids[:6], *ids[10:25]]
    after = pl.DataFrame({"customer_id": back, "day": [date(2025, 10, 20)] * len(back)})
    complaints = pl.DataFrame(
        {"customer_id": ids[:10], "opened_on": date(2025, 9, 20), "recovered": [True] * 6 + [False] * 4}
    )
    bought = pl.concat([before, after])
    days = [date(2025, 10, 1)]
    strata = recovery_strata(bought, complaints, days=days, rules=RULES)
    made = {row["service_group"]: row for row in service_recovery(strata).to_dicts()}
    assert (made["complaint recovered"]["customers"], made["complaint recovered"]["retained"]) == (6, 6)
    assert made["complaint recovered"]["effect"] == 0.5
    assert made["complaint not recovered"]["effect"] == -0.5
    assert made["complaint not recovered"]["effect_high"] < 0
    assert (made["no complaint"]["customers"], made["no complaint"]["effect"]) == (30, None)


def test_like_customers_bought_as_lately_too():
    """Ten complained in September about what they had just bought; of those silent since spring nobody comes back."""
    fresh, stale = [f"f{n:02d}" for n in range(30)], [f"s{n:02d}" for n in range(60)]
    days = [date(2025, 9, 15)] * 30 + [date(2025, 5, 1)] * 60
    again = pl.DataFrame({"customer_id": fresh[:24], "day": [date(2025, 11, 1)] * 24})
    bought = pl.concat([pl.DataFrame({"customer_id": fresh + stale, "day": days}), again])
    complaints = pl.DataFrame({"customer_id": fresh[:10], "opened_on": date(2025, 9, 20), "recovered": [False] * 10})
    strata = recovery_strata(bought, complaints, days=[date(2025, 10, 1)], rules=RULES)
    made = {row["service_group"]: row for row in service_recovery(strata).to_dicts()}
    assert made["complaint not recovered"]["like_retention_share"] == pytest.approx(14 / 20)
    assert made["complaint not recovered"]["effect"] == pytest.approx(0.3)


def test_buckets_add_up_and_nobody_is_no_fault():
    nothing = recovery_strata(
        pl.DataFrame(schema={"customer_id": pl.String, "day": pl.Date}),
        pl.DataFrame(schema={"customer_id": pl.String, "opened_on": pl.Date, "recovered": pl.Boolean}),
        days=index_days(AS_OF, rules=RULES),
        rules=RULES,
    )
    assert service_recovery(nothing)["customers"].to_list() == [0, 0, 0]
    assert service_recovery(nothing)["retention_share"].null_count() == 3


@pytest.mark.parametrize(
    ("strata", "difference"),
    [([(5, 10, 20, 100), (9, 10, 0, 0)], 0.3), ([(5, 5, 5, 5), (0, 5, 5, 5)], -0.5), ([], None)],
)
def test_strata_without_their_like_are_left_out(strata, difference):
    found = stratified_difference(strata)
    assert (None if found is None else pytest.approx(found[1])) == difference


def test_channels_by_waiting_first_contact_and_several():
    uses = channel_uses(
        pl.DataFrame(
            {
                "customer_id": ["a", "a", "b"],
                "channel": ["web", "phone", "web"],
                "is_order": [True, False, True],
                "touch_points": [3, 1, 2],
            }
        )
    )
    tickets = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b"],
            "ticket_id": ["1", "2", "3", "4"],
            "kind": "enquiry",
            "channel": ["phone", "phone", "phone", None],
            "opened_on": [date(2025, 11, 1), date(2025, 11, 11), date(2025, 11, 1), date(2026, 1, 10)],
            "hours_to_resolve": [24, 48, 72, None],
            "satisfaction": [5.0, None, 4.0, None],
        }
    )
    made = channel_effectiveness(uses, ticket_figures(tickets, as_of=AS_OF, rules=RULES))
    rows = {row["channel"]: row for row in made.to_dicts()}
    assert (rows["web"]["customers"], rows["web"]["multi_channel_customers"], rows["web"]["order_customers"]) == (
        2,
        1,
        2,
    )
    phone = rows["phone"]
    assert (phone["tickets"], phone["median_days_to_resolve"], phone["mean_satisfaction"]) == (3, 2.0, 4.5)
    assert phone["first_contact_share"] == pytest.approx(2 / 3)  # a came again after ten days
    assert (rows["unknown"]["open_tickets"], rows["unknown"]["first_contact_share"]) == (1, None)
    assert channel_effectiveness(uses, None)["tickets"].to_list() == [0, 0]
