"""How well lifetime value is expected: Online Retail II forward in time and by the published 12-month split, and CDNOW.

    GRISTMILL_SHARED_DATA=… python benchmarks/quality_value.py [forward] [split] [cdnow]

Prints Markdown tables for docs/figures.md; money in pounds or dollars. Forward: the product's own training function as
of each date, nothing of it or later used, asked about the 90 days that follow; beside the run rate and the purchase
model on the same customers, with paired bootstrap gains. Split: features of 2009-12 to 2010-11, spend of 2010-12 to
2011-12 of customers who bought in both, learnt on 80 % of them and asked about the other 20 %, mean of several draws.
Belongs here: value. Does not: reading the files (`quality_online_retail`), churn.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl
from quality_online_retail import DATA, FIRST_DAY, TEST_DATES, Shop, open_shop

from models.comparing import baselines
from models.judging.baselines import RunRate
from models.judging.evaluation import amount_figures, mae, normalised_gini, paired_gain, rmse, spearman
from models.judging.grading import grade_bundle
from models.learners.encoding import Floats, usable_features
from models.snapshots.labels import KEYS
from models.snapshots.rows import TrainingData
from models.snapshots.splits import plan_value
from models.value.head import HeadRecipe, fit_value_head
from models.value.model import predict_value, train_value

SPEND = "net_amount_365_days"
SPLIT_DAY, SPLIT_DAYS, SPLIT_DRAWS = date(2010, 12, 1), 374, 5
CDNOW_FIRST, CDNOW_DATES = date(1997, 1, 1), (date(1997, 12, 1), date(1998, 1, 1), date(1998, 3, 1), date(1998, 4, 1))
GAINS = (("MAE", mae, False), ("RMSE", rmse, False), ("Gini", normalised_gini, True), ("Spearman", spearman, True))
COLUMNS = ("MAE", "RMSE", "Spearman", "Gini", "top 20 %", "predicted / actual", "decile error")


def decile_error(predicted: Floats, actual: Floats) -> float:
    """Over tenths by prediction: differences of totals, without sign, over the actual total."""
    tenths = np.array_split(np.argsort(predicted, kind="stable"), 10)
    return float(sum(abs(predicted[part].sum() - actual[part].sum()) for part in tenths) / actual.sum())


def row(name: str, predicted: Floats, actual: Floats) -> str:
    """One method's figures as a row of the table."""
    told = amount_figures(predicted, actual)
    shares = [told[key] for key in ("spearman", "normalised_gini", "top_20_percent_capture", "predicted_to_actual")]
    money = [f"{told[key] / 100:,.0f}" for key in ("mae", "rmse")]
    cells = [*money, *(f"{share:.3f}" for share in [*shares, decile_error(predicted, actual)])]
    return f"| {name} | " + " | ".join(cells) + " |"


