"""The common features by Gristmill's engine, and nothing but these (`build` would make all there are)."""

from datetime import date

import polars as pl
from common import FEATURES, SNAPSHOT, ZONE, run

from features import engine
from features.catalogue import chosen
from features.snapshots import snapshots_of


def work(paths: list[str], out: str) -> None:
    """Bucket by bucket."""
    snapshots = snapshots_of([date.fromisoformat(SNAPSHOT)], time_zone=ZONE)
    wanted = [feature for _, feature in chosen(["orders"]) if feature.name in FEATURES]
    made = []
    for path in paths:
        rows = engine._rows({"orders": pl.scan_parquet(path)}, wanted, snapshots)  # noqa: SLF001 the choice has no door
        made.append(rows.select("customer_id", *(feature.expression() for feature in wanted)))
    pl.concat(made).write_csv(out)


if __name__ == "__main__":
    run(work)
