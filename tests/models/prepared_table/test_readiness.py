from dataclasses import replace

from models.prepared_table.readiness import LearningPoint, readiness
from models.prepared_table.table_model import Choice, FitOptions


def test_a_small_table_is_told_to_be_small(trained, prepared):
    found = trained.details["readiness"]
    assert found["rows_of_the_rarer_outcome"] == min(prepared.rows.happened.sum(), (1 - prepared.rows.happened).sum())
    assert found["mostly_missing"] == {}


def test_the_curve_goes_from_a_quarter_to_all_training_rows(trained, prepared):
    curve = trained.details["readiness"]["learning_curve"]
    assert [point["rows"] for point in curve] == [60, 120, 180, 240]
    assert set(curve[0]) == set(LearningPoint.__dataclass_fields__)
    assert curve[-1]["log_loss"] < curve[0]["log_loss"] + 0.05


def test_columns_that_are_mostly_missing_are_named(trained, prepared):
    table = prepared.rows.table
    holes = table.with_columns(calls=table["calls"].set(table["tenure"] > 9, None))
    choice = Choice(**trained.details["model"])
    found = readiness(replace(prepared.rows, table=holes), choice, FitOptions())
    assert set(found["mostly_missing"]) == {"calls"}
