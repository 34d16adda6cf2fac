"""What a very large company learns from: some customers, whole, and the same ones whatever the buckets."""

from datetime import date

import polars as pl
import pytest

from data_contracts.orders import known_before, snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.buckets.mapping import read_parts
from flows.learning.training_tables import (
    TrainingJob,
    TrainingPlan,
    build_training_bucket,
    lines_learnt_from,
    share_learnt_from,
)
from models.snapshots.splits import SplitPlan, ValuePlan
from tests.flows.feature_company import DAY, ZONE, company
from warehouse.lake import Lake

SNAPSHOTS = (date(2025, 7, 1), date(2025, 9, 1))
WINDOW = SplitPlan(
    horizon_days=30,
    train=SNAPSHOTS[:1],
    calibrate=(),
    test=SNAPSHOTS[1],
    final_train=SNAPSHOTS,
    final_calibrate=(),
    complete=SNAPSHOTS[:1],
    final_complete=SNAPSHOTS,
)
PLAN = TrainingPlan(DAY, WINDOW, ValuePlan(near=WINDOW, far=WINDOW, year_snapshots=()))


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Builds the training tables of a company cut into so many buckets; gives core tables and frames by name."""
    tables = company(60)

    def built(share=1.0, buckets=1):
        folder = tmp_path_factory.mktemp("training")
        core = CoreTables(Lake(folder).write_load("one", tables, buckets=buckets), ZONE)
        job = TrainingJob(core=core.recipe(), folder=str(folder), plan=PLAN, active_within_days=365, share=share)
        written = [build_training_bucket(job, bucket) for bucket in core.buckets()]
        return core, {name: read_parts([part[name] for part in written]) for name in written[0]}

    return built


def test_customers_drawn_are_learnt_from_whole_and_the_company_stays_what_it_is(build):
    _, everybody = build()
    _, some = build(share=0.4)
    _, otherwise_cut = build(share=0.4, buckets=2)
    drawn = some["features"]["customer_id"].unique()
    assert 0 < len(drawn) < 0.7 * everybody["features"]["customer_id"].n_unique()
    for name in ("features", "churn", "value 30"):
        theirs = everybody[name].filter(pl.col("customer_id").is_in(drawn.implode()))
        mine = some[name].filter(pl.col("customer_id").is_in(drawn.implode()))
        assert mine.equals(theirs, null_equal=True)
        assert (
            some[name]
            .sort("customer_id", "snapshot_date")
            .equals(otherwise_cut[name].sort("customer_id", "snapshot_date"), null_equal=True)
        )
    for name in ("activity", "costs"):
        assert some[name].equals(everybody[name])


def test_only_a_large_company_is_learnt_from_in_part(build):
    core, everybody = build()
    active = everybody["features"].filter(snapshot_date=SNAPSHOTS[1]).height
    share = share_learnt_from(core, PLAN, active_within_days=365, most_rows=20)
    assert 20 / (2 * 60) <= share <= 20 / (2 * active)
    assert share_learnt_from(core, PLAN, active_within_days=365, most_rows=50_000) == 1.0
    assert share_learnt_from(core, PLAN, active_within_days=365, most_rows=130) == 1.0


def test_next_offers_of_a_large_company_are_learnt_from_all_lines_of_some_customers(build):
    (core, _), (otherwise_cut, _) = build(), build(buckets=2)
    told, every = [], core.orders().collect()
    known = known_before(core.orders(), snapshot_instant(PLAN.as_of, time_zone=core.time_zone)).collect().height
    assert known < every.height  # later lines must not change who is drawn
    few = lines_learnt_from(core, as_of=PLAN.as_of, tell=told.append, most_lines=known // 2).collect()
    whose = every["customer_id"].is_in(few["customer_id"].unique().implode())
    assert 0.3 * every.height < few.height < 0.7 * every.height
    assert few.equals(every.filter(whose))
    again = lines_learnt_from(otherwise_cut, as_of=PLAN.as_of, tell=told.append, most_lines=known // 2).collect()
    assert again.sort(every.columns).equals(few.sort(every.columns))
    drawn = f"next offers are learnt from {(known // 2) / known:.1%} of the customers, drawn by lot"
    assert told == [drawn, drawn]
    assert lines_learnt_from(core, as_of=PLAN.as_of, tell=told.append).collect().equals(every)
    assert len(told) == 2
