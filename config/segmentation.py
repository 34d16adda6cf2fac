"""Where the lines of value, loyalty, life cycle and fates run, and how each cell of customers is served.

Belongs here: the section `[segmentation]`. Does not: what is done with it.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]
Gaps = Annotated[float, Field(gt=0, le=1000)]
Cell = Literal["key", "develop", "maintain", "standard", "inactive"]
Criterion = Literal["turnover", "volume", "overdue", "cycle", "loyalty", "credit"]
Weight = Annotated[float, Field(ge=0, le=1000)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicySetting(_Section):
    """How the customers of one cell of the value matrix are served."""

    service_level: str = Field(description="in words")
    contacts_per_month: int = Field(ge=0, le=1000, description="at most")
    discount_authority_share: Share = Field(description="of the price, that may be given without asking")
    owner: str = Field(description="who answers for these customers")


class Segmentation(_Section):
    """Value, loyalty, life cycle and fates."""

    weights: dict[Criterion, Weight] = Field(
        default={"turnover": 0.30, "volume": 0.10, "overdue": 0.15, "cycle": 0.15, "loyalty": 0.20, "credit": 0.10},
        description="of the value score; a criterion that is not named counts for nothing",
    )
    assumed_margin_share: Share = Field(default=0.3, description="of sales whose cost is not recorded")
    cost_per_ticket: float | None = Field(
        default=None,
        ge=0,
        le=1e9,
        description="of serving one ticket, major units; by default only compensation counts",
    )
    late_payment_rate_per_year: Share = Field(default=0.08, description="what money owed too long costs")
    matrix_top_share: float = Field(default=0.25, gt=0, lt=1, description="of customers whose value is called high")
    steady_margin: Share = Field(
        default=0.1, description="how far beyond a line, as a share of it, a customer has to be to change class"
    )
    steady_probability_margin: Share = Field(default=0.02, description="the same for churn risk, as a difference")
    new_purchase_days: int = Field(default=3, ge=1, le=1000, description="with fewer days with a purchase: new")
    declining_after_gaps: Gaps = Field(default=1.75, description="silence, in own usual gaps, from which they decline")
    dormant_after_gaps: Gaps = Field(default=3.0, description="… are dormant")
    lost_after_gaps: Gaps = Field(default=6.0, description="… are lost")
    growth_balance: float = Field(
        default=0.25, gt=0, lt=1, description="trend of half-years, (a - b) / (a + b), from which a customer grows"
    )
    shortest_gap_days: Gaps = Field(default=7.0, description="usual gaps are taken to be at least this long")
    discount_driven_share: Share = Field(default=0.5, description="of lines bought at a discount: loyal to discounts")
    loyal_points: float = Field(default=55.0, ge=0, le=100, description="points from which loyalty is true")
    loyalty_purchase_days: int = Field(default=3, ge=1, le=1000, description="with fewer it is too early to tell")
    little_activity_share: Share = Field(default=0.5, description="activity below which they buy elsewhere too")
    rising_factor: float = Field(default=1.25, gt=0, le=1000, description="expected over last year's sales: rising")
    natural_churn_share: Share = Field(default=0.15, description="of customers a year, up to which churn is natural")
    recovered_from: float = Field(default=4.0, ge=1, le=5, description="judgement from which a complaint is recovered")
    recovered_within_days: Days = Field(default=7, description="settled by then is recovered where nobody judged")
    follow_days: Days = Field(default=90, description="after a complaint: whether they buy in them counts")
    first_contact_days: Days = Field(default=30, description="no other ticket of the kind within: settled at once")
    history_days: Days = Field(default=730, description="how long customer_history is kept")
    quarter_days: Days = Field(default=90, description="how far back migration and equity are compared")
    let_go_list: Path | None = Field(
        default=None, description="CSV with a column customer_id: customers let go by choice; relative to this file"
    )
    policies: dict[Cell, PolicySetting] = Field(default={}, description="by cell of the value matrix")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.declining_after_gaps < self.dormant_after_gaps < self.lost_after_gaps:
            raise ValueError("declining_after_gaps, dormant_after_gaps and lost_after_gaps must rise")
        if not sum(self.weights.values()) > 0:
            raise ValueError("weights: at least one criterion must count for something")
        return self
