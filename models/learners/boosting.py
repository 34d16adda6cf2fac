"""LightGBM behind one door: matrices in, model text and numbers out.

Belongs here: how boosters are trained, kept (text, never pickle) and asked, repeatably. Does not: what they are
trained on.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from models.learners.encoding import Encoder, Floats
from models.learners.tree_contributions import fast_contributions

MEAN_ROUNDS = 80
FEW_FEATURES = 0.4
LARGE = 50_000  # rows from which trees may be larger
TABLE_BINS = 127  # of a prepared table's numbers: half of them were surely worse where squares decide


@dataclass(frozen=True, kw_only=True)
class TreeSize:
    """How large and how many trees are.

    Attributes:
        leaves: of a tree: 4 allows interactions of two features, 16 of several.
        rounds: trees, each taken at a fixed small share.
        feature_share: of the columns that a tree may look at: few keep trees apart, but two columns that only say
            something together are rarely both among them.
    """

    leaves: int
    rounds: int
    feature_share: float = FEW_FEATURES


def train_booster(  # noqa: PLR0913 a training's parts, by name
    matrix: Floats,
    target: Floats,
    *,
    encoder: Encoder,
    objective: str,
    offset: Floats,
    threads: int,
    seed: int,
    tuned: Mapping[str, float] | None = None,
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
        tuned: settings of LightGBM that were searched for (`tuning`), in place of ours; `rounds` are trees.

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
    searched = dict(tuned or {})
    rounds = int(searched.pop("rounds", 200 if objective == "binary" else 150))
    settings = _settings(objective, len(target), threads, seed) | searched
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    text: str = booster.model_to_string()
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()


@dataclass(frozen=True, kw_only=True)
class MeanTarget:
    """What one booster learns: amounts or counts, whose mean is exp(offset + trees).

    Attributes:
        values: shape (rows,), at least 0.
        offset: logarithm of what is expected without the trees, shape (rows,).
    """

    values: Floats
    offset: Floats


def train_mean_boosters(
    matrix: Floats,
    targets: Sequence[MeanTarget],
    *,
    encoder: Encoder,
    columns: Sequence[str],
    threads: int,
    seed: int,
    tuned: Mapping[str, float] | None = None,
) -> tuple[bytes, ...]:
    """Trees for several means (Poisson likelihood, log link) on the same rows, which are binned once.

    The Poisson likelihood only takes the variance to grow with the mean; totals come out right, whatever the values'
    distribution (Gourieroux, Monfort and Trognon 1984).

    Args:
        matrix: shape (rows, columns): the encoder's features first; rows in a stable order.
        targets: what to learn.
        encoder: says which of the first columns are categories.
        columns: names of all columns.
        threads: for LightGBM; the models don't depend on it.
        seed: for bagging and feature sampling.
        tuned: settings that were searched for, in place of ours, see `train_booster`.

    Returns:
        The boosters as LightGBM text, the same for the same input.
    """
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    searched = mean_settings(len(matrix)) | dict(tuned or {})
    rounds = int(searched.pop("rounds"))
    settings = _settings("poisson", len(matrix), threads, seed) | searched | {"max_bin": 127}
    data = lightgbm.Dataset(
        matrix,
        targets[0].values,
        feature_name=list(columns),
        categorical_feature=encoder.categorical,
        params={"verbose": -1, "max_bin": 127, "feature_pre_filter": False},
        free_raw_data=False,
    )
    texts = []
    for target in targets:
        unit = float(target.values.mean()) or 1.0
        data.set_label(target.values / unit)
        data.set_init_score(target.offset - math.log(unit))
        texts.append(lightgbm.train(settings, data, num_boost_round=rounds).model_to_string())
    return tuple(re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode() for text in texts)


def mean_settings(rows: int) -> dict[str, float]:
    """Our own settings of the trees for means that a search may replace, by name."""
    usual = _settings("poisson", rows, 1, 1)
    kept = {name: usual[name] for name in ("min_data_in_leaf", "feature_fraction", "lambda_l2")}
    return {"rounds": MEAN_ROUNDS, "learning_rate": 0.05, "num_leaves": 8, **kept}


def train_table_booster(
    matrix: Floats, target: Floats, *, encoder: Encoder, size: TreeSize, threads: int, seed: int
) -> bytes:
    """Train on one labelled table of any size; the arguments are those of `train_booster`, the trees' size is chosen.

    Returns:
        The booster as LightGBM text, the same for the same input.
    """
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    data = table_dataset(matrix, target, encoder=encoder)
    booster = lightgbm.train(_table_settings(size, len(target), threads, seed), data, num_boost_round=size.rounds)
    text: str = booster.model_to_string()
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()


class GrowingTrees:
    """Trees on one labelled table, asked while they grow: after so many they are those of `train_table_booster`."""

    def __init__(self, data: Any, rows: int, *, kind: tuple[int, float], settings: tuple[int, int]) -> None:  # noqa: ANN401 - LightGBM is untyped
        """Begin.

        Args:
            data: from `table_dataset`; several kinds of trees may grow on the same.
            rows: of that table.
            kind: leaves of a tree, and the share of the columns it may look at.
            settings: threads and seed.
        """
        import lightgbm  # noqa: PLC0415 - heavy: imported when used

        self._threads, seed = settings
        size = TreeSize(leaves=kind[0], rounds=0, feature_share=kind[1])
        self._booster = lightgbm.Booster(_table_settings(size, rows, self._threads, seed), data)
        self._scores: Floats | float = 0.0

    def scores(self, asked: Floats, rounds: int) -> Floats:
        """Raw scores of `asked`, shape (rows, features), after so many trees: the same rows every time, more trees."""
        done = self._booster.current_iteration()
        for _ in range(rounds - done):
            self._booster.update()
        more = self._booster.predict(
            asked, raw_score=True, start_iteration=done, num_iteration=rounds - done, num_threads=self._threads
        )
        self._scores = self._scores + np.asarray(more, dtype=np.float64)
        return self._scores


@dataclass(frozen=True, kw_only=True)
class GentleTrees:
    """Small, slow, strongly shrunk trees for targets that are mostly noise.

    Attributes:
        objective: `binary` or `regression`.
        rounds: trees, each taken at a fixed small share.
        leaves: of a tree.
    """

    objective: str
    rounds: int
    leaves: int


def train_gentle_booster(
    matrix: Floats,
    target: Floats,
    *,
    encoder: Encoder,
    trees: GentleTrees,
    threads: int,
    seed: int,
    weights: Floats | None = None,
) -> bytes:
    """Train on a target that is mostly noise, such as the signal of an effect; see `train_booster` for the arguments.

    Returns:
        The booster as LightGBM text; raw scores hold the target's mean.
    """
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    data = lightgbm.Dataset(
        matrix,
        target,
        weight=weights,
        feature_name=[f"feature_{place}" for place in range(matrix.shape[1])],  # names of any table are not allowed
        categorical_feature=encoder.categorical,
        params={"verbose": -1, "max_bin": 63, "feature_pre_filter": False},
    )
    settings = _settings(trees.objective, len(target), threads, seed) | {
        "boost_from_average": True,
        "learning_rate": 0.05,
        "num_leaves": trees.leaves,
        "min_data_in_leaf": int(min(max(len(target) // 50, 20), 500)),
        "lambda_l2": 20.0,
        "max_bin": 63,
    }
    booster = lightgbm.train(settings, data, num_boost_round=trees.rounds)
    text: str = booster.model_to_string()
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", text).encode()


def raw_scores(text: bytes, matrix: Floats, *, threads: int, rounds: int | None = None) -> Floats:
    """Raw scores (log-odds or log mean, without offset) of all trees or the first `rounds`, shape (rows,)."""
    if not len(matrix):
        return np.zeros(0)
    raw = _parsed(text).predict(matrix, raw_score=True, num_threads=threads, num_iteration=rounds)
    scores: Floats = np.asarray(raw, dtype=np.float64)
    return scores


def contributions(text: bytes, matrix: Floats, *, threads: int) -> Floats:
    """What each feature adds to the raw score (TreeSHAP; Lundberg et al. 2018), shape (rows, features)."""
    if not len(matrix):
        return np.zeros((0, matrix.shape[1]))
    fast = fast_contributions(text, matrix)
    if fast is not None:
        return fast
    parts = np.asarray(_parsed(text).predict(matrix, pred_contrib=True, num_threads=threads), dtype=np.float64)
    return parts[:, :-1]


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> Any:  # noqa: ANN401 - LightGBM is untyped
    """The booster, parsed once for all buckets of a night."""
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    return lightgbm.Booster(model_str=text.decode())


def table_dataset(matrix: Floats, target: Floats, *, encoder: Encoder) -> Any:  # noqa: ANN401 - LightGBM is untyped
    """One labelled table, binned; the arguments are those of `train_booster`."""
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    return lightgbm.Dataset(
        matrix,
        target,
        feature_name=[f"feature_{place}" for place in range(matrix.shape[1])],  # names of any table are not allowed
        categorical_feature=encoder.categorical,
        params={"verbose": -1, "max_bin": TABLE_BINS, "feature_pre_filter": False},
    )


def _table_settings(size: TreeSize, rows: int, threads: int, seed: int) -> dict[str, Any]:
    least = int(min(max(rows // 100, 5), 50))
    return _settings("binary", rows, threads, seed) | {
        "boost_from_average": True,  # no offset here; rare outcomes begin at their rate
        "num_leaves": size.leaves,
        "min_data_in_leaf": least,
        "feature_fraction": size.feature_share,
        "lambda_l2": 10.0,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "max_cat_to_onehot": 8,
        "min_data_per_group": max(least, 10),
        "max_bin": TABLE_BINS,
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
