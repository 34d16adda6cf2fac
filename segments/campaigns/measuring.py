"""One campaign's contacted held against those left alone: by lot where there is one, else against their like, or not.

Belongs here: which comparison can be made, and its effects. Does not: money and words (`ledger.py`, `telling.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from segments.campaigns.estimating import Effect, effects
from segments.campaigns.likeness import Sides, by_lot, drawn_by_lot, matched
from segments.campaigns.rows import BEFORE, YEAR_DAYS
from segments.campaigns.rules import CONTACTED, HELD_OUT, HOLD_OUT, MATCHED, NOT_COMPARED, CampaignRules

OUTCOMES = ("orders", "net_amount", "margin_amount")
LATER, PROMOTED, OTHERS = "later_net_amount", "promoted_net_amount", "other_net_amount"
EARLIER = "earlier_net_amount"
LEAST_DAYS = 90  # of orders, for customers to be called alike, or for the year before last to say anything
SURELY = 2.5758293035489  # standard errors: 99 %


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the loaded orders show around a campaign's window.

    Attributes:
        later: the window after the window is over.
        before_days: how many days of orders lie before the first contact.
    """

    later: bool
    before_days: int

    @property
    def earlier(self) -> bool:
        """Whether there is enough of the year before last for a trial run where nothing can have been caused."""
        return self.before_days >= YEAR_DAYS + LEAST_DAYS


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison says.

    Attributes:
        evidence: one of `rules.EVIDENCE`.
        why: why there is none, or why it is not by the hold-out; empty otherwise.
        compared_with: customers left alone that count.
        imbalance: standardised differences by name of `rows.BEFORE`; empty where nothing could be compared.
        with_like: share of the contacted with a like.
        effects: by outcome.
        likes_further, contacted_further: share of each side with further contacts in the window.
    """

    evidence: str
    why: str = ""
    compared_with: int = 0
    imbalance: Mapping[str, float] = field(default_factory=dict)
    with_like: float | None = None
    effects: Mapping[str, Effect] = field(default_factory=dict)
    likes_further: float = 0.0
    contacted_further: float = 0.0


def compare(rows: pl.DataFrame, *, seen: Seen, rules: CampaignRules) -> Comparison:
    """Hold the contacted against those left alone.

    Args:
        rows: of one campaign, as `rows.campaign_rows` returns them.
        seen: what the orders show.
        rules: the limits.
    """
    least = rules.least_customers
    contacted = rows.filter(pl.col("side") == CONTACTED).height
    held_out = rows.filter(pl.col("side") == HELD_OUT).height
    if contacted < least:
        return Comparison(
            evidence=NOT_COMPARED, why=f"{contacted:,} contacted are too few: at least {least} are needed"
        )
    why = ""
    if held_out >= least:
        own = rows.filter(pl.col("side").is_in([CONTACTED, HELD_OUT]))
        lots = by_lot(own)
        logged = int((lots.weights[~lots.contacted] > 0).sum())
        if lots.with_like < rules.least_with_like or logged < least:
            why = "too few of its customers have the chance logged with which they were drawn"
        elif drawn_by_lot(lots):
            return _compared(own, lots, seen=seen, evidence=HOLD_OUT, why="")
        else:
            why = "those held out differ clearly from the contacted beforehand: no lot was drawn"
        rows = own
    elif held_out:
        why = f"{held_out:,} held out are too few: at least {least} are needed"
    return _against_likes(rows, why, seen=seen, rules=rules)


def _against_likes(rows: pl.DataFrame, why: str, *, seen: Seen, rules: CampaignRules) -> Comparison:
    left_alone = rows.height - rows.filter(pl.col("side") == CONTACTED).height
    if left_alone < rules.least_customers:
        told = f"{left_alone:,} customers were left alone, at least {rules.least_customers} are needed"
        return Comparison(evidence=NOT_COMPARED, why=f"{why}; {told}" if why else told)
    if seen.before_days < LEAST_DAYS:
        told = f"orders begin {seen.before_days} days before it, too few to tell who was alike"
        return Comparison(evidence=NOT_COMPARED, why=f"{why}; {told}" if why else told)
    sides = matched(rows, least_with_like=rules.least_with_like)
    found = _compared(rows, sides, seen=seen, evidence=MATCHED, why=why)
    refusal = _refusal(sides, found, rules)
    if not refusal:
        return found
    return Comparison(
        evidence=NOT_COMPARED,
        why=f"{why}; {refusal}" if why else refusal,
        compared_with=found.compared_with,
        imbalance=found.imbalance,
        with_like=found.with_like,
        effects={name: effect for name, effect in found.effects.items() if name == EARLIER},
    )


def _refusal(sides: Sides, found: Comparison, rules: CampaignRules) -> str:
    if sides.with_like < rules.least_with_like:
        return f"only {sides.with_like:.0%} of the contacted have a like among those left alone"
    weights = sides.weights[~sides.contacted]
    worth = weights.sum() ** 2 / max(float(weights @ weights), 1e-12)
    if worth < rules.least_customers / 2:
        return f"those left alone who are like the contacted are worth {worth:,.0f} customers only"
    name, most = max(found.imbalance.items(), key=lambda one: (abs(one[1]), one[0]))
    if abs(most) > rules.most_imbalance:
        told = name.replace("_", " ")
        return f"the contacted and their like differ by {abs(most):.2f} standard deviations in {told}"
    earlier = found.effects.get(EARLIER)
    if earlier is not None and abs(earlier.mean) > SURELY * earlier.error:
        than = "more" if earlier.mean > 0 else "less"
        return f"the contacted bought {than} than their like in the year before last already: they are not alike"
    return ""


def _compared(rows: pl.DataFrame, sides: Sides, *, seen: Seen, evidence: str, why: str) -> Comparison:
    outcomes = [pl.col(name).cast(pl.Float64) for name in OUTCOMES]
    if seen.later:
        outcomes.append(pl.col(LATER).cast(pl.Float64))
    if seen.earlier and evidence == MATCHED:
        outcomes.append(pl.col(EARLIER).cast(pl.Float64))
    if rows[PROMOTED].null_count() == 0:
        promoted = pl.col(PROMOTED).cast(pl.Float64)
        outcomes += [promoted, (pl.col("net_amount") - promoted).alias(OTHERS)]
    asked = rows.select(outcomes)
    counts = sides.weights > 0
    further = (rows["further_contacts"] > 0).to_numpy()
    imbalance = sides.imbalance()
    usable = bool((counts & sides.contacted).any() and (counts & ~sides.contacted).any())
    found = effects(asked.to_numpy(), sides, by_lot=evidence == HOLD_OUT) if usable else []
    return Comparison(
        evidence=evidence,
        why=why,
        compared_with=int((counts & ~sides.contacted).sum()),
        imbalance=dict(zip(BEFORE, imbalance.tolist(), strict=True)),
        with_like=sides.with_like,
        effects=dict(zip(asked.columns, found, strict=False)),
        likes_further=_share(further, sides.weights * ~sides.contacted),
        contacted_further=_share(further, sides.weights * sides.contacted),
    )


def _share(happened: np.ndarray, weights: np.ndarray) -> float:
    return float(happened @ weights / max(weights.sum(), 1e-12))
