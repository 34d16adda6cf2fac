"""Every score that was ever published, kept: one Parquet file a night and attempt, in the lake, never changed.

Belongs here: writing a night's file before it is published, finding the files of nights that were, and the receipts
and findings of drift made of them. Does not: what is in a file (`flows.nights.receipting`), or what became of the
customers.

A file is written before the publication it belongs to; the ledger says which attempts were published, and only their
files count. Erasing people sweeps these files as all others of the lake.

    kept_scores/as_of=2026-11-21/score-2026-11-21-1a2b3c4d5e6f-1.parquet   one row a scored customer
    kept_lists/as_of=2026-11-21/score-2026-11-21-1a2b3c4d5e6f-1.parquet   one row a customer and place in a list
    receipts/as_of=2026-11-21/score-2026-11-21-1a2b3c4d5e6f-1-churn_probability.parquet   aggregates only
    drift/as_of=2026-11-21/score-2026-11-21-1a2b3c4d5e6f-1.parquet         aggregates only
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from warehouse.databases.base import Warehouse
from warehouse.publishing.publications import publications

SCORES, LISTS, RECEIPTS, DRIFT = "kept_scores", "kept_lists", "receipts", "drift"


@dataclass(frozen=True, kw_only=True)
class KeptNight:
    """The scores of one published night.

    Attributes:
        root: the lake's folder.
        as_of: the business date.
        run_key: the run.
        attempt: the run's attempt that was published.
    """

    root: Path
    as_of: date
    run_key: str
    attempt: int

    @property
    def file(self) -> Path:
        """Its scores."""
        return self._place(SCORES, f"{self.run_key}-{self.attempt}")

    @property
    def lists(self) -> Path:
        """Its ranked lists of products and categories; not there where there were none."""
        return self._place(LISTS, f"{self.run_key}-{self.attempt}")

    @property
    def drift(self) -> Path:
        """What had changed since its models were trained."""
        return self._place(DRIFT, f"{self.run_key}-{self.attempt}")

    def receipt(self, score: str) -> Path:
        """The receipt of one of its scores; there once its window has matured."""
        return self._place(RECEIPTS, f"{self.run_key}-{self.attempt}-{score}")

    def _place(self, kind: str, stem: str) -> Path:
        return self.root / kind / f"as_of={self.as_of.isoformat()}" / f"{stem}.parquet"


def keep(frame: pl.DataFrame, path: Path) -> None:
    """Write a file of `KeptNight`: aside first, then put in place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")
    frame.write_parquet(aside)
    aside.replace(path)


def published_nights(warehouse: Warehouse, root: Path, *, before: date) -> Iterator[KeptNight]:
    """Published nights before a date whose scores are kept, the oldest first; of each date what readers were left with.

    Versions that were superseded or rolled back are kept too, but are not what the company went by in the end.
    """
    standing: dict[date, KeptNight] = {}
    for version in publications(warehouse):
        night = KeptNight(root=root, as_of=version.as_of, run_key=version.run_key, attempt=version.attempt)
        if version.superseded or version.rolled_back_at is not None or version.as_of >= before:
            continue
        if version.as_of not in standing and night.file.exists():
            standing[version.as_of] = night
    yield from (standing[day] for day in sorted(standing))
