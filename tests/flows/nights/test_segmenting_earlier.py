"""What a former version of the value model says, and what a change of version is told to have done."""

import json
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.learning.promoting import promote_by_hand
from flows.nights.segmenting_earlier import former_values
from models.value.model import HEADS_FILE, predict_value
from warehouse.promotions import promotions_of

TRAINED, NEXT = date(2025, 12, 1), date(2025, 12, 2)
FACTOR = 1.5


@pytest.mark.slow
def test_a_second_version_of_value_is_told_from_the_first(workspace, open_at, do):
    """The second version extends a year's value half as far again: nobody bought more, everybody is worth more."""
    context = open_at(workspace)
    with context.warehouse() as warehouse:
        before = warehouse.read_table("segments", "customer")
        (promotion,) = promotions_of(warehouse, "value")
    first = context.registry.load("value", promotion.version, digest=promotion.digest)
    heads = json.loads(first.files[HEADS_FILE])
    heads["extension_factor"] *= FACTOR
    second = replace(first, files=first.files | {HEADS_FILE: json.dumps(heads).encode()})
    version = context.registry.register(second, run_name="value, extended farther")
    promote_by_hand(context, name="value", version=version, because="to tell two versions apart")

    core = CoreTables.latest(context)
    features = core.build_features(0, [TRAINED]).collect().filter(pl.col("days_since_last_order") <= 365)
    asked = {number: former_values(context, features, number) for number in (1, version)}
    for number, bundle in ((1, first), (version, second)):
        expected = predict_value(bundle, features)["expected_value_12m_amount"]
        assert asked[number]["former_value"].equals(expected, check_names=False)
    assert asked[version]["former_value"].sum() > 1.3 * asked[1]["former_value"].sum()
    assert former_values(context, features, 99) is None  # nobody ever promoted it

    do("score", context, as_of=NEXT)
    with context.warehouse() as warehouse:
        now = warehouse.read_table("segments", "customer")
        moved = warehouse.read_table("segments", "tier_migration").filter(compared_to="last version")
        history = warehouse.read_table("segments", "customer_history").filter(as_of=NEXT)
    assert now["value_model_version"].drop_nulls().unique().to_list() == [version]
    grown = float(now["expected_value_12m"].sum()) - float(before["expected_value_12m"].sum())
    assert grown > 0.3 * float(before["expected_value_12m"].sum())
    causes = dict(moved.group_by("cause").agg(pl.col("customers").sum()).iter_rows())
    assert causes.get("behaviour", 0) <= 0.02 * before.height  # a day went by
    told = history.filter(pl.col("cause").is_not_null())["cause"]
    assert (told == "model").sum() > 0.8 * len(told)
