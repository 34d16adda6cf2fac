"""LightGBM behind one door: matrices in, model text and numbers out.

Belongs here: how boosters are trained, kept (text, never pickle) and asked, repeatably. Does not: what they are
trained on.
"""

import re
from functools import lru_cache
from typing import Any

import numpy as np

from models.encoding import Encoder, Floats

LARGE = 50_000  # rows from which trees may be larger


def train_booster(
    matrix: Floats,
    target: Floats,
    *,
    encoder: Encoder,
    objective: str,
    offset: Floats,
    threads: int,
    seed: int,
) -> bytes:
    """Train with moderate, strongly regularised settings that suit 3,000 to some 100,000 rows.

    Args:
        matrix: shape (rows, features), from `encoder.matrix`; rows in a stable order.
        target: shape (rows,): 0/1 for `binary`, positive for `gamma`.
        encoder: names and categorical columns.
        objective: `binary` or `gamma` (mean model with a log link).
        offset: shape (rows,), added to the raw score in training; whoever predicts adds theirs again.
        threads: for LightGBM; the model doesn't depend on it.
        seed: for bagging and feature sampling.

    Returns:
        The booster as LightGBM text, the same for the same input.
    """
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    data = lightgbm.Dataset(
        matrix,
        target,
        init_score=offset,
        feature_name=list(encoder.features),
        categorical_feature=encoder.categorical,
        params={"verbose": -1, "max_bin": 255, "feature_pre_filter": False},
    )
    rounds = 200 if objective == "binary" else 150
    booster = lightgbm.train(_settings(objective, len(target), threads, seed), data, num_boost_round=rounds)
    text: str = booster.model_to_string()
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()


def raw_scores(text: bytes, matrix: Floats, *, threads: int) -> Floats:
    """Raw scores (log-odds or log mean, without offset), shape (rows,)."""
    if not len(matrix):
        return np.zeros(0)
    scores: Floats = np.asarray(_parsed(text).predict(matrix, raw_score=True, num_threads=threads), dtype=np.float64)
    return scores


def contributions(text: bytes, matrix: Floats, *, threads: int) -> Floats:
    """What each feature adds to the raw score (TreeSHAP; Lundberg et al. 2018), shape (rows, features)."""
    if not len(matrix):
        return np.zeros((0, matrix.shape[1]))
    parts = np.asarray(_parsed(text).predict(matrix, pred_contrib=True, num_threads=threads), dtype=np.float64)
    return parts[:, :-1]


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> Any:  # noqa: ANN401 - LightGBM is untyped
    """The booster, parsed once for all buckets of a night."""
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    return lightgbm.Booster(model_str=text.decode())


def _settings(objective: str, rows: int, threads: int, seed: int) -> dict[str, Any]:
    return {
        "objective": objective,
        "boost_from_average": False,  # the offset and the first tree do it; keeps init scores exact
        "learning_rate": 0.03,
        "num_leaves": 12 if rows < LARGE else 31,
        "min_data_in_leaf": int(min(max(rows // 100, 10), 100)),
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 20.0,
        "cat_smooth": 50.0,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbose": -1,
    }
