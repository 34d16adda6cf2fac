"""A night's choice of offers: candidates, who may get what, the choice over all customers, the table and the prices.

Belongs here: the order of these steps, the company's rules. Does not: candidates (`offer_candidates`), any rule.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from config.decisions import Decisions
from config.settings import Settings
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.published import PublishedTable
from flows.decisions import inputs
from flows.decisions.candidate_files import CandidateFiles
from flows.decisions.facts import Decided, DecisionNight
from flows.decisions.offer_candidates import (
    AUDIENCE,
    OfferFacts,
    channels_of,
    offer_candidates,
    stock_wanted,
    tight_stock,
)
from flows.decisions.offer_eligibility import with_eligibility
from segments.build import SegmentTables
from segments.control_group import in_control_group
from segments.decisions.choice_rules import ChoiceRules, Minimum
from segments.decisions.choosing import Choice, choose
from segments.decisions.eligibility import Blocking, with_blocks
from segments.decisions.explaining import shadow_price_contract, shadow_prices, with_reasons
from segments.decisions.exploration import Exploration, with_propensities
from segments.decisions.offer_table import decided_offers, offer_contract
from segments.money import Currency
from warehouse.set_aside import set_aside

CUSTOMERS_AT_ONCE = 25_000
SUMMED = ("customer_id", "channel", "cost_amount", "gain_amount", "by_lot")


@dataclass(frozen=True, kw_only=True)
class ChosenOffers:
    """What a choice is told by.

    Attributes:
        chosen: the columns of `SUMMED`, a row a contact to be made.
        costs: `channel`, `cost_is_known`, each combination among all candidates once.
    """

    chosen: pl.DataFrame
    costs: pl.DataFrame

    @classmethod
    def of(cls, told: pl.DataFrame) -> "ChosenOffers":
        """Of the candidates of some customers, see `Choice.told`."""
        costs = told.select("channel", "cost_is_known").unique().sort("channel", "cost_is_known")
        return cls(chosen=told.filter("chosen").select(SUMMED), costs=costs)

    @classmethod
    def together(cls, parts: list["ChosenOffers"]) -> "ChosenOffers":
        """Those of all customers, each in one part."""
        costs = pl.concat(one.costs for one in parts).unique().sort("channel", "cost_is_known")
        return cls(chosen=pl.concat(one.chosen for one in parts), costs=costs)


def decided_by_choice(night: DecisionNight, tables: SegmentTables) -> Decided:
    """Offers of a night: `next_best_offer` (from the ranked list of the segment tables) and `offer_shadow_prices`."""
    settings, currency = night.context.settings, night.stamp.currency
    decisions = settings.decisions
    ranked = list(_by_customers(tables.next_best_offer))
    with night.context.private_folder("decide on offers") as folder:
        candidates = CandidateFiles(folder, _candidates(night, tables, ranked))
        stock = tight_stock(candidates.summed(stock_wanted))
        choice = choose(
            candidates,
            choice_rules(decisions, stock, minor_units=night.minor_units),
            Exploration(audience=AUDIENCE, share=decisions.exploration_share),
        )
        table, chosen = _told(ranked, choice, settings, currency=currency, folder=folder)
    prices = shadow_prices(choice, as_of=night.as_of, currency=currency, run_key=night.stamp.run_key)
    return Decided(
        tables={
            "next_best_offer": PublishedTable(table, offer_contract(currency)),
            "offer_shadow_prices": PublishedTable(prices, shadow_price_contract(currency)),
        },
        facts={
            "offers": choice_facts(choice, prices, chosen, minor_units=night.minor_units)
            | {"recent_contacts_by_other_channels": inputs.uncapped_contacts(_recent(night), channels_of(decisions))}
        },
    )


def _by_customers(ranked: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The ranked list, so many customers at a time: what candidates are made of takes far more room than it."""
    firsts = ranked["customer_id"].unique().sort().gather_every(CUSTOMERS_AT_ONCE)[1:]
    cuts = [0, *ranked["customer_id"].search_sorted(firsts), ranked.height]
    return (ranked[first:end] for first, end in pairwise(cuts))


