"""The same features by Gristmill and by others, on the same order lines: CPU seconds and peak memory as ratios.

    python benchmarks/bench_peers.py                      2 M lines of 20 k customers
    python benchmarks/bench_peers.py --lines 200000       to try
    python benchmarks/bench_peers.py --cache FOLDER       keeps the peers' environments and the rows for the next time

33 features that all peers but one can express (`peers/common.py`). Each peer runs in an environment of its own that
`uv venv` makes in the cache folder, and is a process of its own with two threads at most. What it computes is compared
with Gristmill's, value by value, before any figure is printed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
BUCKETS = 16
LINES_A_CUSTOMER = 100
TOLERANCE = 1e-9
THREADS = "2"


@dataclass(frozen=True)
class Peer:
    """Another way to the same features, and what its environment needs."""

    script: str
    packages: tuple[str, ...]
    differs: tuple[str, ...] = ()


PEERS = {
    "DuckDB SQL": Peer("by_duckdb.py", ("duckdb==2.0.*",)),
    "pandas": Peer("by_pandas.py", ("pandas==3.1.*", "pyarrow==25.*")),
    "featuretools": Peer("by_featuretools.py", ("featuretools==1.31.*", "pandas<3", "pyarrow", "setuptools<80")),
    "tsfresh minimal": Peer(
        "by_tsfresh.py", ("tsfresh==0.21.*", "pandas<3", "pyarrow", "setuptools<80"), ("spread_of_days_between_orders",)
    ),
}
"""`differs`: features that a peer defines otherwise (tsfresh divides by n, not n - 1)."""


def environment(name: str, peer: Peer, cache: Path) -> Path:
    """The peer's own Python, made the first time."""
    home = cache / name.replace(" ", "_")
    python = home / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(home)], check=True)  # noqa: S603 ours
        install = [uv, "pip", "install", "--quiet", "--python", str(python), *peer.packages]
        subprocess.run(install, check=True)  # noqa: S603 ours
    return python


def measured(python: Path, script: str, folder: Path, out: Path, rounds: int) -> dict[str, float]:
    """The cheapest of some rounds of one script."""
    limits = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "ARROW_NUM_THREADS"), THREADS)
    paths = os.pathsep.join([str(HERE / "peers"), str(HERE.parent)])
    command = [str(python), str(HERE / "peers" / script), str(folder), str(out)]
    told = []
    for _ in range(rounds):
        done = subprocess.run(  # noqa: S603 ours
            command, check=True, stdout=subprocess.PIPE, env={**os.environ, **limits, "PYTHONPATH": paths}
        )
        told.append(json.loads(done.stdout))
    return min(told, key=lambda one: one["cpu"])


def compared(ours: Path, theirs: Path, differs: tuple[str, ...]) -> int:
    """How many features a peer computed, every value checked against ours; ends the program where one differs."""
    left, right = (
        pl.read_csv(path, schema_overrides={"customer_id": pl.String}, infer_schema_length=None).sort("customer_id")
        for path in (ours, theirs)
    )
    both = left.join(right, on="customer_id", how="left", suffix=" of peer", maintain_order="left")
    found = 0
    for name in left.columns[1:]:
        if f"{name} of peer" not in both.columns:
            continue
        found += 1
        mine, other = (both[column].cast(pl.Float64) for column in (name, f"{name} of peer"))
        if name.endswith("_days") or name.startswith(("purchase_count", "returned")):
            other = other.fill_null(0)  # an empty window: tsfresh has no row for it
        gap = ((mine - other).abs() / (mine.abs() + 1)).max() or 0.0
        if name not in differs and (gap > TOLERANCE or (mine.is_null() != other.is_null()).any()):
            raise SystemExit(f"{theirs.stem} computes another {name}: up to {gap:.2g} apart")
    return found


def compare(lines: int, cache: Path, rounds: int) -> None:
    """Measure everybody and print the table."""
    folder = cache / f"{lines}_lines"
    if not folder.exists():
        customers = round(lines / LINES_A_CUSTOMER)
        make = (
            "from pathlib import Path; from made_up_orders import write_orders;"
            f"write_orders(Path({str(folder)!r}), buckets={BUCKETS}, customers={customers}, lines={lines})"
        )
        subprocess.run([sys.executable, "-c", make], check=True, cwd=HERE)  # noqa: S603 ours
    ours = cache / "gristmill.csv"
    own = measured(Path(sys.executable), "by_gristmill.py", folder, ours, rounds)
    told = {"Gristmill": (own, len(pl.read_csv(ours, n_rows=1).columns) - 1)}
    for name, peer in PEERS.items():
        out = cache / f"{peer.script.removesuffix('.py')}.csv"
        figures = measured(environment(name, peer, cache), peer.script, folder, out, rounds)
        told[name] = (figures, compared(ours, out, peer.differs))
    print(f"{lines:,} lines asked for, {BUCKETS} buckets, one snapshot")
    print(f"{'':<17}{'features':>9}{'CPU s':>8}{'ratio':>7}{'a feature':>10}{'peak MB':>9}{'ratio':>7}")
    for name, (figures, features) in told.items():
        ratio, memory = figures["cpu"] / own["cpu"], figures["peak_mb"] / own["peak_mb"]
        each = ratio * told["Gristmill"][1] / features
        print(
            f"{name:<17}{features:>9}{figures['cpu']:>8.2f}{ratio:>7.1f}{each:>10.1f}{figures['peak_mb']:>9,.0f}"
            f"{memory:>7.1f}"
        )


def main() -> None:
    """Print the figures."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--lines", type=int, default=2_000_000, help="order lines, 100 a customer")
    asked.add_argument("--rounds", type=int, default=1, help="the cheapest of so many")
    asked.add_argument("--cache", type=Path, help="where environments and rows are kept for the next time")
    given = asked.parse_args()
    if given.cache:
        given.cache.mkdir(parents=True, exist_ok=True)
        compare(given.lines, given.cache.absolute(), given.rounds)
        return
    with tempfile.TemporaryDirectory() as cache:
        compare(given.lines, Path(cache), given.rounds)


if __name__ == "__main__":
    main()
