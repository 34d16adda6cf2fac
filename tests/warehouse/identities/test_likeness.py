"""Matching by likeness, held against people whose duplicates are known: typing errors, moved houses, shared phones."""

import importlib.util
import random
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from data_contracts.identity import IdentitySettings
from warehouse.errors_identity import SplinkMissingError
from warehouse.identities import likeness as identity_splink
from warehouse.identities.resolving import resolve

pytestmark = pytest.mark.skipif(importlib.util.find_spec("splink") is None, reason="the extra `identity` is missing")

PEOPLE = 1_500
EXACT = {"match_on": ["email", "phone"], "country": "GB"}
LIKENESS = {
    "country": "GB",
    "probabilistic": {"enabled": True, "compare": ["name", "birth_year", "region", "email", "phone"]},
}
SYLLABLES = (
    ["an", "be", "ca", "da", "el", "fi", "gu", "ha", "jo", "li", "ma", "no"],
    ["na", "ris", "ton", "mel", "vin"],
)
SURNAMES = (["smi", "wal", "har", "bro", "cla", "dun", "fer", "gra", "hol", "jen"], ["th", "ter", "wood", "son", "ley"])


def someone(choose):
    """One person's true data."""
    first, last = (choose.choice(parts[0]) + choose.choice(parts[1]) for parts in (SYLLABLES, SURNAMES))
    return {
        "name": f"{first} {last}",
        "birth_year": choose.randrange(1940, 2006),
        "region": f"region {choose.randrange(12)}",
        "email": f"{first}.{last}{choose.randrange(1000)}@mail{choose.randrange(9)}.example",
        "phone": f"020 7{choose.randrange(1000):03d} {choose.randrange(10_000):04d}",
    }


def mistyped(text, choose):
    """One letter lost, doubled or swapped with the next."""
    at = choose.randrange(1, len(text) - 1)
    before, letter, after = text[:at], text[at], text[at + 1 :]
    return choose.choice([before + after, before + letter + letter + after, before + after[:1] + letter + after[1:]])


def another_record(person, choose):
    """The same person in another system."""
    row = dict(person)
    if choose.random() < 0.35:
        row["name"] = mistyped(row["name"], choose)
    if choose.random() < 0.45:
        row["email"] = choose.choice([None, f"{row['name'][:2]}{choose.randrange(10**6)}@other.example"])
    if choose.random() < 0.45:
        row["phone"] = choose.choice([None, f"020 8{choose.randrange(1000):03d} {choose.randrange(10_000):04d}"])
    if choose.random() < 0.15:
        row["birth_year"] = None
    if choose.random() < 0.1:
        row["region"] = f"region {choose.randrange(12)}"
    return row


@pytest.fixture(scope="module")
def records():
    """Records with the truth: a third have a double, a tenth live with somebody whose phone and surname they share."""
    choose, rows = random.Random(11), []  # noqa: S311 a simulation
    for number in range(PEOPLE):
        person = someone(choose)
        if rows and choose.random() < 0.1:
            other = rows[-1]
            person |= {"phone": other["phone"], "region": other["region"]}
            person["name"] = f"{person['name'].split()[0]} {other['name'].split()[-1]}"
        found = [person, *([another_record(person, choose)] if choose.random() < 0.33 else [])]
        rows += [{**row, "truth": number} for row in found]
    choose.shuffle(rows)
    return pl.DataFrame(rows).with_columns(
        ("c" + pl.int_range(pl.len()).cast(pl.String).str.zfill(5)).alias("customer_id"),
        pl.lit("crm").alias("source"),
        *(pl.lit(datetime(2024, 1, 1, tzinfo=UTC)).alias(name) for name in ("created_at", "known_at")),
    )


def resolved(records, *, previous=None, **settings):
    with duckdb.connect() as connection:
        connection.register("now", records)
        return resolve(
            connection,
            records="now",
            previous=previous,
            settings=IdentitySettings.model_validate(settings),
            load_id="load",
            decided_at=datetime(2024, 6, 1, tzinfo=UTC),
        )


@pytest.fixture(scope="module")
def by_likeness(records):
    return resolved(records, **LIKENESS)


def accuracy(records, state):
    """Of the pairs of records joined, the share that is right; of the pairs to be joined, the share that is."""
    found = state.identities.rename({"source_customer_id": "customer_id", "customer_id": "found"})
    found = found.select("customer_id", "found")
    both = records.join(found, on="customer_id", validate="1:1")
    right, joined, true = (_pairs(both, columns) for columns in (["truth", "found"], ["found"], ["truth"]))
    return right / joined, right / true


def _pairs(frame, columns):
    return frame.group_by(columns).len().select((pl.col("len") * (pl.col("len") - 1) // 2).sum()).item()


def test_equal_contact_data_find_most_doubles(records):
    precision, recall = accuracy(records, resolved(records, **EXACT))
    assert precision > 0.98
    assert 0.6 < recall < 0.85


@pytest.mark.slow
def test_likeness_finds_more_doubles_and_tells_most_households_apart(records, by_likeness):
    precision, recall = accuracy(records, by_likeness)
    assert precision > 0.93
    assert recall > accuracy(records, resolved(records, **EXACT))[1] + 0.08


@pytest.mark.slow
def test_a_link_says_what_is_alike_with_which_weight(by_likeness):
    links = by_likeness.links
    assert set(links["method"]) == {"probabilistic"}
    assert links["probability"].min() >= 0.95
    assert links["weight"].min() > 0
    assert links["rule"].str.starts_with("alike in ").all()
    assert links.filter(pl.col("rule") == "alike in ").is_empty()


@pytest.mark.slow
def test_the_model_is_learnt_the_same_each_time_and_used_again(records, by_likeness):
    again = resolved(records.sample(fraction=1, shuffle=True, seed=3), **LIKENESS)
    assert again.model == by_likeness.model
    assert again.links.equals(by_likeness.links)
    half = records.head(records.height * 2 // 3)
    later = resolved(records, previous=resolved(half, **LIKENESS), **LIKENESS)
    assert later.model["records"] == half.height


def test_too_few_records_teach_nothing(records):
    state = resolved(records.head(5), **LIKENESS)
    assert state.links.is_empty()
    assert state.model is None


def test_without_splink_it_says_what_to_install(records, monkeypatch):
    monkeypatch.setattr(identity_splink.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SplinkMissingError) as caught:
        resolved(records.head(30), **LIKENESS)
    assert "gristmill[identity]" in caught.value.action
