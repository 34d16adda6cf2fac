from datetime import date

import numpy as np
import polars as pl
import pytest

from models.errors import FeaturesMismatchError
from models.learners.encoding import encoder_from, fit_encoder, usable_features


def frame(**overrides):
    columns = {
        "days": [1.0, None, float("inf"), 4.0] * 10,
        "count": [1, 2, 3, 4] * 10,
        "region": ["south", "south", "north", None] * 10,
    }
    return pl.DataFrame(columns | overrides)


NAMES = ("days", "count", "region")


@pytest.fixture
def encoder():
    return fit_encoder(frame(region=["south"] * 22 + ["north"] * 18), NAMES, model="churn")


def test_missing_infinite_and_unseen_become_nan_and_texts_become_codes(encoder):
    matrix = encoder.matrix(frame(region=["south", "north", "west", None] * 10), model="churn")
    assert matrix.shape == (40, 3)
    assert np.isnan(matrix[1:3, 0]).all()
    assert matrix[:2, 2].tolist() == [0.0, -1.0] or np.isnan(matrix[1, 2])
    assert np.isnan(matrix[2:4, 2]).all()


def test_columns_are_taken_by_name_whatever_their_order(encoder):
    rows = frame(region=["south"] * 40)
    shuffled = rows.with_columns(extra=pl.lit("text")).select("extra", "region", "count", "days")
    assert np.array_equal(encoder.matrix(rows, model="churn"), encoder.matrix(shuffled, model="churn"), equal_nan=True)


def test_the_rate_of_unseen_texts(encoder):
    assert encoder.unseen_shares(frame(region=["south", "west", None, None] * 10)) == {"region": 0.25}


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (frame().drop("days"), "missing: days"),
        (frame(count=["1"] * 40), "of another type: count"),
        (frame(region=[1] * 40), "of another type: region"),
    ],
)
def test_other_features_are_refused_with_the_difference(encoder, broken, told):
    with pytest.raises(FeaturesMismatchError) as caught:
        encoder.matrix(broken, model="churn")
    assert told in caught.value.got


def test_a_column_of_nulls_is_a_number_or_a_text_as_needed(encoder):
    matrix = encoder.matrix(frame(region=[None] * 40, count=[None] * 40), model="churn")
    assert np.isnan(matrix[:, 1:]).all()


def test_dates_are_no_features():
    with pytest.raises(FeaturesMismatchError, match="churn"):
        fit_encoder(pl.DataFrame({"day": [date(2026, 1, 1)]}), ["day"], model="churn")


def test_categories_do_not_depend_on_row_order():
    rows = frame(region=["b", "a", "c", "a"] * 10)
    turned = fit_encoder(rows.reverse(), NAMES, model="churn")
    fitted = fit_encoder(rows, NAMES, model="churn")
    assert fitted == turned
    assert fitted.categories == {"region": ("a",)}
    assert encoder_from(fitted.described()) == fitted


def test_constants_and_the_calendar_are_left_out():
    rows = pl.DataFrame(
        {
            "snapshot_date": [date(2026, 1, 1)] * 2 + [date(2026, 2, 1)] * 2,
            "month": [1, 1, 2, 2],
            "constant": [7, 7, 7, 7],
            "nothing": pl.Series([None] * 4, dtype=pl.Float64),
            "flag_or_null": [1, None, 1, None],
            "days": [1, 2, 3, 4],
        }
    )
    kept, left_out = usable_features(rows, ["month", "constant", "nothing", "flag_or_null", "days"])
    assert kept == ("flag_or_null", "days")
    assert set(left_out) == {"month", "constant", "nothing"}
    assert "calendar" in left_out["month"]
