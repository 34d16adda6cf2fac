"""Looking at features: the catalogue, one customer beside everybody, the commands."""

import json
from datetime import date

import polars as pl
import pytest
from typer.testing import CliRunner

import features
from config.errors import CommandUnknownNameError
from flows.command_line import app
from flows.errors import NothingLoadedError
from flows.featuring.errors import CustomerUnknownError, CustomerWithoutFeaturesError
from flows.featuring.looking import customer_features, list_features
from tests.flows.feature_company import DAY, ZONE, verdicts, with_load, with_night
from tests.flows.test_command_line import SETTINGS


def test_without_settings_the_whole_catalogue_is_listed():
    found = list_features(None)
    assert [one["name"] for one in found["features"]] == [s.name for s in features.catalogue(features.ENTITIES)]
    assert found["left_out"] == []


def test_a_list_can_be_narrowed():
    of_tickets = list_features(None, entity="tickets")["features"]
    assert of_tickets
    assert all("tickets" in one["needs"] for one in of_tickets)
    assert {one["family"] for one in list_features(None, family="timing")["features"]} == {"timing"}


@pytest.mark.parametrize("wrong", [{"entity": "ordres"}, {"family": "timming"}])
def test_a_wrong_name_is_refused_with_the_closest_one(wrong):
    with pytest.raises(CommandUnknownNameError) as caught:
        list_features(None, **wrong)
    assert caught.value.action in {"did you mean 'orders'?", "did you mean 'timing'?"}


def test_what_drops_out_is_listed_with_its_reason(loaded, open_at, tmp_path):
    left_out = {one["name"]: one for one in list_features(loaded)["left_out"]}
    assert left_out["last_survey_satisfaction"]["missing"] == ["surveys"]
    assert "surveys" in left_out["last_survey_satisfaction"]["reason"]
    assert left_out["mean_survey_satisfaction"]["family"] == "service"
    before = list_features(open_at(tmp_path / "nothing"))
    assert "nothing is loaded" in before["made_of"]
    assert "invoice_count_365_days" in {one["name"] for one in before["left_out"]}


def test_a_customer_stands_beside_everybody(loaded, tables):
    found = customer_features(loaded, "003", as_of=DAY)
    built = features.build(
        {entity: rows.lazy() for entity, rows in tables.items()},
        snapshots=[DAY],
        time_zone=ZONE,
        absent_columns=sorted(set(loaded.lake.open_load("one").absent_columns) & set(features.needs())),
    ).collect()
    assert found["customers"] == built.height
    own = built.filter(customer_id="003").row(0, named=True)
    assert {one["name"]: one["value"] for one in found["features"]} == {
        name: own[name] for name in built.columns if name not in {"customer_id", "snapshot_date"}
    }
    by_name = {one["name"]: one for one in found["features"]}
    for label, share in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
        for name in ("purchase_count_life", "days_since_last_order", "mean_days_between_orders"):
            assert by_name[name][label] == pytest.approx(built[name].quantile(share, "linear"))
    assert by_name["region"]["median"] is None


def test_the_nights_own_files_stand_for_everybody_where_they_are_of_that_load(loaded, tables):
    built = customer_features(loaded, "003", as_of=DAY)["features"]
    with_night(loaded, DAY)
    stored = customer_features(loaded, "003", as_of=DAY)
    assert stored["population_from"] == "the night's stored features"
    assert stored["features"] == built
    with_load(loaded, "two", tables)
    assert customer_features(loaded, "003", as_of=DAY)["population_from"] == "features built now"


def test_who_has_no_features_is_told_why(loaded, open_at, tmp_path):
    with pytest.raises(CustomerUnknownError) as unknown:
        customer_features(loaded, "3", as_of=DAY)
    assert unknown.value.exit_code == 2
    with pytest.raises(CustomerWithoutFeaturesError):
        customer_features(loaded, "003", as_of=date(2025, 1, 1))
    with pytest.raises(NothingLoadedError):
        customer_features(open_at(tmp_path / "nothing"), "003", as_of=DAY)


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """The command in this process, in a fresh folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_WORKSPACE", str(tmp_path / "work"))
    monkeypatch.delenv("GRISTMILL_CONFIG", raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["features", *map(str, arguments)])


def test_the_command_lists_without_settings(gristmill, invoke):
    done = gristmill("features", "list", "--family", "habits", "--json")
    assert done.returncode == 0, done.stderr
    assert {one["family"] for one in json.loads(done.stdout)["features"]} == {"habits"}
    assert "weekend_share" in invoke("list", "--family", "habits").output
    assert invoke("list", "--entity", "ordres").exit_code == 2
    assert invoke("show", "007").exit_code == 2


def test_the_command_shows_and_proves(invoke, loaded, tmp_path):
    (tmp_path / "gristmill.toml").write_text(SETTINGS)
    assert "left out" in invoke("list", "--family", "service").output
    shown = invoke("show", "003", "--as-of", DAY)
    assert shown.exit_code == 0, shown.output
    assert "days_since_last_order" in shown.output
    one = invoke("show", "003", "--as-of", DAY, "--feature", "net_amount_life", "--json")
    assert [feature["name"] for feature in json.loads(one.stdout)["features"]] == ["net_amount_life"]
    assert invoke("show", "003", "--as-of", DAY, "--feature", "nett").exit_code == 2
    assert invoke("show", "3", "--as-of", DAY).exit_code == 2
    with_night(loaded, DAY)
    proved = invoke("prove", "--as-of", DAY, "--buckets", 1, "--json")
    assert proved.exit_code == 0, proved.output
    assert set(verdicts(json.loads(proved.stdout)).values()) == {"holds"}
    path = loaded.lake.root / "features" / f"as_of={DAY}" / "bucket=001.parquet"
    pl.read_parquet(path).with_columns(pl.col("net_amount_life") + 1).write_parquet(path)
    differing = invoke("prove", "--as-of", DAY, "--buckets", 1)
    assert differing.exit_code == 3
    assert "net_amount_life" in differing.output
