"""Frames in mapped files: the same rows, out of sight, and out of the process's own memory."""

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from warehouse.errors import NoRoomLeftError
from warehouse.set_aside import mapped, set_aside, write_mappable

STATUS = Path("/proc/self/status")
FRAME = pl.DataFrame(
    {
        "name": ["short", None, "longer than what a view holds by itself"],
        "count": pl.Series([1, None, 3], dtype=pl.UInt32),
        "share": [0.5, float("nan"), None],
        "is_open": [True, None, False],
        "day": [date(2026, 1, 1), None, None],
        "at": [datetime(2026, 1, 1, tzinfo=UTC)] * 3,
        "amount": pl.Series([Decimal("1.25"), None, Decimal(2)], dtype=pl.Decimal(18, 2)),
        "kind": pl.Series(["a", "b", None], dtype=pl.Enum(["a", "b"])),
        "source": pl.Series(["a", "b", None], dtype=pl.Categorical),
        "nothing": [None, None, None],
    }
)


@pytest.mark.parametrize("frame", [FRAME, FRAME.clear(), FRAME[1:2], pl.concat([FRAME, FRAME], rechunk=False)])
def test_a_frame_set_aside_is_the_same_frame_and_leaves_no_file(frame, tmp_path):
    aside = set_aside(frame, tmp_path)
    assert not list(tmp_path.iterdir())
    assert aside.schema == frame.schema
    assert aside.equals(frame)
    assert aside.with_columns(pl.col("share") + 1).height == frame.height  # and can be reckoned with


@pytest.mark.skipif(not STATUS.exists(), reason="this system does not say what stands behind memory")
def test_what_is_set_aside_takes_no_memory_of_the_process(tmp_path):
    rows = 2_000_000
    text = pl.select(pl.format("customer {} of many, in words too long for a view", pl.int_range(rows)).alias("text"))
    size, with_text = text.estimated_size("mb"), own_memory()
    text = set_aside(text, tmp_path)
    until = time.monotonic() + 20  # the allocator gives pages back after a while
    while with_text - own_memory() < 0.7 * size and time.monotonic() < until:
        time.sleep(0.1)
    assert with_text - own_memory() >= 0.7 * size
    assert text.height == rows


def own_memory():
    """Megabytes of the process that no file stands behind."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1000


def test_a_half_written_file_is_not_found(tmp_path, monkeypatch):
    def cut_short(frame, path, **_):
        path.write_bytes(b"ARROW1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_ipc", cut_short)
    with pytest.raises(NoRoomLeftError):
        write_mappable(FRAME, tmp_path / "part.arrow")
    assert not (tmp_path / "part.arrow").exists()
    monkeypatch.undo()
    write_mappable(FRAME, tmp_path / "part.arrow")
    assert mapped(tmp_path / "part.arrow").equals(FRAME)
