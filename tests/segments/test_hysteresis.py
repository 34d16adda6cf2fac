import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segments.hysteresis import settled_class

CLASSES = ("low", "middle", "high")


def settled(values, previous, margin=0.1):
    rows = pl.DataFrame({"value": values, "before": previous}, schema={"value": pl.Float64, "before": pl.String})
    chosen = settled_class(pl.col("value"), (10, 20), CLASSES, previous=pl.col("before"), margin=margin)
    return rows.select(chosen.alias("class"))["class"].to_list()


@pytest.mark.parametrize(
    ("value", "before", "now"),
    [
        (10.0, None, "middle"),  # first night: the line itself belongs to the class above
        (9.99, None, "low"),
        (10.5, "low", "low"),  # not clear of the line yet
        (11.0, "low", "middle"),
        (9.5, "middle", "middle"),
        (8.9, "middle", "low"),
        (25.0, "low", "high"),  # far beyond: straight to where it belongs
        (19.0, "high", "high"),
        (15.0, "some other word", "middle"),
        (None, "high", None),
    ],
)
def test_a_class_changes_only_clear_of_the_line(value, before, now):
    assert settled([value], [before]) == [now]


@given(st.lists(st.floats(0, 40), min_size=1, max_size=20), st.sampled_from([None, *CLASSES]))
def test_a_settled_class_stays_when_nothing_moves(values, before):
    once = settled(values, [before] * len(values))
    assert settled(values, once) == once


@given(st.floats(0, 40))
def test_without_a_margin_yesterday_does_not_matter(value):
    assert len({settled([value], [before], margin=0.0)[0] for before in (None, *CLASSES)}) == 1
