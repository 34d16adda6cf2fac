import os
import socket
from datetime import date

import pytest

from models.bundle import MANIFEST, Bundle, with_graded
from models.errors import BundleCorruptError, ChampionChangedError, RegistryDownError, VersionUnknownError
from models.registry import Registry


def bundle(text="tree", **overrides):
    facts = {
        "name": "churn",
        "method": "lightgbm",
        "trained_as_of": date(2026, 1, 1),
        "features": ("days",),
        "files": {"churn_trees.txt": text.encode(), "churn.json": b"{}"},
        "parameters": {"seed": 1, "plan": {"train": ["2025-01-01"]}},
        "metrics": {"auc": 0.8},
        "beats_baseline": True,
    }
    return Bundle(**(facts | overrides))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(folder):
    return Registry(f"sqlite:///{folder}/store/mlflow.db", str(folder / "artifacts"))


@pytest.fixture(scope="module")
def two_versions(registry):
    return [registry.register(bundle(text), run_name=f"train {text}", tags={"as_of": "2026-01-01"}) for text in "ab"]


def test_what_was_registered_comes_back_verified(registry, two_versions):
    assert two_versions == [1, 2]
    assert registry.load("churn", 2, digest=bundle("b").digest()) == bundle("b")
    assert [one.digest for one in registry.versions("churn")] == [bundle("a").digest(), bundle("b").digest()]


@pytest.mark.usefixtures("two_versions")
def test_the_same_bundle_is_registered_once(registry):
    assert registry.register(bundle("a"), run_name="again", tags={}) == 1


@pytest.mark.usefixtures("two_versions")
def test_promotion_moves_the_alias_and_notices_another(registry):
    assert registry.champion("churn") is None
    registry.promote("churn", 1, expected_current=None)
    assert registry.champion("churn") == (1, bundle("a").digest())
    with pytest.raises(ChampionChangedError) as caught:
        registry.promote("churn", 2, expected_current=None)
    assert (caught.value.expected_version, caught.value.found_version) == (None, 1)
    registry.promote("churn", 2, expected_current=1)
    registry.promote("churn", 2, expected_current=1)
    assert [one.is_champion for one in registry.versions("churn")] == [False, True]
    registry.promote("churn", 1, expected_current=2)


@pytest.mark.usefixtures("two_versions")
def test_unknown_models_and_versions(registry):
    assert registry.versions("value") == []
    assert registry.champion("value") is None
    with pytest.raises(VersionUnknownError, match="99"):
        registry.promote("churn", 99, expected_current=1)
    with pytest.raises(VersionUnknownError, match="value"):
        registry.load("value", 1, digest="")


@pytest.mark.parametrize("fault", ["truncated", "edited manifest", "surplus", "missing", "link", "other digest"])
def test_nothing_tampered_with_is_opened(registry, folder, tmp_path, fault):
    ours = bundle(f"tree of {fault}")
    version = registry.register(ours, run_name=fault)
    run_id = next(one.run_id for one in registry.versions("churn") if one.version == version)
    (files,) = folder.rglob(f"{run_id}/artifacts/bundle")
    trees = files / "churn_trees.txt"
    if fault == "truncated":
        trees.write_bytes(trees.read_bytes()[:-3])
    elif fault == "edited manifest":
        (files / MANIFEST).write_bytes(ours.manifest().replace(b"true", b"false"))
    elif fault == "surplus":
        (files / "model.pkl").write_bytes(b"cos\nsystem\n")
    elif fault == "missing":
        trees.unlink()
    elif fault == "link":
        trees.rename(tmp_path / "elsewhere")
        trees.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleCorruptError):
        registry.load("churn", version, digest="0" * 64 if fault == "other digest" else ours.digest())


def test_a_server_that_is_down_is_told_in_bounded_time(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(RegistryDownError) as caught:
        Registry(f"http://someone:secret@127.0.0.1:{port}", "").champion("churn")
    assert "secret" not in str(caught.value)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_the_model_as_it_was_graded_is_kept_beside_it_and_verified(registry, folder):
    odd = {"auc": 0.8, "coverage_lowest 25 %": 0.8}  # MLflow takes no percent signs in names
    ours = with_graded(bundle("final", metrics=odd), bundle("as graded", trained_as_of=date(2025, 10, 1)))
    version = registry.register(ours, run_name="with both", attached={"card.md": b"# a card"})
    loaded = registry.load("churn", version, digest=ours.digest())
    assert loaded == ours
    assert loaded.digest() == ours.digest()
    assert registry.load_graded(loaded, version) == ours.graded
    assert registry.load_graded(bundle("a"), 1) is None
    run_id = next(one.run_id for one in registry.versions("churn") if one.version == version)
    (cards,) = folder.rglob(f"{run_id}/artifacts/attached/card.md")
    assert cards.read_bytes() == b"# a card"
    (trees,) = folder.rglob(f"{run_id}/artifacts/graded/churn_trees.txt")
    trees.write_bytes(b"another tree")
    with pytest.raises(BundleCorruptError):
        registry.load_graded(loaded, version)


def test_what_a_killed_run_left_half_registered_is_discarded(registry, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    ours, before = bundle("half"), len(registry.versions("churn"))
    with monkeypatch.context() as patched:
        patched.setattr("models.registry.log_files", killed)
        with pytest.raises(KeyboardInterrupt):
            registry.register(ours, run_name="dies", tags={"ledger": "here"})
    assert len(registry.versions("churn")) == before
    assert registry.discard_unfinished("elsewhere") == 0
    assert registry.discard_unfinished("here") == 1
    assert registry.discard_unfinished("here") == 0
    version = registry.register(ours, run_name="again", tags={"ledger": "here"})
    assert registry.load("churn", version, digest=ours.digest()) == ours
