"""What a review says the actions brought."""

from datetime import date, timedelta

import polars as pl

from segments.campaigns.contract import ledger_contract
from segments.campaigns.reviewed import NO_CAMPAIGNS, what_actions_brought
from segments.campaigns.rules import EARNED, HOLD_OUT, LESS, MATCHED, NOT_COMPARED, NOT_MATURED, NOT_MEASURABLE
from segments.money import Currency

EUR = Currency(code="EUR")
AS_OF = date(2026, 1, 1)


def campaign(name, days_ago, **columns):
    gain = columns.pop("gain", None)
    ended = AS_OF - timedelta(days=days_ago)
    row = {
        "campaign_id": name,
        "cut": "all",
        "cut_value": "all contacts",
        "as_of": AS_OF,
        "first_contact_on": ended - timedelta(days=30),
        "window_ends_on": ended,
        "state": "matured" if days_ago > 0 else "not matured",
        "evidence": NOT_COMPARED,
        "verdict": NOT_MEASURABLE,
        "in_words": "words",
        "contacted": 1000,
        "net_sales_of_contacted": 9000,
    }
    if gain is not None:
        row |= {"cost": 500, "evidence": HOLD_OUT, "verdict": EARNED}
        row |= {f"net_gain{end}": gain + by for end, by in (("", 0), ("_low", -50), ("_high", 50))}
        row |= {f"caused_margin{end}": gain + 500 + by for end, by in (("", 0), ("_low", -50), ("_high", 50))}
    return row | columns


def brought(*rows):
    schema = ledger_contract(EUR).schema
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    return what_actions_brought({"campaign_ledger": frame}, EUR)


def test_without_campaigns_it_says_what_is_missing():
    assert what_actions_brought({}, EUR).words == NO_CAMPAIGNS
    assert brought().words == NO_CAMPAIGNS


def test_campaigns_whose_window_is_not_over_are_waited_for():
    found = brought(campaign("new", -10, verdict=NOT_MATURED))
    assert "over yet" in found.words
    assert "2026-01-11" in found.words
    assert not found.rows


def test_the_last_quarter_with_its_money():
    found = brought(
        campaign("spring", 200, gain=900),
        campaign("autumn", 60, gain=300, sales_afterwards=LESS, later_net_sales=-700),
        campaign("winter", 5, gain=200, evidence=MATCHED),
        campaign("small", 10),
        campaign("now", -3, verdict=NOT_MATURED),
    )
    assert [row["name"] for row in found.rows] == ["winter", "small", "autumn"]
    assert found.points == [("winter", 200.0, 150.0, 250.0), ("autumn", 300.0, 250.0, 350.0)]
    for told in (
        "3 campaigns",
        "€1,500",
        "€1,000",
        "€18.0k",
        "2 of 2 earned",
        "one campaign nothing",
        "not matured yet",
    ):
        assert told in found.words
    assert "no experiment" in found.note
    assert found.signs == ["autumn was followed by less in the window after: pulled forward (-€700 of net sales)."]
    assert (found.rows[2]["gain"], found.rows[2]["gain_span"], found.rows[2]["tone"]) == (
        "€300",
        "€250 to €350",
        "good",
    )


def test_where_none_ended_lately_the_last_ones_are_shown_and_said_so():
    found = brought(campaign("spring", 200, gain=900, cost=None, net_gain=None))
    assert "longer ago" in found.words
    assert "No cost is recorded" in found.words
    assert found.of == "caused margin"
    assert found.points[0][1] == 1400.0


def test_a_campaign_restated_within_the_quarter_is_told_whatever_its_age():
    said = "told as of 2025-12-30: net gain 950.00 EUR, now 900.00 EUR. Data of its time changed since"
    lately, before = AS_OF - timedelta(days=2), AS_OF - timedelta(days=91)
    found = brought(
        campaign("spring", 200, gain=900, restated_on=lately, restatement=said),
        campaign("summer", 150, gain=900, restated_on=before, restatement="told in the last review"),
        campaign("autumn", 60, gain=300),
    )
    assert found.restated == [f"spring: {said}."]
