"""Features as the numbers models take: by name, in training's order, with texts as the codes training gave them.

Belongs here: the guard before every model (LightGBM aborts the whole process on a text column, and matches columns by
position). Does not: making features, or choosing which to use.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from models.errors import FeaturesMismatchError

Floats = npt.NDArray[np.float64]

MINIMUM_CATEGORY_ROWS = 20  # rarer texts are taken together with unseen ones: missing
MAXIMUM_CATEGORIES = 100


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """How a frame becomes a matrix.

    Attributes:
        features: the columns, in the order of the matrix.
        categories: for text features, the known texts; a text's code is its place.
    """

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @property
    def categorical(self) -> list[int]:
        """Places of the text features in the matrix."""
        return [place for place, name in enumerate(self.features) if name in self.categories]

    @property
    def numeric(self) -> list[int]:
        """Places of the others."""
        return [place for place, name in enumerate(self.features) if name not in self.categories]

    def matrix(self, frame: pl.DataFrame, *, model: str) -> Floats:
        """The features of `frame` as Float64, shape (rows, features), C order; missing, infinite and unseen are NaN.

        Raises:
            FeaturesMismatchError: a feature is absent, or text where it was a number (or the other way round).
        """
        self.check(frame, model=model)
        columns = np.empty((frame.height, len(self.features)))
        for place, name in enumerate(self.features):
            columns[:, place] = self._column(frame[name])
        return columns

    def check(self, frame: pl.DataFrame, *, model: str) -> None:
        """Refuse a frame the model can't be asked about. See `matrix`."""
        schema = frame.schema
        missing = [name for name in self.features if name not in schema]
        retyped = [
            f"{name} ({schema[name]})"
            for name in self.features
            if name in schema and schema[name] != pl.Null and is_text(schema[name]) != (name in self.categories)
        ]
        if missing or retyped:
            raise FeaturesMismatchError(model=model, missing=missing, retyped=retyped, there=frame.columns)

    def unseen_shares(self, frame: pl.DataFrame) -> dict[str, float]:
        """By text feature, the share of rows whose text was unknown in training (nulls don't count as unseen)."""
        return {
            name: float((frame[name].is_not_null() & ~frame[name].is_in(list(known))).mean() or 0.0)  # type: ignore[arg-type]  # a Boolean mean is a float
            for name, known in self.categories.items()
        }

    def described(self) -> dict[str, Any]:
        """The encoder as JSON-able values."""
        return {"features": list(self.features), "categories": {name: list(v) for name, v in self.categories.items()}}

    def _column(self, values: pl.Series) -> Floats:
        known = self.categories.get(values.name)
        if known is not None:
            codes = {text: float(code) for code, text in enumerate(known)}
            coded = values.cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
        else:
            coded = values.cast(pl.Float64)
        column = coded.fill_null(float("nan")).to_numpy().astype(np.float64)
        return np.where(np.isfinite(column), column, np.nan)


def is_text(dtype: pl.DataType) -> bool:
    """Whether a column of this type has to be coded before a model sees it."""
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def fit_encoder(
    frame: pl.DataFrame, feature_names: Iterable[str], *, model: str, minimum_rows: int = MINIMUM_CATEGORY_ROWS
) -> Encoder:
    """Read the categories off the training frame: the most frequent first, ties by text.

    Args:
        frame: the training frame.
        feature_names: its columns to use, in order.
        model: for messages.
        minimum_rows: a text must have this many rows to be a category of its own.

    Raises:
        FeaturesMismatchError: a feature is absent, or neither a number nor a text.
    """
    names = tuple(feature_names)
    schema = frame.schema
    missing = [name for name in names if name not in schema]
    odd = [
        f"{name} ({schema[name]})"
        for name in names
        if name in schema
        and not (is_text(schema[name]) or schema[name].is_numeric() or schema[name] in (pl.Boolean, pl.Null))
    ]
    if missing or odd:
        raise FeaturesMismatchError(model=model, missing=missing, retyped=odd, there=frame.columns)
    categories = {name: _categories(frame[name], minimum_rows) for name in names if is_text(schema[name])}
    return Encoder(features=names, categories=categories)


def encoder_from(content: dict[str, Any]) -> Encoder:
    """The inverse of `Encoder.described`."""
    categories = {name: tuple(known) for name, known in content["categories"].items()}
    return Encoder(features=tuple(content["features"]), categories=categories)


def usable_features(frame: pl.DataFrame, feature_names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Leave out what no model can learn from here: constant columns, and those constant within every snapshot.

    The latter are the calendar (month, season): with a dozen snapshots they name the snapshot, and a tree would learn
    what happened then by heart. The season reaches the models as an offset instead (`season`).

    Args:
        frame: the training frame, with `snapshot_date`.
        feature_names: candidates, in order.

    Returns:
        The features kept, in order, and the others with the reason.
    """
    names = list(feature_names)
    distinct = frame.select(pl.col(name).drop_nulls().n_unique() for name in names).row(0)
    at_most = frame.group_by("snapshot_date").agg(pl.col(name).n_unique() for name in names).max().select(names).row(0)
    left_out: dict[str, str] = {}
    for name, values, values_a_snapshot in zip(names, distinct, at_most, strict=True):
        if values <= 1 and frame[name].null_count() in (0, frame.height):
            left_out[name] = "the same for everybody"
        elif values_a_snapshot <= 1:
            left_out[name] = "a fact of the calendar, not of the customer"
    return tuple(name for name in names if name not in left_out), left_out


def _categories(values: pl.Series, minimum_rows: int) -> tuple[str, ...]:
    counts = values.cast(pl.String).drop_nulls().value_counts(name="rows").filter(pl.col("rows") >= minimum_rows)
    ordered = counts.sort(["rows", values.name], descending=[True, False])
    return tuple(ordered[values.name].head(MAXIMUM_CATEGORIES).to_list())
