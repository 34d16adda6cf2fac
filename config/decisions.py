"""What is decided under which rules: channels, budget, contacts a customer, costs, and what is assumed.

Belongs here: the section `[decisions]`. Does not: choosing.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Money = Annotated[float, Field(ge=0, le=1e12)]
Share = Annotated[float, Field(ge=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Channel(_Section):
    """One way to address customers."""

    cost: Money | None = Field(default=None, description="of one contact, major units; by default what contacts cost")
    capacity: int | None = Field(default=None, ge=0, description="contacts a night; by default as many as are worth it")
    at_most: int | None = Field(default=4, ge=0, description="contacts a customer in the period")


class Minimum(_Section):
    """So many contacts, or such a share, for some offers whatever they bring."""

    name: str = Field(description="for people, such as 'letters'")
    column: Literal["product_id", "category", "channel"]
    value: str
    at_least: int = Field(default=0, ge=0, description="contacts a night")
    share: Share = Field(default=0.0, description="of all contacts; instead of at_least")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.at_least) == bool(self.share):
            raise ValueError("a minimum says exactly one of: at_least (contacts) or share (of all contacts)")
        return self


class Decisions(_Section):
    """Whom to offer what, and where to stop."""

    budget: Money | None = Field(default=None, description="for contacts a night, major units; by default no limit")
    offers_per_customer: int = Field(default=1, ge=1, le=10, description="made a night")
    channels: dict[str, Channel] = Field(default={}, description="by default one, which is left open")
    period_days: int = Field(default=30, ge=1, le=3660, description="over which contacts a customer are counted")
    minimums: tuple[Minimum, ...] = ()
    suppression_list: Path | None = Field(
        default=None, description="CSV with a column customer_id: never addressed; relative to this file's folder"
    )
    exploration_share: Share = Field(
        default=0.0,
        description="of customers (and at most of each limit) who get any open offer by lot, to learn from",
    )
    outcome_days: int = Field(default=30, ge=1, le=365, description="after a contact: what is bought in them counts")
    assumed_margin_share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.3, description="of sales, where lines have no cost"
    )
    assumed_save_share: Share = Field(default=0.1, description="of leavers kept by an attempt, where none was measured")
    assumed_return_share: Share = Field(default=0.05, description="of lost customers an attempt brings back")
    key_share: Share = Field(default=0.2, description="of buyers who count as key customers when they are lost")
    attempt_cost: Money = Field(default=1.0, description="of an attempt to keep or win back a customer, major units")
    ticket_cost: Money = Field(default=5.0, description="of one service ticket, major units")
    personal_service_cost: Money = Field(
        default=10.0, description="of a year of personal service, which the standard process does without, major units"
    )
