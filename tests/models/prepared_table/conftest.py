"""A labelled table with everything that tables come with, and what is learnt from it once."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.prepared_table.training import Request, prepare, train_table

REQUEST = Request(id_column="customer", label_column="left", folds=2, repeats=1)


def customers(rows=300, seed=4):
    """Numbers, texts, dates, flags and gaps, of which some say who leaves; ids and constants besides."""
    random = np.random.default_rng(seed)
    tenure = random.integers(0, 72, rows)
    plan = random.choice(["monthly", "yearly", "trial"], rows, p=[0.5, 0.4, 0.1])
    calls = np.where(random.random(rows) < 0.2, np.nan, random.poisson(2, rows))
    scores = 1.0 - 0.05 * tenure + 1.2 * (plan == "monthly") + 0.6 * np.nan_to_num(calls - 2) - 0.8
    left = random.random(rows) < 1 / (1 + np.exp(-scores))
    joined = np.datetime64("2025-01-01") - tenure.astype("timedelta64[D]") * 30
    return pl.DataFrame(
        {
            "customer": [f"{number:06d}" for number in range(rows)],
            "left": np.where(left, "Yes", "No"),
            "tenure": tenure,
            "plan": plan,
            "calls": pl.Series(calls).fill_nan(None),
            "spend": [f"{value:.2f}" if value > 5 else " " for value in random.gamma(2, 20, rows)],
            "joined": joined,
            "has_app": random.random(rows) < 0.5,
            "note": [f"called {number * 37 % 9973} times" for number in range(rows)],
            "country": "GB",
            "tenure_again": tenure,
        }
    )


@pytest.fixture(scope="session")
def table():
    return customers()


@pytest.fixture(scope="session")
def prepared(table):
    return prepare(table, REQUEST)


@pytest.fixture(scope="session")
def trained(prepared):
    return train_table(prepared, REQUEST, trained_as_of=date(2026, 1, 1))
