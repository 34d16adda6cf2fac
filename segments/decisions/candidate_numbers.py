"""The candidates of all customers as numbers: what the choice reads again and again, at ten bytes or so each.

Belongs here: from parts of frames to arrays and buckets, and the place of a pick among the candidates. Does not: any
choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from data_contracts.key_order import by_key
from segments.checks import require_columns, require_key
from segments.decisions.exploration import Exploration, drawn_for
from segments.decisions.problem import NO_OPTION, Bucket, Flags, Ints
from segments.errors import SegmentKeyRepeatedError

KEY = ("customer_id", "offer_id", "channel")
OPTION = ("offer_id", "channel", "cost_amount")
CELLS_A_BUCKET = 4_000_000
Whole = npt.NDArray[np.integer]


class CandidateParts(Protocol):
    """Frames of some customers each, that may be read one at a time, several times; a list of them will do."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> pl.DataFrame: ...


@dataclass(frozen=True, kw_only=True)
class Explored:
    """Candidates of the customers drawn to get an offer by lot.

    Attributes:
        candidates: `customer_id`, `offer_id`, `channel`, `is_open`.
        place: of each among all candidates, shape (explored,).
    """

    candidates: pl.DataFrame
    place: Ints


class OpenBuckets:
    """Some candidates of all customers in buckets, a row a customer; see `problem.Buckets`."""

    def __init__(self, numbers: "CandidateNumbers", some: Flags) -> None:
        self._place = np.flatnonzero(some)
        count = np.add.reduceat(some, numbers.first_of_customer, dtype=np.int64)
        count = count[count > 0]
        self._first = np.append(0, np.cumsum(count))
        self._step = max(CELLS_A_BUCKET // int(count.max()), 1)
        self._buckets = [
            self._made(numbers, first, width=int(count.max())) for first in range(0, len(count), self._step)
        ]

    def __len__(self) -> int:
        return len(self._buckets)

    def __getitem__(self, place: int, /) -> Bucket:
        return self._buckets[place]

    def places(self, bucket: Ints, row: Ints, column: Ints) -> Ints:
        """Of cells of buckets, among all candidates."""
        places: Ints = self._place[self._first[bucket * self._step + row] + column]
        return places

    def _made(self, numbers: "CandidateNumbers", first: int, *, width: int) -> Bucket:
        starts = self._first[first : first + self._step + 1]
        there = np.arange(width) < np.diff(starts)[:, None]
        mine = self._place[starts[0] : starts[-1]]
        option = np.full(there.shape, NO_OPTION, dtype=numbers.option.dtype)
        value = np.zeros(there.shape, dtype=numbers.value.dtype)
        option[there], value[there] = numbers.option[mine], numbers.value[mine]
        return Bucket(option=option, value=value)


@dataclass(frozen=True, kw_only=True)
class CandidateNumbers:
    """Candidates sorted by customer, offer and channel, those of all parts one after the other.

    Attributes:
        parts: as handed in.
        options: what differs in offer, channel or cost, a row each: `offer_id`, `channel`, `cost_amount`, and what
            rules go by.
        option: number of each candidate's option, shape (candidates,).
        value: minor units, shape (candidates,).
        is_open: whether no rule forbids it, shape (candidates,).
        asked: open, or held out by nothing but the control group, shape (candidates,).
        first_of_part: the first candidate of each part and the end, shape (parts + 1,).
        first_of_customer: the first candidate of each customer, shape (customers,).
    """

    parts: CandidateParts
    options: pl.DataFrame
    option: Whole
    value: Whole
    is_open: Flags
    asked: Flags
    first_of_part: Ints
    first_of_customer: Ints

    def places(self, part: int) -> slice:
        """Where the candidates of a part are."""
        return slice(int(self.first_of_part[part]), int(self.first_of_part[part + 1]))

    def rows(self, part: int) -> pl.DataFrame:
        """The candidates of a part as handed in, sorted."""
        return by_key(self.parts[part], KEY)

    def customer(self, part: int) -> Ints:
        """Number of the customer of each candidate of a part, rising."""
        mine = self.places(part)
        first, end = np.searchsorted(self.first_of_customer, [mine.start, mine.stop])
        counts = np.diff(np.append(self.first_of_customer[first:end], mine.stop))
        return np.repeat(np.arange(first, end), counts)

    def of_same_customer(self, some: Flags) -> Flags:
        """All candidates of the customers of some."""
        if not some.any():
            return some
        counts = np.diff(np.append(self.first_of_customer, len(some)))
        everything: Flags = np.repeat(np.logical_or.reduceat(some, self.first_of_customer), counts)
        return everything

    def buckets(self, some: Flags) -> OpenBuckets:
        """Some candidates (one at least) in buckets."""
        return OpenBuckets(self, some)


@dataclass
class _Read:
    """What was read so far, a list entry a part."""

    options: list[pl.DataFrame] = field(default_factory=list)
    option: list[Whole] = field(default_factory=list)
    value: list[Whole] = field(default_factory=list)
    is_open: list[Flags] = field(default_factory=list)
    asked: list[Flags] = field(default_factory=list)
    first_of_customer: list[Ints] = field(default_factory=list)
    explored: list[pl.DataFrame] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)

    def add(self, rows: pl.DataFrame, named: Sequence[str], exploration: Exploration) -> None:
        """One part more, sorted."""
        options = rows.select(*OPTION, *named).unique(maintain_order=True).with_row_index("__option")
        own = rows.select(OPTION).join(options, on=OPTION, how="left", validate="m:1", maintain_order="left")
        is_open = rows["blocked"].is_null()
        asked = is_open | rows["held_out"] if "held_out" in rows.columns else is_open
        candidates = rows.select(KEY).with_columns(is_open.alias("is_open")).with_row_index("place", sum(self.heights))
        self.explored.append(drawn_for(candidates.filter(asked), exploration))
        number = rows["customer_id"].rle_id().to_numpy()
        self.first_of_customer.append(np.flatnonzero(np.diff(number, prepend=-1)) + sum(self.heights))
        self.options.append(options)
        self.option.append(own["__option"].to_numpy())
        self.value.append(_narrow(rows["gain_amount"].to_numpy()))
        self.is_open.append(is_open.to_numpy())
        self.asked.append(asked.to_numpy())
        self.heights.append(rows.height)


