"""How well next products are told on public data, beside UP-CF, TIFU-KNN and simple lists, with intervals.

    GRISTMILL_SHARED_DATA=… python benchmarks/quality_next_offer.py [online_retail] [grocer_types] [grocer_products]

online_retail: Online Retail II at 2011-09-01; customers with a purchase in the 180 days before who buy in the 30
days after; truth: all products bought in those 30 days. grocer_…: The Complete Journey's first 79 days as baskets
with numbers for dates, at least three a customer; truth: the last basket; products, or their types.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import polars as pl

from data_contracts.orders import snapshot_instant
from flows.from_files.next_offers import BasketRequest, train_next_offers
from flows.from_files.next_offers_reporting import print_next_offers
from flows.running.progress import on_standard_error
from models.next_basket.baskets import Baskets, code_baskets, cut
from models.next_basket.lists import ranked_by_baselines
from models.next_basket.pair_features import Facts
from models.next_basket.tuning import tune_tifu, tune_up_cf
from models.next_offer.baseline import baseline_score
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.evaluation import paired_gain, per_customer
from models.next_offer.examples import Past, to_learn_from
from models.next_offer.options import OfferOptions
from models.next_offer.pair_features import FEATURES
from models.next_offer.ranker import fit_ranker, rank_scores, refit_ranker
from models.next_offer.ranking import CATEGORY_FEATURES
from models.next_offer.training_sets import TrainingSets, gather
from models.next_offer.verdict import with_ranks

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data"))
TEST, AS_OF, ZONE = date(2011, 9, 1), date(2011, 10, 1), "Europe/London"
LIST_LENGTH, SEED = 10, 20
OPTIONS = OfferOptions(window_days=30, active_within_days=180)


def online_retail_orders() -> pl.LazyFrame:
    """Both years' lines of known customers as core order lines; only codes that are products."""
    first = pl.read_parquet(DATA / "online_retail" / "year_2009_2010.parquet")
    second = pl.read_parquet(DATA / "online_retail" / "year_2010_2011.parquet")
    names = {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
    both = pl.concat([first.rename(names), second], how="diagonal_relaxed")
    lines = both.unique(maintain_order=True).filter(
        pl.col("CustomerID").is_not_null() & pl.col("StockCode").str.contains(r"^\d{5}")
    )
    when = pl.col("InvoiceDate").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
    return lines.lazy().select(
        customer_id=pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        product_id=pl.col("StockCode").str.to_uppercase(),
        order_id="InvoiceNo",
        ordered_at=when,
        known_at=when,
        quantity=pl.col("Quantity").cast(pl.Float64),
        amount=(pl.col("Quantity") * pl.col("UnitPrice") * 100).round().cast(pl.Int64),
    )


def windows(orders: pl.LazyFrame) -> tuple[Past, TrainingSets]:
    """The past as training divides it; the test snapshot is 2011-09-01."""
    coded = code_lines(orders, before=snapshot_instant(AS_OF, time_zone=ZONE))
    past = Past(coded, None, AS_OF, ZONE)
    return past, gather(past, OPTIONS, seed=SEED)


def basket_lists(past: Past, customers: pl.Series, *, mode: str) -> dict[str, pl.DataFrame]:
    """Lists of the basket methods for customers, tuned on everybody's last basket before the test date."""
    bought = bought_before(past.coded.lines, snapshot_instant(TEST, time_zone=ZONE))
    table = bought.select(
        customer_id=past.coded.customer_ids.gather(bought["customer"]),
        product_id=past.coded.product_ids.gather(bought["product"]),
        basket=pl.struct(-pl.col("days_before"), "order"),
    )
    baskets = code_baskets(table)
    latest, count = cut(baskets, steps_back=1), len(baskets.product_ids)
    tifu, up_cf = tune_tifu(latest, count, seed=SEED), tune_up_cf(latest, count, seed=SEED)
    print(tifu, up_cf, file=sys.stderr)
    facts = Facts.of(baskets, cut(baskets, steps_back=0), tifu, up_cf, seed=SEED)
    names = past.coded.customer_ids.gather(customers)
    rows = np.flatnonzero(baskets.customer_ids.is_in(names.implode()).to_numpy())
    lists = ranked_by_baselines(facts, rows, top=LIST_LENGTH, mode=mode)
    return {name: _coded_as(past, baskets, frame) for name, frame in lists.items()}


def _coded_as(past: Past, baskets: Baskets, frame: pl.DataFrame) -> pl.DataFrame:
    customer = past.coded.customer_ids.search_sorted(baskets.customer_ids.gather(frame["customer"])).cast(pl.UInt32)
    product = past.coded.product_ids.search_sorted(baskets.product_ids.gather(frame["product"])).cast(pl.UInt32)
    return frame.select("rank").with_columns(customer.alias("customer"), product.alias("product"))


def online_retail() -> None:
    """Figures at 2011-09-01, of all products and of those new to the customer.

    The model that is tested learnt from windows that end two before the date; fitted again up to the date, on all
    windows that end by then, it is what the product keeps and scores with on that day.
    """
    past, sets = windows(online_retail_orders())
    features = tuple(name for name in FEATURES if name not in CATEGORY_FEATURES)
    tested = fit_ranker(sets.learning, sets.stopping, features, threads=1, seed=SEED)
    test = sets.test
    print(f"{tested.trees} trees, {sets.learning.height:,} rows, snapshot {test.snapshot}", file=sys.stderr)
    by_then = sets.everything.head(sets.everything.height - to_learn_from(test, OPTIONS, seed=SEED).height)
    kept = refit_ranker(tested, by_then, features, threads=1, seed=SEED)
    scores = {
        "next offer, up to the date": rank_scores(kept, test.frame, features),
        "next offer, as tested": rank_scores(tested, test.frame, features),
        "personal top within a year, then popular": baseline_score(test.frame).to_numpy(),
    }
    for mode in ("all", "new"):
        truth, frame = test.truth, test.frame.with_row_index("row")
        if mode == "new":
            had = bought_before(past.coded.lines, snapshot_instant(TEST, time_zone=ZONE))
            truth = truth.join(had, on=["customer", "product"], how="anti")
            frame = frame.filter(pl.col("times_bought") == 0)
        rows = frame["row"].to_numpy()
        lists = {name: with_ranks(frame.select("customer", "product"), values[rows]) for name, values in scores.items()}
        lists |= basket_lists(past, truth["customer"].unique().sort(), mode=mode)
        title = "all products" if mode == "all" else "only products new to the customer"
        print("\n".join(["", f"Online Retail II at {TEST}, {title}", "", *table(lists, truth)]))


def table(lists: Mapping[str, pl.DataFrame], truth: pl.DataFrame) -> list[str]:
    """Recall@10 and NDCG@10 (ideal over min(10, bought)), and the first method's gains over each, with intervals."""
    grades = {name: per_customer(frame, truth, k=LIST_LENGTH) for name, frame in lists.items()}
    first = next(iter(grades))
    lines = [f"{grades[first].height} customers", "", "| | recall@10 | NDCG@10 | gain in recall | gain in NDCG |"]
    lines.append("|---|---|---|---|---|")
    for name, grade in grades.items():
        cells = [f"{grade[figure].to_numpy().mean():.4f}" for figure in ("recall", "ndcg")]
        for figure in ("recall", "ndcg"):
            gain, low, high = paired_gain(grades[first][figure].to_numpy(), grade[figure].to_numpy(), seed=SEED)
            cells.append("" if name == first else f"{gain:+.4f} ({low:+.4f} to {high:+.4f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def grocer(column: str) -> None:
    """The command with defaults on the grocer's baskets, dates away."""
    lines = pl.read_parquet(DATA / "complete_journey" / "first_baskets_day1_79.parquet")
    products = pl.read_parquet(DATA / "complete_journey" / "products.parquet").select(
        pl.col("product_id").cast(pl.Int64, strict=False).alias("item_id"), "product_type"
    )
    numbered = lines.join(products.drop_nulls("item_id"), on="item_id", how="left").select(
        customer="user_id", basket=pl.struct("date", "basket_id").rank("dense").over("user_id"), item=column
    )
    whole = numbered.drop_nulls().unique().filter(pl.col("basket").n_unique().over("customer") > 2)  # noqa: PLR2004 at least three
    with tempfile.TemporaryDirectory() as folder:
        whole.sort(pl.all()).write_parquet(Path(folder) / "baskets.parquet")
        request = BasketRequest(history=Path(folder) / "baskets.parquet", hold_out_last=True, out=Path(folder) / "out")
        today = datetime.now(tz=UTC).date()
        print_next_offers(train_next_offers(request, today=today, reporter=on_standard_error()))


RUNS = {
    "online_retail": online_retail,
    "grocer_types": lambda: grocer("product_type"),
    "grocer_products": lambda: grocer("item_id"),
}


def main() -> None:
    """Print the figures asked for."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("what", nargs="*", default=list(RUNS))
    for name in asked.parse_args().what:
        began = time.process_time()
        RUNS[name]()
        print(f"{name}: {time.process_time() - began:.0f} CPU seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
