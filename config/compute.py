"""How much of which machines to use.

Belongs here: the section `[compute]`. Does not: anything that can change a result.
"""

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Compute(BaseModel):
    """How much of the machine, or of which machines, to use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threads: int = Field(default=1, ge=1, le=256, description="threads of LightGBM")
    memory_gigabytes: float = Field(default=4.0, ge=1, le=100_000, description="of a load; beyond it works on disk")
    processes: int = Field(
        default=1, ge=1, le=256, description="buckets worked on at once by processes of this machine; 1: by this one"
    )
    cluster: str = Field(
        default="",
        pattern=r"^$|^(tcp|tls)://[^\s@]+:\d+$",
        description="a Dask scheduler, such as tcp://10.0.0.5:8786, whose workers see the workspace; empty: none",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Compute":
        if self.cluster and self.processes > 1:
            raise ValueError("processes and cluster are two ways to do the same: set one of them")
        return self
