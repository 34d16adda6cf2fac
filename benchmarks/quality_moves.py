"""Tiers against the truth, and whether the causes of moves are told apart: the whole product on a simulated company.

Belongs here: the company's settings and nights, what is provoked between two of them, and the tables. Does not: what
needs no model (`quality_segments`).

One night is published, then copied; in each copy one thing happens before the next night: nothing, another version of
the value model, lines that come late, other shares of the tiers; or a month goes by.
"""

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from config import load_settings
from flows.context import Context
from flows.learning.promoting import promote_by_hand
from flows.running.orchestration import carry_out
from flows.running.progress import Reporter
from segments.standing.causes import CAUSES
from segments.standing.portfolio_contracts import LAST_VERSION
from segments.standing.tier_migration import NO_CHANGE
from segments.vocabulary import VALUE_TIERS
from simulation.retailer import SimulatedCompany, simulate

FIRST, NEXT, END = date(2025, 12, 1), date(2025, 12, 2), date(2026, 1, 1)
LATE_CUSTOMERS = 150
OTHER_SHARES = {"GRISTMILL__SEGMENTS__TIER_SHARES": "[0.08, 0.27, 0.40]"}
OF_SALES = {"GRISTMILL__TRAINING__VALUE_OF": "net_sales"}
BY_LAST_YEAR = "by last year's sales"
SETTINGS = """
[company]
name = "Truth"
currency = "EUR"
time_zone = "Europe/Berlin"

[lake]
buckets = 2

[paths]
data = "."
workspace = "work"

[inputs]
orders = {{ files = "orders*.parquet" }}
customers = {{ files = "customers.parquet" }}
products = {{ files = "products.parquet" }}

[sources.orders]
entity = "orders"
input = "orders"
money = "minor"
columns = {{ {orders} }}

[sources.customers]
entity = "customers"
input = "customers"
money = "minor"
columns = {{ {customers} }}

[sources.products]
entity = "products"
input = "products"
money = "minor"
columns = {{ {products} }}
"""


def moves(customers: int, seed: int) -> list[str]:
    """Both tables, as Markdown lines."""
    company = simulate(customers=customers, start=date(2023, 7, 1), end=END, seed=seed, currency="EUR")
    with tempfile.TemporaryDirectory(prefix="gristmill-") as name:
        folder = Path(name)
        _write(company, folder / "first")
        _do("run", _context(folder / "first"), FIRST)
        provoked = {
            "nothing": _after(folder, "nothing"),
            "model": _after(folder, "model", prepare=_another_model),
            "data correction": _after(folder, "data", prepare=lambda context: _late_lines(context, company, seed)),
            "threshold": _after(folder, "threshold", environment=OTHER_SHARES),
            "behaviour (a month)": _after(folder, "behaviour", day=END),
        }
        told = _customers(_context(folder / "behaviour"))
    return [*_causes(provoked), "", *_tiers(told, company)]


def _causes(provoked: dict[str, pl.DataFrame]) -> list[str]:
    """Customers whose tier, or anything at all, changed: by what was provoked, and the cause that was told."""
    lines = ["| what happened | of | " + " | ".join(CAUSES) + " |", "|---|---|" + "---:|" * len(CAUSES)]
    for what, rows in provoked.items():
        for of in ("tier", "anything"):
            told = rows.filter(of=of).group_by("cause").agg(pl.col("customers").sum())
            counts = dict(told.iter_rows())
            lines.append(f"| {what} | {of} | " + " | ".join(f"{counts.get(word, 0):,}" for word in CAUSES) + " |")
    return lines


def _tiers(told: pl.DataFrame, company: SimulatedCompany) -> list[str]:
    """The tier told, and by last year's sales, against the rank of the true expected value of the same customers."""
    scored = told.filter(pl.col("value_tier").is_in(VALUE_TIERS)).join(company.truth, on="customer_id", validate="1:1")
    year = company.orders.filter(pl.col("ordered_at") >= datetime(END.year - 1, 1, 1, tzinfo=UTC))
    sales = year.group_by("customer_id").agg(pl.col("amount").sum().alias("sales"))
    scored = scored.join(sales, on="customer_id", how="left", validate="1:1").with_columns(pl.col("sales").fill_null(0))
    sizes = [scored.filter(pl.col("value_tier") == tier).height for tier in VALUE_TIERS]
    for name, column in (("truth", "expected_value_next_365_days"), (BY_LAST_YEAR, "sales")):
        place = scored.select(pl.col(column).rank("ordinal", descending=True)).to_series()
        cuts = pl.Series(sizes).cum_sum().to_list()
        word = [next(tier for tier, cut in zip(VALUE_TIERS, cuts, strict=True) if one <= cut) for one in place]
        scored = scored.with_columns(pl.Series(name, word))
    lines = []
    for name, column in (("tier told", "value_tier"), (BY_LAST_YEAR, BY_LAST_YEAR)):
        lines += ["", *confusion(scored, column, VALUE_TIERS, VALUE_TIERS, title=f"{name} / truly")]
        right = scored.select((pl.col(column) == pl.col("truth")).mean()).item()
        best = scored.filter(pl.col(column) == VALUE_TIERS[0])["expected_value_next_365_days"].sum()
        most = scored.filter(pl.col("truth") == VALUE_TIERS[0])["expected_value_next_365_days"].sum()
        lines += [
            "",
            f"{name}: {right:.0%} right; its platinum holds {best / most:.0%} of what the true platinum holds",
        ]
    return lines


