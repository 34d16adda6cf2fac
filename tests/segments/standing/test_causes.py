from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.standing.causes import tier_changes
from segments.standing.tier_migration import equity_bridge, tier_migration

THEN, NOW = date(2025, 9, 1), date(2025, 12, 1)
SCHEMA = {
    "customer_id": pl.String,
    "value_tier": pl.String,
    "expected_value_12m": pl.Int64,
    "value_model_version": pl.Int32,
    "days_since_last_order": pl.Int64,
}


def standing(day, rows, version=1):
    full = [(name, tier, value, version, since) for name, tier, value, since in rows]
    return pl.DataFrame(full, schema=SCHEMA, orient="row").with_columns(pl.lit(day).alias("as_of"))


BEFORE = standing(
    THEN, [("p", "platinum", 1000, 1), ("g", "gold", 500, 1), ("i", "iron", 100, 1), ("l", "lead", 10, 1)]
)


def causes(now, *, corrected=(), version=1, former=None):
    values = (
        None if former is None else pl.DataFrame({"customer_id": list(former), "former_value": list(former.values())})
    )
    changes = tier_changes(
        standing(NOW, now, version),
        BEFORE,
        corrected=pl.Series(list(corrected), dtype=pl.String),
        former_values=values,
    )
    return {row["customer_id"]: row for row in changes.to_dicts()}


def test_behaviour_threshold_correction_and_no_change_are_told_apart():
    now = [("p", "platinum", 1000, 1), ("g", "iron", 120, 1), ("i", "gold", 600, 1), ("l", "iron", 200, 1)]
    made = causes(now, corrected=["l"])
    assert {name: row["cause"] for name, row in made.items()} == {
        "p": None,
        "g": "behaviour",
        "i": "behaviour",
        "l": "data correction",
    }
    # the customer is expected to bring what they were; others passed them
    moved = causes([("p", "gold", 1000, 1), ("g", "platinum", 5000, 1), ("i", "iron", 100, 1), ("l", "lead", 10, 1)])
    assert (moved["p"]["cause"], moved["g"]["cause"]) == ("threshold", "behaviour")


def test_the_former_model_is_asked_where_there_is_another():
    now = [("p", "gold", 700, 1), ("g", "iron", 90, 1), ("i", "iron", 100, 1), ("l", "lead", 10, 1)]
    made = causes(now, version=2, former={"p": 1100, "g": 110, "i": 100, "l": 10})
    assert (made["p"]["cause"], made["p"]["model_part"]) == ("model", 700 - 1100)
    assert (made["g"]["cause"], made["g"]["model_part"]) == ("behaviour", 90 - 110)
    silent = [("p", "gold", 700, 200), ("g", "iron", 90, 5), ("i", "iron", 100, 1), ("l", "lead", 10, 1)]
    unasked = causes(silent, version=2)
    assert (unasked["p"]["cause"], unasked["g"]["cause"]) == ("model", "behaviour")
    assert unasked["p"]["model_part"] is None
    subscribers = [("p", "gold", 700, None), ("g", "gold", 500, None), ("i", "iron", 100, None)]
    assert causes(subscribers, version=2)["p"]["cause"] == "model"  # who never bought has bought nothing since


def test_a_change_of_value_has_a_cause_whatever_became_of_the_tier():
    now = [("p", "platinum", 1500, 1), ("g", "gold", 520, 1), ("i", "iron", 140, 1), ("l", "lead", 11, 1)]
    made = causes(now, version=2, former={"p": 1100, "g": 510, "i": 135, "l": 10}, corrected=["i"])
    assert {name: row["cause"] for name, row in made.items()} == dict.fromkeys("pgil")
    assert {name: row["value_cause"] for name, row in made.items()} == {
        "p": "model",  # 400 of the 500
        "g": "behaviour",  # 10 of the 20: not most of it
        "i": "data correction",
        "l": "model",
    }
    changes = pl.DataFrame(list(made.values()), schema_overrides={"cause": pl.String})
    steps = dict(equity_bridge(changes).select("part", "expected_value_12m").iter_rows())
    assert (steps["data correction"], steps["changed model"], steps["changed behaviour"]) == (40, 411, 110)


def test_coming_and_going_are_behaviour():
    made = causes([("p", "platinum", 1000, 1), ("new", "iron", 100, 1), ("g", "not scored", None, 400)])
    assert (made["new"]["from_tier"], made["new"]["cause"]) == ("not scored", "behaviour")
    assert (made["g"]["to_tier"], made["g"]["cause"]) == ("not scored", "behaviour")
    assert made["i"]["to_tier"] == "not scored"


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 999), st.none() | st.integers(0, 999), st.booleans()), max_size=12),
    st.sampled_from([1, 2]),
)
def test_the_bridge_always_sums_and_the_matrix_counts_everybody_once(values, version):
    def of(day, place, number):
        rows = [
            (str(n), "not scored" if one[place] is None else "gold" if one[place] > 500 else "lead", one[place], 1)
            for n, one in enumerate(values)
        ]
        return standing(day, rows, number)

    former = {str(n): 400 for n, one in enumerate(values) if one[1] is not None and one[2]}
    changes = tier_changes(
        of(NOW, 1, version),
        of(THEN, 0, 1),
        corrected=pl.Series([], dtype=pl.String),
        former_values=pl.DataFrame(
            {"customer_id": list(former), "former_value": list(former.values())},
            schema={"customer_id": pl.String, "former_value": pl.Int64},
        ),
    )
    steps = dict(equity_bridge(changes).select("part", "expected_value_12m").iter_rows())
    now = steps.pop("now")
    assert sum(steps.values()) == now == sum(one[1] or 0 for one in values)
    assert steps["before"] == sum(one[0] or 0 for one in values)
    scored = [one for one in values if one[0] is not None or one[1] is not None]
    assert tier_migration(changes)["customers"].sum() == len(scored)


@pytest.mark.parametrize("side", ["now", "before"])
def test_nobody_then_or_now_is_no_fault(side):
    frames = {"now": standing(NOW, [("p", "platinum", 10, 1)]), "before": BEFORE}
    frames[side] = frames[side].clear()
    made = tier_changes(**frames, corrected=pl.Series([], dtype=pl.String))
    assert set(made["cause"]) == {"behaviour"}
