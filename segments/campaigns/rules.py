"""The words and the limits of the campaign ledger.

Belongs here: what may be set, and closed lists of words. Does not: what is done with them.
"""

from dataclasses import dataclass
from typing import Final

HOLD_OUT: Final = "hold-out by lot"
MATCHED: Final = "matched comparison, not an experiment"
NOT_COMPARED: Final = "no comparison"
EVIDENCE: Final = (HOLD_OUT, MATCHED, NOT_COMPARED)

MATURED: Final = "matured"
NOT_MATURED: Final = "not matured"
STATES: Final = (MATURED, NOT_MATURED)

EARNED: Final = "earned its cost"
LOST: Final = "lost money"
NOT_SHOWN: Final = "not shown"
NO_COST: Final = "no cost recorded"
NOT_MEASURABLE: Final = "not measurable"
VERDICTS: Final = (EARNED, LOST, NOT_SHOWN, NO_COST, NOT_MEASURABLE, NOT_MATURED)

LESS: Final = "less than the others"
MORE: Final = "more than the others"
NO_SIGN: Final = "no sign"
CHANGES: Final = (LESS, MORE, NO_SIGN)

MEASURED: Final = "measured"
ASSUMED: Final = "assumed"
MARGINS: Final = (MEASURED, ASSUMED)

ALL_CUT, OFFER_CUT, CHANNEL_CUT = "all", "offer", "channel"
CUTS: Final = (ALL_CUT, OFFER_CUT, CHANNEL_CUT)
ALL_CONTACTS: Final = "all contacts"

CONTACTED, HELD_OUT, LIKE = 1, 0, 2
"""Which side a customer is on: addressed, left alone on purpose, or never part of the campaign."""


@dataclass(frozen=True, kw_only=True)
class CampaignRules:
    """The limits of the ledger.

    Args:
        window_days: after a contact; what is bought in them counts.
        longest_window_days: a campaign whose responses count for longer has a window up to this.
        days_back: campaigns whose first contact is longer ago are not told any more.
        least_customers: on either side, for a comparison.
        most_imbalance: largest standardised difference that adjusting may be trusted with (Imbens and Rubin, "Causal
            Inference for Statistics, Social, and Biomedical Sciences", 2015, section 14.2).
        least_with_like: share of the contacted who need a like for a matched comparison.
        likes_per_contacted: how many of those never contacted are looked at, for each contacted customer.
    """

    window_days: int = 30
    longest_window_days: int = 92
    days_back: int = 1096
    least_customers: int = 100
    most_imbalance: float = 0.25
    least_with_like: float = 0.8
    likes_per_contacted: int = 2
