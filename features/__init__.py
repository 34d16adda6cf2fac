"""Behavioural features as of dates: lazy Polars in, lazy Polars out, stateless.

The doors other rooms use:

- `build`: the features of one bucket of core tables (a mapping of entity to frame), as of dates.
- `catalogue`, `names`, `phrases`: which features can be made of what a company has, described.
- `left_out`: which can't, and why.
- `needs`: everything any feature is made of; `ENTITIES` are the core tables among it.
- `Additions`: features of a company's own and extra attributes, which all of these take.
- `catalogue_markdown`: all of them as a page.
"""

from features.additions import NOTHING_ADDED, Additions
from features.catalogue import catalogue, left_out, names, needs, phrases
from features.engine import build
from features.feature import FeatureSpec, LeftOut
from features.markdown import catalogue_markdown
from features.required import REQUIRED

ENTITIES = tuple(REQUIRED)

__all__ = [
    "ENTITIES",
    "NOTHING_ADDED",
    "Additions",
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
