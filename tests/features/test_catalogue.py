import re

import polars as pl
import pytest

import features
from features.catalogue import FAMILIES
from features.errors import UnknownEntityError
from features.feature import inputs_of
from features.inputs import Aggregate
from features.required import REQUIRED

ALL = list(features.ENTITIES)
SPECS = {spec.name: spec for spec in features.catalogue(ALL)}
ALL_FEATURES = [feature for family in FAMILIES for feature in family.features]


def test_names_are_unique_and_start_with_the_keys():
    names = features.names(ALL)
    assert names[:2] == ["customer_id", "snapshot_date"]
    assert len(set(names)) == len(names)
    assert [spec.name for spec in features.catalogue(ALL)] == names[2:]


def test_every_feature_is_described_for_people():
    for name, spec in SPECS.items():
        assert spec.meaning.endswith("."), name
        assert spec.unit, name
        assert spec.phrase, name
        assert spec.dtype in (pl.Int64, pl.Float64, pl.Int8, pl.String), name
        assert set(re.findall(r"{(\w+)}", spec.phrase)) <= set(SPECS), name
        said_when_null = re.findall(r"{(\w+)}", spec.phrase_when_null)
        assert [said for said in said_when_null if SPECS[said].null_means != "never"] == [], name


def test_units_are_in_the_names():
    for name, spec in SPECS.items():
        assert (spec.unit == "minor units") <= ("amount" in name), name
        assert (spec.unit.startswith("share")) <= ("share" in name), name
        assert (spec.unit == "days") <= ("day" in name), name


def test_an_input_means_the_same_wherever_it_is_asked_for():
    wanted = inputs_of(ALL_FEATURES)
    for feature in ALL_FEATURES:
        assert [name for name, one in feature.inputs.items() if one != wanted[name]] == []


def test_aggregates_are_of_tables_that_a_family_declares():
    declared = {table.name for family in FAMILIES for table in family.tables}
    wanted = inputs_of(ALL_FEATURES)
    assert {one.table for one in wanted.values() if isinstance(one, Aggregate)} == declared


def test_what_a_feature_needs_is_among_the_required_columns():
    needed = {need for spec in SPECS.values() for need in spec.needs if "." in need}
    assert needed
    assert [need for need in needed if need.split(".")[1] not in REQUIRED[need.split(".")[0]]] == []


def test_a_family_of_an_absent_table_drops_out_whole_and_says_so():
    there = [entity for entity in ALL if entity != "payments"]
    left = features.left_out(there)
    assert {gone.name for gone in left} == {spec.name for spec in SPECS.values() if spec.family == "payments"}
    assert {gone.reason for gone in left} == {"needs payments, which is not there"}


def test_order_lines_alone_make_more_than_a_hundred_features_and_everything_more_than_150():
    assert len(features.catalogue(["orders"])) > 100
    assert len(SPECS) > 150


def test_phrases_need_no_feature_that_can_be_left_out_alone():
    for entities in (["orders"], ["orders", "customers"], ["orders", "products"]):
        said = features.phrases(entities)
        for phrase in said.values():
            assert set(re.findall(r"{(\w+)}", phrase)) <= set(said)


def test_what_is_absent_drops_out_and_says_so():
    left = {missing.name: missing for missing in features.left_out(["orders"], absent_columns=["orders.cost_amount"])}
    assert left["region"].missing == ("customers",)
    assert left["category_entropy"].reason == "needs products, which is not there"
    assert left["response_share_to_discount_offers"].reason == "needs contacts and offers, which are not there"
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
