"""A company that has subscriptions and nothing else, taken the whole way."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from config import load_settings
from flows.context import Context
from flows.nights.receipt_reporting import read_receipts
from flows.published.exporting import Wanted, export
from flows.running.progress import Reporter
from simulation.subscribers import leaving_probability, simulate_subscribers
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse

NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)

pytestmark = pytest.mark.slow
AS_OF = date(2026, 1, 1)
EARLIER, WINDOW_END = date(2025, 9, 1), date(2025, 11, 30)
SETTINGS = """
[company]
name = "Club"
currency = "EUR"
time_zone = "UTC"

[lake]
buckets = 2

[inputs.subscriptions]
files = "subscriptions.parquet"

[inputs.tickets]
files = "tickets.parquet"

[sources.subscriptions]
entity = "subscriptions"
money = "minor"
input = "subscriptions"

[sources.subscriptions.columns]
subscription_id = "subscription_id"
customer_id = "customer_id"
plan = "plan"
started_on = "started_on"
ended_on = "ended_on"
amount = "amount"
billing_period_months = "billing_period_months"

[sources.tickets]
entity = "tickets"
input = "tickets"
columns = { ticket_id = "ticket_id", customer_id = "customer_id", opened_at = "opened_at", kind = "kind" }
"""


@pytest.fixture(scope="module")
def company():
    return simulate_subscribers(customers=1000, first=date(2023, 9, 1), last=date(2026, 1, 1), seed=5)


@pytest.fixture(scope="module")
def published(tmp_path_factory, company, do):
    folder = tmp_path_factory.mktemp("club")
    company.subscriptions.write_parquet(folder / "subscriptions.parquet")
    company.tickets.write_parquet(folder / "tickets.parquet")
    (folder / "gristmill.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load_settings(folder / "gristmill.toml", environment={})
    context = Context(settings=settings, now=NOW, clock=lambda: NOW, reporter=Reporter(quiet=True), run_by="tests")
    earlier = do("run", context, as_of=EARLIER)
    result = do("score", context, as_of=AS_OF) | {key: earlier[key] for key in ("trained", "left_out")}
    result["receipts"] = read_receipts(context)["receipts"]
    result["exported"] = export(context, Wanted())
    with DuckDBWarehouse(context.settings.warehouse_file) as warehouse:
        tables = {
            "customer": warehouse.query("select * from segments.customer"),
            "reasons": warehouse.query("select * from segments.reasons"),
            "drift": warehouse.query("select * from segments.drift"),
            "retention_list": warehouse.query("select * from segments.retention_list"),
        }
    return result, tables


def test_it_gets_through_and_says_what_is_left_out(published):
    result, _ = published
    assert result["status"] == "published"
    assert set(result["trained"]) == {"subscription_churn"}
    assert "no orders" in result["left_out"]["next_best_offer"]


def test_whom_to_save_is_told_although_nobody_ordered(published):
    result, tables = published
    listed, customer = tables["retention_list"], tables["customer"]
    likely = customer.filter(pl.col("subscription_churn_probability") >= 0.25)
    assert listed.height
    assert set(listed["customer_id"]) <= set(likely["customer_id"])
    assert listed["churn_probability"].null_count() == listed.height
    assert (listed["margin_at_stake"] > 0).all()
    said = listed.join(customer.select("customer_id", "main_reason"), on="customer_id", validate="1:1")
    assert all(row["reason"].endswith(f"at stake; {row['main_reason']}") for row in said.to_dicts())
    assert "no margins" in result["left_out"]["winback_list"]


def test_drift_looks_at_subscribers_and_their_scores(published):
    drift = published[1]["drift"]
    looked_at = set(drift.select("kind", "what").rows())
    assert {("population", "contract_age_days"), ("prediction", "subscription_churn_probability")} <= looked_at
    assert not drift["alert"].drop_nulls().len()


def test_its_list_is_exported_too_although_nobody_ordered(published):
    result, tables = published
    left_out = result["exported"]["left_out"]
    assert left_out["without_consent"] == 0  # nothing is recorded, and the settings let that pass
    assert result["exported"]["rows"] + left_out["control_group"] == tables["customer"].height


def test_subscribers_are_active_and_scored_and_the_others_have_left(published, company):
    customer = published[1]["customer"]
    last = company.subscriptions.group_by("customer_id").agg(pl.col("ended_on").is_null().any().alias("runs"))
    everybody = customer.join(last, on="customer_id", validate="1:1")
    assert everybody.height == customer.height == last.height
    assert everybody.filter("runs")["customer_status"].unique().to_list() == ["active"]
    assert everybody.filter(~pl.col("runs"))["customer_status"].unique().to_list() == ["lapsed"]
    active = everybody.filter("runs")
    assert active["churn_probability"].equals(active["subscription_churn_probability"], check_names=False)
    assert (
        active.select("expected_value_12m", "subscription_renews_on", "value_tier").null_count().sum_horizontal()[0]
        == 0
    )
    assert everybody.filter(~pl.col("runs"))["main_reason"].unique().to_list() == ["no subscription runs any more"]


def test_probabilities_and_values_are_near_the_truth(published, company):
    customer = published[1]["customer"].filter(pl.col("customer_status") == "active")
    running = company.subscriptions.filter(pl.col("ended_on").is_null()).rename({"plan": "contract_plan"})
    asked = customer.join(running, on="customer_id", validate="1:1").with_columns(
        pl.lit(AS_OF).alias("snapshot_date"),
        (pl.col("subscription_renews_on") - AS_OF).dt.total_days().alias("contract_days_to_renewal"),
        (AS_OF - pl.col("started_on")).dt.total_days().alias("contract_age_days"),
    )
    truth = pl.Series(leaving_probability(company, asked, horizon_days=90))
    assert abs(truth.mean() - asked["churn_probability"].mean()) < 0.03
    assert pl.select(pl.corr(truth, asked["churn_probability"])).item() > 0.7
    monthly = asked.filter(pl.col("billing_period_months") == 1)
    kept_share = float(monthly["expected_value_12m"].sum()) / float(monthly["amount"].sum() / 100 * 12)
    assert 0.3 < kept_share < 0.8


def test_what_was_said_of_subscribers_has_its_receipts(published, company):
    """A night of September, held in January against who left and what was billed."""
    whole = {row["score"]: row for row in published[0]["receipts"] if row["slice"] == "all"}
    assert set(whole) == {"subscription_churn_probability", "expected_value_90d"}  # a year, and renewals, are not over
    assert {row["model"] for row in whole.values()} == {"subscription_churn"}
    left, billed = whole["subscription_churn_probability"], whole["expected_value_90d"]
    known = company.subscriptions.filter(pl.col("started_on") < EARLIER)
    running = known.filter(pl.col("ended_on").is_null() | (pl.col("ended_on") >= EARLIER))
    assert left["customers"] == running["customer_id"].n_unique()
    until = company.subscriptions.filter(
        pl.col("started_on") < WINDOW_END, pl.col("ended_on").fill_null(WINDOW_END) >= EARLIER
    )
    stayed = until.filter(pl.col("ended_on").fill_null(WINDOW_END) >= WINDOW_END)["customer_id"].unique()
    gone = running.filter(~pl.col("customer_id").is_in(stayed.implode()))["customer_id"].n_unique()
    assert left["actual"] == pytest.approx(gone / left["customers"], abs=0.01)  # but for who came back within a week
    assert (left["verdict"], billed["verdict"]) == ("as promised", "no promise")
    assert billed["predicted"] == pytest.approx(billed["actual"], rel=0.1)


def test_reasons_are_in_words(published):
    reasons = published[1]["reasons"]
    assert reasons["model"].unique().to_list() == ["churn"]
    assert reasons.filter(pl.col("words").str.contains("renews in")).height > 0
    assert not reasons["words"].str.contains(r"[{}]").any()
