"""What training and scoring cost beside LightGBM alone on the same matrix: CPU seconds and peak memory.

    python benchmarks/bench_models.py [--rows 1000000] [--features 100] [--models 3]

Three propensities (trees, smooth curve; what churn is made of) are trained and asked, with and without reasons. The
floor, in the same run, is LightGBM with the same settings on the finished matrix: Dataset and trees for each model, and
its own prediction. Everything that is ours on top (coding, the curve, calibration, contributions) counts against us.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import lightgbm
import numpy as np
import polars as pl

from models.learners import boosting
from models.learners.encoding import Encoder, Floats, fit_encoder
from models.learners.smooth import SmoothCurve, fit_smooth

Result = TypeVar("Result")
DAY = date(2026, 1, 1)
TEXTS = 5  # of the features
EXPLAINED = 20_000  # rows LightGBM's own contributions are timed on; they are proportional


def made_up(rows: int, features: int, models: int) -> pl.DataFrame:
    """Counts, amounts, shares, some missing, some texts; and a target a model."""
    random = np.random.default_rng(1)
    signal = random.normal(size=rows)
    columns: dict[str, pl.Series] = {}
    for place in range(features - TEXTS):
        values = np.round(np.exp(signal * random.normal() * 0.3 + random.normal(size=rows)), 2)
        values[random.random(rows) < (place % 4) * 0.1] = np.nan
        columns[f"number_{place}"] = pl.Series(values).fill_nan(None)
    for place in range(TEXTS):
        codes = np.array([f"text {code}" for code in range(12)], dtype=object)
        columns[f"text_{place}"] = pl.Series(codes[random.integers(0, 12, rows)].tolist(), dtype=pl.String)
    for model in range(models):
        chance = 1 / (1 + np.exp(-signal - model))
        columns[f"target_{model}"] = pl.Series((random.random(rows) < chance).astype(np.int8))
    return pl.DataFrame(columns).with_columns(
        pl.Series("customer_id", np.arange(rows)).cast(pl.String), pl.lit(DAY).alias("snapshot_date")
    )


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--features", type=int, default=100)
    asked.add_argument("--models", type=int, default=3)
    given = asked.parse_args()
    frame = made_up(given.rows, given.features, given.models)
    names = [name for name in frame.columns if name.startswith(("number", "text"))]
    encoder, seconds = timed(lambda: fit_encoder(frame, names, model="bench"))
    print(f"{given.rows:,} rows x {len(names)} features, {given.models} models; CPU seconds, one thread")
    matrix, coding = timed(lambda: encoder.matrix(frame, model="bench"))
    print(f"  reading categories {seconds:.1f}, matrix {coding:.1f}")
    floor_train, floor_ask, texts = floor(matrix, frame, given.models)
    (trained, ours_train) = timed(lambda: [trained_on(frame, encoder, model) for model in range(given.models)])
    told("training", ours_train, floor_train)
    _, ours_ask = timed(lambda: [scores(frame, encoder, *both) for both in trained])
    told("scoring", ours_ask, floor_ask)
    _, explaining = timed(lambda: [reasons(frame, encoder, *both) for both in trained])
    told("scoring with reasons", ours_ask + explaining, floor_ask)
    few = matrix[:EXPLAINED]
    _, plain = timed(lambda: lightgbm.Booster(model_str=texts[0]).predict(few, pred_contrib=True, num_threads=1))
    print(f"  LightGBM's own contributions would take {plain * given.models * given.rows / len(few):.0f}")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


def trained_on(frame: pl.DataFrame, encoder: Encoder, model: int) -> tuple[bytes, SmoothCurve]:
    """Trees and curve, from the frame on."""
    target = frame[f"target_{model}"].to_numpy().astype(np.float64)
    matrix, nothing = encoder.matrix(frame, model="bench"), np.zeros(len(target))
    trees = boosting.train_booster(
        matrix, target, encoder=encoder, objective="binary", offset=nothing, threads=1, seed=1
    )
    return trees, fit_smooth(matrix, target, places=encoder.numeric, offset=nothing)


def scores(frame: pl.DataFrame, encoder: Encoder, trees: bytes, smooth: SmoothCurve) -> Floats:
    """Log-odds, from the frame on."""
    matrix = encoder.matrix(frame, model="bench")
    return 0.5 * boosting.raw_scores(trees, matrix, threads=1) + 0.5 * smooth.scores(matrix)


def reasons(frame: pl.DataFrame, encoder: Encoder, trees: bytes, smooth: SmoothCurve) -> Floats:
    """What each feature adds, from the frame on."""
    matrix = encoder.matrix(frame, model="bench")
    return 0.5 * boosting.contributions(trees, matrix, threads=1) + 0.5 * smooth.contributions(matrix)


def floor(matrix: Floats, frame: pl.DataFrame, models: int) -> tuple[float, float, list[str]]:
    """CPU seconds of LightGBM alone: to train, to ask; and the boosters."""
    training = asking = 0.0
    texts = []
    for model in range(models):
        target = frame[f"target_{model}"].to_numpy().astype(np.float64)
        booster, seconds = timed(partial(_bare, matrix, target))
        training += seconds
        _, seconds = timed(partial(booster.predict, matrix, raw_score=True, num_threads=1))
        asking += seconds
        texts.append(booster.model_to_string())
    return training, asking, texts


def _bare(matrix: Floats, target: Floats) -> lightgbm.Booster:
    settings = boosting._settings("binary", len(target), 1, 1)  # noqa: SLF001 the floor has the product's settings
    places = list(range(matrix.shape[1] - TEXTS, matrix.shape[1]))
    data = lightgbm.Dataset(matrix, target, categorical_feature=places, params={"verbose": -1, "max_bin": 255})
    return lightgbm.train(settings, data, num_boost_round=200)


def told(what: str, ours: float, floor_seconds: float) -> None:
    """One line: ours, the floor, how many times it."""
    print(f"  {what}: {ours:.1f}, floor {floor_seconds:.1f}, {ours / floor_seconds:.2f} times")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it returns, and its CPU seconds."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


if __name__ == "__main__":
    main()
