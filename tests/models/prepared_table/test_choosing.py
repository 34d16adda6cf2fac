"""What the nested choice tries: models that learn ever more, until more is clearly worse."""

import numpy as np
import polars as pl
import pytest

from models.learners.boosting import GrowingTrees, TreeSize, raw_scores, table_dataset, train_table_booster
from models.learners.encoding import fit_encoder
from models.prepared_table import table_model
from models.prepared_table.folds import folds_of
from models.prepared_table.table_model import CLEARLY_WORSE, FitOptions, fit_table_model

STEPS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def inner():
    """A table of 1,200 rows in which two of eight numbers, and one text, say something."""
    random = np.random.default_rng(3)
    numbers = random.normal(size=(1_200, 8))
    text = random.choice(["a", "b", "c"], 1_200)
    happened = (random.random(1_200) < 1 / (1 + np.exp(1 - numbers[:, 0] * numbers[:, 1] - (text == "a")))).astype(
        float
    )
    table = pl.DataFrame(numbers, schema=[f"n{place}" for place in range(8)]).with_columns(text=pl.Series(text))
    encoder = fit_encoder(table, table.columns, model="test", minimum_rows=5)
    groups = [str(row) for row in range(1_200)]
    options = FitOptions(folds=3)
    fold = folds_of(groups, happened, folds=3, seed=1)
    return table, groups, table_model._Inner(encoder.matrix(table, model="test"), happened, fold, encoder, options)


def test_growing_trees_are_those_of_a_booster_of_so_many(inner):
    known = inner[2]
    data = table_dataset(known.matrix, known.happened, encoder=known.encoder)
    asked = known.matrix[:50]
    for kind in ((4, 0.4), (16, 0.8)):
        growing = GrowingTrees(data, len(known.happened), kind=kind, settings=(1, 7))
        for rounds in (10, 25):
            size = TreeSize(leaves=kind[0], rounds=rounds, feature_share=kind[1])
            whole = train_table_booster(
                known.matrix, known.happened, encoder=known.encoder, size=size, threads=1, seed=7
            )
            assert np.allclose(growing.scores(asked, rounds), raw_scores(whole, asked, threads=1), atol=1e-9)


@pytest.mark.parametrize(
    ("losses", "tried"),
    [
        ([9.0, 8.0, 7.0, 6.0], 4),
        ([9.0, 8.0, 8.0 + CLEARLY_WORSE, 7.0], 4),  # worse by chance: what comes after may be better
        ([9.0, 5.0, 5.5 + CLEARLY_WORSE, 1.0], 3),
        ([5.0, 6.0, 5.1 + CLEARLY_WORSE, 1.0], 3),  # held against the best, not the one before
    ],
)
def test_more_is_tried_until_it_is_clearly_worse(inner, monkeypatch, losses, tried):
    asked = []

    def scored(step):
        asked.append(step)
        return [np.full(int(mask.sum()), float(step)) for mask in inner[2].asked()]

    monkeypatch.setattr(table_model._Inner, "loss", lambda _, scores: losses[int(scores[0]) - 1])
    found = dict(table_model._until_worse(inner[2], STEPS, scored))
    assert asked == [*found] == [*STEPS[:tried]]
    assert all((scores == step).all() for step, scores in found.items())


def test_what_is_not_tried_would_not_have_been_chosen(inner, monkeypatch):
    table, groups, known = inner
    assert len(table_model._tree_scores(known)) < len(table_model.TREES) * len(table_model.ROUNDS)
    short = fit_table_model(table, known.happened, groups, known.options)
    monkeypatch.setattr(table_model, "CLEARLY_WORSE", np.inf)
    whole = fit_table_model(table, known.happened, groups, known.options)
    assert short.choice == whole.choice
    assert short.files() == whole.files()
