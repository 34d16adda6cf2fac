"""Ranked lists of products: the model's and the baselines', of all products, new ones or those had before.

Belongs here: from scores to the first products of each customer. Not: how scores come about, or how lists are judged.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.bundle import Bundle
from models.next_basket.neighbours import Integers, Matrix
from models.next_basket.pair_features import Facts, blocks, described_candidates
from models.next_basket.ranker import PROBABILITY_FEATURES, opened, predicted, probability_inputs

RANKER_FILE, PROBABILITY_FILE = "ranker.txt", "probability.txt"
BASELINES = ("personal top", "popular", "UP-CF", "TIFU-KNN")
MODES = ("all", "new", "repeat")
COLUMNS = ("customer", "rank", "product", "score", "purchase_probability", "times", "baskets_since")
LIST = {"customer": pl.UInt32, "product": pl.UInt32, "rank": pl.UInt32}


@dataclass(frozen=True)
class Scorer:
    """The boosters of a model, opened once; without a ranker the baseline named `method` ranks."""

    bundle: Bundle
    threads: int

    def scored(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Described candidates with `score` and `purchase_probability` (Float64; null where nothing taught it)."""
        features = self.bundle.features
        scores = predicted(opened(self.bundle.files[RANKER_FILE].decode()), frame, features, threads=self.threads)
        inputs = probability_inputs(frame, scores)
        booster = opened(self.bundle.files[PROBABILITY_FILE].decode())
        chance = predicted(booster, inputs, PROBABILITY_FEATURES, threads=self.threads)
        return frame.with_columns(
            pl.Series("score", scores, dtype=pl.Float64), pl.Series("purchase_probability", chance, dtype=pl.Float64)
        )


def ranked_by_model(bundle: Bundle, facts: Facts, rows: Integers, *, top: int, mode: str, threads: int) -> pl.DataFrame:
    """The first `top` products of some customers.

    Args:
        bundle: what `train_next_basket` returned.
        facts: of the snapshot.
        rows: places of customers in it.
        top: at most so many a customer.
        mode: one of MODES: all products, only those new to the customer, or only those had before.
        threads: LightGBM's.

    Returns:
        `customer`, `rank` (UInt32, 1 = first), `product`, `score`, `purchase_probability` (Float64), `times`,
        `baskets_since` (null where never bought), sorted by the first two.
    """
    if bundle.method != "lightgbm":
        lists = ranked_by_baselines(facts, rows, top=top, mode=mode)[bundle.parameters["baseline"]]
        return _described(lists, facts)
    scorer = Scorer(bundle, threads)
    parts = [_best(scorer.scored(described_candidates(facts, block)), mode, top) for block in blocks(facts, rows)]
    return pl.concat(parts)


