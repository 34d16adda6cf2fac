"""Training the next-offer model: rank, compare with the baseline, calibrate, bundle.

Belongs here: the order of these steps. Not: which snapshots (training_sets), the gate (verdict), or any formula.
"""

from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl

from data_contracts.orders import snapshot_instant
from models.bundle import Bundle
from models.next_offer.baseline import baseline_score
from models.next_offer.bought import code_lines
from models.next_offer.category_curve import fit_category_curve, in_category
from models.next_offer.evidence import card_evidence
from models.next_offer.examples import Past
from models.next_offer.facts import product_categories
from models.next_offer.options import OfferOptions
from models.next_offer.pair_features import FEATURES
from models.next_offer.probability import (
    RHYTHM,
    Calibration,
    Floats,
    calibration_error,
    fit_calibration,
    purchase_probabilities,
)
from models.next_offer.ranker import Ranker, fit_ranker, rank_scores, refit_ranker
from models.next_offer.training_sets import TrainingSets, gather
from models.next_offer.verdict import Verdict, judge

CALIBRATION_FILE = "calibration.json"
CATEGORY_FILE = "category_curve.json"
BRAND_FILE = "brand_curve.json"
CATEGORY_FEATURES = ("category_share", "days_since_category_bought")


def train_next_offer(  # noqa: PLR0913  each is a setting of the company, passed by name
    orders: pl.LazyFrame,
    products: pl.LazyFrame | None,
    *,
    as_of: date,
    time_zone: str,
    window_days: int = 30,
    active_within_days: int = 365,
    threads: int = 1,
    seed: int = 20,
) -> Bundle:
    """Train what ranks products by how likely a customer buys them within the window.

    Snapshots stand `window_days` apart, back from `as_of`: the latest tests, the one or two before it stop the training
    (and the later of them calibrates what is tested), the rest are learnt from. The model that is kept is fitted again,
    with the numbers of trees found, on all snapshots; its calibration comes from the test snapshot and the one before,
    scored by the boosters that were not fitted on them.

    Args:
        orders: core order lines of all customers.
        products: core products, or None; used for categories and brands.
        as_of: nothing unknown on this date is used.
        time_zone: the company's.
        window_days: "next" means within so many days.
        active_within_days: who is asked about; a rule that is part of the model.
        threads: LightGBM threads.
        seed: of samples, LightGBM and the bootstrap.

    Returns:
        Bundle `next_offer`: method `lightgbm` with the boosters, or `baseline` without; both with a calibration.

    Raises:
        TooLittleOfferHistoryError: fewer than three windows after 90 days of history, or too few buyers.
    """
    options = OfferOptions(window_days=window_days, active_within_days=active_within_days)
    coded = code_lines(orders, before=snapshot_instant(as_of, time_zone=time_zone))
    categories = product_categories(products, as_of=as_of, time_zone=time_zone)
    brands = product_categories(products, as_of=as_of, time_zone=time_zone, column="brand")
    past = Past(coded, categories, as_of, time_zone, brands)
    sets = gather(past, options, seed=seed)
    features = tuple(name for name in FEATURES if past.categories is not None or name not in CATEGORY_FEATURES)
    candidate = fit_ranker(sets.learning, sets.stopping, features, threads=threads, seed=seed)
    scores = rank_scores(candidate, sets.test.frame, features, threads=threads)
    verdict = judge(sets.test, scores, seed=seed)
    calibrated = rank_scores(candidate, sets.calibration.frame, features, threads=threads)
    earlier = fit_calibration(sets.calibration.frame, calibrated, _bought(sets.calibration.frame))
    probability_metrics = probability_figures(earlier, sets.test.frame, scores)
    parameters = _parameters(sets, options, past, seed=seed, threads=threads) | candidate.parameters()
    files = _files(sets, past, features, verdict, _Fit(candidate, scores, calibrated, threads, seed))
    return Bundle(
        name="next_offer",
        method="lightgbm" if verdict.beats_baseline else "baseline",
        trained_as_of=as_of,
        features=features if verdict.beats_baseline else (),
        files=files,
        parameters=parameters | {"card": card_evidence(sets.calibration, earlier, sets.test, scores)},
        metrics={**verdict.metrics, **probability_metrics},
        reasons=verdict.reasons,
        beats_baseline=verdict.beats_baseline,
    )


