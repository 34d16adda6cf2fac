"""LightGBM LambdaRank over candidates: fitting and scoring.

Belongs here: the booster and nothing around it (Burges 2010, "From RankNet to LambdaRank to LambdaMART").
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

MOST_TREES = 120
PATIENCE_TREES = 20
ROWS_AT_ONCE = 100_000  # when scoring: bounds the copy that LightGBM is handed


def parameters(*, threads: int, seed: int) -> dict[str, Any]:
    """LightGBM's parameters: repeatable, moderate in size."""
    return {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [10],
        "lambdarank_truncation_level": 20,
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_data_in_leaf": 100,
        "lambda_l2": 5.0,
        "feature_fraction": 0.5,
        "max_bin": 63,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbosity": -1,
    }


def matrix(frame: pl.DataFrame, features: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """The feature columns by name, in the booster's order, shape (rows, features); null becomes NaN."""
    return frame.select(pl.col(*features).cast(pl.Float32)).to_numpy(order="c")


def fit_ranker(
    learning: pl.DataFrame,
    stopping: pl.DataFrame | None,
    features: tuple[str, ...],
    *,
    trees: int = MOST_TREES,
    threads: int,
    seed: int,
) -> tuple[str, int]:
    """Fit a ranker; with `stopping`, as many trees as rank that best.

    Args:
        learning: `query` (rows of one customer and snapshot share it and stand together), `bought`, features.
        stopping: the same of later snapshots, or None.
        features: names of the feature columns.
        trees: at most so many; exactly so many without `stopping`.
        threads: LightGBM threads.
        seed: of LightGBM.

    Returns:
        The booster as LightGBM text, and its number of trees.
    """
    import lightgbm  # noqa: PLC0415  heavy to import

    train_set = _dataset(learning, features)
    valid_sets, callbacks = [], []
    if stopping is not None:
        valid_sets = [_dataset(stopping, features, reference=train_set)]
        callbacks = [lightgbm.early_stopping(PATIENCE_TREES, verbose=False)]
    booster = lightgbm.train(
        parameters(threads=threads, seed=seed), train_set, trees, valid_sets=valid_sets, callbacks=callbacks
    )
    best = booster.best_iteration if stopping is not None else trees
    return booster.model_to_string(num_iteration=best), best


def rank_scores(
    booster_text: str, frame: pl.DataFrame, features: tuple[str, ...], *, threads: int = 1
) -> npt.NDArray[np.float64]:
    """LambdaRank scores, shape (rows,). Only comparable within one customer."""
    import lightgbm  # noqa: PLC0415  heavy to import

    if frame.is_empty():
        return np.zeros(0)
    booster = lightgbm.Booster(model_str=booster_text)
    slices = frame.select(features).iter_slices(ROWS_AT_ONCE)
    return np.concatenate([booster.predict(matrix(part, features), num_threads=threads) for part in slices])


def _dataset(frame: pl.DataFrame, features: tuple[str, ...], *, reference: Any = None) -> Any:  # noqa: ANN401  lightgbm has no types
    import lightgbm  # noqa: PLC0415  heavy to import

    groups = frame["query"].rle().struct.field("len").to_numpy()
    labels = frame["bought"].to_numpy()
    return lightgbm.Dataset(
        matrix(frame, features), labels, group=groups, reference=reference, feature_name=list(features)
    )
