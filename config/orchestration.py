"""Who runs the schedules, and how patiently.

Belongs here: the section `[orchestration]`. Does not: anything that can change a result.
"""

from datetime import datetime
from typing import Annotated

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FIELDS = 5  # minute, hour, day of the month, month, day of the week


def _is_a_cron_line(line: str) -> str:
    """Five fields as cron has them, or nothing."""
    fault = "five fields" if line and len(line.split()) != FIELDS else ""
    try:
        if line and not fault:
            CronSim(line, datetime(2000, 1, 1))  # noqa: DTZ001 any moment: only the line is looked at
    except CronSimError as error:
        fault = str(error)
    if fault:
        raise ValueError(f"not a cron line such as '0 2 * * *' ({fault}); '' is never")
    return line


CronLine = Annotated[str, AfterValidator(_is_a_cron_line)]


class Orchestration(BaseModel):
    """Who runs the schedules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_url: str = Field(default="", description="a Prefect server's API; empty: verbs run in this process")
    nightly_scoring: CronLine = Field(
        default="0 2 * * *", description="cron line, in the company's time zone; empty: never"
    )
    weekly_training: CronLine = Field(default="0 4 * * 0", description="likewise")
    quarterly_review: CronLine = Field(default="0 6 1 1,4,7,10 *", description="likewise")
    catch_up_nights: int = Field(
        default=3, ge=0, le=366, description="nights that were missed and are published before a scheduled one"
    )
    timeout_minutes: float = Field(default=480, gt=0, description="after which a scheduled run is given up")
