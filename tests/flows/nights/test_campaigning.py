"""The campaign ledger of a load: read from the core, printed, and on the review's page."""

import json
from datetime import date

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.errors_reviewing import NothingToReviewError
from flows.nights.campaign_reporting import NO_CAMPAIGNS, print_campaigns, read_campaigns
from flows.nights.campaigning import with_campaigns
from flows.published.reviewing import page_facts, rendered
from segments.build import SegmentTables
from segments.campaigns.rules import EARNED, HOLD_OUT, MATCHED, NOT_MATURED
from segments.control_group import in_control_group
from segments.money import Currency

SENT, AS_OF = date(2025, 9, 1), date(2026, 1, 1)
SOURCES = """
[inputs.contacts]
files = "contacts.csv"
[sources.contacts]
entity = "contacts"
input = "contacts"
money = "minor"
[sources.contacts.columns]
contact_id = "contact"
customer_id = "customer_number"
campaign_id = "campaign"
sent_at = "sent"
held_out = "held_out"
responded_at = "responded"
cost = "cost"

[inputs.campaigns]
files = "campaigns.csv"
[sources.campaigns]
entity = "campaigns"
input = "campaigns"
money = "minor"
[sources.campaigns.columns]
campaign_id = "campaign"
name = "title"
starts_on = "starts"
cost = "cost"
channel = "channel"
"""


@pytest.fixture(scope="module")
def loaded(raw, tmp_path_factory, open_at, do):
    """A company with a letter that did nothing, to half of its customers by lot, and a newer one."""
    folder = tmp_path_factory.mktemp("with campaigns")
    for entry in raw.iterdir():
        (folder / entry.name).symlink_to(entry)
    ids = pl.read_csv(raw / "customers.csv", infer_schema=False).filter(pl.col("joined_at") < "2025-09-01")
    held_out = in_control_group(ids["customer_number"], audience="letter", share=0.5)
    pl.concat(
        ids.select(
            pl.concat_str(pl.lit(name), "customer_number").alias("contact"),
            "customer_number",
            pl.lit(name).alias("campaign"),
            pl.lit(f"{day} 09:00:00").alias("sent"),
            held_out.alias("held_out"),
            pl.when(held_out.not_() & (pl.int_range(pl.len()) % 10 == 0))
            .then(pl.lit(f"{day} 19:00:00"))
            .alias("responded"),
            pl.lit(90).alias("cost"),
        )
        for name, day in (("letter", SENT), ("card", date(2025, 12, 20)))
    ).write_csv(folder / "contacts.csv")
    (folder / "campaigns.csv").write_text(
        "campaign,title,starts,cost,channel\nletter,Autumn [letter],2025-09-01,5000,post\ncard,Card,2025-12-20,,post\n"
    )
    context = open_at(folder / "work", data=folder, more=SOURCES)
    do("ingest", context)
    return context


@pytest.mark.slow
def test_the_ledger_of_a_load(loaded):
    core = CoreTables.latest(loaded)
    ticks = []
    nothing = SegmentTables(customer=pl.DataFrame(), next_best_offer=pl.DataFrame())
    made = with_campaigns(
        loaded, core=core, as_of=AS_OF, tables=nothing, run_key="r", tick=lambda: ticks.append(1)
    ).others
    assert len(ticks) == 6
    letter, card = made["campaign_ledger"].frame.sort("first_contact_on").to_dicts()
    assert (letter["campaign_id"], letter["campaign_name"], letter["evidence"]) == (
        "letter",
        "Autumn [letter]",
        HOLD_OUT,
    )
    assert letter["caused_net_sales_low"] < 0 < letter["caused_net_sales_high"]  # it did nothing
    assert letter["margin_is"] == "measured"
    assert float(letter["cost"]) == 50 + 0.9 * letter["contacted"]
    assert letter["responses"] == pytest.approx(letter["contacted"] / 10, rel=0.4)
    assert (card["verdict"], card["responses"]) == (NOT_MATURED, None)
    bought = core.orders().filter(pl.col("ordered_at").dt.date().is_between(SENT, date(2025, 9, 30))).collect()
    everything = bought["amount"].sum() / 100
    assert 0.3 * everything < float(letter["net_sales_of_contacted"]) < 0.7 * everything
    assert made["campaign_balance"].frame["campaign_id"].unique().to_list() == ["letter"]
    earlier = with_campaigns(loaded, core=core, as_of=SENT, tables=nothing, run_key="r", tick=lambda: None).others
    assert earlier["campaign_ledger"].frame.is_empty()  # known then: nothing


