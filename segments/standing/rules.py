"""The thresholds and weights behind value, loyalty, lifecycle and fates: what a company may set.

Belongs here: the values and the checks that they can be used. Does not: reading settings, or what is done with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from segments.errors import ThresholdsInvalidError

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "turnover": 0.30,
    "volume": 0.10,
    "overdue": 0.15,
    "cycle": 0.15,
    "loyalty": 0.20,
    "credit": 0.10,
}
"""The criteria of the value score and what each counts for; together 1."""


@dataclass(frozen=True, kw_only=True)
class SegmentationRules:
    """What a company may set. Gaps are a customer's own usual days between purchases.

    Args:
        weights: of the value score's criteria; those without data are left out and the others count for more.
        assumed_margin_share: of sales, where the cost of goods is not recorded.
        cost_per_ticket_amount: what serving one ticket costs, minor units; None: only compensation counts.
        late_payment_rate_per_year: what money owed too long costs a year.
        matrix_top_share: of active customers, whose current (or potential) value is called high.
        steady_margin: how far beyond a line, as a share of it, a customer has to be to change class.
        steady_probability_margin: the same for churn probabilities, as a difference.
        new_purchase_days: with fewer days with a purchase a customer is new.
        declining_after_gaps: silence, in gaps, from which a customer declines.
        dormant_after_gaps: … is dormant.
        lost_after_gaps: … is lost.
        growth_balance: trend, (a - b) / (a + b) of two half-years, from which a customer grows; below minus that,
            declines.
        shortest_gap_days: gaps are taken to be at least this long.
        discount_driven_share: share of lines bought at a discount from which loyalty may be to discounts.
        loyal_points: loyalty points (0 to 100) from which loyalty is true.
        loyalty_purchase_days: with fewer days with a purchase it is too early to tell.
        little_activity_share: share of own gaps' expectation below which they buy elsewhere too.
        rising_factor: expected value over that of last year from which a small customer is rising.
        natural_churn_share: of customers a year, up to which churn is natural.
        recovered_from: satisfaction (1 to 5) from which a complaint is recovered.
        recovered_within_days: settled within so many days is recovered where nobody was asked.
        follow_days: how long after a complaint it is looked whether they buy.
        first_contact_days: a ticket is settled at the first contact when none follows within so many days.
        history_days: how long the history of customers is kept.
        quarter_days: what a quarter is taken to be.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    assumed_margin_share: float = 0.3
    cost_per_ticket_amount: int | None = None
    late_payment_rate_per_year: float = 0.08
    matrix_top_share: float = 0.25
    steady_margin: float = 0.1
    steady_probability_margin: float = 0.02
    new_purchase_days: int = 3
    declining_after_gaps: float = 1.75
    dormant_after_gaps: float = 3.0
    lost_after_gaps: float = 6.0
    growth_balance: float = 0.25
    shortest_gap_days: float = 7.0
    discount_driven_share: float = 0.5
    loyal_points: float = 55.0
    loyalty_purchase_days: int = 3
    little_activity_share: float = 0.5
    rising_factor: float = 1.25
    natural_churn_share: float = 0.15
    recovered_from: float = 4.0
    recovered_within_days: int = 7
    follow_days: int = 90
    first_contact_days: int = 30
    history_days: int = 730
    quarter_days: int = 90

    def __post_init__(self) -> None:
        unknown = sorted(set(self.weights) - set(DEFAULT_WEIGHTS))
        if unknown or min(self.weights.values(), default=0) < 0 or not sum(self.weights.values()) > 0:
            got = ", ".join(f"{name}={weight}" for name, weight in self.weights.items()) or "none"
            expected = f"weights of {', '.join(DEFAULT_WEIGHTS)}, none below 0, one above"
            raise ThresholdsInvalidError(name="weights of the value score", got=got, expected=expected)
        silence = (self.declining_after_gaps, self.dormant_after_gaps, self.lost_after_gaps)
        if not 0 < silence[0] < silence[1] < silence[2]:
            got = ", ".join(map(str, silence))
            raise ThresholdsInvalidError(
                name="silence in gaps", got=got, expected="0 < declining_after < dormant_after < lost_after"
            )


RULE_NAMES = tuple(one.name for one in fields(SegmentationRules))