def _candidates(night: DecisionNight, tables: SegmentTables, ranked: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Candidates of so many customers at a time, with what blocks them."""
    decisions = night.context.settings.decisions
    facts = OfferFacts(
        margins=inputs.product_margins(night.core, night.as_of, assumed=decisions.assumed_margin_share),
        offers=inputs.known_rows(night.core, "offers", night.as_of),
        contacts=night.contacts,
        effects=night.effects,
        minor_units=night.minor_units,
    )
    blocking = _blocking(night)
    for listed in ranked:
        ids = listed.select("customer_id").unique().sort("customer_id")
        known = facts.effects.by_customer
        effects = facts.effects if known is None else replace(facts.effects, by_customer=_of(ids, known))
        own = replace(facts, effects=effects)
        made = with_eligibility(offer_candidates(listed, own, decisions), facts.offers, _of(ids, tables.customer))
        yield with_blocks(made, _blocking_of(ids, blocking, night.context.settings), as_of=night.as_of)


def _of(ids: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of some customers."""
    return rows.join(ids, on="customer_id", how="semi")


def _told(
    ranked: list[pl.DataFrame], choice: Choice, settings: Settings, *, currency: Currency, folder: Path
) -> tuple[pl.DataFrame, ChosenOffers]:
    """The ranked list with what was decided and why (set aside in the folder), and what was chosen."""
    tables, chosen = [], []
    for listed, told in zip(ranked, choice.told_parts(), strict=True):
        chosen.append(ChosenOffers.of(told))
        reasoned = with_propensities(
            with_reasons(told, currency=currency),
            control_share=settings.segments.control_group_share,
            exploration_share=settings.decisions.exploration_share,
        )
        tables.append(set_aside(decided_offers(listed, reasoned, currency=currency), folder))
    return pl.concat(tables), ChosenOffers.together(chosen)


def _blocking(night: DecisionNight) -> Blocking:
    """What candidates are held against tonight, but for the control group."""
    settings = night.context.settings
    channels = channels_of(settings.decisions)
    return Blocking(
        may_be_contacted=night.customers.select("customer_id", "may_be_contacted"),
        suppressed=inputs.suppressed_customers(night.context),
        recent_contacts=_recent(night),
        most_contacts={name: one.at_most for name, one in channels.items() if one.at_most is not None},
        period_days=settings.decisions.period_days,
    )


def _blocking_of(ids: pl.DataFrame, blocking: Blocking, settings: Settings) -> Blocking:
    """The same for some customers, with who of them is in the control group."""
    customers = ids["customer_id"]
    control = in_control_group(customers, audience=AUDIENCE, share=settings.segments.control_group_share)
    return replace(
        blocking,
        may_be_contacted=_of(ids, blocking.may_be_contacted),
        control=customers.filter(control),
        recent_contacts=None if blocking.recent_contacts is None else _of(ids, blocking.recent_contacts),
    )


def _recent(night: DecisionNight) -> pl.DataFrame:
    decisions = night.context.settings.decisions
    first = next(iter(channels_of(decisions)))
    return inputs.recent_contacts(night.contacts, night.as_of, days=decisions.period_days, default_channel=first)


def choice_rules(decisions: Decisions, stock: Mapping[str, int], *, minor_units: int) -> ChoiceRules:
    """The company's rules over all customers.

    Args:
        decisions: the settings, or a what-if of them.
        stock: see `offer_candidates.tight_stock`.
        minor_units: a major unit.
    """
    channels = channels_of(decisions)
    return ChoiceRules(
        at_most=decisions.offers_per_customer,
        budget_amount=None if decisions.budget is None else round(decisions.budget * minor_units),
        channel_capacity={name: one.capacity for name, one in channels.items() if one.capacity is not None},
        stock=dict(stock),
        minimums=[
            Minimum(name=one.name, column=one.column, value=one.value, at_least=one.at_least, share=one.share)
            for one in decisions.minimums
        ],
    )


def choice_facts(choice: Choice, prices: pl.DataFrame, told: ChosenOffers, *, minor_units: int) -> dict[str, Any]:
    """What a choice comes to, in major units."""
    chosen = told.chosen
    return {
        "contacts": chosen.height,
        "customers": chosen["customer_id"].n_unique(),
        "cost": (chosen["cost_amount"].sum() or 0) / minor_units,
        "expected_gain": (chosen["gain_amount"].sum() or 0) / minor_units,
        "drawn_by_lot": chosen["by_lot"].sum(),
        "contacts_by_channel": dict(chosen.group_by("channel").len().sort("channel").iter_rows()),
        "optimality_gap": 0.0 if choice.allocation is None else round(choice.allocation.gap, 6),
        "prices": prices["in_words"].to_list(),
        "costs_not_known": costs_not_known(
            told.costs, limited=any(rule.unit == "money" for rule in choice.rules.limits)
        ),
    }


def costs_not_known(costs: pl.DataFrame, *, limited: bool) -> str | None:
    """By which channels contacts cost nobody knows what, and what to do about it, in words; None where all is known.

    Args:
        costs: see `ChosenOffers`.
        limited: whether there is a budget.
    """
    known = pl.col("cost_is_known")
    unknown = costs.filter(~known)["channel"].unique().sort().to_list()
    if not unknown:
        return None
    named = "" if unknown == [inputs.ANY_CHANNEL] else f" by {', '.join(unknown)}"
    cheap = ", so that it looks cheaper than by the others" if costs.select(known.any()).item() else ""
    budget = ", and no budget limits them" if limited else ""
    return (
        f"what a contact{named} costs is not known: gains are told before it{cheap}{budget}; say it in "
        f"[decisions.channels.{_key(unknown[0])}] cost, or load contacts with their cost"
    )


def _key(channel: str) -> str:
    """The name as a key of TOML; of the channel that is left open an example."""
    name = "letter" if channel == inputs.ANY_CHANNEL else channel
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def minor_units_of(currency: str) -> int:
    """Minor units a major unit of a currency."""
    return inputs.scale_of(MINOR_UNIT_DIGITS[currency])
