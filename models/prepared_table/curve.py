"""The smooth half of a table's model: a ridge-penalised logistic curve, numbers as broken lines, texts as levels.

Belongs here: the design, fitting it along a path of penalties, asking it, its contributions. Does not: choosing the
penalty (`choosing`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learners.encoding import Encoder, Floats
from models.learners.logistic import fit_logistic

BENDS = (0.2, 0.4, 0.6, 0.8)  # quantiles where a broken line may bend
MINIMUM_DISTINCT = 6  # below, a number gets no bends
SKEWED = 2.0
LARGEST = 1e100  # beyond, sums of squares overflow
TAIL = 0.005
MOST_LEVELS = 60
FEWEST_LEVELS = 5
MOST_WEIGHTS = 600  # about, of straight lines: beyond, texts get fewer levels
MOST_BENT_WEIGHTS = 1_000  # of broken lines: beyond, none bends
MOST_ROWS = 100_000  # more say nothing new to so few weights
MOST_WORK = 4e9  # rows · weights²


@dataclass(frozen=True, kw_only=True)
class Line:
    """How one number enters: sign(x)·ln(1+|x|) where skewed, cut at `low` and `high`, standardised, bent at `bends`."""

    place: int
    logarithm: bool
    low: float
    high: float
    mean: float
    spread: float
    bends: tuple[float, ...]
    tells_missing: bool

    def columns(self, matrix: Floats) -> list[Floats]:
        """The columns of the design, shape (rows,) each; a missing value is the mean."""
        values = _logs(matrix[:, self.place]) if self.logarithm else matrix[:, self.place]
        there = np.isfinite(values)
        cut = np.clip(np.where(there, values, self.mean), self.low, self.high)
        made = [(cut - self.mean) / self.spread]
        made += [np.maximum(cut - bend, 0.0) / self.spread for bend in self.bends]
        made = [np.where(there, one, 0.0) for one in made]
        return [*made, (~there).astype(np.float64)] if self.tells_missing else made


@dataclass(frozen=True, kw_only=True)
class Design:
    """Which columns a curve looks at.

    Attributes:
        lines: one a number.
        levels: for each text (its place), the codes with a weight of their own.
        means: of the design's columns in training.
    """

    lines: tuple[Line, ...]
    levels: tuple[tuple[int, tuple[int, ...]], ...]
    means: tuple[float, ...] = ()

    def matrix(self, matrix: Floats) -> Floats:
        """Centred columns, shape (rows, weights)."""
        made = [column for line in self.lines for column in line.columns(matrix)]
        made += [(matrix[:, place] == code).astype(np.float64) for place, codes in self.levels for code in codes]
        whole = np.column_stack(made) if made else np.zeros((len(matrix), 0))
        return whole - np.array(self.means) if self.means else whole

    @property
    def places(self) -> list[int]:
        """For each column of the design, the place of its feature."""
        numbers = [line.place for line in self.lines for _ in range(1 + len(line.bends) + line.tells_missing)]
        return numbers + [place for place, codes in self.levels for _ in codes]


@dataclass(frozen=True, kw_only=True)
class TableCurve:
    """A fitted curve: log-odds = intercept + Σ weight · column."""

    design: Design
    weights: tuple[float, ...]
    intercept: float

    def scores(self, matrix: Floats) -> Floats:
        """Log-odds, shape (rows,)."""
        scores: Floats = self.design.matrix(matrix) @ np.array(self.weights) + self.intercept
        return scores

    def contributions(self, matrix: Floats) -> Floats:
        """What each feature adds to the log-odds against the average row, shape (rows, features)."""
        parts = np.zeros(matrix.shape)
        weighted = self.design.matrix(matrix) * np.array(self.weights)
        for column, place in enumerate(self.design.places):
            parts[:, place] += weighted[:, column]
        return parts

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {
            "lines": [vars(line) | {"bends": list(line.bends)} for line in self.design.lines],
            "levels": [[place, list(codes)] for place, codes in self.design.levels],
            "means": list(self.design.means),
            "weights": list(self.weights),
            "intercept": self.intercept,
        }


def curve_from(content: dict[str, Any]) -> TableCurve:
    """The inverse of `TableCurve.described`."""
    design = Design(
        lines=tuple(Line(**{**line, "bends": tuple(line["bends"])}) for line in content["lines"]),
        levels=tuple((place, tuple(codes)) for place, codes in content["levels"]),
        means=tuple(content["means"]),
    )
    return TableCurve(design=design, weights=tuple(content["weights"]), intercept=content["intercept"])


def plan_design(matrix: Floats, encoder: Encoder, *, with_bends: bool) -> Design:
    """Read the design off training rows; the target is not looked at.

    Args:
        matrix: shape (rows, features), from `encoder.matrix`.
        encoder: which features are texts.
        with_bends: broken lines, or straight ones.
    """
    with_bends = with_bends and affords_bends(encoder)
    lines = [_line(matrix, place, with_bends=with_bends) for place in encoder.numeric]
    weights = sum(1 + len(line.bends) + line.tells_missing for line in lines if line is not None)
    most = _most_levels(encoder, (MOST_BENT_WEIGHTS if with_bends else MOST_WEIGHTS) - weights)
    levels = [
        (place, tuple(range(min(len(encoder.categories[encoder.features[place]]), most))))
        for place in encoder.categorical
    ]
    design = Design(lines=tuple(line for line in lines if line is not None), levels=tuple(levels))
    means = design.matrix(matrix).mean(axis=0)
    return Design(lines=design.lines, levels=design.levels, means=tuple(_plain(means)))


def affords_bends(encoder: Encoder) -> bool:
    """Whether numbers are so few that their lines may bend."""
    return len(encoder.numeric) * (len(BENDS) + 2) <= MOST_BENT_WEIGHTS


def _most_levels(encoder: Encoder, left: int) -> int:
    """How many of its levels a text may have, the most frequent first, where so many weights are left for all texts."""
    counts = [min(len(encoder.categories[encoder.features[place]]), MOST_LEVELS) for place in encoder.categorical]
    return MOST_LEVELS if sum(counts) <= max(left, 0) else max(left // len(counts), FEWEST_LEVELS)


def fit_path(matrix: Floats, target: Floats, *, design: Design, penalties: Sequence[float]) -> Iterator[TableCurve]:
    """One curve a penalty (the weight of a prior on each weight, in rows), each begun where the last one ended.

    Each is fitted when it is asked for.

    Args:
        matrix: shape (rows, features).
        target: 0 or 1.
        design: see `plan_design`.
        penalties: in any order; best from strong to weak.
    """
    step = max(len(target) // MOST_ROWS, int(len(target) * len(design.places) ** 2 / MOST_WORK), 1)
    matrix, target = matrix[::step], target[::step]
    columns = np.column_stack([np.ones(len(target)), design.matrix(matrix)])
    rate = float(np.clip(target.mean(), 1e-6, 1 - 1e-6))
    centre = np.zeros(columns.shape[1])
    centre[0] = np.log(rate / (1 - rate))
    begin = centre
    for penalty in penalties:
        pull = np.full(len(centre), penalty / step)
        pull[0] = 1e-6
        begin = fit_logistic(columns, target, penalty=pull, start=centre, begin=begin)
        weights = _plain(begin)
        yield TableCurve(design=design, weights=tuple(weights[1:]), intercept=weights[0])


def _line(matrix: Floats, place: int, *, with_bends: bool) -> Line | None:
    values = matrix[:, place]
    there = values[np.isfinite(values)]
    if not len(there):
        return None
    logarithm = _calls_for_logarithms(there)
    there = _logs(there) if logarithm else there
    distinct = len(np.unique(there))
    low, high = np.quantile(there, [TAIL, 1 - TAIL]) if distinct > MINIMUM_DISTINCT else (there.min(), there.max())
    cut = np.clip(there, low, high)
    bends = np.unique(np.quantile(cut, BENDS)) if with_bends and distinct >= MINIMUM_DISTINCT else np.zeros(0)
    missing = int((~np.isfinite(values)).sum())
    if cut.std() == 0 and not missing:
        return None
    low, high, mean, spread = _plain(np.array([low, high, cut.mean(), cut.std() + 1e-9]))
    return Line(
        place=place,
        logarithm=logarithm,
        low=low,
        high=high,
        mean=mean,
        spread=spread,
        bends=tuple(bend for bend in _plain(bends) if low < bend < high),
        tells_missing=missing >= 5,  # noqa: PLR2004 - fewer teach nothing
    )


def _calls_for_logarithms(there: Floats) -> bool:
    """Whether values are skewed, or too large to be squared."""
    size = np.ldexp(1.0, int(np.frexp(np.abs(there).max())[1]) - 1)  # a power of two: dividing by it changes no digit
    scaled = there / size
    spread = scaled.std()
    skew = np.mean(((scaled - scaled.mean()) / spread) ** 3) if spread > 0 else 0.0
    return bool(abs(skew) > SKEWED or size > LARGEST)


def _logs(values: Floats) -> Floats:
    logs: Floats = np.sign(values) * np.log1p(np.abs(values))
    return logs


def _plain(values: Floats) -> list[float]:
    """Rounded to what survives another order of summation."""
    return [float(f"{value:.9g}") for value in values]
