from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from models.bundle import MANIFEST, open_bundle
from models.errors import FeaturesMismatchError
from models.judging.calibration import sigmoid
from models.judging.evaluation import auc
from models.learners.boosting import FEW_FEATURES, TreeSize, train_table_booster
from models.learners.encoding import fit_encoder
from models.prepared_table.errors import LabelGivenAwayError, NothingToLearnFromError, TableColumnUnknownError
from models.prepared_table.scoring import score_table
from models.prepared_table.table_model import FitOptions, fit_table_model
from models.prepared_table.training import Request, fits, prepare, train_table

DAY = date(2026, 1, 1)
REQUEST = Request(id_column="customer", label_column="left", folds=2, repeats=1)


def figure(trained, name):
    return next(one for one in trained.graded if one.name == name)


def test_columns_are_read_and_the_useless_left_out(prepared):
    kinds = {column.name: column.kind for column in prepared.columns}
    assert kinds == {
        "tenure": "number",
        "plan": "text",
        "calls": "number",
        "spend": "number",
        "joined": "date",
        "has_app": "number",
    }
    assert set(prepared.left_out) == {"note", "country", "tenure_again"}


def test_it_beats_the_best_single_column_and_is_calibrated(trained):
    assert figure(trained, "auc").value > figure(trained, "auc").baseline
    assert figure(trained, "log_loss").gain > 0
    assert figure(trained, "calibration_error").value < 0.08
    assert all(one.low <= one.value <= one.high for one in trained.graded)
    assert trained.bundle.beats_baseline == all(reason.startswith("yes") for reason in trained.bundle.reasons)


def test_every_row_is_predicted_by_models_that_had_not_seen_it(trained, prepared):
    assert np.isfinite(trained.held_out.model).all()
    assert set(trained.held_out.fold[0]) == {0, 1}
    assert trained.details["rows_graded"] == prepared.rows.table.height


def test_noise_is_not_taken_for_knowledge():
    random = np.random.default_rng(1)
    rows = 200
    frame = pl.DataFrame({f"n{place}": random.normal(size=rows) for place in range(12)}).with_columns(
        customer=pl.Series([str(number) for number in range(rows)]),
        left=pl.Series((random.random(rows) < 0.2).astype(int)),
    )
    trained = train_table(prepare(frame, REQUEST), REQUEST, trained_as_of=DAY)
    assert not trained.bundle.beats_baseline
    assert 0.35 < figure(trained, "auc").value < 0.65
    rate = trained.details["rate"]
    assert figure(trained, "log_loss").value < -rate * np.log(rate) - (1 - rate) * np.log(1 - rate) + 0.02


def test_scores_survive_storage_and_the_order_of_rows_and_columns(trained, table):
    bundle = trained.bundle
    opened = open_bundle({**bundle.files, MANIFEST: bundle.manifest()}, digest=bundle.digest())
    scores = score_table(opened, table)
    assert scores["churn_probability"].is_between(0, 1).all()
    turned = score_table(opened, table.select(reversed(table.columns)).reverse())
    assert turned.reverse().equals(scores)
    assert scores["reason_1"].str.contains("^(higher|lower): ").all()


def test_training_is_blind_to_the_order_of_rows(trained, table):
    shuffled = table.sample(fraction=1.0, shuffle=True, seed=3)
    again = train_table(prepare(shuffled, REQUEST), REQUEST, trained_as_of=DAY)
    assert again.bundle.files == trained.bundle.files
    assert again.graded == trained.graded


def test_trees_are_blind_to_threads(prepared):
    encoder = fit_encoder(prepared.rows.table, prepared.rows.table.columns, model="test")
    matrix = encoder.matrix(prepared.rows.table, model="test")
    size = TreeSize(leaves=4, rounds=10)
    one, two = (
        train_table_booster(matrix, prepared.rows.happened, encoder=encoder, size=size, threads=threads, seed=1)
        for threads in (1, 2)
    )
    assert one == two


def test_unseen_texts_and_missing_values_are_scored(trained, table):
    odd = table.head(3).with_columns(plan=pl.lit("never heard of"), calls=pl.lit(None, dtype=pl.Float64))
    assert score_table(trained.bundle, odd)["churn_probability"].is_finite().all()
    with pytest.raises(FeaturesMismatchError):
        score_table(trained.bundle, table.drop("tenure"))


