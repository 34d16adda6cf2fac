"""A night's candidates in files of a private folder, some customers at a time: together they would be most of a night.

Belongs here: writing and reading them. Does not: what candidates are (`offer_candidates`).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl


class CandidateFiles:
    """Candidates by part, read when asked for; see `candidate_numbers.CandidateParts`."""

    def __init__(self, folder: Path, parts: Iterator[pl.DataFrame]) -> None:
        self.files = []
        for number, part in enumerate(parts):
            self.files.append(folder / f"{number:05d}.parquet")
            part.write_parquet(self.files[-1], compression="lz4")

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int, /) -> pl.DataFrame:
        return pl.read_parquet(self.files[place])

    def summed(self, of_part: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """What is asked of every part, all parts under each other; only the columns asked for are read."""
        return pl.concat([of_part(pl.scan_parquet(file)).collect() for file in self.files])
