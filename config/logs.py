"""How log lines on standard error are written.

Belongs here: the section `[logs]`. Does not: anything that can change a result, and what is told
(`flows/running/logs.py`).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LogFormat = Literal["text", "json"]


class Logs(BaseModel):
    """Words for people, or one JSON document a line for programs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: LogFormat = Field(default="text", description="of lines on standard error: text, or json for programs")
