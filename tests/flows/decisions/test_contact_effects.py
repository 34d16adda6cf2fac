"""The company's own contacts as a trial: loaded, joined with what was bought after them, and told as effects or not."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.decisions.asking import evaluate_policy
from flows.decisions.contact_effects import _as_trial, contact_trial, learn_effects
from flows.decisions.inputs import recent_contacts, sent_contacts, usual_contact_cost
from segments.control_group import in_control_group

SENT = date(2025, 10, 1)
LATER = date(2026, 1, 1)
CONTACTS = """
[inputs.contacts]
files = "contacts.csv"

[sources.contacts]
entity = "contacts"
input = "contacts"
money = "minor"

[sources.contacts.columns]
contact_id = "contact"
customer_id = "customer_number"
sent_at = "sent"
held_out = "held_out"
channel = "channel"
cost = "cost"
"""
RULES = {"as_of": LATER, "outcome_days": 60, "assumed_margin": 0.3}


@pytest.fixture(scope="module")
def loaded(raw, tmp_path_factory, open_at, do):
    """A company with a letter to half of its customers by lot, which did nothing."""
    folder = tmp_path_factory.mktemp("with contacts")
    for entry in raw.iterdir():
        (folder / entry.name).symlink_to(entry)
    ids = pl.read_csv(raw / "customers.csv", infer_schema=False).filter(pl.col("joined_at") < "2025-09-01")
    held_out = in_control_group(ids["customer_number"], audience="letter", share=0.5)
    ids.select(
        pl.concat_str(pl.lit("k"), "customer_number").alias("contact"),
        "customer_number",
        pl.lit(f"{SENT} 09:00:00").alias("sent"),
        held_out.alias("held_out"),
        pl.lit("letter").alias("channel"),
        pl.lit(90).alias("cost"),
    ).write_csv(folder / "contacts.csv")
    context = open_at(folder / "work", data=folder, more=CONTACTS)
    do("ingest", context)
    return context


@pytest.mark.slow
def test_contacts_that_were_held_out_by_lot_tell_an_effect(loaded):
    core = CoreTables.latest(loaded)
    contacts = sent_contacts(core, LATER)
    assert usual_contact_cost(contacts, "letter") == 90
    assert recent_contacts(contacts, date(2025, 10, 15), days=30, default_channel="letter").height > 200
    found = contact_trial(core, contacts, **RULES)
    assert found.evidence.kind == "randomised"
    assert found.trial.arms == ("left alone", "contacted")
    bought = core.orders().filter(pl.col("ordered_at").dt.date().is_between(SENT, date(2025, 11, 29))).collect()
    margin = bought.select(pl.col("amount") - pl.col("cost_amount")).sum().item()
    assert found.trial.outcome.sum() == pytest.approx(margin, rel=0.1)  # of those contacted, who are most
    tonight = pl.concat([core.build_features(bucket, [LATER]).collect() for bucket in core.buckets()])
    effects = learn_effects(found, tonight, threads=1, seed=1)
    assert effects.by_customer["customer_id"].n_unique() == tonight.height
    told = effects.facts["average_margin_effect_in_minor_units"]["contacted"]
    assert abs(told["average"]) < 4 * told["error"]  # the letter did nothing, and nothing is found
    said = evaluate_policy(loaded, as_of=LATER)
    assert said["evidence"] == "randomised"
    assert "left alone for everybody" in said["policies"]


@pytest.mark.slow
def test_contacts_sent_to_the_best_claim_no_effect(loaded):
    core = CoreTables.latest(loaded)
    contacts = sent_contacts(core, LATER)
    built = pl.concat([core.build_features(bucket, [SENT]).collect() for bucket in core.buckets()])
    best = built.filter(pl.col("net_amount_life") > built["net_amount_life"].median())["customer_id"]
    chosen = contacts.with_columns(held_out=~pl.col("customer_id").is_in(best.to_list()))
    found = contact_trial(core, chosen, **RULES)
    assert found.evidence.kind == "response"
    assert learn_effects(found, built, threads=1, seed=1).by_customer is None
    few = contact_trial(core, contacts.head(50), **RULES)
    assert few.endswith("at least 200 are needed to tell an effect")


def test_a_hold_out_that_is_no_more_among_the_newest_contacts_tells_no_effect():
    months = [date(2024, month, 1) for month in range(1, 13)]
    contacts = pl.DataFrame(
        [(f"{day}-{row}", f"c{row}", day, day == months[0]) for day in months for row in range(300)],
        schema=["contact_id", "customer_id", "sent_on", "held_out"],
        orient="row",
    ).with_columns(
        pl.col("sent_on").cast(pl.Datetime("us", "UTC")).alias("sent_at"),
        pl.lit(None, pl.String).alias("offer_id"),
    )
    told = contact_trial(None, contacts, **RULES)
    assert told.startswith("0 of the newest contacts were held out")


def test_the_probability_of_an_offer_is_not_that_of_being_addressed_at_all():
    """Nine of ten are addressed; lamps were the best for "a", one lot of three for "b"; of "c" no offer's is logged."""
    rows = [
        ("k1", "a", "lamp", "lamp", 0.9, 0.84, 5.0, 1.0),
        ("k2", "b", "lamp", "lamp", 0.9, 0.03, 5.0, 2.0),
        ("k3", "c", "vase", "vase", 0.9, None, 5.0, 3.0),
        ("k4", "a", "lamp", "left alone", 0.9, 0.84, 0.0, 4.0),
    ]
    names = ["contact_id", "customer_id", "offer_id", "arm", "propensity", "offer_propensity", "outcome", "age_years"]
    trial = _as_trial(pl.DataFrame(rows, schema=names, orient="row")).trial
    assert trial.arms == ("left alone", "lamp", "vase")
    expected = [[0.1, 0.84, 0.06], [0.1, 0.03, 0.87], [0.1, 0.6, 0.3], [0.1, 0.84, 0.06]]
    np.testing.assert_allclose(trial.propensity, expected, atol=1e-9)
    assert trial.customer.tolist() == [0, 1, 2, 0]


def test_offers_never_tried_get_the_effect_of_being_contacted_at_all():
    """A lamp adds 40 to whoever gets the letter, a vase 20: being contacted at all about 30."""
    rng = np.random.default_rng(1)
    arm = np.repeat(["left alone", "lamp", "vase"], 400)
    outcome = rng.normal(100, 5, 1200) + np.repeat([0.0, 40.0, 20.0], 400)
    table = pl.DataFrame(
        {
            "contact_id": [f"k{row}" for row in range(1200)],
            "customer_id": [f"c{row}" for row in range(1200)],
            "offer_id": np.where(arm == "left alone", "lamp", arm),
            "arm": arm,
            "propensity": pl.Series([None] * 1200, dtype=pl.Float64),
            "offer_propensity": pl.Series([None] * 1200, dtype=pl.Float64),
            "outcome": outcome,
            "age_years": rng.uniform(20, 80, 1200),
        }
    )
    tonight = pl.DataFrame({"customer_id": ["a", "b"], "age_years": [30.0, 60.0]})
    effects = learn_effects(_as_trial(table), tonight, threads=1, seed=1).by_customer
    told = dict(effects.group_by("arm").agg(pl.mean("effect_amount")).iter_rows())
    assert told == pytest.approx({"lamp": 40.0, "vase": 20.0, "contacted": 30.0}, abs=2.5)
