"""Behavioural features as of dates: lazy Polars in, lazy Polars out, stateless.

The doors other rooms use: `build`, `catalogue`, `names`, `left_out`, `needs`, `phrases`, `catalogue_markdown`.
"""

from features.catalogue import catalogue, left_out, names, needs, phrases
from features.engine import build
from features.feature import FeatureSpec, LeftOut
from features.markdown import catalogue_markdown

__all__ = [
    "FeatureSpec",
    "LeftOut",
    "build",
    "catalogue",
    "catalogue_markdown",
    "left_out",
    "names",
    "needs",
    "phrases",
]
