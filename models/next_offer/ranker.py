"""LightGBM over candidates: two boosters that learn the same order from different losses, added up.

Belongs here: fitting the boosters, and scoring. Not: what they learn from.

LambdaRank (Burges 2010, "From RankNet to LambdaRank to LambdaMART") weighs pairs by what swapping them does to the
list; XE-NDCG (Bruch 2021, "An Alternative Cross Entropy Loss for Learning-to-Rank") compares a customer's candidates
all at once. They err differently, so their sum ranks better than either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

PAIRWISE_FILE = "ranker.txt"
LISTWISE_FILE = "ranker_listwise.txt"
PAIRWISE = {"objective": "lambdarank", "lambdarank_truncation_level": 20, "learning_rate": 0.1}
LISTWISE = {"objective": "rank_xendcg", "learning_rate": 0.06}
MOST_TREES = (120, 160)
PATIENCE_TREES = (20, 30)
ROWS_AT_ONCE = 100_000  # when scoring: bounds the copy that LightGBM is handed

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranker:
    """Two boosters and how they are added.

    Attributes:
        boosters: LightGBM text of the pairwise booster and of the listwise one; of an older bundle the first alone.
        trees: the number of trees of each.
        listwise_weight: what the listwise booster's scores are multiplied by: both spread alike then.
    """

    boosters: tuple[str, ...]
    trees: tuple[int, ...]
    listwise_weight: float

    def files(self) -> dict[str, bytes]:
        """The boosters as files of a bundle."""
        return {name: text.encode() for name, text in zip((PAIRWISE_FILE, LISTWISE_FILE), self.boosters, strict=False)}

    def parameters(self) -> dict[str, Any]:
        """What a bundle says of it beside the files."""
        return {"trees": sum(self.trees), "trees_each": list(self.trees), "listwise_weight": self.listwise_weight}


def ranker_of(files: Mapping[str, bytes], parameters: Mapping[str, Any]) -> Ranker:
    """The ranker that a bundle keeps."""
    boosters = tuple(files[name].decode() for name in (PAIRWISE_FILE, LISTWISE_FILE) if name in files)
    return Ranker(boosters, tuple(parameters.get("trees_each", ())), parameters.get("listwise_weight", 0.0))


def parameters(*, threads: int, seed: int) -> dict[str, Any]:
    """LightGBM's parameters beside the loss: repeatable, moderate in size."""
    return {
        "metric": "ndcg",
        "eval_at": [10],
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
    learning: pl.DataFrame, stopping: pl.DataFrame, features: tuple[str, ...], *, threads: int, seed: int
) -> Ranker:
    """Fit both boosters, with as many trees as rank later snapshots best, and make them spread alike there.

    Args:
        learning: `query` (rows of one customer and snapshot share it and stand together), `bought`, features.
        stopping: the same of later snapshots.
        features: names of the feature columns.
        threads: LightGBM threads.
        seed: of LightGBM.
    """
    import lightgbm  # noqa: PLC0415  heavy to import

    train_set = _dataset(learning, features)
    valid_set = _dataset(stopping, features, reference=train_set)
    boosters, trees, spreads = [], [], []
    for loss, most, patience in zip((PAIRWISE, LISTWISE), MOST_TREES, PATIENCE_TREES, strict=True):
        booster = lightgbm.train(
            parameters(threads=threads, seed=seed) | loss,
            train_set,
            most,
            valid_sets=[valid_set],
            callbacks=[lightgbm.early_stopping(patience, verbose=False)],
        )
        boosters.append(booster.model_to_string(num_iteration=booster.best_iteration))
        trees.append(booster.best_iteration)
        spreads.append(_spread(_predicted(boosters[-1], stopping, features, threads=threads), stopping["query"]))
    return Ranker(tuple(boosters), tuple(trees), spreads[0] / max(spreads[1], 1e-9))


def refit_ranker(
    found: Ranker, everything: pl.DataFrame, features: tuple[str, ...], *, threads: int, seed: int
) -> Ranker:
    """The same boosters fitted again on more rows: with the numbers of trees and the weight that were found."""
    import lightgbm  # noqa: PLC0415  heavy to import

    train_set = _dataset(everything, features)
    fitted = [
        lightgbm.train(parameters(threads=threads, seed=seed) | loss, train_set, trees).model_to_string()
        for loss, trees in zip((PAIRWISE, LISTWISE), found.trees, strict=True)
    ]
    return Ranker(tuple(fitted), found.trees, found.listwise_weight)


def rank_scores(ranker: Ranker, frame: pl.DataFrame, features: tuple[str, ...], *, threads: int = 1) -> Floats:
    """Both boosters' scores added up, shape (rows,). Only comparable within one customer."""
    weights = (1.0, ranker.listwise_weight)
    scores = np.zeros(frame.height)
    for text, weight in zip(ranker.boosters, weights, strict=False):
        scores += weight * _predicted(text, frame, features, threads=threads)
    return scores


def _predicted(booster_text: str, frame: pl.DataFrame, features: tuple[str, ...], *, threads: int) -> Floats:
    import lightgbm  # noqa: PLC0415  heavy to import

    if frame.is_empty():
        return np.zeros(0)
    booster = lightgbm.Booster(model_str=booster_text)
    slices = frame.select(features).iter_slices(ROWS_AT_ONCE)
    return np.concatenate([booster.predict(matrix(part, features), num_threads=threads) for part in slices])


def _spread(scores: Floats, query: pl.Series) -> float:
    """The typical standard deviation of scores among one customer's candidates."""
    spread = pl.DataFrame({"query": query, "score": scores}).group_by("query").agg(pl.col("score").std(ddof=0))
    return float(spread.sort("query")["score"].to_numpy().mean())


def _dataset(frame: pl.DataFrame, features: tuple[str, ...], *, reference: Any = None) -> Any:  # noqa: ANN401  lightgbm has no types
    import lightgbm  # noqa: PLC0415  heavy to import

    groups = frame["query"].rle().struct.field("len").to_numpy()
    labels = frame["bought"].to_numpy()
    return lightgbm.Dataset(
        matrix(frame, features), labels, group=groups, reference=reference, feature_name=list(features)
    )
