"""Who may have a declared offer: its `eligibility`, read as conditions on the customers of the night.

Belongs here: reading them. Does not: other rules (`segments.decisions.eligibility`), the language of one condition
(`showing.parse_condition`).
"""

import re

import polars as pl

from config.errors import CommandUnknownNameError
from flows.errors import FilterUnreadableError
from flows.published.showing import parse_condition

EVERYBODY = ("", "all", "any", "everybody", "everyone", "all customers")
_AND = re.compile(r"\s+and\s+|;", re.IGNORECASE)
_QUOTED = re.compile(r"""(?<=[=<>])\s*(?:'[^']*'|"[^"]*")""")


def with_eligibility(candidates: pl.DataFrame, offers: pl.DataFrame | None, customers: pl.DataFrame) -> pl.DataFrame:
    """Say of every candidate for whom its declared offer is, where that is not its customer.

    Conditions are those of `gristmill show --where`, several joined by `and` or `;`: `value_tier = gold and region =
    North`. A value that has such a word in it is quoted: `region = 'Tyne and Wear'`.
    An offer whose words can't be read so is nobody's: who may have it is not known.

    Args:
        candidates: `customer_id`, `declared_offer_id` (null: no declared offer).
        offers: core rows; None where there are none.
        customers: the night's customer table, one row a customer.

    Returns:
        The same with `not_eligible` (String, null where the customer may have it). Order kept.
    """
    nobody = candidates.with_columns(pl.lit(None, pl.String).alias("not_eligible"))
    if offers is None or "eligibility" not in offers.columns:
        return nobody
    said = offers.select("offer_id", pl.col("eligibility").cast(pl.String).str.strip_chars())
    limited = said.filter(~pl.col("eligibility").str.to_lowercase().is_in(EVERYBODY)).sort("offer_id")
    asked = candidates.select("customer_id", "declared_offer_id").unique()
    parts = [_refused(asked.filter(declared_offer_id=offer), words, customers) for offer, words in limited.iter_rows()]
    if not parts:
        return nobody
    key = ["customer_id", "declared_offer_id"]
    return candidates.join(pl.concat(parts), on=key, how="left", validate="m:1", maintain_order="left")


def conditions_of(words: str) -> list[str]:
    """The single conditions of an eligibility; what is quoted after an operator stays whole."""
    masked = _QUOTED.sub(lambda found: "x" * len(found.group()), words)
    parts, start = [], 0
    for joint in _AND.finditer(masked):
        parts.append(words[start : joint.start()])
        start = joint.end()
    return [*parts, words[start:]]


def _refused(asked: pl.DataFrame, words: str, customers: pl.DataFrame) -> pl.DataFrame:
    """Those of `asked` who may not have the offer, with `not_eligible`."""
    try:
        conditions = [parse_condition(one, customers.schema) for one in conditions_of(words)]
    except (FilterUnreadableError, CommandUnknownNameError):
        why = f"the offer is for '{words}', which can't be read as conditions on customers"
        return asked.with_columns(pl.lit(why).alias("not_eligible"))
    eligible = customers.filter(*conditions).select("customer_id")
    refused = asked.join(eligible, on="customer_id", how="anti")
    return refused.with_columns(pl.lit(f"the offer is only for {words}").alias("not_eligible"))
