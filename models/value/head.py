"""The expected net spend, and the expected orders, over one horizon: expectations without learning, trees, a level.

    orders = level of orders · expected orders · exp(trees)
    amount = level · ( ½ · E[orders | trees] · E[amount of an order]  +  ½ · anchor · exp(trees) )

Both anchors are the parametric ones of `anchor`, so the trees learn by how much customers depart from them, and
the largest customers, whom trees alone would pull into the crowd, keep their size. One half forecasts counts, which are
far less noisy than amounts, the other amounts; two forecasts of the same thing with equal weights are better than
either (Bates and Granger 1969). Trees are fitted to the mean (Poisson likelihood), so nothing has to be transformed
back. Single outcomes more than the 99.5 % quantile above what is expected are capped for the trees, and count in full
for the level. Every training window is allowed its own level, so the trees don't learn the calendar; how high the
coming window's is, is read from the past ones (`level`).

Belongs here: one horizon. Does not: the 12-month extension, intervals, baselines' verdicts (`value`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from models.judging.baselines import RunRate
from models.learners import boosting
from models.learners.boosting import MeanTarget
from models.learners.encoding import Encoder, Floats, encoder_from, fit_encoder
from models.value.anchor import Anchor, anchor_from, fit_anchor
from models.value.level import Levels, levels_from, measured_levels

CAP_QUANTILE = 0.995
SMALL = 0.02  # of the mean outcome: the least that is expected of anybody before trees
FARTHEST = 10.0  # logarithm: trees never move an expectation farther
MODEL = "value"


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """How to fit a head.

    Attributes:
        features: candidates, in order.
        horizon_days: the window.
        run_rate: the honest baseline, and half of the anchor.
        threads: for LightGBM; without effect on the result.
        seed: for LightGBM.
        tuned: settings of the trees that were searched for (`tuning`), in place of ours.
    """

    features: tuple[str, ...]
    horizon_days: int
    run_rate: RunRate
    threads: int
    seed: int
    tuned: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ValueHead:
    """A fitted head.

    Attributes:
        horizon_days: the window asked about.
        encoder: features of the trees.
        anchor: expectations without learning.
        order_trees: ln(orders) over the anchor's, LightGBM text; empty: the anchor alone.
        amount_trees: the same of amounts.
        small_orders: added to expected orders before the logarithm.
        small_amount: the same of amounts (minor units).
        balance: makes both halves' totals equal.
        usual_log_amount: mean of the logarithm of what the anchor expects (at least `small_amount` more than nothing).
        order_levels: of the training windows.
        amount_levels: the same of amounts.
    """

    horizon_days: int
    encoder: Encoder
    anchor: Anchor
    order_levels: Levels
    amount_levels: Levels
    order_trees: bytes = b""
    amount_trees: bytes = b""
    small_orders: float = 0.0
    small_amount: float = 0.0
    balance: float = 1.0
    usual_log_amount: float = 0.0

    def amounts(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Expected net amounts (minor units, at least 0), shape (rows,)."""
        return self.relative_amounts(frame, threads=threads) * self.amount_levels.column(frame["snapshot_date"])

    def orders(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Expected purchases, shape (rows,)."""
        return self.relative_orders(frame, threads=threads) * self.order_levels.column(frame["snapshot_date"])

    def relative_amounts(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Amounts without the window's level, shape (rows,)."""
        direct, counted, _ = self.halves(frame, threads=threads)
        return (direct + self.balance * counted) / 2

    def relative_orders(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """Purchases without the window's level, shape (rows,)."""
        anchored = self.anchor.orders(frame, horizon_days=self.horizon_days)
        if not self.order_trees:
            return anchored
        matrix, _ = design(frame, self.encoder, self.anchor, self.horizon_days)
        return (anchored + self.small_orders) * _departure(self.order_trees, matrix, threads)

    def halves(self, frame: pl.DataFrame, *, threads: int) -> tuple[Floats, Floats, Floats]:
        """Without level and balance: amounts as such, orders times their amount, and orders; shape (rows,) each."""
        direct = self.anchor.value(frame, horizon_days=self.horizon_days)
        orders = self.anchor.orders(frame, horizon_days=self.horizon_days)
        if self.order_trees:
            matrix, _ = design(frame, self.encoder, self.anchor, self.horizon_days)
            direct = (direct + self.small_amount) * _departure(self.amount_trees, matrix, threads)
            orders = (orders + self.small_orders) * _departure(self.order_trees, matrix, threads)
        return direct, orders * self.anchor.amount_of_an_order(frame), orders

    def contributions(self, frame: pl.DataFrame, *, threads: int) -> Floats:
        """What each feature adds to ln(amount) through the trees, mean of both halves, shape (rows, features)."""
        matrix, _ = design(frame, self.encoder, self.anchor, self.horizon_days)
        both = [
            boosting.contributions(trees, matrix, threads=threads) for trees in (self.order_trees, self.amount_trees)
        ]
        return (both[0] + both[1])[:, : len(self.encoder.features)] / 2

    def anchor_over_usual(self, frame: pl.DataFrame) -> Floats:
        """Logarithm of what the anchor expects over the usual customer's, shape (rows,)."""
        return self._log_anchor(frame) - self.usual_log_amount

    def without_trees(self, train: pl.DataFrame, *, run_rate_share: float = 0.0) -> "ValueHead":
        """The purchase model alone, its levels measured on `train`; with a share of 1 the run rate instead."""
        bare = replace(
            self,
            encoder=fit_encoder(train, (), model=MODEL),
            anchor=replace(self.anchor, run_rate_share=run_rate_share),
            order_trees=b"",
            amount_trees=b"",
            small_orders=0.0,
            balance=1.0,
        )
        return _levelled(bare, train, threads=1)

    def files(self, prefix: str) -> dict[str, bytes]:
        """As files of a bundle: `<prefix>.json` and the trees, where there are any."""
        content = {
            "horizon_days": self.horizon_days,
            "encoder": self.encoder.described(),
            "anchor": self.anchor.described(),
            "small_orders": self.small_orders,
            "small_amount": self.small_amount,
            "balance": self.balance,
            "usual_log_amount": self.usual_log_amount,
            "order_levels": self.order_levels.described(),
            "amount_levels": self.amount_levels.described(),
        }
        trees = {f"{prefix}_order_trees.txt": self.order_trees, f"{prefix}_amount_trees.txt": self.amount_trees}
        return {
            f"{prefix}.json": json.dumps(content, sort_keys=True).encode(),
            **{name: text for name, text in trees.items() if text},
        }

    def _log_anchor(self, frame: pl.DataFrame) -> Floats:
        return np.log(self.anchor.value(frame, horizon_days=self.horizon_days) + self.small_amount + 1)


def value_head_from(files: dict[str, bytes], prefix: str, run_rate: RunRate) -> ValueHead:
    """The inverse of `ValueHead.files`."""
    content = json.loads(files[f"{prefix}.json"])
    days = content["horizon_days"]
    return ValueHead(
        horizon_days=days,
        encoder=encoder_from(content["encoder"]),
        anchor=anchor_from(content["anchor"], run_rate),
        order_trees=files.get(f"{prefix}_order_trees.txt", b""),
        amount_trees=files.get(f"{prefix}_amount_trees.txt", b""),
        small_orders=content["small_orders"],
        small_amount=content["small_amount"],
        balance=content["balance"],
        usual_log_amount=content["usual_log_amount"],
        order_levels=levels_from(content["order_levels"], horizon_days=days),
        amount_levels=levels_from(content["amount_levels"], horizon_days=days),
    )


def fit_value_head(train: pl.DataFrame, recipe: HeadRecipe) -> ValueHead:
    """Fit one horizon.

    Args:
        train: features, `snapshot_date`, `value_amount` and `order_count`, rows in a stable order; the windows of all
            snapshots have ended.
        recipe: what to fit.
    """
    latest = train.filter(pl.col("snapshot_date") == train["snapshot_date"].max())
    encoder = fit_encoder(train, recipe.features, model=MODEL)
    bare = ValueHead(
        horizon_days=recipe.horizon_days,
        encoder=encoder,
        anchor=fit_anchor(latest, recipe.run_rate),
        order_levels=Levels(horizon_days=recipe.horizon_days, by_day={}),
        amount_levels=Levels(horizon_days=recipe.horizon_days, by_day={}),
    )
    matrix, columns = design(train, encoder, bare.anchor, recipe.horizon_days)
    orders, small_orders = _target(train, "order_count", bare.relative_orders(train, threads=1))
    amounts, small_amount = _target(train, "value_amount", bare.anchor.value(train, horizon_days=recipe.horizon_days))
    order_trees, amount_trees = boosting.train_mean_boosters(
        matrix,
        (orders, amounts),
        encoder=encoder,
        columns=columns,
        threads=recipe.threads,
        seed=recipe.seed,
        tuned=recipe.tuned,
    )
    fitted = replace(
        bare,
        order_trees=order_trees,
        amount_trees=amount_trees,
        small_orders=small_orders,
        small_amount=small_amount,
    )
    usual = float(fitted._log_anchor(train).mean())  # noqa: SLF001 - the same module
    fitted = replace(fitted, usual_log_amount=float(f"{usual:.9g}"))
    return _levelled(fitted, train, threads=recipe.threads)


def purchase_head(customers: pl.DataFrame, *, run_rate: RunRate, horizon_days: int) -> ValueHead:
    """The purchase models alone, fitted on the customers of one date; no outcomes are needed, no level is known.

    Where features don't tell histories it is the run rate.
    """
    empty = Levels(horizon_days=horizon_days, by_day={})
    anchor = replace(fit_anchor(customers, run_rate), run_rate_share=0.0)
    small = SMALL * float(anchor.value(customers, horizon_days=horizon_days).mean())
    head = ValueHead(
        horizon_days=horizon_days,
        encoder=fit_encoder(customers, (), model=MODEL),
        anchor=anchor,
        order_levels=empty,
        amount_levels=empty,
        small_amount=float(f"{small:.9g}"),
    )
    usual = float(head._log_anchor(customers).mean())  # noqa: SLF001 - the same module
    return replace(head, usual_log_amount=float(f"{usual:.9g}"))


def design(frame: pl.DataFrame, encoder: Encoder, anchor: Anchor, horizon_days: int) -> tuple[Floats, list[str]]:
    """The trees' matrix, shape (rows, columns), and its columns: features, then the anchor's expectations."""
    expected = anchor.columns(frame, horizon_days=horizon_days)
    matrix = np.column_stack([encoder.matrix(frame, model=MODEL), *expected.values()])
    return matrix, [*encoder.features, *expected]


def _target(train: pl.DataFrame, column: str, anchored: Floats) -> tuple[MeanTarget, float]:
    """What the trees learn, capped, with every window at its own level; and the least that is expected of anybody."""
    actual = np.maximum(train[column].to_numpy().astype(np.float64), 0.0)
    small = float(f"{SMALL * actual.mean():.9g}")
    days, said = train["snapshot_date"], anchored + small
    levels = measured_levels(days, actual, said, horizon_days=0, first_event=date.min).by_day
    expected = said * days.replace_strict(dict(levels), return_dtype=pl.Float64).to_numpy()
    departure = actual / expected
    highest = np.quantile(departure[actual > 0], CAP_QUANTILE) if (actual > 0).any() else 1.0
    return MeanTarget(values=np.minimum(departure, highest) * expected, offset=np.log(expected)), small


def _departure(trees: bytes, matrix: Floats, threads: int) -> Floats:
    departure: Floats = np.exp(np.clip(boosting.raw_scores(trees, matrix, threads=threads), -FARTHEST, FARTHEST))
    return departure


def _levelled(head: ValueHead, train: pl.DataFrame, *, threads: int) -> ValueHead:
    """The same with its halves balanced, and the levels of the training windows."""
    direct, counted, orders = head.halves(train, threads=threads)
    total = float(counted.sum())
    balance = float(f"{float(direct.sum()) / total if total > 0 else 1.0:.9g}")
    amounts = (direct + balance * counted) / 2
    made, spent = (train[name].to_numpy().astype(np.float64) for name in ("order_count", "value_amount"))
    days, horizon, first = train["snapshot_date"], head.horizon_days, head.anchor.run_rate.first_event
    return replace(
        head,
        balance=balance,
        order_levels=measured_levels(days, made, orders, horizon_days=horizon, first_event=first),
        amount_levels=measured_levels(days, spent, amounts, horizon_days=horizon, first_event=first),
    )
