"""The examples on their real data, through the command: rows read, kept and set aside, what runs and what is refused.

Belongs here: every example but Online Retail II, which has tests of its own. The data are not in the project: tests
that need them are skipped where GRISTMILL_SHARED_DATA doesn't say where they are.
"""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from config import load_settings
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/gristmill.toml"))

# rows read, accepted and set aside, by table
ROWS = {
    "cdnow": {"orders": (69_659, 69_659, 0)},
    "complete_journey": {
        "products": (92_331, 92_331, 0),
        "customers": (2_406, 2_406, 0),
        "offers": (1_197, 1_197, 0),
        "campaigns": (27, 27, 0),
        "orders": (100_000, 99_423, 577),
        "contacts": (6_589, 6_589, 0),
        "events": (2_102, 2_102, 0),
    },
    "hillstrom": {
        "customers": (64_000, 64_000, 0),
        "offers": (2, 2, 0),
        "campaigns": (1, 1, 0),
        "orders": (578, 578, 0),
        "contacts": (64_000, 64_000, 0),
        "events": (9_394, 9_394, 0),
    },
    "starbucks_offers": {
        "customers": (17_000, 17_000, 0),
        "offers": (10, 10, 0),
        "orders": (2_414, 2_414, 0),
        "contacts": (12_650, 12_650, 0),
        "events": (5_511, 5_511, 0),
    },
    "telco_churn": {"customers": (7_043, 7_043, 0), "subscriptions": (7_043, 7_043, 0)},
}

# rows that break a rule, by table and rule; all others are broken by none
BROKEN = {
    "cdnow": {"orders.line_has_a_price": 80},
    "complete_journey": {
        "offers.product_or_category_is_given": 202,
        "orders.quantity_is_not_zero": 577,
        "orders.order_product_is_known": 316,
        "orders.line_has_a_price": 725,
        "orders.quantity_is_a_count": 947,
    },
    "hillstrom": {},
    "starbucks_offers": {"offers.product_or_category_is_given": 10},
    "telco_churn": {},
}

# rows of the files that are not the table's, by `where`
LEFT_OUT = {
    "hillstrom": {"orders": 63_422, "events": 54_606},
    "starbucks_offers": {"orders": 18_161, "events": 15_064},
}

KEYS = {
    "customer": ["customer_id"],
    "next_best_offer": ["customer_id", "rank"],
    "next_best_category": ["customer_id", "rank"],
}


