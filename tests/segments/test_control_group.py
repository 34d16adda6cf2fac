import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from segments.control_group import in_control_group

IDS = pl.Series([str(number) for number in range(20_000)])


def test_its_share_is_what_was_asked_for_and_audiences_draw_apart():
    spring = in_control_group(IDS, audience="spring", share=0.1)
    autumn = in_control_group(IDS, audience="autumn", share=0.1)
    assert 0.09 < spring.mean() < 0.11
    assert 0.005 < (spring & autumn).mean() < 0.015  # independent draws meet in 1 %
    assert not in_control_group(IDS, audience="spring", share=0.0).any()
    assert in_control_group(IDS, audience="spring", share=1.0).all()


def test_it_is_the_same_on_every_machine():
    drawn = in_control_group(pl.Series(["1", "2", "3", "00042"]), audience="win-back", share=0.5)
    assert drawn.to_list() == [True, False, True, True]  # as sha256sum says


@given(st.lists(st.text(min_size=1, max_size=5), max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_whoever_is_in_a_small_group_is_in_a_larger_one(ids, one, other):
    small, large = sorted((one, other))
    people = pl.Series(ids, dtype=pl.String)
    within = in_control_group(people, audience="x", share=small)
    around = in_control_group(people, audience="x", share=large)
    assert not (within & ~around).any()
