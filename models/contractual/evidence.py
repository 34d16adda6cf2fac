"""What a card tells of subscribers: predicted beside observed, in groups and for parts of the customers.

Belongs here: these tables, kept with the bundle. Does not: the figures (`models.judging.reliability`), layout.
"""

from typing import Any

import polars as pl

from models.judging.reliability import reliability_table, segment_table
from models.learners.encoding import Floats

AGE_EDGES = ((90, "1: up to 90 days"), (365, "2: 91 to 365 days"), (730, "3: 1 to 2 years"))
OLDEST = "4: more than 2 years"


def card_evidence(ours: Floats, theirs: Floats, left: Floats, test: pl.DataFrame) -> dict[str, Any]:
    """Reliability and segments as JSON-able values.

    Args:
        ours: the model's probabilities of the test snapshot, shape (rows,).
        theirs: the life table's.
        left: what happened, 0 or 1.
        test: facts of the same subscribers, see `facts.SCHEMA`.
    """
    age = pl.lit(OLDEST)
    for edge, words in reversed(AGE_EDGES):
        age = pl.when(pl.col("contract_age_days") <= edge).then(pl.lit(words)).otherwise(age)
    months = pl.format("{} months", pl.col("contract_period_months"))
    divisions = {
        "plan": test["contract_plan"],
        "time as a subscriber": test.select(age).to_series(),
        "billing period": test.select(months).to_series(),
    }
    return {
        "reliability": reliability_table(ours, left),
        "segments": segment_table(ours, theirs, left, divisions, is_probability=True),
    }
