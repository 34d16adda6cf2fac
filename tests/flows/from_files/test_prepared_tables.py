"""The command on a prepared table: a real process, its files, its exit codes."""

import json

import numpy as np
import polars as pl
import pytest

from flows.errors import ModelFolderUnreadableError
from flows.from_files.prepared_tables import open_model
from models.errors import BundleCorruptError


def churners(rows=240, seed=8):
    random = np.random.default_rng(seed)
    months = random.integers(0, 40, rows)
    left = random.random(rows) < 1 / (1 + np.exp(0.12 * (months - 12)))
    return pl.DataFrame(
        {
            "customer": [f"{number:05d}" for number in range(rows)],
            "months": months,
            "plan": random.choice(["=basic", "plus; with more", ""], rows).tolist(),
            "left": left.astype(int),
        }
    )


@pytest.fixture
def files(tmp_path):
    churners().write_csv(tmp_path / "table.csv", separator=";")
    churners(seed=9).drop("left").write_parquet(tmp_path / "new.parquet")
    return tmp_path


TRAIN = ("train", "churn", "--table", "table.csv", "--id", "customer", "--label", "left", "--folds", "2")


def test_train_writes_everything_and_score_applies_it(gristmill, files):
    done = gristmill(*TRAIN, "--repeats", "1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["metrics"]["auc"] > 0.7
    assert set(report["figures"]["auc"]) >= {"value", "low", "high", "baseline", "gain"}
    folder = files / "table_churn"
    predictions = pl.read_csv(folder / "out_of_fold_predictions.csv", schema_overrides={"customer": pl.String})
    assert predictions.height == 240
    assert predictions["customer"].to_list() == [f"{number:05d}" for number in range(240)]
    assert predictions["churn_probability"].is_between(0, 1).all()
    assert "## Figures" in (folder / "report.md").read_text()
    scored = gristmill("score", "churn", "--table", "new.parquet", "--model", "table_churn", "--out", "s.csv", "--json")
    assert scored.returncode == 0, scored.stderr
    scores = pl.read_csv(files / "s.csv", schema_overrides={"customer": pl.String})
    assert scores.columns == ["customer", "churn_probability", "reason_1", "reason_2"]
    assert scores.height == 240
    trees = folder / "model" / "table_trees.txt"
    trees.write_bytes(trees.read_bytes() + b" ")
    with pytest.raises(BundleCorruptError):
        open_model(folder)
    spoilt = gristmill("score", "churn", "--table", "new.parquet", "--model", "table_churn")
    assert spoilt.returncode == 3


def test_a_leaking_column_blocks_with_its_name(gristmill, files):
    churners().with_columns(closed_on=pl.when(pl.col("left") == 1).then(pl.lit("2025-01-01"))).write_csv(
        files / "table.csv"
    )
    blocked = gristmill(*TRAIN, "--json")
    assert blocked.returncode == 3
    told = json.loads(blocked.stdout)
    assert told["error"] == "LabelGivenAwayError"
    assert "closed_on" in told["got"]
    assert "--drop closed_on" in told["action"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "churn"),
        ("train", "churn", "--table", "table.csv"),
        ("train", "churn", "--table", "none.csv", "--id", "customer", "--label", "left"),
        ("train", "churn", "--table", "table.csv", "--id", "customer", "--label", "nothing"),
        ("train", "value", "--table", "table.csv"),
        ("score", "churn", "--table", "table.csv"),
        ("score", "churn", "--table", "table.csv", "--model", "."),
    ],
)
def test_incomplete_commands_are_told_so(gristmill, files, arguments):
    assert gristmill(*arguments).returncode == 2


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelFolderUnreadableError):
        open_model(tmp_path)
