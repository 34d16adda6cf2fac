"""The review's charts: well-formed, true to scale, silent where there is nothing to draw."""

from xml.etree import ElementTree as ET

import pytest

from segments.review.charts import predicted_and_actual, sankey, share_against_line, waterfall
from segments.vocabulary import NOT_SCORED, VALUE_TIERS

ORDER = (*VALUE_TIERS, NOT_SCORED)


def heights(svg):
    return [float(box.get("height")) for box in ET.fromstring(svg).iter("rect")]  # noqa: S314 our own text


def test_a_sankey_is_to_scale():
    svg = sankey({("gold", "gold"): 30, ("gold", "iron"): 10}, order=ORDER)
    gold, gold_now, iron_now = heights(svg)
    assert gold == pytest.approx(4 * iron_now, rel=0.01)
    assert gold == pytest.approx(gold_now + iron_now, rel=0.01)
    assert len(list(ET.fromstring(svg).iter("path"))) == 2  # noqa: S314 likewise


def test_a_waterfall_hangs_its_steps_between_the_totals():
    svg = waterfall([("before", 100.0, True), ("lost customers", -50.0, False), ("now", 50.0, True)], ["a", "b", "c"])
    before, lost, now = heights(svg)
    assert before == pytest.approx(2 * now, rel=0.01)
    assert lost == pytest.approx(now, rel=0.01)


def test_nothing_to_draw():
    assert sankey({}, order=ORDER) == waterfall([], []) == predicted_and_actual([]) == ""
    assert waterfall([("before", 0.0, True), ("now", 0.0, True)], ["0", "0"]) == ""


@pytest.mark.parametrize("points", [1, 60])
def test_charts_are_well_formed_and_escape_their_labels(points):
    for svg in (
        predicted_and_actual([("<b>&", 0.0, 0.0, 0.0, 0.0)] * points),
        predicted_and_actual([("x", 1.0, 1.0, 1.0, 1.0)] * points),
        share_against_line(0.0, 0.0, 0.0, 0.0),
        share_against_line(0.9, 0.8, 1.0, 0.15),
    ):
        ET.fromstring(svg)  # noqa: S314 likewise