def head_of_table() -> str:
    """Its first lines."""
    return "\n".join(["| | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)])


def ask(data: TrainingData, outcomes: dict[int, pl.DataFrame], asked: pl.DataFrame, *, first: date) -> None:
    """Train as of the date of `data`, ask about `asked` (features and outcomes of that day), print rows and gains."""
    plan = plan_value(first_event=first, as_of=data.as_of)
    began = time.process_time()
    bundle = train_value(data, outcomes, plan)
    seconds = time.process_time() - began
    actual = asked["value_amount"].to_numpy().astype(np.float64)
    scores = predict_value(bundle, asked)
    said, typical = (
        scores[f"{name}_value_90d_amount"].to_numpy().astype(np.float64) for name in ("expected", "typical")
    )
    rivals = baselines(bundle, asked)
    print(row(f"{data.as_of}: {bundle.method}", said, actual))
    print(row(f"{data.as_of}: typical", typical, actual))
    for name, amounts in rivals.items():
        print(row(f"{data.as_of}: {name}", amounts, actual))
    print(f"{data.as_of}: {grade_bundle(bundle).words}; {seconds:.0f} CPU seconds to train", file=sys.stderr)
    for rival, amounts in rivals.items():
        gains = {name: paired_gain(of, said, amounts, actual, seed=1, higher_is_better=up) for name, of, up in GAINS}
        told = ", ".join(f"{name} {gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]" for name, gain in gains.items())
        print(f"{data.as_of}: gains over the {rival}: {told}", file=sys.stderr)


def forward(dates: list[date]) -> None:
    """Online Retail II as of several dates."""
    shop = open_shop()
    snapshots = sorted({day for as_of in dates for day in _snapshots(FIRST_DAY, as_of)} | set(dates))
    made = shop.features(snapshots)
    print(head_of_table())
    for as_of in dates:
        outcomes = {
            days: shop.outcomes(of, horizon_days=days, known_by=as_of)
            for days, of in plan_value(first_event=FIRST_DAY, as_of=as_of).outcome_windows().items()
        }
        asked = made.filter(pl.col("snapshot_date") == as_of).join(shop.outcomes([as_of]), on=KEYS, how="inner")
        ask(shop.training_data(made, as_of), outcomes, asked.sort("customer_id"), first=FIRST_DAY)


def _snapshots(first: date, as_of: date) -> set[date]:
    plan = plan_value(first_event=first, as_of=as_of)
    return {*plan.all_snapshots, *plan.year_snapshots}


def split() -> None:
    """The published split, over several draws of the 20 %."""
    shop = open_shop()
    rows = _both_years(shop)
    found = []
    for draw in range(SPLIT_DRAWS):
        held_out = np.random.default_rng(draw).permutation(rows.height) < rows.height // 5
        train, test = rows.filter(~held_out), rows.filter(held_out)
        kept, _ = usable_features(train, shop.feature_names)
        run_rate = RunRate(feature=SPEND, first_event=FIRST_DAY)
        recipe = HeadRecipe(features=kept, horizon_days=SPLIT_DAYS, run_rate=run_rate, threads=1, seed=draw)
        head = fit_value_head(train, recipe)
        actual = test["value_amount"].to_numpy() / 100
        ours = head.relative_amounts(test, threads=1) * head.amount_levels.by_day[SPLIT_DAY] / 100
        theirs = run_rate.amounts(test, horizon_days=SPLIT_DAYS) / 100
        found.append([[of(said, actual) for of in (mae, rmse, spearman)] for said in (ours, theirs)])
    for name, figures in zip(("model", "run rate"), np.mean(found, axis=0), strict=True):
        print(f"| {name} | {figures[0]:,.0f} | {figures[1]:,.0f} | {figures[2]:.3f} |")
    print([[round(one) for one in draw[0][:2]] for draw in found], file=sys.stderr)


def _both_years(shop: Shop) -> pl.DataFrame:
    """Features at the split and spend after it, of customers who bought before and after."""
    came = shop.outcomes([SPLIT_DAY], horizon_days=SPLIT_DAYS).filter(pl.col("order_count") > 0)
    return shop.features([SPLIT_DAY]).join(came, on=KEYS, how="inner").sort("customer_id")


def cdnow() -> None:
    """CDNOW's whole cohort, which was acquired in three months and then left alone."""
    raw = pl.read_parquet(DATA / "cdnow" / "cdnow_master.parquet").with_row_index()
    moment = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    lines = raw.select(
        customer_id=pl.col("customer_id").cast(pl.String),
        order_id=pl.col("index").cast(pl.String),
        line_number=pl.lit(1, pl.Int32),
        product_id=pl.lit("CD"),
        quantity=pl.col("number_of_cds").cast(pl.Float64),
        amount=(pl.col("dollar_value") * 100).round().cast(pl.Int64),
        ordered_at=moment,
        known_at=moment,
        currency=pl.lit("USD"),
        channel=pl.lit(None, pl.String),
        cost_amount=pl.lit(None, pl.Int64),
        discount_amount=pl.lit(None, pl.Int64),
    ).sort("customer_id", "ordered_at", "order_id")
    shop = Shop(lines)
    made = shop.features(
        sorted({day for as_of in CDNOW_DATES for day in _snapshots(CDNOW_FIRST, as_of)} | {*CDNOW_DATES})
    )
    print(head_of_table())
    for as_of in CDNOW_DATES:
        outcomes = {
            days: shop.outcomes(of, horizon_days=days, known_by=as_of)
            for days, of in plan_value(first_event=CDNOW_FIRST, as_of=as_of).outcome_windows().items()
        }
        data = TrainingData(
            features=made.filter(pl.col("snapshot_date") < as_of),
            feature_names=shop.feature_names,
            activity=pl.DataFrame(),
            first_event=CDNOW_FIRST,
            as_of=as_of,
        )
        asked = made.filter(pl.col("snapshot_date") == as_of).join(shop.outcomes([as_of]), on=KEYS, how="inner")
        ask(data, outcomes, asked.sort("customer_id"), first=CDNOW_FIRST)


def quality_of_value(
    what: Sequence[str] = ("forward", "split", "cdnow"), *, dates: Sequence[date] = TEST_DATES
) -> None:
    """Print the tables asked for."""
    for name in what:
        print(f"\n{name}\n")
        {"forward": lambda: forward(list(dates)), "split": split, "cdnow": cdnow}[name]()


def main() -> None:
    """Print the tables asked for."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("what", nargs="*", default=["forward", "split", "cdnow"])
    asked.add_argument("--dates", nargs="*", type=date.fromisoformat, default=list(TEST_DATES))
    given = asked.parse_args()
    quality_of_value(given.what, dates=given.dates)


if __name__ == "__main__":
    main()
