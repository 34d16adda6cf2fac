import io

import numpy as np
import pytest
from rich.console import Console

from flows.running.progress import Reporter


def reporter(*, terminal=False):
    return Reporter(console=Console(file=io.StringIO(), force_terminal=terminal, width=100))


def test_a_step_is_told_in_one_line_where_nobody_watches():
    watcher = reporter()
    with watcher.step("count customers", parts=3) as ticker:
        ticker.tick()
    lines = watcher.console.file.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("count customers")
    assert "MB" in lines[0]


def test_a_terminal_gets_a_bar():
    watcher = reporter(terminal=True)
    with watcher.step("count customers", parts=2) as ticker:
        ticker.tick()
        ticker.tick()
    assert "2/2" in watcher.console.file.getvalue()


def test_the_peak_memory_of_a_step_is_seen():
    watcher = reporter()
    with watcher.step("small"):
        pass
    with watcher.step("large"):
        block = np.ones(40_000_000)  # 320 MB, touched
        block += 1
        del block
    small, large = watcher.records
    assert large.peak_memory_mb - small.peak_memory_mb > 200


def test_a_step_that_fails_is_not_counted_as_done():
    watcher = reporter()
    with pytest.raises(ZeroDivisionError), watcher.step("broken"):
        raise ZeroDivisionError
    assert watcher.records == []


def test_costs_are_plain_values():
    watcher = reporter()
    with watcher.step("a"):
        pass
    assert set(watcher.costs()[0]) == {"step", "wall_seconds", "cpu_seconds", "peak_memory_mb"}
