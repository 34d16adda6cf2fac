"""Reading tables as trials: who was left alone, what came after, and whether lots were drawn."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.prepared_table.errors import TableColumnUnknownError
from models.uplift.errors import (
    ControlGroupUnknownError,
    OutcomeUnusableError,
    PropensityUnusableError,
    TreatmentUnusableError,
)
from models.uplift.evidence import MOST_LEVELS, _levels
from models.uplift.table import UpliftRequest, prepare_trial
from models.uplift.training import predictions, score_uplift, train_uplift

ROWS = 1_200


def made_table(**columns):
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 2, ROWS)
    bought = (rng.random(ROWS) < 0.2 + 0.2 * drawn).astype(int)
    content = {
        "customer": [f"{row:05d}" for row in range(ROWS)],
        "group": np.where(drawn == 1, "letter", "control"),
        "age": rng.integers(18, 80, ROWS),
        "region": rng.choice(["north", "south"], ROWS),
        "bought": bought,
        "spent": bought * rng.integers(1, 50, ROWS),
    }
    return pl.DataFrame(content | columns)


def request(**changes):
    asked = {"treatment_column": "group", "outcome_column": "bought", "id_column": "customer"}
    return UpliftRequest(**asked | changes)


def test_what_comes_after_the_outcome_is_left_out():
    prepared = prepare_trial(made_table(), request())
    assert prepared.left_out["spent"].startswith("known only after the outcome")
    assert {column.name for column in prepared.columns} == {"age", "region"}
    assert prepared.trial.arms == ("control", "letter")
    assert prepared.evidence.kind == "randomised"


def test_what_the_treatment_brought_about_is_left_out():
    """A letter that was opened: nobody of the control group has one; the rest looks drawn by lot."""
    group = made_table()["group"]
    opened = np.where((group == "letter").to_numpy() & (np.arange(ROWS) % 7 == 0), 1, 0)
    table = made_table(opened=opened)
    prepared = prepare_trial(table, request())
    assert prepared.evidence.kind == "randomised"
    assert prepared.left_out["opened"].startswith("known only after the treatment: it is 0.0 in the whole control")
    assert prepared.trial.table.columns == [column.name for column in prepared.columns] == ["age", "region"]
    assert prepare_trial(table, request(keep=("opened",))).evidence.kind == "response"
    shop = np.where((group == "letter").to_numpy() & (np.arange(ROWS) % 7 == 0), "south", "north")  # says something
    assert prepare_trial(made_table(shop=shop), request()).evidence.kind == "response"
    by_age = pl.when(pl.col("age") > 60).then(pl.lit("letter")).otherwise("group").alias("group")
    prepared = prepare_trial(table.with_columns(by_age), request())  # those chosen by age, too: nobody drew lots
    assert prepared.evidence.kind == "response"
    assert "opened" not in prepared.left_out


@pytest.mark.parametrize(
    ("values", "control"),
    [
        (["No E-Mail", "Mens E-Mail"], "No E-Mail"),
        ([0, 1], "0"),
        ([True, False], "0"),
        (["None", "A"], "None"),
        ([0.0, 1.0], "0"),
    ],
)
def test_the_control_group_is_guessed_from_its_name(values, control):
    prepared = prepare_trial(made_table(group=values * (ROWS // 2)), request())
    assert prepared.trial.arms[0] == control


def test_nobody_is_guessed_where_the_names_do_not_say():
    table = made_table(group=["A", "B"] * (ROWS // 2))
    with pytest.raises(ControlGroupUnknownError):
        prepare_trial(table, request())
    assert prepare_trial(table, request(control="B")).trial.arms == ("B", "A")


@pytest.mark.parametrize(
    ("columns", "changes", "error"),
    [
        ({}, {"treatment_column": "no such"}, TableColumnUnknownError),
        ({"group": ["control"] * ROWS}, {}, TreatmentUnusableError),
        ({"group": ["control"] * (ROWS - 10) + ["letter"] * 10}, {}, TreatmentUnusableError),
        ({"bought": [0] * ROWS}, {}, OutcomeUnusableError),
        ({"bought": ["perhaps", "rather not", "gladly"] * (ROWS // 3)}, {}, OutcomeUnusableError),
        ({"chance": [0.0] * ROWS}, {"propensity_column": "chance"}, PropensityUnusableError),
    ],
)
def test_a_table_that_is_no_trial_is_refused(columns, changes, error):
    with pytest.raises(error):
        prepare_trial(made_table(**columns), request(**changes))


def test_without_lots_no_effect_is_claimed():
    """The old got the letter: who responds can be told, not what the letter changed."""
    table = made_table()
    table = table.with_columns(group=pl.when(pl.col("age") > 50).then(pl.lit("letter")).otherwise(pl.lit("control")))
    asked = request(drop=("spent",))
    prepared = prepare_trial(table, asked)
    assert prepared.evidence.kind == "response"
    assert "age" in prepared.evidence.words
    trained = train_uplift(prepared, asked, trained_as_of=date(2026, 1, 1))
    said = predictions(prepared, trained.held_out)
    assert not [name for name in said.columns if name.startswith("effect")]
    assert set(said["evidence"]) == {"response"}
    assert "treatments" not in trained.details
    scored = score_uplift(trained.bundle, table.head(5))
    assert scored.columns == ["response_letter", "evidence"]


def test_a_trial_is_learnt_whole():
    """Nulls, ids as text, rows without a treatment: effects for each row, the table's order kept."""
    table = made_table(age=[None if row % 7 == 0 else 20 + row % 50 for row in range(ROWS)])
    table = table.with_columns(group=pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise(pl.col("group")))
    prepared = prepare_trial(table, request())
    assert prepared.warnings == ["5 rows without a treatment or an outcome were left out"]
    trained = train_uplift(prepared, request(), trained_as_of=date(2026, 1, 1))
    said = predictions(prepared, trained.held_out)
    assert said["customer"].to_list() == table["customer"].to_list()[5:]
    assert said["effect_letter"].mean() == pytest.approx(0.2, abs=0.06)
    assert (said["effect_letter_low"] <= said["effect_letter"]).all()
    average = trained.details["treatments"]["letter"]["average_effect"]
    assert average["low"] < 0.18 < average["high"]
    assert trained.details["policies"]["letter for everybody"]["self_normalised"]["value"] == pytest.approx(
        0.4, abs=0.06
    )


def test_the_commonest_texts_are_the_same_ones_however_often_it_is_asked():
    texts = pl.Series("count", [f"{number:03d}" for number in range(200)] * 10)
    levels = _levels(texts)
    assert [levels[place] for place in (0, MOST_LEVELS - 1, MOST_LEVELS, 199)] == [0, 19, 20, 20]
