"""The command on a trial: a real process, its files, its exit codes."""

import json

import numpy as np
import polars as pl


def made_trial(rows=600, seed=8):
    random = np.random.default_rng(seed)
    drawn = random.integers(0, 3, rows)
    months = random.integers(0, 40, rows)
    bought = random.random(rows) < 0.2 + 0.25 * (drawn == 1) * (months > 20)
    return pl.DataFrame(
        {
            "customer": [f"{number:05d}" for number in range(rows)],
            "group": np.array(["no contact", "letter", "call"])[drawn],
            "months": months,
            "plan": random.choice(["=basic", "plus; with more", ""], rows).tolist(),
            "bought": np.where(bought, "yes", "no"),
        }
    )


TRAIN = ("train", "uplift", "--table", "trial.csv", "--treatment", "group", "--outcome", "bought", "--id", "customer")


def test_train_writes_everything_and_score_applies_it(gristmill, tmp_path):
    made_trial().write_csv(tmp_path / "trial.csv", separator=";")
    made_trial(seed=9).drop("bought", "group").write_parquet(tmp_path / "new.parquet")
    done = gristmill(*TRAIN, "--out", "out", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["arms"].keys() == {"no contact", "call", "letter"}
    assert report["evidence"] == "randomised"
    said = pl.read_parquet(tmp_path / "out" / "out_of_fold_effects.parquet")
    assert said["customer"].to_list() == made_trial()["customer"].to_list()
    assert "predicted and observed" in (tmp_path / "out" / "report.md").read_text()
    scored = gristmill("score", "uplift", "--table", "new.parquet", "--model", "out", "--out", "effects.csv", "--json")
    assert scored.returncode == 0, scored.stderr
    effects = pl.read_csv(tmp_path / "effects.csv", infer_schema_length=None)
    assert effects.height == 600
    assert {"effect_letter", "effect_letter_low", "effect_call_high", "best_arm", "evidence"} <= set(effects.columns)
    missing = gristmill("train", "uplift", "--table", "trial.csv", "--treatment", "group")
    assert missing.returncode == 2