def confusion(
    rows: pl.DataFrame, column: str, words: tuple[str, ...], truths: tuple[str, ...], *, title: str
) -> list[str]:
    """A Markdown table: customers by what was told (rows) and `truth` (columns)."""
    counts = {key: count for *key_, count in rows.group_by(column, "truth").len().iter_rows() for key in [tuple(key_)]}
    lines = [f"| {title} | " + " | ".join(truths) + " |", "|---|" + "---:|" * len(truths)]
    for word in words:
        found = [counts.get((word, truth), 0) for truth in truths]
        if any(found):
            lines.append(f"| {word} | " + " | ".join(f"{one:,}" for one in found) + " |")
    return lines


def _after(
    folder: Path,
    name: str,
    *,
    prepare: Any = None,  # noqa: ANN401 a function of the context, or nothing
    environment: dict[str, str] | None = None,
    day: date = NEXT,
) -> pl.DataFrame:
    """Customers by `cause` on a next night in a copy of the first, where one thing happened in between.

    `of`: whose tier changed, or anything that the history keeps.
    """
    shutil.copytree(folder / "first", folder / name)
    context = _context(folder / name, environment)
    if prepare is not None:
        prepare(context)
    _do("score", context, day)
    with context.warehouse(read_only=True) as warehouse:
        moved = warehouse.read_table("segments", "tier_migration").filter(compared_to=LAST_VERSION)
        history = warehouse.read_table("segments", "customer_history").filter(as_of=day)
    changed = history.filter(pl.col("cause").is_not_null())
    return pl.concat(
        [
            moved.filter(pl.col("cause") != NO_CHANGE).select(pl.lit("tier").alias("of"), "cause", "customers"),
            changed.group_by("cause")
            .agg(pl.len().cast(pl.Int64).alias("customers"))
            .select(pl.lit("anything").alias("of"), "cause", "customers"),
        ]
    )


def _another_model(context: Context) -> None:
    """A value model that foretells sales takes over from the one that foretells margin, an hour after its training."""
    _do("train", _context(context.settings.base, OF_SALES), FIRST)
    later = replace(context, clock=lambda: context.now + timedelta(hours=1))
    promote_by_hand(later, name="value", version=2, because="to see what a change of model is called")


def _late_lines(context: Context, company: SimulatedCompany, seed: int) -> None:
    """Purchases of some customers come twice more, loaded an hour after the first night.

    Of two loads of one moment the digest would say which is the last: half of the companies saw nothing come.
    """
    before = company.orders.filter(pl.col("ordered_at") < datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC))
    recent = before.filter(pl.col("ordered_at") >= datetime(2025, 6, 1, tzinfo=UTC), pl.col("amount") > 0)
    chosen = recent["customer_id"].unique().sort().sample(LATE_CUSTOMERS, seed=seed, shuffle=True)
    lines = recent.filter(pl.col("customer_id").is_in(chosen.implode()))
    known = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC)
    twice = [
        lines.with_columns(
            ("late" + pl.lit(str(time)) + pl.col("order_id")).alias("order_id"),
            pl.lit(known, lines.schema["known_at"]).alias("known_at"),
        )
        for time in (1, 2)
    ]
    pl.concat(twice).drop("load_id").write_parquet(context.settings.base / "orders_late.parquet")
    moment = context.now + timedelta(hours=1)
    later = replace(context, now=moment, clock=lambda: moment)
    carry_out("ingest", later, mode="none", config=None, data=None, parameters={})


def _write(company: SimulatedCompany, folder: Path) -> None:
    folder.mkdir()
    columns = {}
    for name in ("orders", "customers", "products"):
        table = getattr(company, name).drop("load_id")
        table.write_parquet(folder / f"{name}.parquet")
        columns[name] = ", ".join(f'{column} = "{column}"' for column in table.columns)
    (folder / "gristmill.toml").write_text(SETTINGS.format(**columns), encoding="utf-8")


def _context(folder: Path, environment: dict[str, str] | None = None) -> Context:
    settings = load_settings(folder / "gristmill.toml", environment=environment or {})
    now = datetime(2026, 1, 2, 3, tzinfo=UTC)
    return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True), run_by="benchmark")


def _customers(context: Context) -> pl.DataFrame:
    with context.warehouse(read_only=True) as warehouse:
        return warehouse.read_table("segments", "customer")


def _do(verb: str, context: Context, day: date) -> None:
    carry_out(verb, context, mode="none", config=None, data=None, parameters={"as_of": day})
