"""A company's first months: the whole way without anything that could be learnt from outcomes."""

from datetime import date, timedelta

import pytest

from data_contracts.errors import DataBlockedError
from flows import pipelines
from flows.learning import standing_in
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse

FIRST_MONTHS = date(2024, 5, 30)  # the 150th day


@pytest.mark.slow
def test_the_first_150_days_are_scored_by_purchase_models_and_say_so(tmp_path, open_at, do, monkeypatch):
    context = open_at(tmp_path / "work")
    result = do("run", context, as_of=FIRST_MONTHS)
    assert result["status"] == "published"
    assert {name: facts["method"] for name, facts in result["trained"].items()} == {
        "churn": "buy_till_you_die",
        "value": "buy_till_you_die",
        "next_offer": "baseline",
    }
    assert all(facts["promoted"] and facts["grade"] == "C" for facts in result["trained"].values())
    not_ready = {one["model"]: one["meanwhile"] for one in result["readiness"] if not one["ready"]}
    assert {name: "buy till you die" in words for name, words in not_ready.items() if name in {"churn", "value"}} == {
        "churn": True,
        "value": True,
    }
    with DuckDBWarehouse(tmp_path / "work" / "warehouse.duckdb", read_only=True) as warehouse:
        rows = warehouse.query("select * from segments.customer where churn_probability is not null", step="read")
    assert rows["churn_scored_by"].unique().to_list() == ["purchase model"]
    assert rows["value_scored_by"].unique().to_list() == ["purchase model"]
    assert rows["probability_alive"].null_count() == 0
    assert rows["expected_value_12m"].min() >= 0
    assert rows["next_offer_1"].null_count() < rows.height
    assert standing_in.due_anew(context, FIRST_MONTHS + timedelta(days=27)) == []
    assert standing_in.due_anew(context, FIRST_MONTHS + timedelta(days=28)) == ["churn", "value", "next_offer"]

    asked = []
    monkeypatch.setattr(pipelines, "train_models", lambda *_: asked.append("train") or {})
    monkeypatch.setattr(pipelines, "score_night", lambda *_, **__: {})
    for days in (27, 28):
        do("run", context, as_of=FIRST_MONTHS + timedelta(days=days))
    assert asked == ["train"]  # four weeks on it is tried again


def test_nothing_is_due_before_anything_ran(tmp_path, open_at):
    assert standing_in.due_anew(open_at(tmp_path / "work"), FIRST_MONTHS) == []


@pytest.mark.slow
def test_with_too_few_outcomes_the_champions_stay_and_the_stand_ins_say_why(workspace, open_at, do):
    few = open_at(workspace, GRISTMILL__POPULATION__ACTIVE_WITHIN_DAYS="7")
    trained = do("train", few, as_of=date(2025, 12, 1))["trained"]
    for name in ("churn", "value"):
        assert (trained[name]["method"], trained[name]["promoted"]) == ("buy_till_you_die", False)
        assert "at least 50 needed" in trained[name]["reasons"][0]


@pytest.mark.slow
def test_a_trained_company_is_not_trained_anew(trained, open_at):
    assert standing_in.due_anew(open_at(trained[0]), date(2026, 1, 1)) == []


def test_a_refusal_is_told_in_a_line():
    error = DataBlockedError("too few", where="orders", got="3", expected="4", action="wait")
    assert standing_in.said(error) == "too few (orders: 3, 4 needed)"
