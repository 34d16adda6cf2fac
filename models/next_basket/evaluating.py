"""A model beside the baselines on baskets it has not seen.

Belongs here: which customers are asked, and the comparison. Not: figures of a list (grading), or telling it (flows).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.next_basket.baskets import Baskets, cut
from models.next_basket.errors import BasketModelMismatchError, NobodyKnownError, TooFewBasketsError
from models.next_basket.grading import FIGURES, graded_lists, means, of_lists
from models.next_basket.lists import BASELINES, MODES, ranked_by_all, ranked_by_model
from models.next_basket.neighbours import Integers, TifuOptions, UpCfOptions
from models.next_basket.pair_features import Facts, described_candidates
from models.next_offer.evaluation import paired_gains

LIST_LENGTHS = (10, 20)


def facts_for(bundle: Bundle, baskets: Baskets) -> Facts:
    """Everything known at the end of the baskets, for a model.

    Raises:
        TooFewBasketsError: there are no baskets.
        BasketModelMismatchError: the model wants features that these baskets can't give.
    """
    if baskets.lines.is_empty():
        raise TooFewBasketsError
    tifu, up_cf = TifuOptions(**bundle.parameters["tifu"]), UpCfOptions(**bundle.parameters["up_cf"])
    facts = Facts.of(baskets, cut(baskets, steps_back=0), tifu, up_cf, seed=bundle.parameters["seed"])
    missing = set(bundle.features) - set(described_candidates(facts, np.arange(1)).columns)
    if missing:
        raise BasketModelMismatchError(missing=sorted(missing))
    return facts


def rank_next_basket(
    bundle: Bundle, baskets: Baskets, *, top: int, mode: str = "all", threads: int = 1
) -> pl.DataFrame:
    """The first products of every customer.

    Returns:
        `customer_id`, `rank` (UInt32, 1 = first), `product_id`, `purchase_probability` (Float64, of being in the next
        basket; null where a baseline ranks), `score`, `times_bought`, `baskets_since_bought` (Int32, 0 = in the last
        basket; null where never bought), sorted by the first two.
    """
    facts = facts_for(bundle, baskets)
    rows = np.arange(facts.snapshot.customers.height)
    return _named(ranked_by_model(bundle, facts, rows, top=top, mode=mode, threads=threads), baskets)


def _named(ranked: pl.DataFrame, baskets: Baskets) -> pl.DataFrame:
    """Lists with the identifiers of customers and products."""
    return ranked.select(
        baskets.customer_ids.gather(ranked["customer"]).alias("customer_id"),
        "rank",
        baskets.product_ids.gather(ranked["product"]).alias("product_id"),
        "purchase_probability",
        "score",
        pl.col("times").fill_null(0).alias("times_bought"),
        pl.col("baskets_since").alias("baskets_since_bought"),
    )


def evaluate_next_basket(
    bundle: Bundle, baskets: Baskets, truth: pl.DataFrame, *, threads: int = 1, seed: int = 1
) -> dict[str, Any]:
    """Figures of the model and of each baseline against what was bought, on customers with a history.

    Args:
        bundle: what `train_next_basket` returned for these baskets, or for earlier ones.
        baskets: the history.
        truth: `customer_id`, `product_id` pairs bought next.
        threads: LightGBM's.
        seed: of the bootstrap.

    Raises:
        NobodyKnownError: nobody in the truth has a history.
        BasketModelMismatchError: see `facts_for`.

    Returns:
        `customers`, `truth_products` (mean), `cold_customers`, `cold_recall_at_10` (of the popular products); and by
        mode ("all", "new", "repeat"), list length and method: FIGURES, coverage, novelty, share of repeats; `gains`:
        the model's over each baseline, relative, and absolute with its 95 % interval over customers.
    """
    facts = facts_for(bundle, baskets)
    coded, rows = _asked(facts, baskets, truth)
    lists = ranked_by_all(bundle, facts, rows, top=max(LIST_LENGTHS), threads=threads)
    return _told(facts, lists, coded, seed=seed) | _cold(baskets, truth, facts)


def evaluate_and_rank(
    bundle: Bundle, baskets: Baskets, truth: pl.DataFrame, *, ranking: Mapping[str, Any], seed: int = 1
) -> tuple[dict[str, Any], pl.DataFrame]:
    """What `evaluate_next_basket` and `rank_next_basket` return, with every customer scored only once.

    Args:
        bundle: as there.
        baskets: as there.
        truth: as there.
        seed: as there.
        ranking: `top`, `mode`, `threads` as `rank_next_basket` takes them.
    """
    top, mode, threads = ranking["top"], ranking["mode"], ranking["threads"]
    facts = facts_for(bundle, baskets)
    coded, rows = _asked(facts, baskets, truth)
    lists = ranked_by_all(bundle, facts, rows, top=max(*LIST_LENGTHS, top), threads=threads)
    told = _told(facts, lists, coded, seed=seed) | _cold(baskets, truth, facts)
    parts = [lists[mode]["model"].filter(pl.col("rank") <= top)]
    others = np.setdiff1d(np.arange(facts.snapshot.customers.height), rows)
    if len(others):
        parts.append(ranked_by_model(bundle, facts, others, top=top, mode=mode, threads=threads))
    return told, _named(pl.concat(parts).sort("customer", "rank"), baskets)


def _asked(facts: Facts, baskets: Baskets, truth: pl.DataFrame) -> tuple[pl.DataFrame, Integers]:
    """What the customers with a history bought next, coded; and the places of these customers."""
    coded = _coded_truth(baskets, truth)
    customers = facts.snapshot.customers.with_row_index("row")
    rows = (
        customers.join(coded.select("customer").unique(), on="customer", how="semi")["row"].to_numpy().astype(np.int64)
    )
    if not len(rows):
        raise NobodyKnownError(customers=truth["customer_id"].n_unique())
    return coded, rows


def _told(facts: Facts, lists: dict[str, dict[str, pl.DataFrame]], coded: pl.DataFrame, *, seed: int) -> dict[str, Any]:
    """Figures of lists by mode and method, as `evaluate_next_basket` returns them."""
    had = facts.pairs.select("customer", "product")
    buyers = had.group_by("product").agg((pl.len() / facts.snapshot.customers.height).alias("share"))
    customers = coded["customer"].n_unique()
    told: dict[str, Any] = {"customers": customers, "truth_products": coded.height / customers}
    for mode in MODES:
        kept = coded
        if mode != "all":
            kept = coded.join(had, on=["customer", "product"], how="anti" if mode == "new" else "semi")
        if kept.height:
            asked = {name: ranked.join(kept, on="customer", how="semi") for name, ranked in lists[mode].items()}
            told[mode] = {"customers": kept["customer"].n_unique()} | {
                f"at_{k}": _compared(asked, kept, had, buyers, k=k, seed=seed) for k in LIST_LENGTHS
            }
    return told


def _coded_truth(baskets: Baskets, truth: pl.DataFrame) -> pl.DataFrame:
    """`customer`, `product` pairs of customers with a history; products nobody had get numbers beyond."""
    unknown = truth.select(pl.col("product_id").unique().sort()).filter(
        ~pl.col("product_id").is_in(baskets.product_ids.implode())
    )
    names = pl.concat([baskets.product_ids.rename("product_id").to_frame(), unknown])
    numbered = names.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("product"))
    customers = baskets.customer_ids.rename("customer_id").to_frame()
    customers = customers.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("customer"))
    joined = truth.join(numbered, on="product_id", validate="m:1").join(customers, on="customer_id", validate="m:1")
    return joined.select("customer", "product").unique().sort("customer", "product")


def _cold(baskets: Baskets, truth: pl.DataFrame, facts: Facts) -> dict[str, float]:
    """Customers without a history: how well popular products serve them."""
    cold = truth.filter(~pl.col("customer_id").is_in(baskets.customer_ids.implode())).unique(
        ["customer_id", "product_id"]
    )
    popular = facts.products.sort(["product_buyers_last_3", "product"], descending=[True, False], nulls_last=True).head(
        10
    )
    names = baskets.product_ids.gather(popular["product"])
    shares = cold.group_by("customer_id").agg(pl.col("product_id").is_in(names.implode()).mean().alias("recall"))
    return {"cold_customers": shares.height} | (
        {"cold_recall_at_10": float(shares["recall"].sum() / shares.height)} if shares.height else {}
    )


def _compared(
    lists: dict[str, pl.DataFrame], truth: pl.DataFrame, had: pl.DataFrame, buyers: pl.DataFrame, *, k: int, seed: int
) -> dict[str, Any]:
    grades = {name: graded_lists(ranked, truth, k=k) for name, ranked in lists.items()}
    averages = {name: means(grades[name]) for name in lists}
    figures = {name: {**averages[name], **of_lists(ranked, had, buyers, k=k)} for name, ranked in lists.items()}
    pairs = [(name, figure) for name in BASELINES for figure in FIGURES]
    apart = [(grades["model"][figure] - grades[name][figure]).to_numpy() for name, figure in pairs]
    gains: dict[str, dict[str, Any]] = {name: {} for name in BASELINES}
    for (name, figure), (gain, low, high) in zip(pairs, paired_gains(np.column_stack(apart), seed=seed), strict=True):
        base = averages[name][figure]
        gains[name][figure] = {"relative": gain / base if base else None, "gain": gain, "lower": low, "upper": high}
    return {"figures": figures, "gains": gains}
