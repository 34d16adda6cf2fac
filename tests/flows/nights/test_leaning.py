"""Features that a champion leans on and that are blank tonight: refused, said, or no matter."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from flows.featuring import night_features
from flows.learning.errors import LeanedOnBlankError
from flows.nights.leaning import FEWEST_CUSTOMERS, blank_features, check_what_is_leaned_on
from models.bundle import Bundle
from models.learners.importance import gain_shares
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.ledger import history

LATER = date(2026, 1, 1)
TREES = b"""tree
feature_names=days purchases region
Tree=0
split_feature=0 1
split_gain=70 10
Tree=1
split_feature=2 0
split_gain=15 5
"""
ROWS = FEWEST_CUSTOMERS
VARIED = {"days": list(range(ROWS)), "purchases": [1, 2] * (ROWS // 2), "region": ["north"] * (ROWS - 1) + [None]}


def champion(trees=TREES):
    facts = {"name": "churn", "method": "lightgbm", "trained_as_of": date(2025, 12, 1), "features": ("days",)}
    return {"churn": Bundle(**facts, files={"churn_trees.txt": trees, "churn.json": b"{}"})}


@pytest.fixture
def context():
    said = []
    gates = SimpleNamespace(blank_features_share=0.2)
    return SimpleNamespace(settings=SimpleNamespace(gates=gates), reporter=SimpleNamespace(say=said.append, said=said))


def test_a_champion_leans_on_what_its_trees_gain_by():
    assert gain_shares(champion()["churn"]) == pytest.approx({"days": 0.75, "region": 0.15, "purchases": 0.1})
    assert gain_shares(champion(b"")["churn"]) == {}


@pytest.mark.parametrize(
    ("changed", "refused", "said"),
    [
        ({}, None, []),
        ({"days": [None] * ROWS}, r"^days \(75%\)$", []),
        ({"days": [7] * ROWS}, r"^days \(75%\)$", []),
        ({"days": [7] * (ROWS - 1) + [None]}, None, []),  # who has none is told apart
        ({"region": ["north"] * ROWS}, None, ["the same for every customer tonight: region (15% of churn)"]),
        ({"region": [None] * ROWS, "purchases": [1] * ROWS}, r"^region \(15%\), purchases \(10%\)$", []),
    ],
)
def test_blank_features_that_carry_too_much_are_refused(context, changed, refused, said):
    active = pl.LazyFrame(VARIED | changed)
    if refused:
        with pytest.raises(LeanedOnBlankError) as error:
            check_what_is_leaned_on(context, bundles=champion(), active=active)
        assert error.value.exit_code == 3
        assert error.match("churn champion leans on")
        assert pl.Series([error.value.where]).str.contains(refused).item()
    else:
        check_what_is_leaned_on(context, bundles=champion(), active=active)
    assert context.reporter.said == said


def test_of_a_handful_of_customers_nothing_is_said():
    assert blank_features(pl.LazyFrame({"days": [1] * ROWS}), ["days", "absent"]) == {"days"}
    assert blank_features(pl.LazyFrame({"days": [1] * (ROWS - 1)}), ["days"]) == set()


@pytest.mark.slow
def test_a_night_whose_champion_is_blind_leaves_the_old(workspace, trained, open_at, do, monkeypatch):
    """The sources no longer bring what the champion mostly goes by: nothing of it in anybody's features."""
    context = open_at(workspace)
    build = night_features.build_night_features
    version = trained[1]["trained"]["churn"]["version"]
    bundle = next(one for one in context.registry.versions("churn") if one.version == version)
    shares = gain_shares(context.registry.load("churn", version, digest=bundle.digest))
    blinded = [name for name in shares if name != "days_since_last_order"][:10]
    assert sum(shares[name] for name in blinded) > 0.2

    def without(*args, **kwargs):
        paths = build(*args, **kwargs)
        for path in map(Path, paths):
            pl.read_parquet(path).with_columns(
                pl.lit(None).cast(pl.Float64).alias(name) for name in blinded
            ).write_parquet(path)
        return paths

    monkeypatch.setattr(night_features, "build_night_features", without)
    with pytest.raises(LeanedOnBlankError):
        do("score", context, as_of=LATER)
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        assert [run.status for run in history(warehouse) if run.as_of == LATER] == ["blocked"]
        dates = warehouse.query("SELECT DISTINCT as_of FROM segments.customer")["as_of"].to_list()
    assert dates == [date(2025, 12, 1)]
