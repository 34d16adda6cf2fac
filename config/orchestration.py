"""Who runs the schedules, and how patiently.

Belongs here: the section `[orchestration]`. Does not: anything that can change a result.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CronLine = Annotated[str, Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")]


class Orchestration(BaseModel):
    """Who runs the schedules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_url: str = Field(default="", description="a Prefect server's API; empty: verbs run in this process")
    nightly_scoring: CronLine = Field(default="0 2 * * *", description="cron line, in the company's time zone")
    weekly_training: CronLine = Field(default="0 4 * * 0", description="likewise")
    quarterly_review: CronLine = Field(default="0 6 1 1,4,7,10 *", description="likewise")
    catch_up_nights: int = Field(
        default=3, ge=0, le=366, description="nights that were missed and are published before a scheduled one"
    )
    timeout_minutes: float = Field(default=480, gt=0, description="after which a scheduled run is given up")