@dataclass(frozen=True)
class _Fit:
    """What the tested ranker said of the two latest snapshots, and how to fit the one that is kept."""

    tested: Ranker
    test_scores: Floats
    calibration_scores: Floats
    threads: int
    seed: int


def _files(sets: TrainingSets, past: Past, features: tuple[str, ...], verdict: Verdict, fit: _Fit) -> dict[str, bytes]:
    """What the bundle keeps: the booster where it passed, the calibration, the category curve where there are any."""
    files: dict[str, bytes] = {}
    scores, earlier = fit.test_scores, fit.calibration_scores
    if verdict.beats_baseline:
        kept = refit_ranker(fit.tested, sets.everything, features, threads=fit.threads, seed=fit.seed)
        files |= kept.files()
    else:
        scores, earlier = (baseline_score(part.frame).to_numpy() for part in (sets.test, sets.calibration))
    both = pl.concat([part.frame.select(*RHYTHM, "bought") for part in (sets.test, sets.calibration)])
    calibration = fit_calibration(both, np.concatenate([scores, earlier]), _bought(both))
    files[CALIBRATION_FILE] = calibration.to_json()
    probabilities = pl.Series("purchase_probability", purchase_probabilities(calibration, sets.test.frame, scores))
    scored = sets.test.frame.select("customer", "product", probabilities)
    for name, categories in ((CATEGORY_FILE, past.categories), (BRAND_FILE, past.brands)):
        if categories is not None:
            named = in_category(scored, past.coded.product_ids, categories)
            files[name] = fit_category_curve(named, sets.test.truth_categories(past, categories)).to_json()
    return files


def _bought(frame: pl.DataFrame) -> Floats:
    return frame["bought"].cast(pl.Float64).to_numpy()


def probability_figures(calibration: Calibration, frame: pl.DataFrame, scores: Floats) -> dict[str, float]:
    """Calibration error, log loss, and predicted over actual purchases of all candidates in `frame`."""
    predicted, bought = purchase_probabilities(calibration, frame, scores), _bought(frame)
    log_loss = -np.mean(bought * np.log(predicted) + (1 - bought) * np.log1p(-predicted))
    return {
        "probability_calibration_error": calibration_error(predicted, bought),
        "probability_log_loss": float(log_loss),
        "probability_predicted_per_actual": float(predicted.sum() / max(bought.sum(), 1.0)),
        "probability_rows": float(len(bought)),
    }


def _parameters(sets: TrainingSets, options: OfferOptions, past: Past, *, seed: int, threads: int) -> dict[str, object]:
    return {
        "options": asdict(options),
        "time_zone": past.time_zone,
        "seed": seed,
        "threads": threads,
        "test_snapshot": sets.dates[0].isoformat(),
        "validation_snapshots": [day.isoformat() for day in sets.stopping_dates],
        "learning_snapshots": [day.isoformat() for day in sets.dates[len(sets.stopping_dates) + 1 :]],
        "learning_rows": sets.learning.height,
        "final_rows": sets.everything.height,
        "plan": _plan(sets, options),
        "has_categories": past.categories is not None,
        "probability": f"of buying the product within {options.window_days} days, over all customers with a purchase "
        f"in the last {options.active_within_days} days",
        "baseline": "products by orders in the last 365 days, ties and the rest by buyers in the last 30 days",
    }


def _plan(sets: TrainingSets, options: OfferOptions) -> dict[str, object]:
    """The windows, for those who read the model's card."""
    return {
        "horizon_days": options.window_days,
        "train": [day.isoformat() for day in reversed(sets.dates[len(sets.stopping_dates) + 1 :])],
        "calibrate": [day.isoformat() for day in reversed(sets.stopping_dates)],
        "test": sets.dates[0].isoformat(),
    }
