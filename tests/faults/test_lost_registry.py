"""The registry is gone when a night begins: copies that it vouched for lately score, and nothing else does."""

import socket
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from config import load_settings
from flows.champion_cache import ChampionCache
from flows.champions import models_of, open_champions
from flows.context import Context
from flows.progress import Reporter
from models.bundle import Bundle
from models.errors import BundleCorruptError, RegistryDownError
from warehouse.promotions import Promotion, record_promotion

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
TRAINED, ASKED = date(2025, 12, 1), date(2026, 1, 1)


def bundle(name):
    files = {"trees.txt": f"trees of {name}".encode()}
    return Bundle(name=name, method="lightgbm", trained_as_of=TRAINED, features=("days",), files=files)


@pytest.fixture
def without_registry(tmp_path, monkeypatch):
    """Opens a context a number of days after the registry last vouched for its champions; it is down now."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    environment = {
        "GRISTMILL_WORKSPACE": str(tmp_path),
        "GRISTMILL__REGISTRY__TRACKING_URI": f"http://127.0.0.1:{port}",
    }
    settings = load_settings(ROOT / "gristmill.toml", environment=environment)
    cache = ChampionCache(settings.workspace / "champions")

    def opened(days):
        now = NOW + timedelta(days=days)
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True))

    with opened(0).warehouse() as warehouse:
        for number, name in enumerate(models_of(opened(0))):
            promotion = Promotion(
                name=name,
                version=1,
                digest=bundle(name).digest(),
                trained_as_of=TRAINED,
                promoted_at=NOW + timedelta(seconds=number),
                beats_baseline=True,
                metrics={},
            )
            record_promotion(warehouse, promotion)
            cache.keep(bundle(name), digest=promotion.digest, now=NOW)
    return opened


def test_kept_champions_score_and_it_is_said(without_registry):
    opened = open_champions(without_registry(6), as_of=ASKED, tick=lambda: None)
    assert {name: champion.bundle for name, champion in opened.items()} == {name: bundle(name) for name in opened}
    assert all(champion.from_cache for champion in opened.values())


def test_copies_too_old_do_not(without_registry):
    with pytest.raises(RegistryDownError) as refused:
        open_champions(without_registry(8), as_of=ASKED, tick=lambda: None)
    assert refused.value.exit_code == 4


def test_a_copy_that_was_changed_does_not(without_registry, tmp_path):
    (changed,) = tmp_path.glob(f"champions/{bundle('churn').digest()}/files/trees.txt")
    changed.write_bytes(b"other trees")
    with pytest.raises(BundleCorruptError):
        open_champions(without_registry(1), as_of=ASKED, tick=lambda: None)