class Example:
    """One example with a workspace of its own."""

    def __init__(self, name: str, workspace: Path) -> None:
        self.data = SHARED / name
        self.settings = ROOT / "examples" / name / "gristmill.toml"
        self.workspace = workspace

    def gristmill(self, *arguments, exit_code=0):
        """Run the command as its user would; returns its JSON document."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("GRISTMILL", "PREFECT"))}
        code = "from flows.command_line import main; main()"
        place = ["--config", str(self.settings), "--data", str(self.data), "--json"]
        done = subprocess.run(  # noqa: S603 our own interpreter
            [sys.executable, "-c", code, *arguments, *place],
            cwd=self.workspace,
            env={**inherited, "GRISTMILL_WORKSPACE": str(self.workspace)},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == exit_code, done.stderr
        return json.loads(done.stdout)

    def core(self, entity):
        """A core table of the one load there is."""
        (folder,) = (self.workspace / "lake" / "core").glob(f"load=*/{entity}")
        return pl.read_parquet(folder / "*.parquet", hive_partitioning=False)

    def published(self, table):
        """A published table."""
        with DuckDBWarehouse(self.workspace / "warehouse.duckdb") as warehouse:
            return warehouse.query(f"select * from segments.{table}")  # noqa: S608  # a constant of this file


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """An example by its name, the same one each time."""
    known = {}

    def of(name):
        if not (SHARED / name).is_dir():
            pytest.skip(f"no {name} in {SHARED}: set GRISTMILL_SHARED_DATA")
        return known.setdefault(name, Example(name, tmp_path_factory.mktemp(name)))

    return of


@pytest.fixture(scope="module")
def loaded(opened):
    """What `gristmill ingest` said of an example, asked once."""
    said = {}

    def of(name):
        example = opened(name)
        if name not in said:
            said[name] = example.gristmill("ingest")
        return said[name]

    return of


@pytest.fixture(scope="module")
def run(opened, loaded):
    """What `gristmill run` said of an example on the date its README names, asked once."""
    said = {}

    def of(name, as_of):
        loaded(name)
        if name not in said:
            said[name] = opened(name).gristmill("run", "--as-of", as_of)
        return said[name]

    return of


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_settings_are_sound_and_the_index_and_the_readme_name_the_example(name):
    settings = load_settings(ROOT / "examples" / name / "gristmill.toml", environment={})
    assert settings.data_folder == ROOT / "examples" / name
    assert f"examples/{name}/README.md" in (ROOT / "docs" / "examples.md").read_text()
    assert f"examples/{name}/gristmill.toml" in (ROOT / "examples" / name / "README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_the_mapping_passes_the_check(opened, name):
    result = opened(name).gristmill("source", "check")
    assert result["status"] == "done"
    assert {source["entity"] for source in result["sources"]} == set(ROWS[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_rows_read_accepted_and_set_aside(loaded, name):
    said = loaded(name)["load"]
    counts = {
        entity: tuple(each[count] for count in ("read", "accepted", "quarantined"))
        for entity, each in said["entities"].items()
    }
    assert counts == ROWS[name]
    assert {f"{broken['entity']}.{broken['rule']}": broken["rows"] for broken in said["rules"]} == BROKEN[name]
    left_out = {entity: each["left_out"] for entity, each in said["entities"].items() if each["left_out"]}
    assert left_out == LEFT_OUT.get(name, {})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "as_of"), [("hillstrom", "2008-03-15"), ("starbucks_offers", "2018-07-28")])
def test_a_day_or_two_of_orders_train_nothing_and_publish_nothing(opened, loaded, name, as_of):
    loaded(name)
    refusal = opened(name).gristmill("run", "--as-of", as_of, exit_code=3)
    assert refusal["error"] == "TooLittleHistoryError"
    assert refusal["got"] == "1 days"


@pytest.mark.slow
def test_telco_subscriptions_are_scored_without_any_orders(opened, loaded):
    loaded("telco_churn")
    example = opened("telco_churn")
    published = example.gristmill("run", "--as-of", "2018-01-01")
    assert (published["status"], published["rows"]["customer"]) == ("published", 7_043)
    assert set(published["trained"]) == {"subscription_churn"}
    assert {"next_best_offer", "next_best_category"} <= set(published["left_out"])
    subscriptions, customers = example.core("subscriptions"), example.core("customers")
    by_contract = subscriptions.group_by(pl.col("plan").str.split(", ").list.first()).agg(
        pl.len(), pl.col("ended_on").count().alias("ended")
    )
    assert set(by_contract.iter_rows()) == {
        ("Month-to-month", 3_875, 1_655),
        ("One year", 1_473, 166),
        ("Two year", 1_695, 48),
    }
    assert subscriptions["amount"].sum() == 45_611_660
    assert customers["total_charges"].null_count() == 11


@pytest.mark.slow
def test_hillstrom_keeps_the_lot_and_what_came_of_it(opened, loaded):
    """The published table of the test: customers, visits, purchases and cents spent, by arm."""
    loaded("hillstrom")
    contacts, visits, orders = (opened("hillstrom").core(entity) for entity in ("contacts", "events", "orders"))
    seen = contacts.join(visits.select("customer_id", visited=True), on="customer_id", how="left", validate="1:1").join(
        orders.select("customer_id", "amount"), on="customer_id", how="left", validate="1:1"
    )
    assert seen.select((pl.col("responded_at").is_null() == pl.col("amount").is_null()).all()).item()
    by_arm = seen.group_by("offer_id", "held_out").agg(
        pl.len(), pl.col("visited").sum(), pl.col("responded_at").count(), pl.col("amount").sum()
    )
    assert set(by_arm.iter_rows()) == {
        ("men's merchandise", False, 21_307, 3_894, 267, 3_031_169),
        ("women's merchandise", False, 21_387, 3_238, 189, 2_303_811),
        (None, True, 21_306, 2_262, 122, 1_390_833),
    }


@pytest.mark.slow
def test_starbucks_contacts_carry_the_first_view_and_completion_of_their_offer(opened, loaded):
    loaded("starbucks_offers")
    example = opened("starbucks_offers")
    contacts, customers = example.core("contacts"), example.core("customers")
    by_kind = (
        contacts.join(example.core("offers").select("offer_id", "name"), on="offer_id", validate="m:1")
        .group_by(pl.col("name").str.split(",").list.first())
        .agg(pl.len(), pl.col("opened_at").count(), pl.col("responded_at").count())
    )
    assert set(by_kind.iter_rows()) == {
        ("bogo", 5_018, 2_116, 424),
        ("discount", 5_093, 1_803, 365),
        ("informational", 2_539, 803, 0),
    }
    assert [customers[column].null_count() for column in ("birth_year", "gender", "income")] == [2_175] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "as_of", "rows"),
    [
        ("cdnow", "1998-04-01", {"customer": 23_570}),
        ("complete_journey", "2018-01-01", {"customer": 2_406, "next_best_offer": 24_040, "next_best_category": 7_212}),
    ],
)
def test_published_tables_have_their_rows_and_keys(opened, run, name, as_of, rows):
    result = run(name, as_of)
    assert result["status"] == "published"
    assert {table: result["rows"][table] for table in rows} == rows
    for table, count in rows.items():
        frame = opened(name).published(table)
        assert frame.height == count
        assert frame.select(KEYS[table]).is_unique().all()
        assert not any(frame[column].null_count() for column in KEYS[table])


@pytest.mark.slow
def test_cdnow_trains_churn_and_value_and_says_that_one_product_leaves_nothing_to_choose(run):
    result = run("cdnow", "1998-04-01")
    trained = result["trained"]
    assert {name: facts["beats_baseline"] for name, facts in trained.items()} == {
        "churn": True,
        "value": True,
        "next_offer": False,
    }
    assert trained["next_offer"]["method"] == "baseline"
    assert {"next_best_offer", "next_best_category"} <= set(result["left_out"])
    assert result["segments"]["customers_by_status"] == {"active": 9_526, "lapsed": 13_976, "prospect": 68}


@pytest.mark.slow
def test_cdnow_scores_of_april_come_true_until_june(opened, run):
    run("cdnow", "1998-04-01")
    purchases = pl.read_parquet(SHARED / "cdnow" / "cdnow_master.parquet")
    window = purchases.filter(pl.col("date").is_between(date(1998, 4, 1), date(1998, 6, 30), closed="left"))
    spent = window.group_by("customer_id").agg(pl.col("dollar_value").sum().alias("spent"))
    scored = opened("cdnow").published("customer").filter(pl.col("customer_status") == "active")
    seen = scored.join(spent, on="customer_id", how="left", validate="1:1").with_columns(pl.col("spent").fill_null(0))
    seen = seen.with_columns((pl.col("spent") <= 0).alias("left"))
    assert seen["left"].mean() == pytest.approx(0.7016, abs=0.0001)
    assert auc(seen["churn_probability"], seen["left"]) > auc(seen["days_since_last_order"], seen["left"])
    assert seen["churn_probability"].mean() == pytest.approx(seen["left"].mean(), abs=0.05)
    assert float(seen["expected_value_90d"].sum()) == pytest.approx(seen["spent"].sum(), rel=0.2)


@pytest.mark.slow
def test_complete_journey_trains_on_the_sample_and_every_model_says_whether_it_beats_its_baseline(run):
    trained = run("complete_journey", "2018-01-01")["trained"]
    assert trained["churn"]["beats_baseline"]
    assert trained["value"]["beats_baseline"]
    for facts in trained.values():
        assert facts["reasons"]
        assert facts["beats_baseline"] == (facts["method"] != "baseline")


@pytest.mark.slow
def test_complete_journey_scores_order_households_by_whether_they_were_seen_again(opened, run):
    """The day of each household's very last basket, two months on, is known from another file, which no run reads."""
    run("complete_journey", "2018-01-01")
    example = opened("complete_journey")
    last = pl.read_parquet(example.data / "last_baskets_day1_711.parquet").group_by("user_id").agg(pl.col("date").max())
    last = last.select(pl.col("user_id").cast(pl.String).alias("customer_id"), (pl.col("date") < 650).alias("gone"))
    scored = example.published("customer").filter(pl.col("customer_status") == "active")
    seen = scored.join(last, on="customer_id", how="inner", validate="1:1")
    assert (seen.height, seen["gone"].sum()) == (2_404, 209)
    assert auc(seen["churn_probability"], seen["gone"]) > auc(seen["days_since_last_order"], seen["gone"])


@pytest.mark.slow
def test_complete_journey_contacts_answer_by_redeeming(opened, loaded):
    loaded("complete_journey")
    example = opened("complete_journey")
    answers = (
        example.core("contacts")
        .join(example.core("campaigns").select("campaign_id", "name"), on="campaign_id", validate="m:1")
        .group_by("name")
        .agg(pl.len(), pl.col("responded_at").count())
    )
    assert set(answers.iter_rows()) == {("Type A", 3_647, 604), ("Type B", 2_368, 154), ("Type C", 574, 34)}
    assert example.core("customers")["age_band"].count() == 801


def auc(score, happened):
    """The chance that a customer to whom it happened has the higher score than one to whom it did not."""
    positives = happened.sum()
    ranks = score.rank("average").filter(happened).sum()
    return (ranks - positives * (positives + 1) / 2) / (positives * (len(score) - positives))
