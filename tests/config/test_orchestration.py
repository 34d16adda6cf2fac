import pytest
from pydantic import ValidationError

from config.orchestration import Orchestration


@pytest.mark.parametrize("line", ["0 2 * * *", "*/15 1-3 * * MON-FRI", "0 6 1 1,4,7,10 *", ""])
def test_a_cron_line_is_kept_as_it_is(line):
    assert Orchestration(nightly_scoring=line).nightly_scoring == line


@pytest.mark.parametrize("line", ["99 2 * * *", "0 2 * *", "0 2 * * * *", "@daily", "0 2 30 2 *", "soon"])
def test_what_is_no_cron_line_is_refused_with_an_example(line):
    with pytest.raises(ValidationError, match="not a cron line such as '0 2 \\* \\* \\*'"):
        Orchestration(weekly_training=line)
