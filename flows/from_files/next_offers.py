"""What is in the next basket, from files: learn, grade beside baselines, list what each customer is likely to buy.

Belongs here: files in, a folder out. Not: what is learnt (`models.next_basket`), which column is which
(`basket_columns`), how it is told (`next_offers_reporting`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import polars as pl

from flows.errors import BasketFutureError, NothingToJudgeByError
from flows.from_files.basket_columns import BasketColumns, basket_lines, guess_columns
from flows.from_files.basket_files import read_baskets
from flows.from_files.prepared_tables import DIGEST_FILE, MANIFEST_FILE, MODEL_FOLDER, open_model
from flows.published.showing import write_csv, write_parquet
from flows.running.progress import Reporter

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.next_basket import Baskets

OFFERS = "next_offers"


@dataclass(frozen=True, kw_only=True)
class BasketRequest:
    """What was asked.

    Attributes:
        history: the file to learn from.
        future: what was bought next; never learnt from.
        hold_out_last: instead of a future: each customer's last basket is held out of the history.
        columns: names by role, None where to be guessed.
        model: a folder with a model, instead of learning one.
        out: where results go.
        top: so many products a customer are listed.
        mode: "all" products, only "new" ones, or only "repeat" ones.
        threads, seed: LightGBM's.
    """

    history: Path
    future: Path | None = None
    hold_out_last: bool = False
    columns: Mapping[str, str | None] = field(default_factory=dict)
    model: Path | None = None
    out: Path | None = None
    top: int = 20
    mode: str = "all"
    threads: int = 1
    seed: int = 1


class _Ranking(TypedDict):
    """What `rank_next_basket` takes besides a model and baskets."""

    top: int
    mode: str
    threads: int


@dataclass(frozen=True)
class _Tables:
    """What was read: history and truth in the models' form, and what to say about it."""

    baskets: "Baskets"
    truth: pl.DataFrame | None
    told: dict[str, Any]


def train_next_offers(request: BasketRequest, *, today: date, reporter: Reporter) -> dict[str, Any]:
    """Learn from the history alone; grade on what came next, where that is given; list the next products.

    Returns:
        The report as plain values; files are in the folder it names.
    """
    from models.next_basket import Settings, train_next_basket  # noqa: PLC0415 heavy

    with reporter.step("read the baskets"):
        tables = _read(request)
    if request.model is not None:
        bundle: Bundle = open_model(request.model)
    else:
        with reporter.step("learn and judge") as ticker:
            settings = Settings(request.threads, request.seed, today, ticker.tick)
            bundle = train_next_basket(tables.baskets, settings)
    report = _report(request, tables, bundle)
    with reporter.step("list and grade" if tables.truth is not None else "list"):
        evaluation, offers = _listed(request, bundle, tables)
    if evaluation is not None:
        report["evaluation"] = evaluation
    folder = request.out or Path(f"{request.history.name.split('.')[0]}_next_offer")
    with reporter.step("write"):
        report["files"] = _write(folder, bundle, offers)
        report["steps"] = [asdict(record) for record in reporter.records]
        (folder / "report.json").write_text(json.dumps(report, indent=1, default=str), encoding="utf-8")
    return report


def score_next_offers(request: BasketRequest, *, reporter: Reporter) -> dict[str, Any]:
    """List the next products by a model that was learnt before; its digests are verified before anything is parsed."""
    from models.next_basket import rank_next_basket  # noqa: PLC0415 heavy

    if request.model is None:
        raise BasketFutureError(got="no --model", expected="--model FOLDER, that training wrote")
    bundle = open_model(request.model)
    with reporter.step("read the baskets"):
        tables = _read(request)
    with reporter.step("list and write"):
        offers = rank_next_basket(bundle, tables.baskets, top=request.top, mode=request.mode, threads=request.threads)
        target = request.out or Path(f"{request.history.name.split('.')[0]}_{OFFERS}.csv")
        (write_parquet if target.suffix in {".parquet", ".pq"} else write_csv)(offers, target)
    return {
        "status": "done",
        "offers": str(target),
        "customers": offers["customer_id"].n_unique(),
        "rows": offers.height,
        "model": str(request.model),
        "method": bundle.method,
        **tables.told,
    }


def _read(request: BasketRequest) -> _Tables:
    """History and truth.

    Raises:
        BasketFutureError: both a future and the last basket are to judge, or there is nothing to judge by.
    """
    if request.future is not None and request.hold_out_last:
        raise BasketFutureError(got="--future and --hold-out-last", expected="one of the two")
    notes, named = list[str](), [name for name in request.columns.values() if name]
    table = read_baskets(request.history, names=named, say=notes.append)
    columns = guess_columns(table.columns, request.columns)
    future: pl.DataFrame | None = None
    told: dict[str, Any] = {"columns": columns.told(), "notes": notes}
    if request.future is not None:
        future = read_baskets(request.future, names=named, say=notes.append)
        told["future_columns"] = _future_columns(future, columns, request).told()
    lines, counts = basket_lines(table, columns)
    told["history"] = counts
    truth = None
    if request.hold_out_last:
        lines, truth = _without_last(lines)
    elif future is not None:
        truth, told["future"] = _truth(future, _future_columns(future, columns, request))
    from models.next_basket import code_baskets  # noqa: PLC0415 heavy

    baskets = code_baskets(lines)
    baskets_each = baskets.lines.group_by("customer").agg(pl.col("position").max() + 1)["position"]
    told["history"] |= {
        "customers": len(baskets.customer_ids),
        "products": len(baskets.product_ids),
        "baskets": int(baskets_each.sum()),
        "pairs": baskets.lines.height,
    }
    return _Tables(baskets, truth, told)


