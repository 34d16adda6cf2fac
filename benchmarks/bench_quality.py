"""How good the models predict on the public data sets, beside honest baselines on the same rows, with intervals.

    GRISTMILL_SHARED_DATA=… python benchmarks/bench_quality.py [cdnow] [telco] [churn] [value]
    GRISTMILL_SHARED_DATA=… python benchmarks/bench_quality.py [segments] [moves] [campaigns]

Prints Markdown tables for docs/figures.md. CDNOW: purchases of the published 1/10 sample in the 39 weeks after
1997-09-30, by a forecast that saw nothing of those weeks (purchases of the whole cohort up to 1997-09-30). Telco: the
prepared table, 5 folds, twice, default settings. Churn and value: Online Retail II, forward in time, seven test
dates; value by the published 12-month split and on CDNOW's whole cohort as well. Segments and moves (asked for by name,
for docs/segmentation.md): simulated companies whose truth is known.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl
from quality_campaigns import quality_of_campaigns
from quality_churn import churn
from quality_drift import quality_of_drift
from quality_moves import moves
from quality_segments import segments
from quality_value import quality_of_value

from flows.from_files.prepared_table_reporting import report_markdown
from flows.from_files.prepared_tables import train_from_table
from flows.running.progress import on_standard_error
from models.buy_till_you_die.beta_geometric import fit_beta_geometric
from models.buy_till_you_die.customer_facts import customer_facts, histories_of, purchases_after, statistics
from models.buy_till_you_die.forecast import fit_purchase_forecast
from models.buy_till_you_die.pareto_nbd import fit_pareto_nbd
from models.judging.evaluation import auc, mae, ratio_of_totals, rmse, spearman
from models.learners.encoding import Floats
from models.prepared_table.training import Request

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
AS_OF, END = date(1997, 10, 1), date(1998, 7, 1)
HORIZON_WEEKS = 39
DRAWS = 500
FIGURES: dict[str, Callable[[Floats, Floats], float]] = {
    "RMSE": rmse,
    "MAE": mae,
    "AUC (any purchase)": lambda predicted, actual: auc(predicted, (actual > 0).astype(np.float64)),
    "Spearman": spearman,
    "predicted / actual": ratio_of_totals,
}


def purchases_of(name: str) -> pl.DataFrame:
    """CDNOW's purchases as the forecast wants them."""
    lines = pl.read_parquet(DATA / "cdnow" / f"{name}.parquet")
    names = {"day": "date", "amount": "dollar_value", "units": "number_of_cds"}
    return lines.select("customer_id", **{name: pl.col(raw) for name, raw in names.items()})


def cdnow_predictions(everybody: pl.DataFrame, tested: pl.DataFrame) -> tuple[dict[str, Floats], Floats]:
    """Predictions by method for the tested customers, and what they did."""
    known = everybody.filter(pl.col("day") < AS_OF)
    facts = customer_facts(tested, AS_OF)
    there, seen = statistics(facts), histories_of(facts)
    weeks = float(HORIZON_WEEKS)
    pace = there[0] / np.maximum(there[2], 1 / 7) * weeks
    forecast = fit_purchase_forecast(known, as_of=AS_OF, horizon_days=7 * HORIZON_WEEKS)
    print(
        f"learnt on {forecast.learnt_on}: factors {forecast.factor:.3f} and {forecast.any_factor:.3f}", file=sys.stderr
    )
    predicted = {
        "same pace as before": pace,
        "BG/NBD": fit_beta_geometric(seen).expected_purchases(*there, horizon=weeks),
        "MBG/NBD": fit_beta_geometric(seen, may_leave_at_once=True).expected_purchases(*there, horizon=weeks),
        "Pareto/NBD": fit_pareto_nbd(seen).expected_purchases(*there, horizon=weeks),
        "forecast": forecast.expected(facts_like(everybody, facts)),
    }
    return predicted, purchases_after(tested, facts, AS_OF, END)


def facts_like(everybody: pl.DataFrame, tested: pl.DataFrame) -> pl.DataFrame:
    """Facts of the tested customers as read from the whole cohort's file."""
    chosen = everybody.filter(pl.col("customer_id").is_in(tested["customer_id"].to_list()))
    return customer_facts(chosen, AS_OF)


