"""Stages and loyalty of a simulated company against the truth that the pipeline never sees."""

from datetime import date

import polars as pl
import pytest

from flows.buckets.core_tables import CoreTables
from flows.nights.segmenting_inputs import gather_core
from segments.standing.customer_facts import FEATURES, SCORES
from segments.standing.everything import customer_standing
from segments.standing.rules import SegmentationRules
from simulation.retailer import simulate
from warehouse.lake import Lake

DAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Standings beside the truth; nobody is scored, so only what needs no model is told."""
    company = simulate(customers=2500, start=date(2023, 1, 1), end=DAY, seed=23, products=80, currency="EUR")
    frames = {"orders": company.orders, "customers": company.customers, "products": company.products}
    core = CoreTables(Lake(tmp_path_factory.mktemp("lake")).write_load("l", frames, buckets=2), company.time_zone)
    features = pl.concat([core.build_features(bucket, [DAY]).collect() for bucket in core.buckets()])
    rules = SegmentationRules()
    sums = gather_core(core, as_of=DAY, since=[], rules=rules, tick=lambda: None).sums
    known = [pl.col(name).cast(dtype) for name, dtype in FEATURES.items() if name in features.columns]
    empty = [pl.lit(None, dtype).alias(name) for name, dtype in FEATURES.items() if name not in features.columns]
    scores = [pl.lit(None, dtype).alias(name) for name, dtype in SCORES.items()]
    facts = features.select("customer_id", *known, *empty, *scores, pl.lit(None, pl.Int64).alias("expected_value_12m"))
    standing = customer_standing(facts.sort("customer_id"), sums, None, rules=rules)
    return standing.join(company.truth, on="customer_id", validate="1:1")


@pytest.mark.slow
def test_stages_tell_the_living_from_the_gone(told):
    alive = dict(told.group_by("lifecycle").agg(pl.col("alive_at_end").mean()).iter_rows())
    assert alive["lost"] < 0.03
    assert alive["dormant"] < 0.2
    assert min(alive["mature"], alive["growing"]) > 0.95
    assert alive["dormant"] < alive["declining"] < alive["mature"]


@pytest.mark.slow
def test_loyalty_classes_are_what_they_say(told):
    means = told.group_by("loyalty_class").agg(pl.col("price_sensitivity", "death_hazard_per_year", "gap_shape").mean())
    by_class = {row["loyalty_class"]: row for row in means.to_dicts()}
    everybody = told.select(pl.col("price_sensitivity", "death_hazard_per_year", "gap_shape").mean()).row(0, named=True)
    assert by_class["discount-driven"]["price_sensitivity"] > 1.3 * everybody["price_sensitivity"]
    assert by_class["truly loyal"]["price_sensitivity"] < 0.85 * everybody["price_sensitivity"]
    assert by_class["truly loyal"]["death_hazard_per_year"] < 0.75 * everybody["death_hazard_per_year"]
    assert by_class["polygamous"]["gap_shape"] < 0.8 * everybody["gap_shape"]  # they buy less regularly
