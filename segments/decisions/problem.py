"""What is to be chosen: options, customers with the value of each option, and limits over all of them.

Belongs here: the arrays of the problem and what of it is chosen at given prices. Does not: finding the prices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NO_OPTION = -1


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A limit over all customers: the sum over what is chosen of `uses` stays at most `most`.

    A minimum is written with negative uses: at least 200 letters is -1 for every letter, at most -200.

    Attributes:
        name: for people, e.g. `the budget`, `e-mails in the period`, `stock of Lamp`.
        uses: what one choice of each option takes of it, shape (options,).
        most: how much there is.
        unit: `money` (minor units) or `contacts`.
    """

    name: str
    uses: Floats
    most: float
    unit: str = "contacts"

    @property
    def is_minimum(self) -> bool:
        """Whether it asks for more of something."""
        return bool((self.uses < 0).any())


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a choice has to keep.

    Attributes:
        channel: number of each option's channel, shape (options,).
        at_most: offers a customer.
        at_most_a_channel: offers a customer and channel.
        limits: over all customers.
    """

    channel: Ints
    at_most: int = 1
    at_most_a_channel: int = 1
    limits: tuple[Limit, ...] = ()

    @property
    def uses(self) -> Floats:
        """Shape (limits, options)."""
        if not self.limits:
            return np.zeros((0, len(self.channel)))
        return np.stack([limit.uses for limit in self.limits])

    @property
    def most(self) -> Floats:
        """Shape (limits,)."""
        return np.array([limit.most for limit in self.limits], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Some customers, a row each.

    Attributes:
        option: numbers of the options open to a customer, `NO_OPTION` where there are fewer, shape (customers, width).
        value: net gain of each in minor units, shape (customers, width), any integer dtype.
    """

    option: npt.NDArray[np.integer]
    value: npt.NDArray[np.integer]


class Buckets(Protocol):
    """Buckets that may be read one at a time; a list of them will do."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int) -> Bucket: ...


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is chosen in one bucket.

    Attributes:
        taken: shape (customers, width).
        reduced: value less the prices of what the option uses; -inf where there is no option.
    """

    taken: Flags
    reduced: Floats


def chosen_at(bucket: Bucket, price: Floats, rules: Rules) -> Chosen:
    """The best choice of every customer where using a limit costs its price.

    Taking the best first, within the numbers a customer and a channel, is optimal: the two are nested (a laminar
    matroid). Equal values: the first in the row.

    Args:
        bucket: the customers.
        price: of each option, shape (options,): the sum of its uses times the limits' prices.
        rules: how many a customer and a channel.
    """
    cost = np.append(price, np.inf)  # the last stands for no option, -1
    reduced = bucket.value - cost[bucket.option]
    taken = np.zeros(reduced.shape, dtype=np.bool_)
    if not reduced.size:
        return Chosen(taken=taken, reduced=reduced)
    left = reduced if rules.at_most == 1 else reduced.copy()
    rows = np.arange(len(reduced))
    for turn in range(rules.at_most):
        best = left.argmax(axis=1)
        wanted = left[rows, best] > 0
        if not wanted.any():
            break
        taken[rows[wanted], best[wanted]] = True
        if turn + 1 < rules.at_most:
            _close(left, taken, bucket, (best, wanted), rules)
    return Chosen(taken=taken, reduced=reduced)


def totals(bucket: Bucket, taken: Flags, uses: Floats) -> tuple[float, Floats]:
    """Value of what is taken, and what it uses of each limit, shape (limits,)."""
    options = bucket.option[taken]
    counts = np.bincount(options, minlength=uses.shape[1]).astype(np.float64)
    return float(bucket.value[taken].sum(dtype=np.int64)), uses @ counts


def sampled(buckets: Buckets, most: int) -> tuple[Bucket, float]:
    """Every n-th customer of all buckets as one bucket, and which share of the customers that is."""
    sizes = [len(buckets[place].option) for place in range(len(buckets))]
    total = sum(sizes)
    step = max(-(-total // most), 1)
    parts = [buckets[place] for place in range(len(buckets))] if step == 1 else []
    if step > 1:
        for place in range(len(buckets)):
            bucket = buckets[place]
            parts.append(Bucket(option=bucket.option[::step].copy(), value=bucket.value[::step].copy()))
    together = joined(parts)
    return together, len(together.option) / max(total, 1)


def joined(parts: Sequence[Bucket]) -> Bucket:
    """Buckets under each other, as wide as the widest."""
    width = max((part.option.shape[1] for part in parts), default=0)
    options = [np.pad(part.option, ((0, 0), (0, width - part.option.shape[1])), constant_values=-1) for part in parts]
    values = [np.pad(part.value, ((0, 0), (0, width - part.value.shape[1]))) for part in parts]
    if not parts:
        return Bucket(option=np.zeros((0, 0), dtype=np.int64), value=np.zeros((0, 0), dtype=np.int64))
    return Bucket(option=np.concatenate(options), value=np.concatenate(values))


def _close(
    left: Floats,
    taken: Flags,
    bucket: Bucket,
    turn: tuple[Ints, Flags],
    rules: Rules,
) -> None:
    """Take what was chosen (the best column of the rows that wanted one), and what its full channel closes, away."""
    best, wanted = turn
    rows = np.flatnonzero(wanted)
    left[rows, best[rows]] = -np.inf
    channel = np.append(rules.channel, -1)[bucket.option]
    of_best = channel[rows, best[rows]]
    same = channel[rows] == of_best[:, None]
    full = (taken[rows] & same).sum(axis=1) >= rules.at_most_a_channel
    left[rows[full]] = np.where(same[full], -np.inf, left[rows[full]])
