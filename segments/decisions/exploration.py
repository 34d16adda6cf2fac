"""Who gets an open offer by lot instead of the best, and with which probability all was done: to be learnt from.

Belongs here: the lots, and the probabilities to log. Does not: the control group's draw (`segments.control_group`), the
choice for everybody else (`choosing`).

Customers are drawn by a hash of audience and customer, in the order of their draw, and get one of their open offers by
lot, whatever it brings. Lots may use the exploration's share of each limit (budget, capacity, stock) and no more: where
that is used up, the lot falls among the offers that are left, and whoever has none left is chosen for as usual. As the
order is a lot too, the probability of each offer is known: with options that were to be had up to the shares
t1 <= t2 <= ... <= tn of the draws, the first has t1/n, the next (t2 - t1)/(n - 1) more, and so on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from segments.control_group import DRAW_RANGE, drawn_of
from segments.decisions.problem import Floats, Ints, Rules

EXPLORATION = "exploration of "
SEPARATOR = "\x1f"


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """How many customers get an open offer by lot: the same ones every night for an audience of the same name.

    Attributes:
        audience: its name.
        share: of customers, and of each limit, from 0 to below 1.
    """

    audience: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Lots:
    """What was drawn.

    Attributes:
        taken: which candidates were drawn, shape (candidates,).
        until: of each option, up to which share of the draws it was to be had, from 0 to 1, shape (options,).
    """

    taken: npt.NDArray[np.bool_]
    until: Floats


def drawn_for(candidates: pl.DataFrame, exploration: Exploration) -> pl.DataFrame:
    """Of candidates sorted by customer those of customers who are drawn to get one by lot."""
    if not exploration.share or not candidates.height:
        return candidates.clear()
    starts = _starts(candidates["customer_id"])
    drawn = _draws(candidates["customer_id"].gather(starts), exploration) < 1
    return candidates.filter(pl.Series(np.repeat(drawn, np.diff(np.append(starts, candidates.height)))))


def draw_lots(candidates: pl.DataFrame, rules: Rules, exploration: Exploration) -> Lots:
    """Draw one open offer for each customer of the exploration, as far as its share of the limits goes.

    Args:
        candidates: of `drawn_for`, those that are open, and of the control group those that would be: `customer_id`,
            `offer_id`, `channel`, `option` (number of the option), `is_open` (Boolean); sorted by the first three.
        rules: whose limits are kept.
        exploration: how many.
    """
    taken = np.zeros(candidates.height, dtype=np.bool_)
    if not exploration.share:
        return Lots(taken=taken, until=np.zeros(len(rules.channel)))
    starts = _starts(candidates["customer_id"])
    ends = np.append(starts[1:], candidates.height)
    draws = _draws(candidates["customer_id"].gather(starts), exploration)
    lots = _lots(candidates, exploration)
    is_open, option = candidates["is_open"].to_numpy(), candidates["option"].to_numpy().astype(np.int64)
    room = _Room(rules, exploration.share)
    for customer in np.argsort(draws, kind="stable").tolist():
        mine = np.arange(starts[customer], ends[customer])
        left = mine[is_open[mine] & (room.until[option[mine]] >= 1)]
        if len(left):
            drawn = left[lots[left].argmin()]
            taken[drawn] = True
            room.take(int(option[drawn]), float(draws[customer]))
    return Lots(taken=taken, until=room.until)


def lot_probabilities(customer: Ints, until: Floats) -> Floats:
    """Of each candidate, that the lot falls on it where its customer is drawn, shape (candidates,).

    Args:
        customer: of each candidate, rising, shape (candidates,).
        until: up to which share of the draws each was to be had, shape (candidates,).
    """
    if not len(until):
        return until
    starts = np.flatnonzero(np.append(np.True_, customer[1:] != customer[:-1]))
    count = np.diff(np.append(starts, len(until)))
    turn = np.arange(count.max())
    there = turn < count[:, None]
    table = np.ones(there.shape)
    table[there] = until
    order = np.where(there, table, 2.0).argsort(axis=1, kind="stable")
    rises = np.diff(np.take_along_axis(table, order, axis=1), axis=1, prepend=0.0)
    steps = rises / np.maximum(count[:, None] - turn, 1)
    np.put_along_axis(table, order, np.cumsum(steps, axis=1), axis=1)
    found: Floats = table[there]
    return found


def with_propensities(candidates: pl.DataFrame, *, control_share: float, exploration_share: float) -> pl.DataFrame:
    """With which probability each customer is addressed, and gets each offer, the draws of both groups included.

    Args:
        candidates: as `choosing.choose` gives them.
        control_share: of customers left alone.
        exploration_share: see `Exploration`.

    Returns:
        The same with `propensity` (that the customer is addressed at all) and `offer_propensity` (that this offer is
        made to them), Float64; null where no draw decides because a rule forbids it.
    """
    by_lot = exploration_share * pl.col("lot_probability")
    reached = by_lot.sum().over("customer_id")
    asked = pl.col("lot_probability").is_not_null()
    usual = pl.col("usual").cast(pl.Float64) * (1.0 - reached) + by_lot
    usual_at_all = pl.col("usual").any().over("customer_id").cast(pl.Float64) * (1.0 - reached) + reached
    addressed = 1.0 - control_share
    return candidates.with_columns(
        pl.when(asked).then(addressed * usual_at_all).alias("propensity"),
        pl.when(asked).then(addressed * usual).alias("offer_propensity"),
    )


class _Room:
    """What lots may still use of each limit, and up to which share of the draws each option was to be had."""

    def __init__(self, rules: Rules, share: float) -> None:
        caps = np.flatnonzero([not limit.is_minimum for limit in rules.limits])
        self._uses = rules.uses[caps]
        self._left = rules.most[caps] * share
        self.until = np.ones(len(rules.channel))
        self._close(0.0)

    def take(self, option: int, draw: float) -> None:
        """One of an option was drawn by the customer of a draw."""
        self._left = self._left - self._uses[:, option]
        if (self._left < self._largest).any():
            self._close(draw)

    def _close(self, draw: float) -> None:
        """Options that no longer fit were to be had up to this draw."""
        closes = (self.until >= 1) & (self._uses > self._left[:, None]).any(axis=0)
        self.until[closes] = draw
        still = self._uses[:, self.until >= 1]
        self._largest = still.max(axis=1, initial=0.0)


def _starts(customer: pl.Series) -> Ints:
    """The first row of each customer."""
    starts: Ints = np.flatnonzero(np.diff(customer.rle_id().to_numpy().astype(np.int64), prepend=-1))
    return starts


def _draws(customers: pl.Series, exploration: Exploration) -> Floats:
    """Of each customer, as a share of the exploration's: who has below 1 is drawn, shape (customers,)."""
    audience = f"{EXPLORATION}{exploration.audience}"
    drawn = np.array([drawn_of(audience, name) for name in customers.to_list()], dtype=np.uint64)
    return drawn.astype(np.float64) / DRAW_RANGE / exploration.share


def _lots(candidates: pl.DataFrame, exploration: Exploration) -> npt.NDArray[np.uint64]:
    """The lots of candidates, shape (candidates,): of a customer's the smallest is drawn."""
    audience = f"{EXPLORATION}{exploration.audience}"
    rows = candidates.select("customer_id", "offer_id", "channel").rows()
    return np.array([drawn_of(audience, SEPARATOR.join(row)) for row in rows], dtype=np.uint64)
