"""Churn on Online Retail II, forward in time: the product's own training beside what anybody would do, date by date.

Belongs here: the methods and their tables. Does not: the data (`quality_online_retail`).

Every method is fitted on what was known on the test date, on the same rows, and asked about the same customers.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from quality_online_retail import FIRST_DAY, HORIZON_DAYS, TEST_DATES, Shop, observed, open_shop

from models.buy_till_you_die.from_features import fit_purchase_odds
from models.judging.baselines import fit_recency_rule
from models.judging.calibration import log_loss, sigmoid
from models.judging.evaluation import auc, calibration_error, lift, paired_gain
from models.learners.encoding import Floats, fit_encoder, usable_features
from models.learners.logistic import fit_logistic
from models.purchases.churn import predict_churn, train_churn
from models.snapshots import labels
from models.snapshots.rows import at
from models.snapshots.splits import SplitPlan, plan_splits

DRAWS = 500
MAIN_DATE = date(2011, 9, 1)
RECENCY = "days_since_last_order"
RFM = (RECENCY, "purchase_count_365_days", "net_amount_365_days")
FIGURES: dict[str, Callable[[Floats, Floats], float]] = {
    "AUC": auc,
    "log loss": log_loss,
    "calibration error": calibration_error,
    "lift@10 %": lift,
}
Predicted = dict[str, Floats]


def churn(dates: Sequence[date] = TEST_DATES) -> list[str]:
    """The tables, as Markdown lines."""
    shop = open_shop()
    plans = {day: plan_splits(first_event=FIRST_DAY, as_of=day, horizon_days=HORIZON_DAYS) for day in dates}
    needed = sorted({*dates, *(day for plan in plans.values() for day in plan.all_snapshots)})
    rows = shop.features(needed).join(
        shop.outcomes([day for day in needed if observed(day)]), on=labels.KEYS, how="left", validate="1:1"
    )
    found = {day: _predictions(shop, rows, day, plan) for day, plan in plans.items()}
    lines = []
    if MAIN_DATE in found:
        lines += [f"Test date {MAIN_DATE}", "", *_with_intervals(*found[MAIN_DATE]), "", *_gains(*found[MAIN_DATE]), ""]
    return [*lines, "Every test date: AUC / log loss / calibration error", "", *_by_date(found)]


def _predictions(shop: Shop, rows: pl.DataFrame, day: date, plan: SplitPlan) -> tuple[Predicted, Floats]:
    """P(churn) by method for the customers of a date, and what they did."""
    train, test = at(rows, plan.final_complete), at(rows, [day])
    known = shop.outcomes(plan.all_snapshots, known_by=day)
    features = rows.drop("churned", "value_amount", "order_count", "margin_amount")
    bundle = train_churn(shop.training_data(features, day), known, plan)
    churned = train["churned"].to_numpy().astype(np.float64)
    rule = fit_recency_rule(train, feature=RECENCY, churned=churned)
    predicted = {
        "recency rule": rule.probabilities(test),
        "RFM logistic": _rfm(train, test, churned),
        "BG/NBD": 1 - sigmoid(fit_purchase_odds(test, horizon_days=HORIZON_DAYS).log_odds(test)),
        "plain LightGBM": _plain_trees(train, test, churned, shop.feature_names),
        "gristmill": predict_churn(bundle, test)["churn_probability"].to_numpy(),
    }
    return predicted, test["churned"].to_numpy().astype(np.float64)


def _rfm(train: pl.DataFrame, test: pl.DataFrame, churned: Floats) -> Floats:
    """Logistic regression on recency, frequency and amount, as logarithms and squares of them."""

    def design(frame: pl.DataFrame) -> Floats:
        logs = np.log1p(np.maximum(frame.select(pl.col(RFM).cast(pl.Float64).fill_null(0.0)).to_numpy(), 0.0))
        return np.column_stack([np.ones(frame.height), logs, logs**2])

    weights = fit_logistic(design(train), churned, penalty=np.full(7, 1e-2), start=np.zeros(7))
    return sigmoid(design(test) @ weights)


def _plain_trees(train: pl.DataFrame, test: pl.DataFrame, churned: Floats, names: Sequence[str]) -> Floats:
    """LightGBM with a moderate setting, on the same features and rows: no season, no calibration."""
    import lightgbm  # noqa: PLC0415 - heavy: imported when used

    encoder = fit_encoder(train, usable_features(train, names)[0], model="churn")
    settings = {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": 31,
        "verbose": -1,
        "num_threads": 1,
        "seed": 1,
    }
    data = lightgbm.Dataset(encoder.matrix(train, model="churn"), churned)
    return np.asarray(lightgbm.train(settings, data, num_boost_round=150).predict(encoder.matrix(test, model="churn")))


def _with_intervals(predicted: Predicted, happened: Floats) -> list[str]:
    """Figures with 95 % bootstrap intervals over customers."""
    draws = _draws(len(happened))
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---|" + "---|" * len(FIGURES)]
    for name, values in predicted.items():
        cells = []
        for figure in FIGURES.values():
            low, high = np.quantile([figure(values[drawn], happened[drawn]) for drawn in draws], [0.025, 0.975])
            cells.append(f"{figure(values, happened):.3f} ({low:.3f} to {high:.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _gains(predicted: Predicted, happened: Floats, *, ours: str = "gristmill") -> list[str]:
    """Paired gains over each other method, above 0 better."""
    lines = []
    for theirs in predicted:
        if theirs != ours:
            gains = {
                name: paired_gain(
                    figure, predicted[ours], predicted[theirs], happened, seed=1, higher_is_better=figure is auc
                )
                for name, figure in (("AUC", auc), ("log loss", log_loss))
            }
            told = [f"{name} {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]" for name, gain in gains.items()]
            lines.append(f"- over {theirs}: {', '.join(told)}")
    return lines


def _by_date(found: Mapping[date, tuple[Predicted, Floats]]) -> list[str]:
    names = list(next(iter(found.values()))[0])
    lines = ["| test date | churned | " + " | ".join(names) + " |", "|---|---|" + "---|" * len(names)]
    sums = {name: np.zeros(3) for name in names}
    for day, (predicted, happened) in found.items():
        cells = []
        for name in names:
            told = [figure(predicted[name], happened) for figure in (auc, log_loss, calibration_error)]
            sums[name] += told
            cells.append(_told(told))
        lines.append(f"| {day} | {happened.mean():.3f} | " + " | ".join(cells) + " |")
    means = [_told((sums[name] / len(found)).tolist()) for name in names]
    return [*lines, "| mean | | " + " | ".join(means) + " |"]


def _told(figures: Sequence[float]) -> str:
    return " / ".join(f"{value:.3f}" for value in figures)


def _draws(rows: int) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, rows, rows) for _ in range(DRAWS)]
