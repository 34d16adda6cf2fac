"""Learning what comes in the next basket: past snapshots, a ranking, its probability, the gate.

Belongs here: the order of these steps. Not: features, boosters, or what a list is worth (grading).

A snapshot stands so many baskets back from the end of EACH customer's history: without the last basket, without the
last two, and so on; the first basket left out is the truth. The latest judges (parameters of the neighbour methods,
number of trees, the gate, the probability), the older ones teach; the model that is kept learns from all of them.
Where there are no older ones (histories of two baskets), half of the customers teach and the others judge.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.next_basket.baskets import Baskets, cut
from models.next_basket.errors import TooFewBasketsError
from models.next_basket.examples import customers_with_truth, labelled
from models.next_basket.grading import LIST_LENGTH, graded_lists, paired
from models.next_basket.lists import BASELINES, PROBABILITY_FILE, RANKER_FILE, ranked_by_baselines
from models.next_basket.neighbours import Integers, TifuOptions, UpCfOptions
from models.next_basket.pair_features import Facts
from models.next_basket.ranker import Floats, fit_probability, fit_ranker, opened, predicted
from models.next_basket.tuning import tune_tifu, tune_up_cf
from models.next_offer.verdict import with_ranks

MOST_SNAPSHOTS = 8
LEARNED_ROWS = 1_000_000  # over all snapshots: candidates, which bounds memory and time
LEARNED_CUSTOMERS = 2_500  # of one snapshot
VALIDATION_CUSTOMERS = 3_000
FEWEST_CUSTOMERS = 50  # whose next basket is known, in the latest and in older snapshots, for anything to be learnt


@dataclass(frozen=True)
class Settings:
    """How to learn: LightGBM threads, the seed of samples and boosters, who is told of progress, the model's date."""

    threads: int
    seed: int
    trained_as_of: date
    tick: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class _Validated:
    """Rows to learn from, and the latest known baskets that judge, with what was known before them."""

    tifu: TifuOptions
    up_cf: UpCfOptions
    learning: pl.DataFrame
    frame: pl.DataFrame
    facts: Facts
    rows: Integers


def train_next_basket(baskets: Baskets, settings: Settings) -> Bundle:
    """Learn to rank products by how likely they are in a customer's next basket.

    Returns:
        Bundle `next_basket`: method `lightgbm` with ranker and probability; or `baseline`, where too little is there to
        learn from or the ranking did not beat the best baseline; `parameters["baseline"]` then names the one
        that ranks.

    Raises:
        TooFewBasketsError: there is nothing at all.
    """
    if baskets.lines.is_empty():
        raise TooFewBasketsError
    latest = cut(baskets, steps_back=1)
    count = len(baskets.product_ids)
    tifu, up_cf = tune_tifu(latest, count, seed=settings.seed), tune_up_cf(latest, count, seed=settings.seed)
    settings.tick()
    facts = Facts.of(baskets, latest, tifu, up_cf, seed=settings.seed) if latest.customers.height else None
    rows = (
        customers_with_truth(facts, most=VALIDATION_CUSTOMERS, seed=settings.seed) if facts else np.zeros(0, np.int64)
    )
    if facts is None or len(rows) < FEWEST_CUSTOMERS:
        return _baseline(tifu, up_cf, settings, reason=f"only {len(rows)} customers have a basket to judge by")
    learning = _older_examples(baskets, tifu, up_cf, settings)
    if learning["query"].n_unique() < FEWEST_CUSTOMERS:  # histories of two baskets: other customers teach
        rows = customers_with_truth(facts, most=VALIDATION_CUSTOMERS + LEARNED_CUSTOMERS, seed=settings.seed)
        rows, teaching = rows[::2], rows[1::2]
        learning = _numbered(labelled(facts, teaching, with_hits=True).with_columns(pl.lit(1).alias("back")))
    if learning["query"].n_unique() < FEWEST_CUSTOMERS:
        reason = f"only {learning['query'].n_unique()} baskets teach anything"
        return _baseline(tifu, up_cf, settings, reason=reason)
    return _learnt(_Validated(tifu, up_cf, learning, labelled(facts, rows, with_hits=False), facts, rows), settings)


def _older_examples(baskets: Baskets, tifu: TifuOptions, up_cf: UpCfOptions, settings: Settings) -> pl.DataFrame:
    """Rows to learn from of the snapshots two and more baskets back, with `query`."""
    frames: list[pl.DataFrame] = []
    for back in range(2, MOST_SNAPSHOTS + 1):
        snapshot = cut(baskets, steps_back=back)
        if snapshot.customers.height < FEWEST_CUSTOMERS or sum(frame.height for frame in frames) > LEARNED_ROWS:
            break
        facts = Facts.of(baskets, snapshot, tifu, up_cf, seed=settings.seed)
        rows = customers_with_truth(facts, most=LEARNED_CUSTOMERS, seed=settings.seed + back)
        frames.append(labelled(facts, rows, with_hits=True).with_columns(pl.lit(back).alias("back")))
        settings.tick()
    if not frames:
        return pl.DataFrame(schema={"query": pl.UInt32})
    return _numbered(pl.concat(frames))


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.struct("back", "customer").rle_id().alias("query")).drop("back")


