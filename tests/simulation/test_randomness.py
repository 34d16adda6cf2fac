import numpy as np
import pytest

from simulation.randomness import lognormal_with_mean, pick, pick_by_row, stream


def test_streams_repeat_by_seed_and_differ_by_stage():
    assert stream(1, "a").random() == stream(1, "a").random()
    assert len({stream(seed, stage).random() for seed in (1, 2) for stage in ("a", "b")}) == 4


@pytest.mark.parametrize(
    ("uniform", "row", "expected"),
    [(0.0, 0, 0), (0.1, 0, 0), (0.2, 0, 1), (0.49, 0, 1), (0.5, 0, 2), (0.999, 0, 2), (0.3, 1, 0), (0.95, 1, 2)],
)
def test_pick_by_row_inverts_the_cumulative_table(uniform, row, expected):
    cumulative = np.asarray([[0.2, 0.5, 1.0], [0.9, 0.9, 1.0]])
    assert pick_by_row(np.asarray([uniform]), cumulative, np.asarray([row])).tolist() == [expected]


def test_pick_follows_its_weights():
    share = np.bincount(pick(stream(1, "pick"), (2.0, 1.0, 1.0), 20_000), minlength=3) / 20_000
    assert share == pytest.approx([0.5, 0.25, 0.25], abs=0.02)


def test_lognormal_keeps_its_mean():
    assert lognormal_with_mean(stream(1, "mean"), 3.0, 0.7, 50_000).mean() == pytest.approx(3.0, rel=0.02)