def numbered(
    parts: CandidateParts, *, named: Sequence[str], exploration: Exploration
) -> tuple[CandidateNumbers, Explored]:
    """Read all parts once.

    Args:
        parts: see `choosing.choose`.
        named: columns that rules go by.
        exploration: whose candidates to hand back as frames.

    Raises:
        SegmentColumnsMissingError, SegmentKeyRepeatedError: the candidates are not what they have to be.
    """
    read, last = _Read(), ""
    for place in range(len(parts)):
        rows = parts[place]
        require_columns(rows, (*KEY, "gain_amount", "cost_amount", "blocked", *named), name="candidates")
        require_key(rows, KEY, name="candidates")
        rows = by_key(rows, KEY)
        if rows.height and place and rows["customer_id"][0] <= last:  # then some are in two parts, or parts in disorder
            raise SegmentKeyRepeatedError(frame="candidates", key=("customer_id", "part"), rows=rows.height)
        last = rows["customer_id"][-1] if rows.height else last
        read.add(rows, named, exploration)
    together = pl.concat(one.drop("__option") for one in read.options).unique().sort(OPTION).with_row_index("__all")
    numbers = CandidateNumbers(
        parts=parts,
        options=together.drop("__all"),
        option=np.concatenate(
            [_among(own, together)[option] for own, option in zip(read.options, read.option, strict=True)]
        ),
        value=np.concatenate(read.value),
        is_open=np.concatenate(read.is_open),
        asked=np.concatenate(read.asked),
        first_of_part=np.append(0, np.cumsum(read.heights)),
        first_of_customer=np.concatenate(read.first_of_customer),
    )
    explored = pl.concat(read.explored)
    return numbers, Explored(candidates=explored.drop("place"), place=explored["place"].to_numpy().astype(np.int64))


def _among(own: pl.DataFrame, together: pl.DataFrame) -> Whole:
    """Numbers of the options of a part among those of all parts."""
    found = own.join(together.select(*OPTION, "__all"), on=OPTION, how="left", validate="m:1", maintain_order="left")
    dtype = np.int16 if together.height < np.iinfo(np.int16).max else np.int32
    number: Whole = found["__all"].to_numpy().astype(dtype)
    return number


def _narrow(value: Ints) -> Whole:
    """The same in four bytes each, where they fit."""
    fits = not len(value) or max(abs(int(value.min())), int(value.max())) <= np.iinfo(np.int32).max
    return value.astype(np.int32) if fits else value