@pytest.mark.slow
def test_a_load_without_contacts_has_no_ledger(trained, open_at):
    context = open_at(trained[0])
    nothing = SegmentTables(customer=pl.DataFrame(), next_best_offer=pl.DataFrame())
    core = CoreTables.latest(context)
    assert with_campaigns(context, core=core, as_of=AS_OF, tables=nothing, run_key="r", tick=lambda: None) == nothing
    found = json.loads(json.dumps(read_campaigns(context), default=str))
    assert (found["message"], found["campaigns"], found["balance"]) == (NO_CAMPAIGNS, [], [])


def row(name, **columns):
    money = {f"{figure}{end}": 10 for figure in ("net_gain", "caused_margin") for end in ("", "_low", "_high")}
    about = {"campaign_id": name, "campaign_name": None, "cut": "all", "cut_value": "all contacts", "as_of": AS_OF}
    about |= {"first_contact_on": SENT, "window_ends_on": date(2025, 12, 1), "state": "matured", "evidence": HOLD_OUT}
    about |= {"sales_afterwards": None, "sales_of_other_products": None, "restated_on": None, "restatement": None}
    about |= {"contacted": 9000, "held_out": 1000, "cost": 5, "net_sales_of_contacted": 70_000, "currency": "EUR"}
    return about | money | {"verdict": EARNED, "in_words": f"{name} in words."} | columns


def test_the_ledger_is_printed_part_by_part_and_in_words(capsys):
    changed = {"restated_on": AS_OF, "restatement": "told as of 2025-12-31: cost"}
    rows = [row("[red]", **changed), row("[red]", cut="channel", cut_value="post", evidence=MATCHED)]
    rows.append(row("late", net_gain=None))
    print_campaigns({"message": "2 campaigns as of 2026-01-01", "campaigns": rows})
    told = capsys.readouterr().out
    for words in ("2 campaigns", "[red]: ", "[red] in words.", "late in words.", "not an experiment", "€70.0k"):
        assert words in told
    assert told.count("restated on 2026-01-01, told as of 2025-12-31: cost") == 1
    print_campaigns({"message": NO_CAMPAIGNS, "campaigns": []})
    assert NO_CAMPAIGNS in capsys.readouterr().out


def test_the_review_says_what_the_actions_brought():
    customers = pl.DataFrame(
        {
            "customer_status": ["active"],
            "churn_probability": [0.8],
            "churn_risk_band": ["high"],
            "expected_value_12m": [100.0],
        }
    )
    version = {"version_number": 3, "run_key": "r", "content_hash": "0f" * 32}
    for rows, words in (([], "No contacts are loaded"), ([row("<b>letter")], "&lt;b&gt;letter")):
        tables = {"customer": customers} | ({"campaign_ledger": pl.DataFrame(rows)} if rows else {})
        facts = page_facts(tables, currency=Currency(code="EUR"), load_counts={}, full=True)
        page = rendered(facts | {"as_of": "2026-01-01", "version": version, "models": []})
        assert words in page
        assert "<b>letter" not in page


def test_before_the_first_night_there_is_no_ledger(tmp_path, open_at):
    with pytest.raises(NothingToReviewError):
        read_campaigns(open_at(tmp_path / "work", data=tmp_path))
