"""From the probabilities of a category's products to the probability of buying from the category at all.

Belongs here: joining product probabilities, and the calibrated curve that mends what joining assumes. Not: ranking.
"""

import json
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from models.next_offer.probability import SMALLEST_PROBABILITY, thinned


@dataclass(frozen=True)
class CategoryCurve:
    """A non-decreasing curve, linear between knots, from joined to true probability."""

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, allow_nan=False).encode()


def category_curve_from_json(content: bytes) -> CategoryCurve:
    """What `to_json` wrote."""
    return CategoryCurve(**{name: tuple(values) for name, values in json.loads(content).items()})


def in_category(scored: pl.DataFrame, product_ids: pl.Series, categories: pl.DataFrame) -> pl.DataFrame:
    """Candidates with `category` from `product_id`, `category` (which may hold brands); null where a product has none.

    Args:
        scored: candidates; `product` is a position in `product_ids`.
        product_ids: sorted.
        categories: one row a product.
    """
    named = (
        product_ids.rename("product_id")
        .to_frame()
        .join(categories, on="product_id", how="left", validate="1:1", maintain_order="left")
    )
    return scored.with_columns(named["category"].gather(scored["product"]).alias("category"))


def joined_by_category(scored: pl.DataFrame) -> pl.DataFrame:
    """Probability that at least one candidate of a category is bought, as if they were independent (they are not).

    Args:
        scored: candidates with `customer`, `product`, `category`, `purchase_probability`.

    Returns:
        `customer`, `category`, `joined` (Float64), sorted by the first two. Candidates without a category drop out.
    """
    return (
        scored.drop_nulls("category")
        .sort("customer", "category", "product")
        .group_by("customer", "category", maintain_order=True)
        .agg((1.0 - (1.0 - pl.col("purchase_probability")).product()).alias("joined"))
    )


def fit_category_curve(scored: pl.DataFrame, truth: pl.DataFrame) -> CategoryCurve:
    """Isotonic regression of "bought from the category" on the joined probability, over all active customers.

    Args:
        scored: candidates with probabilities, as `joined_by_category` wants them.
        truth: `customer`, `category` pairs bought from within the window.
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415  heavy to import

    rows = joined_by_category(scored).join(
        truth.with_columns(pl.lit(1.0).alias("bought")), on=["customer", "category"], how="left", validate="1:1"
    )
    curve = IsotonicRegression(out_of_bounds="clip").fit(
        rows["joined"].to_numpy(), rows["bought"].fill_null(0.0).to_numpy()
    )
    knots, values = thinned(curve.X_thresholds_, curve.y_thresholds_)
    return CategoryCurve(tuple(map(float, knots)), tuple(map(float, values)))


def category_probabilities(curve: CategoryCurve, joined: pl.Series) -> pl.Series:
    """Probabilities of buying from categories, Float64, strictly between 0 and 1."""
    values = np.interp(joined.to_numpy(), curve.knots, curve.values)
    return pl.Series("purchase_probability", np.clip(values, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))
