"""Candidates of one past snapshot with what was bought.

Belongs here: which customers are kept. Not: how candidates are found or described.
"""

import numpy as np
import polars as pl

from models.next_basket.neighbours import Integers
from models.next_basket.pair_features import Facts, blocks, described_candidates


def customers_with_truth(facts: Facts, *, most: int, seed: int) -> Integers:
    """Places of at most `most` customers whose next basket is known: a repeatable sample, sorted."""
    known = facts.snapshot.truth
    if known is None:
        return np.zeros(0, dtype=np.int64)
    placed = facts.snapshot.customers.with_row_index("row").join(
        known.select("customer").unique(), on="customer", how="semi"
    )
    rows = placed["row"].to_numpy().astype(np.int64)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def labelled(facts: Facts, rows: Integers, *, with_hits: bool) -> pl.DataFrame:
    """Described candidates with `bought` (Int8).

    Args:
        facts: of a snapshot with a truth.
        rows: places of customers.
        with_hits: only customers with a hit, which is all a ranking learns from; all their misses stay: the candidates
            are what the baselines rank highest, so each is a hard one, and leaving some out measurably cost accuracy.
    """
    frames = (_with_truth(described_candidates(facts, block), facts) for block in blocks(facts, rows))
    hit = (pl.col("bought") == 1).any().over("customer")
    return pl.concat([frame.filter(hit) if with_hits else frame for frame in frames])


def _with_truth(frame: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    truth = facts.snapshot.truth
    if truth is None:
        return frame.with_columns(pl.lit(0, pl.Int8).alias("bought"))
    bought = truth.with_columns(pl.lit(1, pl.Int8).alias("bought"))
    joined = frame.join(bought, on=["customer", "product"], how="left", validate="1:1", maintain_order="left")
    return joined.with_columns(pl.col("bought").fill_null(0))