def _learnt(at: _Validated, settings: Settings) -> Bundle:
    """Fit, judge on the latest known basket, and fit again on everything."""
    told = [name for name in at.learning.columns if name not in {"customer", "product", "bought", "query"}]
    features = tuple(name for name in told if at.learning[name].null_count() < at.learning.height)
    threads, seed = settings.threads, settings.seed
    hits = at.frame.filter((pl.col("bought") == 1).any().over("customer"))
    hits = _numbered(hits.with_columns(pl.lit(1).alias("back")))
    candidate, trees = fit_ranker(at.learning, hits, features, threads=threads, seed=seed)
    settings.tick()
    scores = predicted(opened(candidate), at.frame, features, threads=threads)
    verdict, metrics, best = _judged(at, scores, seed=seed)
    base = _parameters(at.tifu, at.up_cf, settings) | {"baseline": best, "trees": trees, **_sizes(at)}
    if not metrics["beats"]:
        return _bundle("baseline", (), {}, base, settings, metrics=metrics, reasons=verdict)
    offset = pl.col("query") + at.learning["query"].max() + 1
    everything = pl.concat([at.learning, hits.with_columns(offset.cast(pl.UInt32))])
    kept, _ = fit_ranker(everything, None, features, trees=trees, threads=threads, seed=seed)
    files = {
        RANKER_FILE: kept.encode(),
        PROBABILITY_FILE: fit_probability(at.frame, scores, threads=threads, seed=seed).encode(),
    }
    return _bundle("lightgbm", features, files, base, settings, metrics=metrics, reasons=verdict)


def _judged(at: _Validated, scores: Floats, *, seed: int) -> tuple[tuple[str, ...], dict[str, float], str]:
    """The ranking against the best of the baselines, on the customers whose latest basket was held back."""
    ours = with_ranks(at.frame.select("customer", "product"), scores).filter(pl.col("rank") <= LIST_LENGTH)
    asked = at.facts.snapshot.customers["customer"].gather(at.rows)
    truth = at.facts.snapshot.truth
    if truth is None:  # only a snapshot that was not cut short has none
        raise TooFewBasketsError
    truth = truth.filter(pl.col("customer").is_in(asked.implode()))
    lists = {"model": ours} | ranked_by_baselines(at.facts, at.rows, top=LIST_LENGTH, mode="all")
    grades = {name: graded_lists(frame, truth, k=LIST_LENGTH) for name, frame in lists.items()}
    worth = {name: float(grades[name].select("ndcg", "recall").to_numpy().sum()) for name in BASELINES}
    best = max(BASELINES, key=worth.__getitem__)
    gain, low, high = paired(grades["model"], grades[best], "ndcg", seed=seed)
    recall, _, _ = paired(grades["model"], grades[best], "recall", seed=seed)
    metrics = {
        f"{figure}_at_{LIST_LENGTH}": float(grades["model"][figure].to_numpy().mean()) for figure in ("recall", "ndcg")
    } | {
        f"baseline_{figure}_at_{LIST_LENGTH}": float(grades[best][figure].to_numpy().mean())
        for figure in ("recall", "ndcg")
    }
    metrics |= {
        "ndcg_gain": gain,
        "ndcg_gain_lower": low,
        "ndcg_gain_upper": high,
        "validation_customers": float(len(at.rows)),
    }
    # trees and parameters were chosen on these baskets too: what gains a little here may lose a little on the next ones
    metrics["beats"] = float(low > 0 and gain + recall > 0)
    ndcg = f"ndcg_at_{LIST_LENGTH}"
    words = (
        f"on the last known basket of {len(at.rows)} customers NDCG@{LIST_LENGTH} {metrics[ndcg]:.4f} against "
        f"{metrics[f'baseline_{ndcg}']:.4f} of {best} (gain {gain:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}): "
        + ("the ranking stands" if metrics["beats"] else f"not better for sure, so {best} ranks")
    )
    return (words,), metrics, best


def _sizes(at: _Validated) -> dict[str, object]:
    return {"learning_rows": at.learning.height, "learning_baskets": at.learning["query"].n_unique()}


def _parameters(tifu: TifuOptions, up_cf: UpCfOptions, settings: Settings) -> dict[str, object]:
    return {
        "tifu": asdict(tifu),
        "up_cf": asdict(up_cf),
        "seed": settings.seed,
        "threads": settings.threads,
        "probability": "of being in the customer's next basket",
    }


def _baseline(tifu: TifuOptions, up_cf: UpCfOptions, settings: Settings, *, reason: str) -> Bundle:
    words = (f"{reason}: personal top products, filled up with popular ones, rank instead",)
    parameters = _parameters(tifu, up_cf, settings) | {"baseline": "personal top"}
    return _bundle("baseline", (), {}, parameters, settings, metrics={}, reasons=words)


def _bundle(
    method: str,
    features: tuple[str, ...],
    files: dict[str, bytes],
    parameters: dict[str, object],
    settings: Settings,
    *,
    metrics: dict[str, float],
    reasons: tuple[str, ...],
) -> Bundle:
    return Bundle(
        name="next_basket",
        method=method,
        trained_as_of=settings.trained_as_of,
        features=features,
        files=files,
        parameters=parameters,
        metrics={name: value for name, value in metrics.items() if name != "beats"},
        reasons=reasons,
        beats_baseline=method == "lightgbm",
    )
