"""Choosing among the candidates of all customers, as frames: what is chosen, and at which prices.

Belongs here: the order of lots, choice and prices, and what of it stands beside each candidate. Does not: the choice
itself (`allocation`), the company's rules (`choice_rules`), words (`explaining`).

Candidates come in parts, some customers at a time, and are kept as a few numbers each (`candidate_numbers`): a million
customers' frames need not be in memory together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from segments.decisions.allocation import Allocation, allocate
from segments.decisions.candidate_numbers import CandidateNumbers, CandidateParts, Explored, numbered
from segments.decisions.choice_rules import ChoiceRules, rules_over
from segments.decisions.exploration import Exploration, Lots, draw_lots, lot_probabilities
from segments.decisions.problem import Flags, Floats, Ints, Rules, chosen_at
from segments.errors import RulesClashError

EXPLORATION_SHARE = "the exploration share"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen.

    Attributes:
        numbers: the candidates, sorted by customer, offer and channel.
        chosen, by_lot, usual: see `told`, shape (candidates,).
        lots: what was drawn.
        rules: the limits with their names.
        used: of each limit, shape (limits,).
        allocation: prices, value; None where nothing was open.
    """

    numbers: CandidateNumbers
    chosen: Flags
    by_lot: Flags
    usual: Flags
    lots: Lots
    rules: Rules
    used: Floats
    allocation: Allocation | None

    @property
    def candidates(self) -> pl.DataFrame:
        """All candidates with what was decided, see `told`; for those who have few enough of them."""
        return pl.concat(self.told_parts())

    def told_parts(self) -> Iterator[pl.DataFrame]:
        """See `told`, of one part after the other."""
        return (self.told(place) for place in range(len(self.numbers.parts)))

    def told(self, place: int) -> pl.DataFrame:
        """The candidates of a part with what was decided.

        Returns:
            As handed in, sorted by customer, offer and channel, with `chosen` (Boolean), `price_amount`
            (Float64, what the limits it uses are worth), `dearest_limit` (String or null, the one worth most),
            `by_lot` (Boolean, the customer gets what a lot fell on), `usual` (Boolean, chosen if neither a lot nor the
            control group stood in the way) and `lot_probability` (Float64, that a lot falls on it where its customer is
            drawn; null where a rule forbids it).
        """
        mine = self.numbers.places(place)
        option, asked = self.numbers.option[mine], self.numbers.asked[mine]
        price, dearest = _prices(self.rules, self.allocation)
        names = pl.Series("dearest_limit", [limit.name for limit in self.rules.limits] or [""], dtype=pl.String)
        probability = np.zeros(len(option))
        probability[asked] = lot_probabilities(self.numbers.customer(place)[asked], self.lots.until[option[asked]])
        told = self.numbers.rows(place).with_columns(
            pl.Series("chosen", self.chosen[mine]),
            pl.Series("price_amount", price[option]),
            names.gather(np.maximum(dearest, 0)[option]),
            pl.Series("by_lot", self.by_lot[mine]),
            pl.Series("usual", self.usual[mine]),
            pl.when(pl.Series(asked)).then(pl.Series(probability)).alias("lot_probability"),
        )
        limited = pl.Series((dearest >= 0)[option])
        return told.with_columns(pl.when(limited).then("dearest_limit").alias("dearest_limit"))


def choose(candidates: CandidateParts, rules: ChoiceRules, exploration: Exploration | None = None) -> Choice:
    """Choose for all customers at once what brings most.

    Args:
        candidates: frames of some customers each, the customers of one after those of the one before; a row a customer,
            offer and channel: `customer_id`, `offer_id`, `channel` (String), `gain_amount`, `cost_amount` (Int64, minor
            units), `blocked` (String, null where open), columns that minimums name, and, where there is a control
            group, `held_out` (Boolean: nothing but that group blocks it).
        rules: see `ChoiceRules`.
        exploration: whom to give an offer by lot first; the others share what that leaves of the limits.

    Raises:
        SegmentColumnsMissingError, SegmentKeyRepeatedError: the candidates are not that.
        RulesClashError: no choice keeps the rules.
    """
    exploration = exploration or Exploration(audience="", share=0.0)
    numbers, explored = numbered(candidates, named=rules.columns, exploration=exploration)
    posed = rules_over(numbers.options, rules)
    lots, drawn = _drawn(numbers, explored, posed, exploration)
    by_lot = numbers.of_same_customer(drawn)
    of_lots = posed.uses @ np.bincount(numbers.option[drawn], minlength=numbers.options.height).astype(np.float64)
    open_ = numbers.is_open & ~by_lot
    try:
        taken, allocation = _allocated(numbers, open_, posed, of_lots)
    except RulesClashError as error:
        if by_lot.any() and _allocated(numbers, numbers.is_open, posed, 0.0 * of_lots):  # else they clash anyway
            raise RulesClashError(clashing=[*error.clashing, EXPLORATION_SHARE], missed=error.clashing[0]) from error
        raise
    return Choice(
        numbers=numbers,
        chosen=taken | drawn,
        by_lot=by_lot,
        usual=taken | _usual(numbers, numbers.asked & ~open_, posed, allocation),
        lots=lots,
        rules=posed,
        used=of_lots if allocation is None else of_lots + allocation.used,
        allocation=allocation,
    )


def _drawn(numbers: CandidateNumbers, explored: Explored, rules: Rules, exploration: Exploration) -> tuple[Lots, Flags]:
    """The lots, and which candidates one fell on, shape (candidates,)."""
    option = numbers.option[explored.place].astype(np.int64)
    lots = draw_lots(explored.candidates.with_columns(pl.Series("option", option)), rules, exploration)
    drawn = np.zeros(len(numbers.option), dtype=np.bool_)
    drawn[explored.place[lots.taken]] = True
    return lots, drawn


def _allocated(
    numbers: CandidateNumbers, open_: Flags, rules: Rules, of_lots: Floats
) -> tuple[Flags, Allocation | None]:
    """What is chosen of the open candidates within what the lots leave of the limits."""
    taken = np.zeros(len(open_), dtype=np.bool_)
    if not open_.any():
        return taken, None
    left = replace(
        rules,
        limits=tuple(replace(limit, most=limit.most - of_lots[place]) for place, limit in enumerate(rules.limits)),
    )
    buckets = numbers.buckets(open_)
    allocation = allocate(buckets, left)
    picks = allocation.picks
    taken[buckets.places(picks.bucket, picks.row, picks.column)] = True
    return taken, allocation


def _usual(numbers: CandidateNumbers, wanted: Flags, rules: Rules, allocation: Allocation | None) -> Flags:
    """What customers without a choice of their own would get at the limits' prices."""
    taken = np.zeros(len(wanted), dtype=np.bool_)
    if not wanted.any():
        return taken
    price, _ = _prices(rules, allocation)
    buckets = numbers.buckets(wanted)
    for number in range(len(buckets)):
        row, column = np.nonzero(chosen_at(buckets[number], price, rules).taken)
        taken[buckets.places(np.full(len(row), number), row, column)] = True
    return taken


def _prices(rules: Rules, allocation: Allocation | None) -> tuple[Floats, Ints]:
    """What the use of the limits by each option is worth, and the limit that is worth most (-1: none)."""
    if allocation is None or not rules.limits:
        return np.zeros(len(rules.channel)), np.full(len(rules.channel), -1)
    worth = allocation.prices.of_limits[:, None] * rules.uses
    dearest = np.where(worth.max(axis=0) > 0, worth.argmax(axis=0), -1)
    return worth.sum(axis=0), dearest