def test_a_copy_of_the_label_blocks_until_it_is_dropped(table):
    leaking = table.with_columns(closed=pl.when(pl.col("left") == "Yes").then(pl.lit("2025-05-01")))
    with pytest.raises(LabelGivenAwayError) as refused:
        prepare(leaking, REQUEST)
    assert refused.value.columns == ["closed"]
    assert refused.value.exit_code == 3
    assert "closed" in prepare(leaking, replace(REQUEST, drop=("closed",))).left_out
    kept = prepare(leaking, replace(REQUEST, keep=("closed",)))
    assert "closed" in {column.name for column in kept.columns}
    assert any("closed" in words for words in kept.warnings)


def test_in_time_earlier_rows_train_and_later_ones_grade(table):
    request = replace(REQUEST, time_column="month", folds=3)
    timed = table.with_columns(month=pl.Series([f"2025-{1 + number % 8:02d}-01" for number in range(table.height)]))
    prepared = prepare(timed, request)
    assert "month" not in {column.name for column in prepared.columns}
    trained = train_table(prepared, request, trained_as_of=DAY)
    graded = np.isfinite(trained.held_out.model[0])
    assert prepared.rows.moments[graded].min() > prepared.rows.moments[~graded].max()
    assert 0 < graded.sum() < table.height


def test_rows_without_a_label_are_left_out_and_told(table):
    holes = table.with_columns(left=pl.when(pl.int_range(pl.len()) >= 7).then(pl.col("left")))
    prepared = prepare(holes, REQUEST)
    assert prepared.rows.table.height == table.height - 7
    assert "7 rows without a label were left out" in prepared.warnings


@pytest.mark.parametrize("changes", [{"id_column": "nobody"}, {"label_column": "nothing"}, {"drop": ("nowhere",)}])
def test_columns_that_are_not_there_are_named(table, changes):
    with pytest.raises(TableColumnUnknownError):
        prepare(table, replace(REQUEST, **changes))


def test_a_table_of_nothing_but_ids_is_refused(table):
    with pytest.raises(NothingToLearnFromError):
        prepare(table.select("customer", "left", "country"), REQUEST)


def test_rows_without_an_id_are_nobody_elses_and_told():
    rows = 60
    table = pl.DataFrame(
        {
            "customer": [None if row % 3 == 0 else f"c{row // 2}" for row in range(rows)],
            "left": [row % 4 == 0 for row in range(rows)],
            "calls": [float((row * 7) % 11) for row in range(rows)],
        }
    )
    prepared = prepare(table, REQUEST)
    assert len({group for group in prepared.rows.groups if group.startswith("\x00")}) == rows // 3
    assert any("20 rows have no customer" in line for line in prepared.warnings)


def test_without_an_id_column_every_row_is_another_customer(table):
    prepared = prepare(table, Request(label_column="left", drop=("customer",)))
    assert prepared.ids.name == "row"
    assert sorted(prepared.ids.to_list()) == list(range(1, table.height + 1))
    assert len(set(prepared.rows.groups)) == table.height
    assert any("no --id" in told for told in prepared.warnings)


def test_columns_that_only_say_something_together_are_found():
    random = np.random.default_rng(5)
    columns = random.normal(size=(1_500, 8))
    happened = (random.random(1_500) < sigmoid(3.0 * np.sign(columns[:, 0] * columns[:, 1]))).astype(np.float64)
    table, known = pl.DataFrame({f"x{place}": columns[:, place] for place in range(8)}), 1_100
    groups = [str(row) for row in range(known)]
    model = fit_table_model(table[:known], happened[:known], groups, FitOptions(folds=2))
    assert auc(model.probabilities(table[known:]), happened[known:]) > 0.85
    assert model.choice.tree_feature_share > FEW_FEATURES


def test_a_large_table_is_chosen_for_on_one_part_and_graded_once(table, trained, monkeypatch):
    monkeypatch.setattr("models.prepared_table.table_model.LARGE", 1_000)
    monkeypatch.setattr("models.prepared_table.table_model.SMALL", 100)  # what is large is never small
    monkeypatch.setattr("models.prepared_table.curve.MOST_BENT_WEIGHTS", 12)
    request = replace(REQUEST, repeats=None)
    ready = prepare(table, request)
    large = train_table(ready, request, trained_as_of=DAY)
    assert (fits(ready, request), large.details["split"]) == (3, "2 folds, 1 times")
    assert fits(ready, replace(request, repeats=2)) == 5
    assert not large.details["model"]["bends"]
    assert np.isfinite(large.held_out.model).all()
    assert figure(large, "auc").value > figure(trained, "auc").value - 0.03
    assert figure(large, "log_loss").value < figure(trained, "log_loss").value + 0.03
