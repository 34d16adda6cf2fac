"""The registry is gone: copies that it vouched for lately score, and what was trained waits until it is back."""

import socket
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from config import load_settings
from flows.context import Context
from flows.learning.champion_cache import ChampionCache
from flows.learning.champions import models_of, open_champions
from flows.learning.errors import TrainingKeptError
from flows.learning.graduating import register_trained
from flows.learning.kept_training import Candidate, KeptTraining, Trained
from flows.running.orchestration import plain_step
from flows.running.progress import Reporter
from flows.training_steps import register_kept, register_kept_if_it_can_be
from models.bundle import Bundle, with_graded
from models.errors import BundleCorruptError, RegistryDownError
from warehouse.ledger import history
from warehouse.promotions import Promotion, champion_for, record_promotion

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
TRAINED, ASKED = date(2025, 12, 1), date(2026, 1, 1)


def bundle(name):
    files = {"trees.txt": f"trees of {name}".encode()}
    return Bundle(name=name, method="lightgbm", trained_as_of=TRAINED, features=("days",), files=files)


@pytest.fixture
def open_with(tmp_path):
    """Opens a context on an empty workspace, with a registry of its own or at an address."""

    def opened(tracking_uri="", *, now=NOW):
        place = {"GRISTMILL_WORKSPACE": str(tmp_path), "GRISTMILL__REGISTRY__TRACKING_URI": tracking_uri}
        settings = load_settings(ROOT / "gristmill.toml", environment=place)
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True))

    return opened


@pytest.fixture
def nobody(monkeypatch):
    """The address of a registry that is down."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def without_registry(open_with, nobody):
    """Opens a context a number of days after the registry last vouched for its champions; it is down now."""
    cache = ChampionCache(open_with().settings.workspace / "champions")

    def opened(days):
        return open_with(nobody, now=NOW + timedelta(days=days))

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


def trained():
    """What a training came to: offers that beat their baseline, and a value model that does not."""
    figures = {"auc": 0.86, "baseline_auc": 0.8, "auc_gain": 0.06, "auc_gain_low": 0.03, "auc_gain_high": 0.09}
    asked = {"metrics": figures, "parameters": {"seed": 1}, "reasons": ("yes: better",), "beats_baseline": True}
    offers = with_graded(replace(bundle("next_offer"), **asked), bundle("next_offer"))
    rows = pl.DataFrame({"customer_id": ["00123"], "days": [1.5]})
    return Trained(
        as_of=TRAINED,
        candidates=[
            Candidate(bundle=offers, test_rows=rows, findings=["look twice"]),
            Candidate(bundle=bundle("value")),
        ],
        made_of={"data": {"load_id": "load-1", "training_tables_sha256": "0"}, "configuration": {"hash": "1"}}
        | {"code": {"version": "1", "git_commit": "2", "sources_sha256": "3"}},
        families={"days": "timing"},
    )


def test_what_was_trained_waits_for_the_registry_and_is_registered_once(open_with, nobody, tmp_path):
    down, up = open_with(nobody), open_with()
    with pytest.raises(TrainingKeptError, match="what was trained as of 2025-12-01 is kept") as refused:
        register_trained(down, trained=trained(), tick=lambda: None)
    assert refused.value.exit_code == 4
    assert register_kept_if_it_can_be(plain_step, down) == {}  # a night goes on without
    kept = KeptTraining(tmp_path).open()
    assert [each.bundle for each in kept.candidates] == [each.bundle for each in trained().candidates]
    assert kept.candidates[0].bundle.graded == trained().candidates[0].bundle.graded
    assert b"00123" not in b"".join(path.read_bytes() for path in tmp_path.rglob("trained/**/*") if path.is_file())
    told = register_kept(plain_step, up)
    assert {name: (each["version"], each["promoted"]) for name, each in told["trained"].items()} == {
        "next_offer": (1, True),
        "value": (1, True),  # there was none: its baseline stands in
    }
    assert told["trained"]["next_offer"]["findings"] == ["look twice"]
    with up.warehouse(read_only=True) as warehouse:
        assert champion_for(warehouse, "next_offer", TRAINED).digest == kept.candidates[0].bundle.digest()
        assert sorted((run.kind, run.status, run.load_id) for run in history(warehouse)) == [
            ("train", "done", "load-1"),
            ("train", "failed", "load-1"),
        ]
    assert register_kept(plain_step, up) is None
    assert not list(tmp_path.glob("*trained*"))


def test_what_was_kept_and_changed_is_not_registered(open_with, tmp_path):
    KeptTraining(tmp_path).keep(trained())
    (tmp_path / "trained" / "next_offer" / "graded" / "trees.txt").write_bytes(b"other trees")
    with pytest.raises(BundleCorruptError):
        register_kept(plain_step, open_with())
