"""From prices to a choice that keeps every limit: drop what loses least, fill with what brings most.

Belongs here: making the choice whole. Does not: prices, words.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segments.decisions.problem import Bucket, Buckets, Chosen, Floats, Ints, Rules, chosen_at

MOST_FILLS = 300_000  # candidates looked at again, the best first
LEAST_FILLS = 10_000  # of a bucket
TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Picks:
    """A choice: one row a customer and option, sorted by bucket, row and column.

    Attributes:
        bucket, row, column: where, shape (picks,).
        option: which.
        value: minor units.
        surplus: value less prices, less that of the customer's best option not taken (at least 0).
    """

    bucket: Ints
    row: Ints
    column: Ints
    option: Ints
    value: Ints
    surplus: Floats

    def at(self, keep: npt.NDArray[np.bool_] | Ints) -> "Picks":
        """Some of them."""
        return Picks(**{name: getattr(self, name)[keep] for name in self.__dataclass_fields__})


def repaired(buckets: Buckets, prices: Floats, rules: Rules) -> tuple[Picks, Floats]:
    """A choice within the limits, and what it uses of each, shape (limits,).

    Where minimums can't be reached with what is there, they are missed: the caller compares.

    Args:
        buckets: all customers.
        prices: of the limits, shape (limits,).
        rules: numbers a customer and the limits.
    """
    of_option, uses, most = prices @ rules.uses, rules.uses, rules.most
    found = [
        _picks(place, buckets[place], chosen_at(buckets[place], of_option, rules)) for place in range(len(buckets))
    ]
    picks = _together(found)
    picks = _dropped(picks, uses, most)
    used = uses @ np.bincount(picks.option, minlength=uses.shape[1]).astype(np.float64)
    return _Filling(buckets, of_option, rules, picks, used).run()


def _picks(place: int, bucket: Bucket, chosen: Chosen) -> Picks:
    row, column = np.nonzero(chosen.taken)
    next_best = np.where(chosen.taken, -np.inf, chosen.reduced).max(axis=1, initial=-np.inf)
    surplus = chosen.reduced[row, column] - np.maximum(next_best[row], 0.0)
    return Picks(
        bucket=np.full(len(row), place, dtype=np.int64),
        row=row.astype(np.int64),
        column=column.astype(np.int64),
        option=bucket.option[row, column].astype(np.int64),
        value=bucket.value[row, column].astype(np.int64),
        surplus=surplus,
    )


def _together(parts: list[Picks]) -> Picks:
    names = Picks.__dataclass_fields__
    return Picks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _dropped(picks: Picks, uses: Floats, most: Floats) -> Picks:
    """Of every limit that is overused, the picks that lose least a unit are dropped until it holds."""
    minimums = (uses < 0).any(axis=1)
    protected: npt.NDArray[np.bool_] = np.zeros(uses.shape[1], dtype=np.bool_)
    if minimums.any():
        protected = np.asarray((uses[minimums] < 0).any(axis=0))
    for limit in np.flatnonzero(~minimums):
        use = uses[limit, picks.option]
        over = float(use.sum()) - most[limit]
        if over <= TOLERANCE:
            continue
        using = np.flatnonzero(use > 0)
        loss = picks.surplus[using] / use[using]
        order = using[np.lexsort((using, loss, protected[picks.option[using]]))]
        enough = int(np.searchsorted(np.cumsum(use[order]), over - TOLERANCE)) + 1
        keep = np.ones(len(picks.option), dtype=np.bool_)
        keep[order[:enough]] = False
        picks = picks.at(keep)
    return picks


def _without_surplus(picks: Picks, uses: Floats, used: Floats, most: Floats) -> tuple[Picks, Floats]:
    """What costs more than it brings and no minimum needs any more is given up, the dearest first."""
    losing = np.flatnonzero(picks.value < 0)
    keep, used = np.ones(len(picks.value), dtype=np.bool_), used.copy()
    for place in losing[np.lexsort((losing, picks.value[losing]))].tolist():
        without = used - uses[:, picks.option[place]]
        if (without <= np.maximum(most, used) + TOLERANCE).all():
            keep[place], used = False, without
    return picks.at(keep), used


class _Filling:
    """Room that is left is given to the best that still fits, customer by customer; then minimums are raised."""

    def __init__(self, buckets: Buckets, of_option: Floats, rules: Rules, picks: Picks, used: Floats) -> None:
        self.buckets, self.of_option, self.rules = buckets, of_option, rules
        self.used, self.most = used.copy(), rules.most
        self.uses_of = [rules.uses[:, option] for option in range(len(rules.channel))]
        self.taken: dict[tuple[int, int], list[tuple[int, int, int, float]]] = {}
        self.picks = picks

    def run(self) -> tuple[Picks, Floats]:
        """The choice and what it uses."""
        candidates = self._candidates()
        self._index(candidates)
        for _, place, row, column, option, value in candidates:
            if value > 0:
                self._try(place, row, column, option, value)
        for limit in range(len(self.most)):
            if self.used[limit] > self.most[limit] + TOLERANCE and (self.rules.uses[limit] < 0).any():
                self._raise(limit)
        picks = self._result()
        return _without_surplus(picks, self.rules.uses, self.used, self.most)

    def _candidates(self) -> list[tuple[float, int, int, int, int, int]]:
        """Options not taken that lose least, the best first: what they gain, bucket, row, column, option, value."""
        parts = [self._candidates_of(place) for place in range(len(self.buckets))]
        columns = [np.concatenate([part[number] for part in parts]) for number in range(6)]
        order = np.lexsort((columns[3], columns[2], columns[1], -columns[0]))[:MOST_FILLS]
        return list(zip(*[column[order].tolist() for column in columns], strict=True))

    def _candidates_of(self, place: int) -> tuple[npt.NDArray[np.generic], ...]:
        bucket = self.buckets[place]
        reduced = bucket.value - np.append(self.of_option, np.inf)[bucket.option]
        mine = self.picks.bucket == place
        row, column = self.picks.row[mine], self.picks.column[mine]
        given_up = np.full(len(reduced), np.inf)  # by a customer who has all they may have
        np.minimum.at(given_up, row, reduced[row, column])
        full = np.bincount(row, minlength=len(reduced)) >= self.rules.at_most
        reduced[row, column] = -np.inf
        reduced -= np.where(full, given_up, 0.0)[:, None]
        flat = reduced.ravel()
        count = min(max(2 * MOST_FILLS // len(self.buckets), LEAST_FILLS), flat.size)
        best = np.argpartition(-flat, count - 1)[:count] if 0 < count < flat.size else np.arange(flat.size)
        best = best[np.isfinite(flat[best])]
        best.sort()
        row, column = np.divmod(best, max(reduced.shape[1], 1))
        return (
            flat[best],
            np.full(len(best), place),
            row,
            column,
            bucket.option[row, column].astype(np.int64),
            bucket.value[row, column].astype(np.int64),
        )

    def _index(self, candidates: list[tuple[float, int, int, int, int, int]]) -> None:
        """What is taken by those customers whose candidates are looked at."""
        asked = {(place, row) for _, place, row, *_ in candidates}
        fields = (self.picks.bucket, self.picks.row, self.picks.column, self.picks.option, self.picks.value)
        self.kept = np.ones(len(self.picks.option), dtype=np.bool_)
        for number, (place, row, column, option, value) in enumerate(zip(*(f.tolist() for f in fields), strict=True)):
            if (place, row) in asked:
                self.taken.setdefault((place, row), []).append((column, option, value, number))
                self.kept[number] = False

    def _fits(self, option: int, without: int | None = None) -> bool:
        after = self.used + self.uses_of[option] - (self.uses_of[without] if without is not None else 0.0)
        worse = after > np.maximum(self.most, self.used) + TOLERANCE
        return not bool(worse.any())

    def _room(self, key: tuple[int, int], option: int, column: int) -> bool:
        mine = self.taken.get(key, ())
        channel = self.rules.channel
        of_channel = sum(1 for _, other, _, _ in mine if channel[other] == channel[option])
        already = any(other == column for other, _, _, _ in mine)
        return not already and len(mine) < self.rules.at_most and of_channel < self.rules.at_most_a_channel

    def _try(self, place: int, row: int, column: int, option: int, value: int) -> None:
        key = (place, row)
        if not self._room(key, option, column):
            self._swap(key, column, option, value)
        elif self._fits(option):
            self._take(key, column, option, value)

    def _swap(self, key: tuple[int, int], column: int, option: int, value: int) -> None:
        """Where a better option fits in the place of the customer's least, it takes the place."""
        mine = self.taken.get(key, [])
        if not mine:
            return
        least = min(mine, key=lambda pick: (pick[2], -pick[0]))
        if least[2] < value and self._open_without(mine, least, option) and self._fits(option, least[1]):
            mine.remove(least)
            self.used -= self.uses_of[least[1]]
            self._take(key, column, option, value)

    def _open_without(
        self, mine: list[tuple[int, int, int, float]], gone: tuple[int, int, int, float], option: int
    ) -> bool:
        channel = self.rules.channel
        rest = [other for _, other, _, number in mine if number != gone[3] or other != gone[1]]
        return (
            option not in rest and sum(channel[one] == channel[option] for one in rest) < self.rules.at_most_a_channel
        )

    def _take(self, key: tuple[int, int], column: int, option: int, value: int) -> None:
        self.taken.setdefault(key, []).append((column, option, value, -1 - len(self.taken)))
        self.used += self.uses_of[option]

    def _raise(self, limit: int) -> None:
        """Give the options a minimum asks for to those who lose least by it, until it holds."""
        for loss, place, row, column, option, value in self._raising(limit):
            if self.used[limit] <= self.most[limit] + TOLERANCE:
                return
            del loss
            key = (place, row)
            self._adopt(key)
            if self._room(key, option, column):
                if self._fits(option):
                    self._take(key, column, option, value)
                continue
            mine = self.taken.get(key, [])
            least = min(mine, key=lambda pick: (self.rules.uses[limit, pick[1]] < 0, pick[2], -pick[0]), default=None)
            if least is None or self.rules.uses[limit, least[1]] < 0:
                continue
            if self._open_without(mine, least, option) and self._fits(option, least[1]):
                mine.remove(least)
                self.used -= self.uses_of[least[1]]
                self._take(key, column, option, value)

    def _adopt(self, key: tuple[int, int]) -> None:
        """Make a customer's kept picks changeable."""
        if key in self.taken:
            return
        numbers = np.flatnonzero(self.kept & (self.picks.bucket == key[0]) & (self.picks.row == key[1]))
        self.kept[numbers] = False
        self.taken[key] = [
            (int(self.picks.column[n]), int(self.picks.option[n]), int(self.picks.value[n]), int(n)) for n in numbers
        ]

    def _raising(self, limit: int) -> Iterator[tuple[float, int, int, int, int, int]]:
        wanted = np.append(self.rules.uses[limit] < 0, np.False_)
        rows: list[tuple[float, int, int, int, int, int]] = []
        for place in range(len(self.buckets)):
            bucket = self.buckets[place]
            reduced = bucket.value - np.append(self.of_option, np.inf)[bucket.option]
            taken = np.where(wanted[bucket.option], -np.inf, reduced).max(axis=1, initial=-np.inf)
            loss = np.maximum(taken, 0.0)[:, None] - reduced
            row, column = np.nonzero(wanted[bucket.option])
            order = np.lexsort((column, row, loss[row, column]))[:MOST_FILLS]
            row, column = row[order], column[order]
            rows += zip(
                loss[row, column].tolist(),
                [place] * len(row),
                row.tolist(),
                column.tolist(),
                bucket.option[row, column].tolist(),
                bucket.value[row, column].tolist(),
                strict=True,
            )
        rows.sort()
        yield from rows

    def _result(self) -> Picks:
        added = [
            (place, row, column, option, value, 0.0)
            for (place, row), mine in self.taken.items()
            for column, option, value, _ in mine
        ]
        kept = self.picks.at(self.kept)
        columns = [np.array([one[number] for one in added], dtype=np.int64) for number in range(5)]
        names = ("bucket", "row", "column", "option", "value")
        whole = {
            name: np.concatenate([getattr(kept, name), column]) for name, column in zip(names, columns, strict=True)
        }
        surplus = np.concatenate([kept.surplus, np.zeros(len(added))])
        order = np.lexsort((whole["column"], whole["row"], whole["bucket"]))
        return Picks(**{name: values[order] for name, values in whole.items()}, surplus=surplus[order])
