import re
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl

from models.judging.model_card import Card, card_html, card_markdown
from models.judging.reliability import reliability_table, segment_table
from models.learners.importance import family_shares, feature_shares


def a_card(**changes):
    random = np.random.default_rng(2)
    predicted = random.random(800)
    happened = (random.random(800) < predicted).astype(float)
    regions = pl.Series(["<north>", "south"] * 400)
    facts = {
        "title": "churn & more",
        "grade": "B",
        "grade_words": "B: surely better",
        "standing": "Promoted.",
        "facts": {"Data": [("train", "3 | snapshots")]},
        "figures": [("AUC", "0.8", "0.7", "+0.1")],
        "reasons": ["yes: better"],
        "rolling_head": ("test", "auc"),
        "rolling": [("2025-01-01", "0.8 (0.7)")],
        "reliability": reliability_table(predicted, happened),
        "segments": segment_table(predicted, predicted, happened, {"region": regions}, is_probability=True),
        "features": {"days": 0.6, "spend": 0.4},
        "families": {"timing": 0.6, "purchases": 0.4},
        "limits": ["not for everybody"],
        "again": [("seed", "7")],
    }
    return Card(**(facts | changes))


def test_the_page_is_whole_needs_nothing_else_and_escapes_what_it_shows():
    page = card_html(a_card())
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    assert page.count("http") == page.count('xmlns="http://www.w3.org/2000/svg"')
    assert "&lt;north&gt;" in page
    assert "churn &amp; more" in page
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 3
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314 our own drawing
    assert pictures[0].count("<circle") == 10


def test_both_forms_tell_the_same_sections():
    sections = re.findall(r"^## (.*)$", card_markdown(a_card()), re.MULTILINE)
    assert sections == re.findall(r"<h2>(.*?)</h2>", card_html(a_card()))
    assert "3 \\| snapshots" in card_markdown(a_card(figures=[("AUC", "3 | snapshots", "", "")]))


def test_a_card_without_reliability_or_trees_leaves_these_sections_out():
    bare = a_card(reliability=[], segments=[], features={}, families={}, rolling=[])
    assert "mean what it says" not in card_html(bare)
    assert "What it goes by" not in card_markdown(bare)


def test_importance_is_read_off_the_boosters(churn_bundle):
    shares = feature_shares(churn_bundle)
    assert set(shares) <= set(churn_bundle.features)
    assert abs(sum(shares.values()) - 1) < 1e-3
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    families = family_shares(shares, dict.fromkeys(shares, "one"))
    assert families == {"one": families["one"]}
