"""Whether there is enough to learn from, asked while a night may be under way."""

import pytest

from flows.learning.readying import readiness_report
from flows.running.recording import alone
from warehouse.errors import WarehouseBusyError


def test_a_learning_curve_keeps_out_of_a_night_s_way(trained, open_at):
    """Its tables lie in the lake where a night's parts do, and whoever begins there clears away what others left."""
    context = open_at(trained[0])
    with alone(context, "night"):
        assert any(answer["ready"] for answer in readiness_report(context, as_of=None, with_curve=False)["models"])
        with pytest.raises(WarehouseBusyError):
            readiness_report(context, as_of=None, with_curve=True)
