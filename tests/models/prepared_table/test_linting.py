import numpy as np
import polars as pl
import pytest

from models.prepared_table.columns import read_columns, typed
from models.prepared_table.errors import LabelDegenerateError, LabelUnreadableError
from models.prepared_table.linting import leaks, read_label, refuse_too_few, useless_columns

RANDOM = np.random.default_rng(9)
LEFT = (RANDOM.random(400) < 0.25).astype(float)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 0, None], [1, 0, None]),
        ([1.0, 0.0, float("nan")], [1, 0, None]),
        ([1, -1, None], [1, 0, None]),
        ([True, False, None], [1, 0, None]),
        (["Yes", "No", " "], [1, 0, None]),
        (["churned", "stayed", ""], [1, 0, None]),
        (["Attrited Customer", "Existing Customer", None], [1, 0, None]),
        (["gone", "no", None], [1, 0, None]),
        (["True.", "False.", None], [1, 0, None]),
        (["Ja", "Nein", None], [1, 0, None]),
        (["Gekündigt", "aktiv", None], [1, 0, None]),
        (["不", "是", None], [0, 1, None]),
    ],
)
def test_labels_are_read(values, expected):
    told = read_label(pl.Series("left", values, strict=False)).happened
    assert [None if np.isnan(one) else one for one in told] == expected


@pytest.mark.parametrize("values", [["red", "blue"], ["a", "b", "c"], [None, None], ["1", "2"]])
def test_labels_that_say_neither_yes_nor_no_are_refused(values):
    with pytest.raises(LabelUnreadableError, match="happened or not"):
        read_label(pl.Series("left", values, dtype=pl.String))


def test_a_column_named_by_mistake_is_not_read_out():
    with pytest.raises(LabelUnreadableError) as refused:
        read_label(pl.Series("email", [f"person{number}@example.org" for number in range(50)]))
    assert "person" not in str(refused.value)
    assert "50 different values" in refused.value.got


def test_the_value_that_means_it_can_be_named():
    label = read_label(pl.Series("status", ["a", "b", "c"]), positive="b")
    assert (label.happened.tolist(), label.positive, label.negative) == ([0, 1, 0], "b", "a or c")
    with pytest.raises(LabelUnreadableError):
        read_label(pl.Series("status", ["a", "b"]), positive="z")


@pytest.mark.parametrize("ones", [0, 9, 391, 400])
def test_a_degenerate_label_is_refused(ones):
    with pytest.raises(LabelDegenerateError):
        refuse_too_few(np.arange(400.0) < ones, label="left")


def test_useless_columns_are_left_out_with_the_reason():
    rows = 200
    frame = pl.DataFrame(
        {
            "same": [1] * rows,
            "nothing": pl.Series([None] * rows, dtype=pl.Float64),
            "account_id": range(7_000_000, 7_000_000 + 31 * rows, 31),
            "row": range(rows),
            "name": [f"person {number}" for number in range(rows)],
            "amount": [number * 1.37 for number in range(rows)],
            "amount_again": [number * 1.37 for number in range(rows)],
            "cents": [number * 137 for number in range(rows)],
            "plan": ["a", "b"] * (rows // 2),
        }
    )
    columns, _ = read_columns(frame, frame.columns)
    left_out = useless_columns(frame, typed(frame, columns), columns)
    assert set(left_out) == {"same", "nothing", "account_id", "row", "name", "amount_again"}
    assert left_out["amount_again"] == "repeats the column amount"


def columns_beside_the_label():
    noise = RANDOM.normal(size=len(LEFT))
    some = (LEFT == 1) & (RANDOM.random(len(LEFT)) < 0.6)
    return {
        "copy": (LEFT, True),
        "copy_in_words": (np.where(LEFT == 1, "out", "in"), True),
        "upside_down": (1 - LEFT + 0.01 * noise, True),
        "reason_for_leaving": (np.where(LEFT == 1, "price", None), True),
        "end_date_of_some": (np.where(some, 20_000.0 + noise, np.nan), True),
        "zero_for_some": (np.where(some, 0.0, np.abs(noise) + 1), True),
        "strong_but_honest": (LEFT + 0.8 * noise, False),
        "noise": (noise, False),
        "rare_pure_value": (np.where(np.cumsum(LEFT) <= 8, np.where(LEFT == 1, "x", "y"), "y"), False),
    }


@pytest.mark.parametrize("name", columns_beside_the_label())
def test_columns_that_give_the_label_away_are_found(name):
    values, gives_away = columns_beside_the_label()[name]
    series = pl.Series(name, values.tolist(), strict=False)
    frame = pl.DataFrame([series.fill_nan(None) if series.dtype.is_float() else series])
    columns, _ = read_columns(frame, [name])
    found, _ = leaks(typed(frame, columns), columns, LEFT)
    assert (name in found) == gives_away
