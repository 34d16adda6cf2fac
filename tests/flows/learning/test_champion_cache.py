"""Bundles kept for a night without the registry: verified again, not for ever, not too many.

And champions that change while a night runs.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from flows import pipelines
from flows.learning import champions
from flows.learning.champion_cache import KEPT, ChampionCache
from flows.learning.promoting import promote_by_hand
from flows.running.orchestration import plain_step
from models.bundle import Bundle
from models.errors import BundleCorruptError, RegistryDownError
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.errors import WarehouseBusyError
from warehouse.promotions import record_promotion

NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
LATER = date(2026, 1, 1)


def bundle(number=1):
    files = {"booster.txt": f"tree {number}".encode(), "calibration.json": b"{}"}
    facts = {"name": "churn", "method": "lightgbm", "trained_as_of": date(2025, 12, 1)}
    return Bundle(**facts, features=("days_since_last_order",), files=files)


@pytest.fixture
def cache(tmp_path):
    return ChampionCache(tmp_path / "champions")


def test_what_was_kept_comes_back_until_it_is_too_old(cache):
    kept = bundle()
    cache.keep(kept, digest=kept.digest(), now=NOW)
    assert cache.open(kept.digest(), now=NOW + timedelta(days=7), within_days=7) == kept
    assert cache.open(kept.digest(), now=NOW + timedelta(days=7, seconds=1), within_days=7) is None
    cache.keep(kept, digest=kept.digest(), now=NOW + timedelta(days=7))
    assert cache.open(kept.digest(), now=NOW + timedelta(days=14), within_days=7) == kept
    assert cache.open(bundle(2).digest(), now=NOW, within_days=7) is None


@pytest.mark.parametrize("fault", ["changed", "missing", "surplus"])
def test_nothing_tampered_with_is_opened(cache, fault):
    kept = bundle()
    cache.keep(kept, digest=kept.digest(), now=NOW)
    files = cache.folder / kept.digest() / "files"
    if fault == "changed":
        (files / "booster.txt").write_bytes(b"tree 2")
    elif fault == "missing":
        (files / "calibration.json").unlink()
    else:
        (files / "more.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(BundleCorruptError):
        cache.open(kept.digest(), now=NOW, within_days=7)


def test_the_oldest_go(cache):
    for number in range(KEPT + 3):
        each = bundle(number)
        cache.keep(each, digest=each.digest(), now=NOW + timedelta(hours=number))
    there = [cache.open(bundle(number).digest(), now=NOW, within_days=7) is not None for number in range(KEPT + 3)]
    assert there == [False] * 3 + [True] * KEPT


@pytest.mark.slow
def test_a_night_without_the_registry_scores_with_verified_copies(workspace, open_at, do):
    down = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    fresh = open_at(workspace, **down)
    plain = do("score", open_at(workspace), as_of=LATER)
    assert plain["champions_from_cache"] == []
    without = do("score", fresh, as_of=LATER, force=True)
    assert without["champions_from_cache"] == ["churn", "next_offer", "value"]
    assert without["content_hash"] == plain["content_hash"]
    later = open_at(workspace, now=fresh.now + timedelta(days=8), **down)
    with pytest.raises(RegistryDownError):
        do("score", later, as_of=LATER, force=True)


@pytest.mark.slow
def test_a_champion_that_changes_in_mid_run_scores_the_next_night_only(workspace, open_at):
    context = open_at(workspace)
    first = champions.find_champions(context, LATER)["churn"]
    bundle = context.registry.load("churn", first.version, digest=first.digest)

    def and_then(name, function, **arguments):
        result = plain_step(name, function, **arguments)
        if name == "verify the champions":
            another = replace(bundle, parameters={**bundle.parameters, "of": "today"}, graded=None)
            other = context.registry.register(another, run_name="another")
            with pytest.raises(WarehouseBusyError):
                promote_by_hand(open_at(workspace), name="churn", version=other, because="in mid-run")
            context.registry.promote("churn", other, expected_current=first.version)
            forced = replace(first, version=other, promoted_at=context.now + timedelta(seconds=1))
            with context.warehouse() as warehouse:  # nobody may, but somebody with the ledger's rights could
                record_promotion(warehouse, forced)
        return result

    night = pipelines.score(and_then, context=context, as_of=LATER)
    assert night["champions"]["churn"]["version"] == first.version
    with DuckDBWarehouse(workspace / "warehouse.duckdb", read_only=True) as warehouse:
        versions = warehouse.query("SELECT DISTINCT as_of, churn_model_version FROM segments.customer").rows()
    assert versions == [(LATER, first.version)]
    assert champions.find_champions(context, LATER)["churn"].version == first.version + 1
