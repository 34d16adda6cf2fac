import polars as pl
import pytest

from models.learners.encoding import fit_encoder
from models.prepared_table.curve import plan_design


@pytest.mark.parametrize(
    ("numbers", "texts", "bends", "widths"),
    [
        (2, 2, True, 2 * 5 + 2 * 40),  # all fits
        (190, 1, True, 190 + 40),  # so many numbers don't bend
        (190, 20, True, 190 + 20 * ((600 - 190) // 20)),  # nor do texts have all their levels
        (700, 2, False, 700 + 2 * 5),
        (700, 0, False, 700),
    ],
)
def test_wide_tables_get_fewer_bends_and_levels(numbers, texts, bends, widths):
    rows = range(400)
    frame = pl.DataFrame(
        {f"n{place}": [float((row * 7 + place) % 101) for row in rows] for place in range(numbers)}
        | {f"t{place}": [f"v{(row + place) % 40}" for row in rows] for place in range(texts)}
    )
    encoder = fit_encoder(frame, frame.columns, model="test", minimum_rows=5)
    design = plan_design(encoder.matrix(frame, model="test"), encoder, with_bends=bends)
    assert len(design.places) == widths


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [lambda row: -1e300 if row == 7 else row, lambda row: 1e300 * (row % 10 - 5)])
def test_numbers_too_large_to_be_squared_enter_as_logarithms(value):
    frame = pl.DataFrame({"size": [float(value(row)) for row in range(100)]})
    encoder = fit_encoder(frame, frame.columns, model="test", minimum_rows=5)
    matrix = encoder.matrix(frame, model="test")
    design = plan_design(matrix, encoder, with_bends=False)
    assert design.lines[0].logarithm
    assert abs(design.matrix(matrix)).max() < 20
