"""LightGBM behind one door: matrices in, model text and numbers out.

Belongs here: how boosters are trained, kept (text, never pickle) and asked, repeatably. Does not: what they are
trained on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from models.encoding import Encoder, Floats

LARGE = 50_000  # rows from which trees may be larger


@dataclass(frozen=True, kw_only=True)
class TreeSize:
    """How large and how many trees are.

    Attributes:
        leaves: of a tree: 4 allows interactions of two features, 16 of several.
        rounds: trees, each taken at a fixed small share.
    """

    leaves: int
    rounds: int


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


def train_table_booster(
    matrix: Floats, target: Floats, *, encoder: Encoder, size: TreeSize, threads: int, seed: int
) -> bytes:
    """Train on one labelled table of any size; the arguments are those of `train_booster`, the trees' size is chosen.

    Returns:
        The booster as LightGBM text, the same for the same input.
    """
    booster = _table_booster(matrix, target, encoder=encoder, size=size, threads=threads, seed=seed)
    text: str = booster.model_to_string()
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()


def staged_scores(
    matrix: Floats,
    target: Floats,
    asked: Floats,
    *,
    encoder: Encoder,
    leaves: int,
    rounds: Sequence[int],
    settings: tuple[int, int],
) -> Floats:
    """Raw scores of `asked` after so many trees, as `train_table_booster` would make them, shape (stages, rows).

    Args:
        matrix: to train on, shape (rows, features).
        target: 0 or 1.
        asked: shape (other rows, features).
        encoder: names and categorical columns.
        leaves: of a tree.
        rounds: numbers of trees, ascending.
        settings: threads and seed.
    """
    threads, seed = settings
    size = TreeSize(leaves=leaves, rounds=rounds[-1])
    booster = _table_booster(matrix, target, encoder=encoder, size=size, threads=threads, seed=seed)
    scores, done = [np.zeros(len(asked))], 0
    for stage in rounds:
        more = booster.predict(
            asked, raw_score=True, start_iteration=done, num_iteration=stage - done, num_threads=threads
        )
        scores.append(scores[-1] + np.asarray(more, dtype=np.float64))
        done = stage
    return np.stack(scores[1:])


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


def _table_booster(matrix: Floats, target: Floats, *, encoder: Encoder, size: TreeSize, threads: int, seed: int) -> Any:  # noqa: ANN401 - LightGBM is untyped
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    data = lightgbm.Dataset(
        matrix,
        target,
        feature_name=[f"feature_{place}" for place in range(matrix.shape[1])],  # names of any table are not allowed
        categorical_feature=encoder.categorical,
        params={"verbose": -1, "max_bin": 127, "feature_pre_filter": False},
    )
    return lightgbm.train(_table_settings(size, len(target), threads, seed), data, num_boost_round=size.rounds)


def _table_settings(size: TreeSize, rows: int, threads: int, seed: int) -> dict[str, Any]:
    least = int(min(max(rows // 100, 5), 50))
    return _settings("binary", rows, threads, seed) | {
        "boost_from_average": True,  # no offset here; rare outcomes begin at their rate
        "num_leaves": size.leaves,
        "min_data_in_leaf": least,
        "feature_fraction": 0.4,
        "lambda_l2": 10.0,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "max_cat_to_onehot": 8,
        "min_data_per_group": max(least, 10),
        "max_bin": 127,
    }


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
