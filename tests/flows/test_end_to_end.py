"""The whole way on a simulated company: raw files to published segments, in this process."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from data_contracts.errors import AlreadyRunningError
from flows.buckets.core_tables import CoreTables
from flows.errors import AsOfBeforeDataError, AsOfInTheFutureError, NoChampionError, NothingLoadedError, StaleDataError
from flows.learning.training import plan_training
from flows.learning.training_tables import build_training_tables
from models.errors import BundleCorruptError, TooLittleHistoryError
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.databases.locking import exclusive_lock
from warehouse.ledger import history, last_load

TRAINED, LATER = date(2025, 12, 1), date(2026, 1, 1)
NEXT_MORNING = datetime(2026, 1, 3, 3, 0, tzinfo=UTC)
PROMISED = [
    "customer_id",
    "as_of",
    "churn_probability",
    "churn_risk_band",
    "expected_value_90d",
    "expected_value_12m",
    "value_tier",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "days_since_last_order",
    "next_offer_1",
    "next_offer_2",
    "next_offer_3",
    "main_reason",
    "recommended_action",
    "churn_model_version",
    "value_model_version",
    "next_offer_model_version",
    "run_key",
    "changed_at",
]


def read(workspace, query):
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        return warehouse.query(query)


def test_a_first_run_loads_trains_and_publishes(trained):
    workspace, result = trained
    assert result["status"] == "published"
    assert set(result["trained"]) == {"churn", "value", "next_offer"}
    customer = read(workspace, "select * from segments.customer order by customer_id")
    assert set(PROMISED) <= set(customer.columns)
    assert customer["customer_id"].is_unique().all()
    assert customer["as_of"].unique().to_list() == [TRAINED]
    assert customer.height == result["rows"]["customer"] > 700
    assert customer["recommended_action"].null_count() == 0
    assert customer["value_of"].unique().to_list() == ["margin"]  # the company knows its costs
    assert result["trained"]["value"]["metrics"]["value_90d_predicted_to_actual"] == pytest.approx(1, abs=0.5)


def test_every_grade_stands_beside_its_baseline(trained):
    _, result = trained
    churn, value, offer = (result["trained"][name]["metrics"] for name in ("churn", "value", "next_offer"))
    for name in ("auc", "log_loss", "calibration_error"):
        assert churn[name] > 0
        assert churn[f"baseline_{name}"] > 0
    for name in ("mae", "rmse", "spearman", "normalised_gini"):
        assert value[f"value_90d_{name}"] > 0
        assert value[f"value_90d_baseline_{name}"] > 0
    for name in ("recall_at_10", "ndcg_at_10"):
        assert 0 < offer[f"baseline_{name}"] < 1
        assert 0 < offer[name] < 1


def test_what_is_published_orders_customers_by_what_they_did_next(trained, raw):
    """The month after the scores: those at critical risk bought far less often than those at low risk."""
    workspace, _ = trained
    truth = pl.read_parquet(raw / "truth" / "customers.parquet").select("customer_id", "died_at")
    bands = read(workspace, "select customer_id, churn_risk_band from segments.customer").join(truth, on="customer_id")
    gone = bands.group_by("churn_risk_band").agg((pl.col("died_at") < TRAINED).fill_null(value=False).mean())
    shares = dict(gone.iter_rows())
    assert shares["critical"] > 0.7
    assert shares["low"] < 0.25


def test_every_bad_row_of_the_files_is_in_quarantine_under_its_rule(trained, raw):
    workspace, _ = trained
    dirt = json.loads((raw / "truth" / "dirt.json").read_text())["orders"]
    found = read(workspace, "select rules, source_file, raw_row from quarantine.orders")
    counted = {rule: found.filter(pl.col("rules").str.split(", ").list.contains(rule)).height for rule in dirt}
    assert counted == dirt
    assert found["raw_row"].null_count() == 0


def test_the_truth_is_never_read(trained):
    workspace, _ = trained
    assert "died_at" not in read(workspace, "select * from segments.customer limit 1").columns
    assert not list(workspace.rglob("*truth*"))


def test_a_second_run_of_the_same_date_changes_nothing(trained, open_at, do):
    workspace, first = trained
    again = do("run", open_at(workspace), as_of=TRAINED)
    assert again["status"] == "unchanged"
    assert again["content_hash"] == first["content_hash"]
    assert again["version"] == first["version"]
    assert "trained" not in again


def test_by_force_the_same_date_comes_out_the_same(workspace, trained, open_at, do):
    again = do("run", open_at(workspace), as_of=TRAINED, force=True)
    assert again["status"] == "published"
    assert again["content_hash"] == trained[1]["content_hash"]
    assert again["version"] > trained[1]["version"]


def test_other_buckets_give_the_same_content(workspace, trained, open_at, do):
    context = open_at(workspace, GRISTMILL__LAKE__BUCKETS="7")
    again = do("run", context, as_of=TRAINED, force=True)
    assert again["content_hash"] == trained[1]["content_hash"]


def test_processes_beside_this_one_give_the_same_content(workspace, trained, open_at, do):
    shutil.rmtree(workspace / "lake" / "features")
    spread = open_at(workspace, GRISTMILL__COMPUTE__PROCESSES="2")
    again = do("score", spread, as_of=TRAINED, force=True)
    assert again["content_hash"] == trained[1]["content_hash"]
    core = CoreTables.latest(spread)
    plan = plan_training(spread, core=core, as_of=TRAINED, tick=lambda: None)
    plain, pooled = (
        build_training_tables(context, core=core, plan=plan, tick=lambda: None)
        for context in (open_at(workspace), spread)
    )
    assert pooled.data.features.equals(plain.data.features)
    assert pooled.data.activity.equals(plain.data.activity)
    assert pooled.churn_outcomes.equals(plain.churn_outcomes)


def test_a_later_night_is_scored_with_the_same_champions(workspace, trained, open_at, do):
    later = do("run", open_at(workspace), as_of=LATER)
    assert later["status"] == "published"
    assert "trained" not in later
    versions = {name: facts["version"] for name, facts in later["champions"].items()}
    assert versions == {name: facts["version"] for name, facts in trained[1]["trained"].items()}
    changed = read(workspace, "select changed_at, count(*) as customers from segments.customer group by all")
    assert set(changed["changed_at"]) == {TRAINED, LATER}


def test_an_earlier_date_is_kept_but_readers_stay_with_the_later_one(workspace, open_at, do):
    do("run", open_at(workspace), as_of=LATER)
    kept = do("score", open_at(workspace), as_of=LATER - timedelta(days=7))
    assert kept["status"] == "kept"
    assert read(workspace, "select distinct as_of from segments.customer")["as_of"].to_list() == [LATER]


def test_no_champion_may_have_seen_the_answers(workspace, open_at, do):
    with pytest.raises(NoChampionError) as caught:
        do("score", open_at(workspace), as_of=TRAINED - timedelta(days=1))
    assert "train --as-of 2025-11-30" in caught.value.action


def test_a_failed_night_leaves_yesterdays_tables_whole(workspace, trained, open_at, do):
    booster = next((trained[0] / "models").rglob("*.txt"))  # the registry remembers files by their full address
    whole = booster.read_text()
    booster.write_text(whole[:-100])
    try:
        with pytest.raises(BundleCorruptError):
            do("score", open_at(workspace, now=NEXT_MORNING), as_of=LATER)
    finally:
        booster.write_text(whole)
    assert read(workspace, "select distinct as_of from segments.customer")["as_of"].to_list() == [TRAINED]
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        last = history(warehouse, limit=1)[0]
    assert last.status == "blocked"
    assert last.error["error"] == "BundleCorruptError"


def test_unchanged_sources_are_not_loaded_again(workspace, open_at, do):
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        before = last_load(warehouse)
    assert do("ingest", open_at(workspace))["status"] == "unchanged"
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        assert last_load(warehouse) == before


@pytest.mark.parametrize(
    ("as_of", "error"),
    [
        (date(2026, 1, 3), AsOfInTheFutureError),
        (date(2023, 6, 1), AsOfBeforeDataError),
        (date(2024, 1, 20), TooLittleHistoryError),
    ],
)
def test_a_date_that_cannot_be_trained_on_says_why(workspace, open_at, do, as_of, error):
    with pytest.raises(error) as caught:
        do("train", open_at(workspace), as_of=as_of)
    assert {"got", "expected", "action"} <= set(caught.value.facts())


def test_too_little_history_says_how_much_is_missing(workspace, open_at, do):
    with pytest.raises(TooLittleHistoryError) as caught:
        do("train", open_at(workspace), as_of=date(2024, 1, 20))
    assert "days" in caught.value.got
    assert caught.value.exit_code == 3


def test_missing_days_are_not_scored_as_customers_gone_quiet(workspace, open_at, do):
    late = open_at(workspace, now=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(StaleDataError) as caught:
        do("score", late, as_of=date(2026, 2, 1))
    assert "order or subscription on 2025-12-31" in caught.value.got


def test_missing_days_are_not_learnt_from_either(workspace, open_at, do):
    late = open_at(workspace, now=datetime(2026, 3, 1, tzinfo=UTC))
    with pytest.raises(StaleDataError):
        do("train", late, as_of=date(2026, 2, 1))


def test_nothing_can_be_scored_before_anything_was_loaded(tmp_path, open_at, do):
    with pytest.raises(NothingLoadedError):
        do("score", open_at(tmp_path / "new"), as_of=LATER)


def test_a_second_run_at_the_same_time_is_turned_away(workspace, open_at, do):
    context = open_at(workspace)
    with (
        exclusive_lock(context.settings.warehouse_file, run_key="score-2026-01-01", now=context.now),
        pytest.raises(AlreadyRunningError) as caught,
    ):
        do("run", context, as_of=LATER)
    assert caught.value.exit_code == 5
    assert "score-2026-01-01" in caught.value.got
