"""Before training: can the labels of these snapshots be trusted?

Belongs here: checks of the plan's windows and of the outcomes in them, each finding in words. Does not: refusing a
training for too few outcomes (`training.refuse_too_few`), tables of unknown origin (`prepared_table.linting`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from models.judging.gate import suspicious_features
from models.learners.encoding import fit_encoder, usable_features
from models.snapshots.splits import SplitPlan

RARE = 0.02  # of the rarer outcome in a snapshot
JUMP = 0.25  # a snapshot's share of outcomes may lie this far from the median of all
DAYS_SHORT = 7  # data may end this many days before the last window does
MOST_ROWS = 20_000  # looked at for copies of the label


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something about the labels that a data scientist should know.

    Attributes:
        check: `censored`, `impossible window`, `degenerate`, `jump` or `copy of the label`.
        blocks: whether nothing honest can be learnt before it is mended; else it is told and training goes on.
        words: what was found, where.
        feature: the feature it is about, which training then leaves out; empty where it is about none.
    """

    check: Literal["censored", "impossible window", "degenerate", "jump", "copy of the label"]
    blocks: bool
    words: str
    feature: str = ""


def lint_windows(plan: SplitPlan, *, as_of: date, last_event: date) -> list[Finding]:
    """Windows that are not over yet, that reach beyond the data, or that overlap the part they must come before.

    Args:
        plan: the snapshots of one model.
        as_of: nothing of this date or later is known.
        last_event: the last business date with data.
    """
    horizon = timedelta(days=plan.horizon_days)
    found = [
        Finding(
            check="censored",
            blocks=True,
            words=f"the window of {day} ends on {day + horizon}, after {as_of}: who is silent may still act",
        )
        for day in plan.all_snapshots
        if day + horizon > as_of
    ]
    latest = max(plan.all_snapshots) + horizon
    if not found and (latest - last_event).days > DAYS_SHORT:
        told = f"data end on {last_event}, the last window on {latest}: missing days look like customers who left"
        found.append(Finding(check="censored", blocks=False, words=told))
    if plan.horizon_days < 1:
        told = f"a window of {plan.horizon_days} days holds nothing"
        found.append(Finding(check="impossible window", blocks=True, words=told))
    parts = [plan.train, plan.calibrate, (plan.test,)]
    for earlier, later in pairwise(part for part in parts if part):
        if max(earlier) + horizon > min(later):
            told = f"the window of {max(earlier)} is not over when {min(later)} begins: what it learns is asked there"
            found.append(Finding(check="impossible window", blocks=True, words=told))
    return found


def lint_outcomes(rows: pl.DataFrame, target: str, *, names: tuple[str, str]) -> list[Finding]:
    """Snapshots where nearly everybody did the same, or where the share jumps.

    Args:
        rows: `snapshot_date` and a 0/1 target, all snapshots of the plan.
        target: its column.
        names: what a 1 and what a 0 is called, in the plural.
    """
    shares = rows.group_by("snapshot_date").agg(pl.col(target).mean().alias("share")).sort("snapshot_date")
    middle = float(np.median(shares["share"].to_numpy())) if shares.height else 0.0
    found = []
    rare = shares.filter((pl.col("share") < RARE) | (pl.col("share") > 1 - RARE))
    for name, side in (
        (names[0], rare.filter(pl.col("share") < RARE)),
        (names[1], rare.filter(pl.col("share") >= RARE)),
    ):
        if side.height:
            found.append(Finding(check="degenerate", blocks=False, words=_hardly_any(name, side, of=shares.height)))
    for day, share in shares.join(rare, on="snapshot_date", how="anti", maintain_order="left").iter_rows():
        if abs(share - middle) > JUMP:
            told = f"{day}: {share:.0%} {names[0]}, usually {middle:.0%}: a season, or days that are missing?"
            found.append(Finding(check="jump", blocks=False, words=told))
    return found


def _hardly_any(name: str, rare: pl.DataFrame, *, of: int) -> str:
    """Snapshots on which hardly anybody did something, in one sentence."""
    shares = [min(share, 1 - share) for share in rare["share"]]
    low, high = f"{min(shares):.1%}", f"{max(shares):.1%}"
    days, where = rare["snapshot_date"], f"{rare['snapshot_date'][0]}"
    if rare.height > 1:
        where = f"on {rare.height} of {of} snapshots ({days[0]} to {days[-1]})"
    return f"{where}: only {low if low == high else f'{low} to {high}'} {name}; hardly anything to tell apart"


def lint_features(rows: pl.DataFrame, features: Sequence[str], target: str, *, model: str) -> list[Finding]:
    """Features that alone order the outcome almost perfectly: copies of the label, or made after it.

    Args:
        rows: features and a 0/1 target of one snapshot, in a stable order.
        features: the columns to look at.
        target: the target's column.
        model: for messages.
    """
    step = max(rows.height // MOST_ROWS, 1)
    sample = rows[::step]
    happened = sample[target].cast(pl.Float64).to_numpy()
    if not 0 < happened.mean() < 1:
        return []
    kept, _ = usable_features(sample, features)
    encoder = fit_encoder(sample, kept, model=model)
    found = suspicious_features(encoder.matrix(sample, model=model), encoder, happened)
    return [
        Finding(
            check="copy of the label",
            blocks=False,
            words=f"{name} alone orders the outcome almost perfectly (AUC {area:.3f}): it probably knows it; left out",
            feature=name,
        )
        for name, area in sorted(found.items())
    ]
