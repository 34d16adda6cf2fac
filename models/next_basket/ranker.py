"""LambdaRank over candidates, and the probability that goes with a rank score.

Belongs here: boosters and their parameters (Burges 2010, "From RankNet to LambdaRank to LambdaMART"). Not: examples.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.next_offer.ranker import matrix

Floats = npt.NDArray[np.float64]
MOST_TREES = 400
FEWEST_TREES = 20
PATIENCE_TREES = 30
PROBABILITY_TREES = 60
PROBABILITY_FEATURES = (
    "score",
    "score_best",
    "score_tenth",
    "baskets",
    "basket_size",
    "last_basket_size",
    "products",
    "repeat_share",
)


def _shared(*, threads: int, seed: int) -> dict[str, Any]:
    return {
        "max_bin": 63,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbosity": -1,
    }


def parameters(*, threads: int, seed: int) -> dict[str, Any]:
    """LightGBM's parameters of the ranking: repeatable, moderate in size."""
    return {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [10],
        "lambdarank_truncation_level": 30,
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 100,
        "lambda_l2": 5.0,
        "feature_fraction": 0.5,
        **_shared(threads=threads, seed=seed),
    }


def fit_ranker(
    learning: pl.DataFrame,
    stopping: pl.DataFrame | None,
    features: tuple[str, ...],
    *,
    trees: int = MOST_TREES,
    threads: int,
    seed: int,
) -> tuple[str, int]:
    """Fit; with `stopping`, as many trees as rank that best, else exactly `trees`.

    Args:
        learning: rows with `query` (a customer and snapshot, standing together), `bought` and the features.
        stopping: the same of a later snapshot.
        features: by name, in order.
        trees: at most so many.
        threads: LightGBM's.
        seed: LightGBM's.

    Returns:
        The booster as text and its number of trees.
    """
    import lightgbm  # noqa: PLC0415  heavy to import

    train_set = _dataset(learning, features)
    valid_sets, callbacks = [], []
    if stopping is not None:
        valid_sets = [_dataset(stopping, features, reference=train_set)]
        callbacks = [lightgbm.early_stopping(PATIENCE_TREES, verbose=False)]
    settings = parameters(threads=threads, seed=seed)
    booster = lightgbm.train(settings, train_set, trees, valid_sets=valid_sets, callbacks=callbacks)
    best = max(booster.best_iteration, min(FEWEST_TREES, trees)) if stopping is not None else trees
    return booster.model_to_string(num_iteration=best), best


def predicted(booster: Any, frame: pl.DataFrame, features: tuple[str, ...], *, threads: int) -> Floats:  # noqa: ANN401  lightgbm has no types
    """A booster's predictions, shape (rows,)."""
    if frame.is_empty():
        return np.zeros(0)
    scores: Floats = booster.predict(matrix(frame, features), num_threads=threads)
    return scores


def opened(text: str) -> Any:  # noqa: ANN401  lightgbm has no types
    """A booster from its text."""
    import lightgbm  # noqa: PLC0415  heavy to import

    return lightgbm.Booster(model_str=text)


def probability_inputs(frame: pl.DataFrame, scores: Floats) -> pl.DataFrame:
    """PROBABILITY_FEATURES: all but the score are facts of the customer, so its order is the score's."""
    scored = frame.with_columns(pl.Series("score", scores, dtype=pl.Float64))
    tenth = pl.col("score").top_k(10).min().over("customer").alias("score_tenth")
    return scored.with_columns(pl.col("score").max().over("customer").alias("score_best"), tenth)


def fit_probability(frame: pl.DataFrame, scores: Floats, *, threads: int, seed: int) -> str:
    """Boosted trees from a score that had not seen the rows to P(in the next basket), rising with the score.

    Args:
        frame: described candidates with `bought`, every candidate of the customers in it.
        scores: their rank scores.
        threads: LightGBM's.
        seed: LightGBM's.
    """
    import lightgbm  # noqa: PLC0415  heavy to import

    settings = {
        "objective": "binary",
        "learning_rate": 0.1,
        "num_leaves": 8,
        "min_data_in_leaf": max(200, frame.height // 500),
        "monotone_constraints": [1] + [0] * (len(PROBABILITY_FEATURES) - 1),
        "monotone_constraints_method": "basic",
        **_shared(threads=threads, seed=seed),
    }
    inputs = probability_inputs(frame, scores)
    data = lightgbm.Dataset(
        matrix(inputs, PROBABILITY_FEATURES), frame["bought"].to_numpy(), feature_name=list(PROBABILITY_FEATURES)
    )
    return str(lightgbm.train(settings, data, PROBABILITY_TREES).model_to_string())


def _dataset(frame: pl.DataFrame, features: tuple[str, ...], *, reference: Any = None) -> Any:  # noqa: ANN401  lightgbm has no types
    import lightgbm  # noqa: PLC0415  heavy to import

    groups = frame["query"].rle().struct.field("len").to_numpy()
    labels = frame["bought"].to_numpy()
    return lightgbm.Dataset(
        matrix(frame, features), labels, group=groups, reference=reference, feature_name=list(features)
    )
