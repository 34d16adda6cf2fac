"""What to do with each kind of customer: the policy matrix, read and applied.

Belongs here: reading the matrix, refusing an incomplete one, putting its words on customers. Does not: the words
themselves (`policy.toml`, which a company may replace cell by cell).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import Any

import polars as pl

from segments.errors import PhraseTemplateError, PolicyIncompleteError
from segments.vocabulary import ACTIVE, CRITICAL, HIGH, LAPSED, LEAD, NOT_SCORED, PROSPECT, RISK_BANDS, VALUE_TIERS
from segments.wording import clauses, filled_by_row

HEADLINE_END = "; "
OFFER = "offer"
Cell = tuple[str, str, str]
AT_RISK, STAYING = "at risk", "staying"

CELLS: tuple[Cell, ...] = (
    *product((ACTIVE,), (*VALUE_TIERS, NOT_SCORED), (*RISK_BANDS, NOT_SCORED)),
    (LAPSED, NOT_SCORED, NOT_SCORED),
    (PROSPECT, NOT_SCORED, NOT_SCORED),
)


@dataclass(frozen=True)
class Policy:
    """A complete policy.

    Args:
        actions: template by cell (customer status, value tier, churn risk band).
        no_consent: template for customers who do not want to be contacted.
        subscriber: template by AT_RISK and STAYING, for subscribers of whom their orders alone say too little.
    """

    actions: Mapping[Cell, str]
    no_consent: str
    subscriber: Mapping[str, str]


def default_policy() -> Policy:
    """The policy that comes with the product."""
    return read_policy(tomllib.loads(files("segments").joinpath("policy.toml").read_text(encoding="utf-8")))


def read_policy(content: Mapping[str, Any]) -> Policy:
    """A policy from the parsed form of `policy.toml`.

    Args:
        content: `actions` (status → tier → band → template), `no_consent` and `subscriber`.

    Raises:
        PolicyIncompleteError: a cell without an action, or an action for no cell.
        PhraseTemplateError: an action can't be read, or names something else than the offer.
    """
    actions = {
        (status, tier, band): str(template)
        for status, tiers in content.get("actions", {}).items()
        for tier, bands in tiers.items()
        for band, template in bands.items()
    }
    missing = [" / ".join(cell) for cell in CELLS if cell not in actions]
    missing += [] if "no_consent" in content else ["no_consent"]
    subscriber = {str(name): str(template) for name, template in content.get("subscriber", {}).items()}
    missing += [f"subscriber / {name}" for name in (AT_RISK, STAYING) if name not in subscriber]
    unknown = [" / ".join(cell) for cell in actions if cell not in CELLS]
    unknown += [f"subscriber / {name}" for name in subscriber if name not in (AT_RISK, STAYING)]
    if missing or unknown:
        raise PolicyIncompleteError(missing=missing, unknown=unknown)
    policy = Policy(actions, str(content["no_consent"]), subscriber)
    for template in (*policy.actions.values(), policy.no_consent, *policy.subscriber.values()):
        _check_action(template)
    return policy


def recommended_actions(customers: pl.DataFrame, *, policy: Policy) -> pl.Series:
    """What to do with every customer (String, never null), in the order of `customers`.

    Args:
        customers: `customer_status`, `value_tier`, `churn_risk_band`, `may_be_contacted` (Boolean), `next_offer_1`
            (may be null); where the company sells by order and by subscription also `subscriber_is` (AT_RISK or
            STAYING for who runs one, else null). That decides for whoever is in the lowest tier or not scored, and
            for whoever is likely to end the subscription while their orders are at no high risk.
        policy: complete.
    """
    cell = ("customer_status", "value_tier", "churn_risk_band")
    rows = customers.join(_matrix(policy, cell), on=cell, how="left", validate="m:1", maintain_order="left")
    told = pl.col("template")
    if "subscriber_is" in customers.columns:
        band, kind = pl.col("churn_risk_band"), pl.col("subscriber_is")
        little_known = kind.is_not_null() & pl.col("value_tier").is_in([LEAD, NOT_SCORED])
        unseen = (kind == AT_RISK) & ~band.is_in([HIGH, CRITICAL])
        told = pl.when(little_known | unseen).then(kind.replace(policy.subscriber)).otherwise(told)
    template = pl.when("may_be_contacted").then(told).otherwise(pl.lit(policy.no_consent))
    values = {OFFER: pl.col("next_offer_1")}
    return filled_by_row(rows.with_columns(template.alias("template")), "template", values).alias("recommended_action")


def headline(action: pl.Expr) -> pl.Expr:
    """What to do, without what helps doing it: the same for all customers of a cell."""
    return action.str.split(HEADLINE_END).list.first()


def _check_action(template: str) -> None:
    """An action may name the offer, and that only after what to do: both would change it from night to night."""
    named = {name for clause in clauses(template) for name in clause.placeholders}
    if named - {OFFER}:
        reason = f"{', '.join(sorted(named - {OFFER}))} can't be named in an action, only {{{OFFER}}}"
        raise PhraseTemplateError(template=template, reason=reason)
    if "{" in template.split(HEADLINE_END, maxsplit=1)[0]:
        raise PhraseTemplateError(template=template, reason=f"{{{OFFER}}} before the first {HEADLINE_END!r}")


def _matrix(policy: Policy, cell: Cell) -> pl.DataFrame:
    rows = [(*of_cell, template) for of_cell, template in policy.actions.items()]
    return pl.DataFrame(rows, schema=[*cell, "template"], orient="row")
