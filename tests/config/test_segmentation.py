from dataclasses import fields

import pytest
from pydantic import ValidationError

from config.segmentation import Segmentation
from segments.standing.cell_policies import DEFAULT_POLICIES
from segments.standing.rules import SegmentationRules
from segments.standing.value_matrix import CELLS


def test_the_defaults_of_the_settings_are_those_of_the_rules():
    own, rules = Segmentation(), SegmentationRules()
    names = {one.name for one in fields(SegmentationRules)} - {"cost_per_ticket_amount"}
    assert {name: getattr(own, name) for name in names} == {name: getattr(rules, name) for name in names}
    assert set(DEFAULT_POLICIES) == set(CELLS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": {"luck": 1.0}},
        {"weights": {"turnover": 0.0}},
        {"dormant_after_gaps": 7.0},
        {"policies": {"vip": {}}},
        {"loyalty": 1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        Segmentation(**wrong)
