"""Sums over stretches of sorted integer arrays: what the order ledgers are computed with.

Belongs here: packing keys, finding runs, exact sums. Does not: what the numbers mean. Everything is integer, so no
result depends on the order of equal rows or on the number of threads. A stable sort of one packed 64-bit key is
several times cheaper than sorting by columns; where a key does not fit, the same result comes of a slower sort.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]
KEY_BITS = 63
MISSING = -1  # stands for null in arrays of values that can't be negative


def bits_for(largest: int) -> int:
    """How many bits hold the integers from 0 to `largest`."""
    return max(int(largest).bit_length(), 1)


def run_starts(*keys: npt.NDArray[Any]) -> Ints:
    """Positions at which any of the keys differs from the row before; the first row is one."""
    size = len(keys[0])
    changed = np.empty(size, dtype=bool)
    changed[:1] = True
    changed[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed)


def run_lengths(starts: Ints, size: int) -> Ints:
    """Lengths of the runs that begin at `starts` and fill `size` rows."""
    return np.diff(starts, append=size)


def run_sums(values: npt.NDArray[Any], starts: Ints) -> Ints:
    """Exact sums (Int64) of the runs that begin at `starts`; no run is empty."""
    if len(starts) == 0:
        return np.zeros(0, dtype=np.int64)
    if len(starts) == len(values):
        return values.astype(np.int64, copy=False)
    if values.dtype == bool:
        values = values.view(np.int8)
    return np.add.reduceat(values, starts, dtype=np.int64)


def running_sum(values: npt.NDArray[Any]) -> Ints:
    """Sums of the first 0, 1, … n values (Int64)."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:], dtype=np.int64)
    return sums


def stretches(starts: Ints, lengths: Ints) -> Ints:
    """The row numbers of all stretches, one stretch after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


def ordering(*keys: Ints) -> Ints | None:
    """The order that sorts rows by the keys (non-negative integers), first key first; None when they are sorted."""
    packed = pack(*keys)
    if packed is None:
        return np.lexsort(keys[::-1])
    return None if is_sorted(packed) else np.argsort(packed, kind="stable")


def pack(*keys: Ints) -> Ints | None:
    """The keys in one Int64, first key highest; None when they need more than 63 bits."""
    widths = [bits_for(key.max(initial=0)) for key in keys]
    return pack_in(keys, widths) if sum(widths) <= KEY_BITS else None


def pack_in(keys: Sequence[Ints], widths: Sequence[int]) -> Ints:
    """The keys in one Int64, each in so many bits."""
    packed = keys[0].astype(np.int64)
    for key, width in zip(keys[1:], widths[1:], strict=True):
        packed <<= width
        packed |= key
    return packed


def is_sorted(values: npt.NDArray[Any]) -> bool:
    """Whether no value is below the one before."""
    return bool((values[1:] >= values[:-1]).all())


def distinct_triples(first: Ints, second: Ints, third: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """The distinct triples, sorted, and how often each comes: (first, second, third, count)."""
    widths = [bits_for(key.max(initial=0)) for key in (first, second, third)]
    if sum(widths) > KEY_BITS:
        return _distinct_by_columns(first, second, third)
    distinct, counts = _distinct(pack_in((first, second, third), widths), sum(widths))
    low, middle = (1 << widths[2]) - 1, (1 << widths[1]) - 1
    return distinct >> (widths[1] + widths[2]), (distinct >> widths[2]) & middle, distinct & low, counts


def _distinct(packed: Ints, width: int) -> tuple[Ints, Ints]:
    """The distinct keys (of so many bits), sorted, and how often each comes.

    Where neighbours are mostly equal they are counted before the sort, and carry their count in the lowest bits.
    """
    starts = run_starts(packed)
    counts = run_lengths(starts, len(packed))
    count_width = bits_for(counts.max(initial=0))
    if 2 * len(starts) > len(packed) or width + count_width > KEY_BITS:
        packed.sort()
        starts = run_starts(packed)
        return packed[starts], run_lengths(starts, len(packed))
    counted = pack_in((packed[starts], counts), (width, count_width))
    counted.sort()
    keys = counted >> count_width
    starts = run_starts(keys)
    return keys[starts], run_sums(counted & ((1 << count_width) - 1), starts)


def _distinct_by_columns(first: Ints, second: Ints, third: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    order = np.lexsort((third, second, first))
    keys = [key[order].astype(np.int64) for key in (first, second, third)]
    starts = run_starts(*keys)
    counts = run_lengths(starts, len(order))
    return keys[0][starts], keys[1][starts], keys[2][starts], counts


def carried_within(group: Ints, values: Ints, carried: Ints) -> tuple[Ints, Ints]:
    """`values` and what they carry (all non-negative), sorted by value, then by what is carried, inside each group."""
    packed = pack(group, values, carried)
    if packed is None:
        order = np.lexsort((carried, values, group))
        return values[order].astype(np.int64), carried[order].astype(np.int64)
    packed.sort()
    width = bits_for(carried.max(initial=0))
    sorted_values = (packed >> width) & ((1 << bits_for(values.max(initial=0))) - 1)
    return sorted_values, packed & ((1 << width) - 1)
