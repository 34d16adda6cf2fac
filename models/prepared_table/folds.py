"""Which rows are held out together: by chance with equal rates, or by time.

Belongs here: numbers of folds, a row each. Does not: fitting.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.learners.encoding import Floats

Folds = npt.NDArray[np.int64]


def folds_of(groups: Sequence[str], happened: Floats, *, folds: int, seed: int) -> Folds:
    """A fold from 0 for each row: equal shares of both outcomes, rows of one group together, any order of rows.

    Args:
        groups: whose row it is (an id, as text).
        happened: 0 or 1; a group counts as happened where one of its rows did.
        folds: how many.
        seed: another seed, other folds.
    """
    outcome: dict[str, float] = {}
    for group, one in zip(groups, happened.tolist(), strict=True):
        outcome[group] = max(outcome.get(group, 0.0), one)
    placed: dict[str, int] = {}
    for kind in (1.0, 0.0):
        members = sorted((_lot(group, seed), group) for group, one in outcome.items() if one == kind)
        for place, (_, group) in enumerate(members):
            placed[group] = (place if kind else -1 - place) % folds
    return np.array([placed[group] for group in groups], dtype=np.int64)


def lots_of(groups: Sequence[str], *, seed: int) -> Floats:
    """A lot from 0 to below 1 for each row, the same for rows of one group, on every machine and version."""
    lots = {group: _lot(group, seed) / 2**64 for group in set(groups)}
    return np.array([lots[group] for group in groups], dtype=np.float64)


def canonical_order(groups: Sequence[str], seed: int) -> npt.NDArray[np.int64]:
    """An order of the rows that does not depend on the file's (equal ids keep theirs)."""
    lots = np.array([_lot(group, seed) for group in groups], dtype=np.uint64)
    return np.argsort(lots, kind="stable")


def blocks_in_time(moments: Floats, blocks: int) -> Folds:
    """A block from 0 for each row, earliest first, of about equal size; rows of one moment stay together."""
    distinct, place = np.unique(moments, return_inverse=True)
    before = np.concatenate([[0], np.cumsum(np.bincount(place))[:-1]])
    by_moment = np.minimum(before * blocks // len(moments), blocks - 1)
    _, squeezed = np.unique(by_moment, return_inverse=True)
    found: Folds = squeezed[place].astype(np.int64)
    return found if len(distinct) else np.zeros(0, dtype=np.int64)


def _lot(group: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}:{group}".encode(), digest_size=8).digest(), "big")
