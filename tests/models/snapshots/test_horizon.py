import polars as pl
import pytest

from models.snapshots.horizon import choose_horizon, short_history_horizon


def gaps(*days, times=100):
    return pl.DataFrame(
        {"gap_days": list(days), "gap_count": [times] * len(days)}, schema_overrides={"gap_count": pl.UInt32}
    )


@pytest.mark.parametrize(
    ("within", "expected"), [(0, 30), (7, 30), (44, 60), (88, 90), (119, 90), (140, 180), (400, 365), (3000, 365)]
)
def test_the_horizon_is_the_nearest_sensible_span(within, expected):
    horizon = choose_horizon(gaps(0, 0, 0, within, 4000), can_be_learnt=lambda _: True)
    assert horizon.days == expected
    assert f"within {within} days" in horizon.basis


def test_a_history_too_short_takes_a_shorter_one_and_says_so():
    horizon = choose_horizon(gaps(300, 300, 300), can_be_learnt=lambda days: days <= 90)
    assert horizon.days == 90
    assert "365 days would fit better" in horizon.basis


def test_where_nothing_can_be_learnt_the_wanted_one_is_told():
    assert choose_horizon(gaps(300, 300, 300), can_be_learnt=lambda _: False).days == 365


@pytest.mark.parametrize("few", [gaps(times=1), gaps(5, times=199)])
def test_a_handful_of_gaps_is_no_rhythm(few):
    horizon = choose_horizon(few, can_be_learnt=lambda _: True)
    assert (horizon.days, "too few" in horizon.basis) == (90, True)


@pytest.mark.parametrize(("within", "history_days", "expected"), [(14, 150, 30), (31, 150, 90), (31, 250, 30)])
def test_a_short_history_has_not_seen_the_longer_gaps(within, history_days, expected):
    seen = gaps(0, 0, 0, within, 140)
    rhythm = choose_horizon(seen, can_be_learnt=lambda _: True)
    assert short_history_horizon(rhythm, seen, history_days=history_days).days == expected


def test_a_longer_rhythm_stays_what_it_is():
    seen = gaps(140, 140, 140, 140)
    rhythm = choose_horizon(seen, can_be_learnt=lambda _: True)
    assert short_history_horizon(rhythm, seen, history_days=150) == rhythm
