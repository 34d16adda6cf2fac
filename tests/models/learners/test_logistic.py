import numpy as np
import pytest

from models.learners import logistic
from models.learners.logistic import fit_logistic


def test_finds_the_weights_that_made_the_data(monkeypatch):
    random = np.random.default_rng(1)
    design = np.column_stack([np.ones(20_000), random.normal(size=20_000)])
    offset = random.normal(size=20_000)
    target = (random.random(20_000) < 1 / (1 + np.exp(-(design @ [0.5, -1.0] + offset)))).astype(float)
    fitted = fit_logistic(design, target, penalty=np.full(2, 1e-6), start=np.zeros(2), offset=offset)
    assert fitted == pytest.approx([0.5, -1.0], abs=0.06)
    monkeypatch.setattr(logistic, "ROWS_AT_ONCE", 3_000)
    in_parts = fit_logistic(design, target, penalty=np.full(2, 1e-6), start=np.zeros(2), offset=offset)
    assert in_parts == pytest.approx(fitted, rel=1e-9)


@pytest.mark.parametrize("scale", [0.01, 1, 50])
def test_far_starts_and_separated_data_do_not_throw_it_off(scale):
    scores = np.linspace(-1, 1, 400) * scale
    design = np.column_stack([np.ones(400), scores])
    fitted = fit_logistic(design, (scores > 0).astype(float), penalty=np.full(2, 0.1), start=np.array([30.0, 1.0]))
    assert np.isfinite(fitted).all()
    assert fitted[1] > 0


def test_a_strong_penalty_keeps_the_start():
    design, target = np.ones((50, 1)), np.ones(50)
    assert fit_logistic(design, target, penalty=np.array([1e9]), start=np.array([-2.0]))[0] == pytest.approx(-2.0)
