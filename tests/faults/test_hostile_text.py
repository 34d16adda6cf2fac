"""Filters, expressions and model files written by somebody who means harm: refused, and nothing is read or run."""

import pickle
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from data_contracts.errors import UsageError
from features.own_errors import OwnFeatureTextError
from features.own_sql import columns_of, evaluate
from flows.published.showing import parse_condition
from models.bundle import Bundle, open_bundle
from models.errors import BundleCorruptError

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "data_contracts", "features", "flows", "models", "segments", "simulation", "warehouse")
CUSTOMERS = pl.DataFrame({"customer_id": ["1"], "amount": [100]})
HOSTILE = (
    "1=1; COPY (SELECT 1) TO '{folder}/out'",
    "(SELECT content FROM read_text('{folder}/secret'))",
    "count(*) FROM read_csv('{folder}/secret')",
    "1) AS x, (SELECT 1 FROM read_text('{folder}/secret')",
    "1 FROM shown); ATTACH '{folder}/out' AS other; --",
    "getenv('HOME')",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_an_expression_of_an_own_feature_reads_and_writes_nothing(tmp_path, text):
    (tmp_path / "secret").write_text("hunter2")
    with pytest.raises(OwnFeatureTextError) as refused:
        columns_of(text.format(folder=tmp_path), name="mine")
    assert "hunter2" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("text", HOSTILE[1:5])
def test_even_unchecked_its_connection_is_shut_in(tmp_path, text):
    (tmp_path / "secret").write_text("hunter2")
    with pytest.raises(OwnFeatureTextError) as refused:
        evaluate(CUSTOMERS, {"mine": text.format(folder=tmp_path)})
    assert "hunter2" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize("text", [*HOSTILE, "amount=1; COPY x", "amount>read_csv('/etc/passwd')", "1=1 OR amount=1"])
def test_a_filter_is_one_comparison_or_refused(tmp_path, text):
    with pytest.raises(UsageError):
        parse_condition(text.format(folder=tmp_path), CUSTOMERS.schema)
    assert list(tmp_path.iterdir()) == []


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["model.pkl", "booster.txt", "MLmodel", "../../x", "manifest.json"])
def test_a_pickle_in_a_bundle_is_refused_and_never_opened(tmp_path, name):
    sound = Bundle(
        name="churn", method="lightgbm", trained_as_of=date(2026, 1, 1), features=(), files={"booster.txt": b"tree"}
    )
    files = {**sound.files, "manifest.json": sound.manifest(), name: pickle.dumps(Trap(tmp_path / "sprung"))}
    with pytest.raises(BundleCorruptError):
        open_bundle(files, digest=sound.digest())
    assert list(tmp_path.iterdir()) == []
    pickle.loads(files[name])  # noqa: S301 the trap would have sprung
    assert (tmp_path / "sprung").exists()


def test_nothing_in_the_product_unpickles_or_loads_a_model_by_its_flavour():
    openers = (
        "pickle.load",
        "joblib",
        "cloudpickle",
        "pyfunc.load",
        "lightgbm.load_model",
        "yaml.load(",
        "eval(",
        "exec(",
    )
    found = {
        f"{path.relative_to(ROOT)}: {opener}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for opener in openers
        if f" {opener}" in (text := path.read_text()) or f"({opener}" in text
    }
    assert found == {"flows/buckets/mapping.py: pickle.load"}  # a run's own jobs to its own processes, by their digest
