import re

import polars as pl
import pytest

import features
from features.catalogue import FAMILIES
from features.errors import UnknownEntityError
from features.feature import sums_of

ALL = ["orders", "customers", "products"]
SPECS = {spec.name: spec for spec in features.catalogue(ALL)}
LEDGER_FEATURES = [feature for family in FAMILIES for feature in family.features]


def test_names_are_unique_and_start_with_the_keys():
    names = features.names(ALL)
    assert names[:2] == ["customer_id", "snapshot_date"]
    assert len(set(names)) == len(names)
    assert [spec.name for spec in features.catalogue(ALL)] == names[2:]


@pytest.mark.parametrize("name", SPECS)
def test_every_feature_is_described_for_people(name):
    spec = SPECS[name]
    assert spec.meaning.endswith(".")
    assert spec.unit
    assert spec.phrase
    assert spec.dtype in (pl.Int64, pl.Float64, pl.Int8, pl.String)
    assert set(re.findall(r"{(\w+)}", spec.phrase)) <= set(SPECS)
    said_when_null = re.findall(r"{(\w+)}", spec.phrase_when_null)
    assert [said for said in said_when_null if SPECS[said].null_means != "never"] == []


@pytest.mark.parametrize("name", SPECS)
def test_units_are_in_the_names(name):
    spec = SPECS[name]
    assert (spec.unit == "minor units") <= ("amount" in name)
    assert (spec.unit.startswith("share")) <= ("share" in name)
    assert (spec.unit == "days") <= ("day" in name)


@pytest.mark.parametrize("ledger", ["days", "products", "categories"])
def test_a_sum_means_the_same_wherever_it_is_asked_for(ledger):
    wanted = sums_of(LEDGER_FEATURES, ledger=ledger)
    for feature in LEDGER_FEATURES:
        if feature.ledger == ledger:
            assert [name for name, sums in feature.sums.items() if not sums.meta.eq(wanted[name])] == []


def test_phrases_need_no_feature_that_can_be_left_out_alone():
    for entities in (["orders"], ["orders", "customers"], ["orders", "products"]):
        said = features.phrases(entities)
        for phrase in said.values():
            assert set(re.findall(r"{(\w+)}", phrase)) <= set(said)


def test_what_is_absent_drops_out_and_says_so():
    left = {missing.name: missing for missing in features.left_out(["orders"], absent_columns=["orders.cost_amount"])}
    assert left["region"].missing == ("customers",)
    assert left["category_entropy"].reason == "needs products, which is not there"
    assert left["margin_share"].missing == ("orders.cost_amount",)
    kept = features.names(["orders"], absent_columns=["orders.cost_amount"])
    assert "discount_share" in kept
    assert set(kept) & set(left) == set()
    assert len(kept) - 2 + len(left) == len(SPECS)


def test_everything_there_leaves_nothing_out():
    assert features.left_out(ALL) == []


def test_an_unknown_absent_column_is_refused():
    with pytest.raises(UnknownEntityError) as caught:
        features.names(ALL, absent_columns=["orders.colour"])
    assert caught.value.got == "orders.colour"
    assert "orders.cost_amount" in caught.value.expected
