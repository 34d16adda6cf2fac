"""How the customers of a list can be reached: one of the few places that read `contact_details`.

Belongs here: the addresses and numbers in force. Does not: what becomes of them (`audience_profiles.py`).
"""

import polars as pl

from warehouse.lake import SUPERSEDED_AT, Load
from warehouse.personal_data import CONTACT_DETAILS, CONTACT_KINDS


def has_contacts(load: Load) -> bool:
    """Whether a load brought any addresses or numbers."""
    return CONTACT_DETAILS in load.entities


def contacts_in_force(load: Load, customer_ids: pl.Series) -> pl.DataFrame:
    """Addresses and numbers of some customers, as people wrote them.

    Args:
        load: the load to look into.
        customer_ids: String.

    Returns:
        `customer_id`, `email`, `phone` (String, nulls where there is none), sorted; a customer whom several records are
        about has a row for each.
    """
    rows = load.scan(CONTACT_DETAILS)
    wanted = ["customer_id", *CONTACT_KINDS]
    if rows is None:
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    asked = pl.LazyFrame({"customer_id": customer_ids.unique()})
    in_force = rows.filter(pl.col(SUPERSEDED_AT).is_null()).select(wanted)
    return in_force.join(asked, on="customer_id", how="semi").unique().sort(wanted, nulls_last=True).collect()
