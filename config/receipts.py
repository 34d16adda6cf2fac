"""How published scores are held against what happened.

Belongs here: the section `[receipts]`. Does not: what is done with it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Receipts(BaseModel):
    """Scores against outcomes, and what follows when a champion falls short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_days: int = Field(
        default=7, ge=0, le=365, description="after a window ends, before its outcome is read: late rows and returns"
    )
    retrain: Literal["propose", "start"] = Field(
        default="propose", description="when a champion is below its promise: say so, or train with the next `run`"
    )
    retrain_every_days: int = Field(default=30, ge=1, le=3660, description="at least between two such trainings")
