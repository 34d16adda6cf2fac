"""Applying a model of a prepared table to another table with the same columns.

Belongs here: probabilities and their reasons, row by row. Does not: training (`training`), files (`flows`).
"""

import json

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.prepared_table.columns import columns_from, named, typed
from models.prepared_table.table_model import table_model_from

COLUMNS_FILE = "table_columns.json"


def score_table(bundle: Bundle, table: pl.DataFrame, *, reasons: int = 3, threads: int = 1) -> pl.DataFrame:
    """Apply a trained model.

    Args:
        bundle: from `train_table`.
        table: the same columns; others are ignored.
        reasons: how many reasons a row.
        threads: for LightGBM.

    Returns:
        `churn_probability` (Float64) and `reason_1` … (String: the column, its value, and which way it pushes), rows
        as in `table`.

    Raises:
        FeaturesMismatchError: a column of training is absent or can't be read as it was.
    """
    table = named(table)
    kept = json.loads(bundle.files[COLUMNS_FILE])
    frame = typed(table, columns_from(kept["columns"]))
    model = table_model_from(bundle.files)
    probabilities = np.round(model.probabilities(frame, threads=threads), 6)
    parts = model.contributions(frame, threads=threads) - np.array(kept["average_contributions"])
    names = model.encoder.features
    top = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :reasons]
    columns = [pl.Series("churn_probability", probabilities, dtype=pl.Float64)]
    for rank in range(top.shape[1]):
        told = [
            f"{'higher' if parts[row, place] > 0 else 'lower'}: {names[place]} = {_shown(table[names[place]][row])}"
            for row, place in enumerate(top[:, rank].tolist())
        ]
        columns.append(pl.Series(f"reason_{rank + 1}", told, dtype=pl.String))
    return pl.DataFrame(columns)


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:60]