def _described(lists: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """A baseline's lists with COLUMNS."""
    empty = pl.lit(None, pl.Float64)
    had = facts.pairs.select("customer", "product", pl.col("times", "baskets_since").cast(pl.Int32))
    unscored = lists.with_columns(empty.alias("score"), empty.alias("purchase_probability"))
    return unscored.join(had, on=["customer", "product"], how="left", maintain_order="left").select(COLUMNS)


def ranked_by_all(
    bundle: Bundle, facts: Facts, rows: Integers, *, top: int, threads: int
) -> dict[str, dict[str, pl.DataFrame]]:
    """The model's ("model", as `ranked_by_model` has them) and the baselines' lists by mode, made in one go."""
    learnt = bundle.method == "lightgbm"
    scorer, times, popularity = Scorer(bundle, threads), _times(facts), _popularity(facts)
    found: dict[str, dict[str, list[pl.DataFrame]]] = {
        mode: {name: [] for name in ("model", *BASELINES)} for mode in MODES
    }
    for block in blocks(facts, rows):
        scores = facts.crowd.scores(block)
        frame = scorer.scored(described_candidates(facts, block, scores)) if learnt else None
        methods = _methods(scores, times[block].toarray(), popularity)
        customers = facts.snapshot.customers["customer"].to_numpy()[block]
        for name, values in methods.items():
            for mode, ranked in _first_by_mode(values, scores["tifu_own"] > 0, customers, top).items():
                found[mode][name].append(ranked)
        for mode in MODES:
            fallback = found[mode][bundle.parameters["baseline"]][-1]
            found[mode]["model"].append(_described(fallback, facts) if frame is None else _best(frame, mode, top))
    return {mode: {name: pl.concat(parts) for name, parts in lists.items()} for mode, lists in found.items()}


def _best(scored: pl.DataFrame, mode: str, top: int) -> pl.DataFrame:
    """The first products of scored candidates of a mode."""
    best_first = _of_mode(scored, mode).sort(["customer", "score", "product"], descending=[False, True, False])
    ranked = best_first.with_columns((pl.int_range(pl.len()).over("customer") + 1).cast(pl.UInt32).alias("rank"))
    return (
        ranked.filter(pl.col("rank") <= top)
        .with_columns(pl.col("times", "baskets_since").cast(pl.Int32))
        .select(COLUMNS)
    )


def _of_mode(frame: pl.DataFrame, mode: str) -> pl.DataFrame:
    if mode == "all":
        return frame
    return frame.filter((pl.col("is_new") == 1.0) == (mode == "new"))


def ranked_by_baselines(facts: Facts, rows: Integers, *, top: int, mode: str) -> dict[str, pl.DataFrame]:
    """The same lists by each of BASELINES: `customer`, `product`, `rank`, over all products there are."""
    found: dict[str, list[pl.DataFrame]] = {name: [] for name in BASELINES}
    times, popularity = _times(facts), _popularity(facts)
    for block in blocks(facts, rows):
        scores = facts.crowd.scores(block)
        customers = facts.snapshot.customers["customer"].to_numpy()[block]
        for name, values in _methods(scores, times[block].toarray(), popularity).items():
            found[name].append(_first_by_mode(values, scores["tifu_own"] > 0, customers, top)[mode])
    return {name: pl.concat(parts) if parts else pl.DataFrame(schema=LIST) for name, parts in found.items()}


def _popularity(facts: Facts) -> Matrix:
    """Popularity of every product, from 0 to below 1."""
    buyers = facts.products["product_buyers_last_3"].fill_null(0.0).to_numpy().astype(np.float32)
    popularity: Matrix = buyers / (1.0 + buyers.max())
    return popularity


def _methods(scores: dict[str, Matrix], times: Matrix, popularity: Matrix) -> dict[str, Matrix]:
    """Scores of all products by BASELINES; popularity fills what a method leaves empty, and breaks its ties."""
    popular = np.broadcast_to(popularity, times.shape)
    filled = popular * np.float32(1e-6)
    return {
        "personal top": times + popular,
        "popular": popular,
        "UP-CF": scores["up_cf"] + filled,
        "TIFU-KNN": scores["tifu"] + filled,
    }


def _times(facts: Facts) -> Any:  # noqa: ANN401  scipy has no types
    """How often each customer had each product, a sparse row a customer."""
    from scipy.sparse import coo_array  # noqa: PLC0415  heavy to import

    placed = facts.pairs.select("customer", "product", "times").join(
        facts.snapshot.customers.with_row_index("row"), on="customer", validate="m:1"
    )
    places = (placed["row"].to_numpy().astype(np.int32), placed["product"].to_numpy().astype(np.int32))
    shape = (facts.snapshot.customers.height, facts.products.height)
    return coo_array((placed["times"].to_numpy().astype(np.float32), places), shape=shape).tocsr()


def _first_by_mode(
    scores: Matrix, had: npt.NDArray[np.bool_], customers: Integers, top: int
) -> dict[str, pl.DataFrame]:
    """The `top` largest of each row by mode: of all products, the new ones, those had before."""
    most = min(top, scores.shape[1])
    masked = np.where(had, np.float32(-np.inf), scores)
    kth = np.partition(masked, scores.shape[1] - most, axis=1)[:, scores.shape[1] - most]
    new, repeat = np.nonzero((masked >= kth[:, None]) & ~had), np.nonzero(had)
    places = {
        "new": new,
        "repeat": repeat,
        "all": tuple(np.concatenate(pair) for pair in zip(new, repeat, strict=True)),
    }
    return {mode: _first(scores, places[mode], customers, most) for mode in MODES}


def _first(scores: Matrix, places: tuple[Integers, ...], customers: Integers, most: int) -> pl.DataFrame:
    """The `most` largest of each row among some places, ties by product, as rows."""
    row, product = places
    order = np.lexsort((product, -scores[row, product], row))
    row, product = row[order], product[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < most
    return pl.DataFrame(
        {"customer": customers[row[kept]], "product": product[kept], "rank": place[kept] + 1}, schema=LIST
    )
