"""Days on which a company does no business: no rows are expected on them.

Belongs here: the form of the list and asking it. Does not: what a day without rows means otherwise (`missing_days.py`).
"""

from datetime import date
from typing import Annotated

from pydantic import Field, RootModel

EveryYear = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class ClosedDays(RootModel[tuple[date | EveryYear, ...]]):
    """Dates, and days of every year as `MM-DD`."""

    root: tuple[date | EveryYear, ...] = ()

    model_config = {"frozen": True}

    def __contains__(self, day: date) -> bool:
        return day in self.root or f"{day:%m-%d}" in self.root


NEVER_CLOSED = ClosedDays()
