"""Seeded random streams and the vectorised draws the stages share.

Belongs here: draws over many rows at once that know nothing of customers or products. Does not: any assumption
about behaviour.
"""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def stream(seed: int, stage: str) -> np.random.Generator:
    """The random stream of one stage; stages don't disturb each other when one of them draws more or less."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(stage.encode())])))


def pick_by_row(uniforms: Floats, cumulative: Floats, row: Ints) -> Ints:
    """One choice per draw from a table of cumulative probabilities, a row a distribution.

    Args:
        uniforms: draws in [0, 1), shape (n,).
        cumulative: cumulative probabilities, shape (rows, choices), the last column 1.
        row: which distribution each draw uses, shape (n,).

    Returns:
        The chosen column of each draw, shape (n,). Memory grows with n, not with n times choices.
    """
    choice = np.zeros(uniforms.shape, dtype=np.int64)
    for column in range(cumulative.shape[1] - 1):
        choice += uniforms >= cumulative[row, column]
    return choice


def pick(rng: np.random.Generator, probabilities: list[float] | tuple[float, ...], size: int) -> Ints:
    """`size` choices from one distribution, given by weights that need not sum to 1."""
    cumulative = np.cumsum(np.asarray(probabilities, dtype=np.float64))
    return np.searchsorted(cumulative / cumulative[-1], rng.random(size), side="right").astype(np.int64)


def labels(names: tuple[str, ...], index: Ints) -> npt.NDArray[Any]:
    """The name of each index, as an object array that Polars reads as text."""
    return np.asarray(names, dtype=object)[index]


def lognormal_with_mean(rng: np.random.Generator, mean: float, sigma: float, size: int) -> Floats:
    """Lognormal draws with the given mean and the given standard deviation of the logarithm."""
    return rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, size)
