"""The words the segment tables use for classes of customers, in the order a reader wants them.

Belongs here: the closed lists behind the contracts, the policy and the summary. Does not: the rules that assign them.
"""

from typing import Final

ACTIVE: Final = "active"
LAPSED: Final = "lapsed"
PROSPECT: Final = "prospect"
STATUSES: Final = (ACTIVE, LAPSED, PROSPECT)

NOT_SCORED: Final = "not scored"

LOW: Final = "low"
MEDIUM: Final = "medium"
HIGH: Final = "high"
CRITICAL: Final = "critical"
RISK_BANDS: Final = (CRITICAL, HIGH, MEDIUM, LOW)

PLATINUM: Final = "platinum"
GOLD: Final = "gold"
IRON: Final = "iron"
LEAD: Final = "lead"
VALUE_TIERS: Final = (PLATINUM, GOLD, IRON, LEAD)

NET_SALES: Final = "net_sales"
MARGIN: Final = "margin"
VALUE_BASES: Final = (NET_SALES, MARGIN)

LEARNT: Final = "learnt model"
PURCHASES: Final = "purchase model"
RULE: Final = "simple rule"
SCORED_BY: Final = (LEARNT, PURCHASES, RULE)