def _future_columns(future: pl.DataFrame, columns: BasketColumns, request: BasketRequest) -> BasketColumns:
    """The history's names where the future has them, else guessed anew; it needs no order."""
    asked = {role: name for role, name in columns.told().items() if name in future.columns}
    asked |= {role: name for role, name in request.columns.items() if name is not None and name in future.columns}
    return guess_columns(future.columns, asked, needs_order=False)


def _truth(future: pl.DataFrame, columns: BasketColumns) -> tuple[pl.DataFrame, dict[str, Any]]:
    """`customer_id`, `product_id` bought next: everything in the future's file, and how many baskets that is."""
    plain = BasketColumns(customer=columns.customer, item=columns.item, quantity=columns.quantity)
    numbered = future.with_columns(pl.lit("1").alias("_basket"))
    lines, counts = basket_lines(numbered, BasketColumns(**(plain.told() | {"basket": "_basket"})))
    order = columns.basket or columns.date
    told: dict[str, Any] = {"lines": counts["lines"], "left_out": counts["lines"] - lines.height}
    if order is not None:
        each = future.group_by(columns.customer).agg(pl.col(order).n_unique().alias("baskets"))
        told["customers_with_several_baskets"] = int((each["baskets"] > 1).sum())
    truth = lines.select("customer_id", "product_id").unique().sort("customer_id", "product_id")
    return truth, told | {"customers": truth["customer_id"].n_unique(), "pairs": truth.height}


def _without_last(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines without each customer's last basket, where there is an earlier one; and those baskets."""
    place = pl.col("basket").rank("dense").over("customer_id")
    placed = lines.with_columns(place.alias("place")).with_columns(
        pl.col("place").max().over("customer_id").alias("last")
    )
    is_last = (pl.col("place") == pl.col("last")) & (pl.col("last") > 1)
    truth = placed.filter(is_last).select("customer_id", "product_id").unique().sort("customer_id", "product_id")
    return placed.filter(~is_last).drop("place", "last"), truth


def _listed(request: BasketRequest, bundle: "Bundle", tables: _Tables) -> tuple[dict[str, Any] | None, pl.DataFrame]:
    """Everybody's lists, with their figures where it is known what was bought next."""
    from models.next_basket import evaluate_and_rank, rank_next_basket  # noqa: PLC0415 heavy

    asked: _Ranking = {"top": request.top, "mode": request.mode, "threads": request.threads}
    if tables.truth is None:
        return None, rank_next_basket(bundle, tables.baskets, **asked)
    if tables.truth.is_empty():
        raise NothingToJudgeByError(held_out=request.hold_out_last)
    return evaluate_and_rank(bundle, tables.baskets, tables.truth, ranking=asked, seed=request.seed)


def _report(request: BasketRequest, tables: _Tables, bundle: "Bundle") -> dict[str, Any]:
    return {
        "status": "done",
        "history_file": request.history.name,
        "future_file": None if request.future is None else request.future.name,
        "method": bundle.method if bundle.method == "lightgbm" else f"baseline: {bundle.parameters['baseline']}",
        "beats_baseline": bundle.beats_baseline,
        "reasons": list(bundle.reasons),
        "validation": bundle.metrics,
        "parameters": bundle.parameters,
        "ideal": "NDCG@k is divided by the DCG of min(k, products bought) hits; recall@k by products bought",
        **tables.told,
    }


def _write(folder: Path, bundle: "Bundle", offers: pl.DataFrame) -> dict[str, str]:
    place = folder / MODEL_FOLDER
    place.mkdir(parents=True, exist_ok=True)
    contents = {**bundle.files, MANIFEST_FILE: bundle.manifest(), DIGEST_FILE: bundle.digest().encode()}
    for stale in place.iterdir():
        if stale.is_file() and stale.name not in contents:
            stale.unlink()
    for name, content in contents.items():
        (place / name).write_bytes(content)
    write_csv(offers, folder / f"{OFFERS}.csv")
    write_parquet(offers, folder / f"{OFFERS}.parquet")
    return {
        "model": str(place),
        "offers": str(folder / f"{OFFERS}.csv"),
        "offers_parquet": str(folder / f"{OFFERS}.parquet"),
        "report_json": str(folder / "report.json"),
    }
