import polars as pl
import pytest

from segments.errors import PhraseTemplateError
from segments.wording import clauses, filled, filled_by_row

VALUES = {"a": pl.col("a"), "b": pl.col("b")}


def _said(template, a, b=None, **options):
    frame = pl.DataFrame({"a": [a], "b": [b]}, schema={"a": pl.String, "b": pl.String})
    return frame.select(filled(template, VALUES, **options)).item()


@pytest.mark.parametrize(
    ("template", "a", "b", "expected"),
    [
        ("silent for {a} days, usually every {b} days", "45", "20", "silent for 45 days, usually every 20 days"),
        ("silent for {a} days, usually every {b} days", "45", None, "silent for 45 days"),
        ("silent for {a} days, usually every {b} days", None, "20", "usually every 20 days"),
        ("silent for {a} days", None, None, None),
        ("Call now; offer {a}", "TEA, GREEN; LARGE", None, "Call now; offer TEA, GREEN; LARGE"),
        ("Call now: about to leave; offer {a}", None, None, "Call now: about to leave"),
        ("bought {a}, most of it in spring; {b}", None, "x", "x"),
        ("{unheard_of} of it, {a}", "1", None, "1"),
        ("no figures here", None, None, "no figures here"),
        ("{{{a}}}", "1", None, "{1}"),
    ],
)  # fmt: skip
def test_a_clause_is_said_whole_or_not_at_all(template, a, b, expected):
    assert _said(template, a, b) == expected


def test_whole_sentences_are_all_or_nothing():
    assert _said("{a}, {b}", "1", None, whole=True) is None
    assert _said("{a}, {b}", "1", "2", whole=True) == "1, 2"


@pytest.mark.parametrize(
    ("template", "a", "expected"),
    [
        ("{a} days", "1", "1 day"),
        ("{a} days", "21", "21 days"),
        ("{a} days", "1,001", "1,001 days"),
        ("{a} times", "0.1", "0.1 times"),
        ("buys from {a} categories", "1", "buys from 1 category"),
        ("£{a} of 1 items", "1", "£1 of 1 item"),
        ("buys {a} different brands", "1", "buys 1 brand"),
        ("ordered {a} times in the last 90 days", "0", "did not order in the last 90 days"),
        ("ordered {a} times in the last 90 days", "10", "ordered 10 times in the last 90 days"),
    ],
)
def test_one_is_singular_and_none_is_said_so(template, a, expected):
    assert _said(template, a) == expected


@pytest.mark.parametrize("template", ["", "  ", "{a", "a}", "{}", "{0}", "{a.b}", "{a[0]}", "{a:.2f}", "{a!r}"])
def test_what_is_no_plain_template_is_refused(template):
    with pytest.raises(PhraseTemplateError):
        clauses(template)


def test_rows_with_templates_of_their_own_keep_their_order():
    frame = pl.DataFrame({"t": ["x {a}", None, "y {a}", "x {a}"], "a": ["1", "2", "3", None]})
    assert filled_by_row(frame, "t", {"a": pl.col("a")}).to_list() == ["x 1", None, "y 3", None]
    assert filled_by_row(frame.head(0), "t", {"a": pl.col("a")}).to_list() == []