def table(predicted: dict[str, Floats], actual: Floats) -> list[str]:
    """A Markdown table: each figure with its 95 % bootstrap interval over customers."""
    random = np.random.default_rng(1)
    draws = [random.integers(0, len(actual), len(actual)) for _ in range(DRAWS)]
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---|" + "---|" * len(FIGURES)]
    for name, values in predicted.items():
        cells = []
        for figure in FIGURES.values():
            low, high = np.quantile([figure(values[drawn], actual[drawn]) for drawn in draws], [0.025, 0.975])
            cells.append(f"{figure(values, actual):.3f} ({low:.3f} to {high:.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def gains(predicted: dict[str, Floats], actual: Floats, *, ours: str, theirs: str) -> list[str]:
    """Paired gains of one method over another, above 0 better, with 95 % bootstrap intervals."""
    random = np.random.default_rng(2)
    draws = [random.integers(0, len(actual), len(actual)) for _ in range(DRAWS)]
    lines = []
    for name, sign in (("RMSE", -1), ("AUC (any purchase)", 1), ("Spearman", 1)):
        figure = FIGURES[name]
        found = [
            sign * (figure(predicted[ours][d], actual[d]) - figure(predicted[theirs][d], actual[d])) for d in draws
        ]
        whole = sign * (figure(predicted[ours], actual) - figure(predicted[theirs], actual))
        low, high = np.quantile(found, [0.025, 0.975])
        lines.append(f"- {name}: {whole:+.4f} [{low:+.4f}, {high:+.4f}] over {theirs}")
    return lines


def cdnow(tenths: int) -> None:
    """The published sample, and as many other tenths of the cohort."""
    everybody, sample = purchases_of("cdnow_master"), purchases_of("cdnow_sample")
    predicted, actual = cdnow_predictions(everybody, sample)
    print(
        "\n".join(["", f"CDNOW, published 1/10 sample ({len(actual):,} customers)", "", *table(predicted, actual), ""])
    )
    print("\n".join(gains(predicted, actual, ours="forecast", theirs="Pareto/NBD")))
    others = sorted(set(everybody["customer_id"]) - set(sample["customer_id"]))
    found: dict[str, list[list[float]]] = {}
    for number in range(tenths):
        tested = everybody.filter(pl.col("customer_id").is_in(others[number::9]))
        predicted, actual = cdnow_predictions(everybody, tested)
        for name, values in predicted.items():
            found.setdefault(name, []).append([figure(values, actual) for figure in FIGURES.values()])
    if tenths:
        print("\n".join(["", f"Mean of {tenths} other tenths of the cohort", "", "| | " + " | ".join(FIGURES) + " |"]))
        print("|---|" + "---|" * len(FIGURES))
        for name, rows in found.items():
            print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


def telco() -> None:
    """The prepared table with default settings."""
    file = DATA / "telco_churn" / "telco_churn.parquet"
    request = Request(id_column="customerID", label_column="Churn")
    with tempfile.TemporaryDirectory() as folder:
        report = train_from_table(
            file, request, out=Path(folder), today=date(2026, 1, 1), reporter=on_standard_error(quiet=True)
        )
    print(report_markdown(report).split("## What it goes by")[0])


def churn_forward() -> None:
    """The product's own training, as of seven dates."""
    print("\n".join(["", "Churn in 90 days, Online Retail II", "", *churn(), ""]))


def quality_of_segments() -> None:
    """Stages, fates, loyalty, service recovery against the truth."""
    print("\n".join(["", *segments(), ""]))


def quality_of_moves() -> None:
    """Tiers and causes of moves against the truth."""
    print("\n".join(["", *moves(2500, 41), ""]))


def main() -> None:
    """Print the tables asked for."""
    ways = {"cdnow": lambda: cdnow(given.tenths), "telco": telco, "churn": churn_forward, "value": quality_of_value}
    ways |= {"segments": quality_of_segments, "moves": quality_of_moves}
    ways["campaigns"] = quality_of_campaigns
    ways["drift"] = quality_of_drift
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("what", nargs="*", choices=list(ways), default=["cdnow", "telco", "churn"])
    asked.add_argument("--tenths", type=int, default=0, help="other tenths of CDNOW to predict too, at most 9")
    given = asked.parse_args()
    for name in given.what:
        began = time.process_time()
        ways[name]()
        print(f"{name}: {time.process_time() - began:.0f} CPU seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
