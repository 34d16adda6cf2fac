"""What a review says, from small published tables."""

from datetime import date

import polars as pl
import pytest

from segments.money import Currency
from segments.receipts.contract import BROKEN, KEPT, SCORE_RECEIPTS
from segments.review.content import (
    RESTS_ON,
    bridge,
    churn_points,
    decisions,
    headline,
    money,
    moves,
    quality,
    yearly_churn,
)

GBP = Currency(code="GBP")


def customers(**columns):
    frame = {
        "customer_status": ["active", "active", "lapsed"],
        "churn_probability": [0.8, 0.2, None],
        "churn_risk_band": ["critical", "low", "not scored"],
        "expected_value_12m": [100.0, 300.0, None],
    }
    return pl.DataFrame(frame | columns)


def migration(*rows):
    columns = ["compared_to", "compared_as_of", "from_tier", "to_tier", "cause", "customers"]
    dated = [("last quarter", date(2025, 10, 1), *row) for row in rows]
    return pl.DataFrame(dated, schema=columns, orient="row")


def equity(**parts):
    return pl.DataFrame(
        {"dimension": ["bridge"] * len(parts), "part": list(parts), "expected_value_12m": parts.values()}
    )


def gains(*amounts):
    return pl.DataFrame(
        {
            "expected_gain": amounts,
            "expected_gain_low": [0.0] * len(amounts),
            "expected_gain_high": [2 * amount for amount in amounts],
            "evidence": ["assumed"] * len(amounts),
        },
        schema_overrides=dict.fromkeys(("expected_gain", "expected_gain_low", "expected_gain_high"), pl.Float64),
    )


def receipts(*verdicts):
    empty = SCORE_RECEIPTS.schema
    rows = [
        {
            "scored_as_of": date(2025, month, 1),
            "score": "churn_probability",
            "slice": "all",
            "part": "all customers",
            "predicted": 0.4,
            "actual": 0.5,
            "actual_low": 0.45,
            "actual_high": 0.55,
            "verdict": verdict,
            "why": "its level is off",
        }
        for month, verdict in enumerate(verdicts, start=1)
    ]
    return pl.DataFrame(rows, schema=empty)


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "£0"), (950.4, "£950"), (12_340, "£12.3k"), (4_560_000, "£4.56m"), (-20_000, "-£20.0k"), (9_999, "£9,999")],
)
def test_money_at_a_glance(amount, told):
    assert money(amount, GBP) == told


def test_the_figures_at_the_top():
    told = {label: (figure, meaning) for label, figure, meaning in headline({"customer": customers()}, GBP)}
    assert told["active customers"] == ("2", "of 3 known")
    assert told["customer equity"][0] == "£400"
    assert told["expected to go quiet"] == ("1", "50% of those scored")
    assert told["value at high risk"] == ("£100", "1 customers")
    compared = headline({"customer": customers(), "customer_equity": equity(before=320.0, now=400.0)}, GBP)
    assert compared[1][2] == "+25.0% since last quarter"
    matrix = pl.DataFrame({"is_rising": [True, True, False], "expected_value_12m": [40.0, 60.0, 900.0]})
    rising = headline({"customer": customers(), "value_matrix": matrix}, GBP)[-1]
    assert rising == ("rising customers", "2", "small last year, expected to bring £100")


def test_who_moved_and_why():
    table = migration(
        ("gold", "platinum", "behaviour", 3),
        ("gold", "iron", "behaviour", 4),
        ("gold", "iron", "model", 1),
        ("gold", "gold", "no change", 90),
        ("lead", "not scored", "behaviour", 2),
    )
    found = moves({"tier_migration": table})
    assert (found.up, found.down, found.since) == (3, 7, "2025-10-01")
    assert found.flows["gold", "iron"] == 5
    assert found.causes == [("behaviour", 9), ("model", 1)]
    assert dict(found.matrix)["gold"] == [3, 90, 5, 0, 0]
    assert moves({"tier_migration": table}, compared_to="last version") is None
    assert moves({}) is None


def test_the_bridge_keeps_its_order_and_is_empty_without_a_quarter():
    steps = bridge({"customer_equity": equity(now=110.0, before=100.0)})
    assert (steps[0], steps[-1]) == (("before", 100.0, True), ("now", 110.0, True))
    assert bridge({"customer_equity": equity()}) == []
    assert bridge({}) == []


def test_decisions_by_money_then_those_without():
    tables = {
        "customer": customers(),
        "retention_list": gains(10.0, 5.0),
        "winback_list": gains(40.0),
        "upgrade_path": gains(),
        "standard_service": gains(-3.0),
        "score_receipts": receipts(KEPT, BROKEN),
    }
    found = decisions(tables, GBP, set_aside_share=0.05)
    assert [one.title for one in found] == [
        "Win 1 lost key customers back",
        "Keep 2 customers about to leave",
        "Train the models anew and compare before promoting",
        "Repair the sources",
    ]
    assert (found[1].money, found[1].interval, found[1].evidence) == ("£15", "£0 to £30", RESTS_ON["assumed"])
    mended = decisions(tables | {"score_receipts": receipts(BROKEN, KEPT)}, GBP)
    assert len(mended) == 2  # an old shortfall of a model that keeps its promise again asks for nothing


def test_predictions_beside_what_came():
    assert churn_points({"score_receipts": receipts(KEPT)}) == [("01 Jan 25", 0.4, 0.5, 0.45, 0.55)]
    assert churn_points({}) == []


def test_quality_and_churn_where_nothing_is_known():
    assert quality({}) == ([], [])
    counts = {
        "entities": {"orders": {"read": 10, "quarantined": 1}},
        "rules": [{"rule": "r", "entity": "orders", "rows": 1}],
    }
    assert quality(counts) == ([("orders", 10, 1, 0.1)], [("r", "orders", 1)])
    assert yearly_churn({"yearly_churn": pl.DataFrame({"churn_share": [None]})}) is None
