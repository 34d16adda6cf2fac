"""The whole way on Online Retail II, as its user would go it; skipped where the data folder isn't given."""

import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from config import load_settings
from flows.context import Context
from flows.running.progress import Reporter
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "online_retail"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no Online Retail II in {DATA}; set GRISTMILL_SHARED_DATA"),
]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    settings = load_settings(
        ROOT / "examples/online_retail/gristmill.toml",
        data=DATA,
        environment={"GRISTMILL_WORKSPACE": str(tmp_path_factory.mktemp("work"))},
    )
    return Context(settings=settings, now=NOW, clock=lambda: NOW, reporter=Reporter(quiet=True), run_by="tests")


@pytest.fixture(scope="module")
def trained(context, do):
    return do("run", context, as_of=date(2011, 9, 1))


@pytest.fixture(scope="module")
def later(context, trained, do):
    return do("run", context, as_of=date(2011, 12, 1))


def test_the_population_is_the_one_of_the_published_protocol(context, trained):
    assert trained["status"] == "published"
    with DuckDBWarehouse(context.settings.warehouse_file) as warehouse:
        active = warehouse.query(
            "select count(*) as customers from segments_versions.customer__1 where customer_status = 'active'"
        )
    assert active["customers"].item() == 4324


@pytest.mark.parametrize("model", ["churn", "value", "next_offer"])
def test_every_model_beats_its_baseline(trained, model):
    facts = trained["trained"][model]
    assert facts["beats_baseline"], facts["reasons"]
    assert facts["promoted"]


def test_grades_are_in_the_range_this_data_set_is_known_for(trained):
    churn, value, offer = (trained["trained"][name]["metrics"] for name in ("churn", "value", "next_offer"))
    assert churn["auc"] > churn["baseline_auc"] + 0.02
    assert churn["log_loss"] < churn["baseline_log_loss"]
    assert churn["calibration_error"] < 0.06
    assert value["value_90d_mae"] < value["value_90d_baseline_mae"]
    assert value["value_90d_normalised_gini"] > value["value_90d_baseline_normalised_gini"]
    assert offer["ndcg_at_10"] > offer["baseline_ndcg_at_10"]
    assert offer["recall_at_10"] > offer["baseline_recall_at_10"]


def test_a_later_date_is_scored_by_the_same_champions(trained, later):
    assert "trained" not in later
    assert later["status"] == "published"
    for name, facts in later["champions"].items():
        assert facts["version"] == trained["trained"][name]["version"]
        assert facts["trained_as_of"] == "2011-09-01"


def test_the_scores_of_september_come_true_until_december(context, trained, later):
    """What was said on 1 September against what the core rows of the next 90 days say."""
    with DuckDBWarehouse(context.settings.warehouse_file) as warehouse:
        said = warehouse.read_table("segments_versions", "customer__1").filter(pl.col("customer_status") == "active")
    load = context.lake.open_load(trained["load"]["load_id"])
    start = datetime(2011, 8, 31, 23, tzinfo=UTC)  # midnight of 1 September in London's summer time
    window = (
        load.scan("orders")
        .filter(pl.col("ordered_at").is_between(start, datetime(2011, 11, 30, tzinfo=UTC), closed="left"))
        .group_by("customer_id", "order_id")
        .agg(pl.col("amount").sum())
        .group_by("customer_id")
        .agg((pl.col("amount") > 0).any().alias("bought"), pl.col("amount").sum())
        .collect()
    )
    seen = said.join(window, on="customer_id", how="left").with_columns(
        pl.col("bought").fill_null(value=False), pl.col("amount").fill_null(0)
    )
    left = dict(seen.group_by("churn_risk_band").agg((~pl.col("bought")).mean()).iter_rows())
    assert left["low"] < left["medium"] < left["high"] < left["critical"]
    spent = dict(seen.group_by("value_tier").agg(pl.col("amount").mean()).iter_rows())
    assert spent["platinum"] > spent["gold"] > spent["iron"] > spent["lead"]
    total = float(seen["expected_value_90d"].sum()) * 100 / seen["amount"].sum()
    assert 0.6 < total < 1.4


def test_no_personal_value_is_in_the_registry_or_the_pages(context, trained, later):
    """Customer numbers are what this data set has of personal data."""
    workspace = context.settings.workspace
    customers = pl.read_parquet(DATA / "year_2010_2011.parquet")["CustomerID"].drop_nulls().unique().head(200)
    kept = [path for folder in ("models", "data_docs") for path in (workspace / folder).rglob("*") if path.is_file()]
    texts = [path.read_text(errors="ignore") for path in kept if path.suffix in {".json", ".html", ".txt", ".yaml"}]
    assert texts
    listed = [str(number) for number in customers if any(f'"{number}"' in text for text in texts)]
    assert listed == []


def test_the_result_is_plain_json(trained):
    assert json.loads(json.dumps(trained)) == trained
