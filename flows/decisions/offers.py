"""A night's choice of offers: candidates, who may get what, the choice over all customers, the table and the prices.

Belongs here: the order of these steps, the company's rules. Does not: candidates (`offer_candidates`), any rule.
"""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import polars as pl

from config.settings import Settings
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.published import PublishedTable
from flows.decisions import inputs
from flows.decisions.facts import Decided, DecisionNight
from flows.decisions.offer_candidates import AUDIENCE, OfferFacts, channels_of, offer_candidates, tight_stock
from flows.decisions.offer_eligibility import with_eligibility
from segments.build import SegmentTables
from segments.control_group import in_control_group
from segments.decisions.choosing import Choice, ChoiceRules, Minimum, choose
from segments.decisions.eligibility import Blocking, with_blocks
from segments.decisions.explaining import shadow_price_contract, shadow_prices, with_reasons
from segments.decisions.exploration import Exploration, with_propensities
from segments.decisions.offer_table import decided_offers, offer_contract
from segments.money import Currency

CUSTOMERS_AT_ONCE = 50_000


def decided_by_choice(night: DecisionNight, tables: SegmentTables) -> Decided:
    """Offers of a night: `next_best_offer` (from the ranked list of the segment tables) and `offer_shadow_prices`."""
    ranked = tables.next_best_offer
    settings, currency = night.context.settings, night.stamp.currency
    decisions = settings.decisions
    facts = OfferFacts(
        margins=inputs.product_margins(night.core, night.as_of, assumed=decisions.assumed_margin_share),
        offers=inputs.known_rows(night.core, "offers", night.as_of),
        contacts=night.contacts,
        effects=night.effects,
        minor_units=night.minor_units,
    )
    candidates = with_eligibility(offer_candidates(ranked, facts, decisions), facts.offers, tables.customer)
    candidates = with_blocks(candidates, _blocking(night, ranked), as_of=night.as_of)
    share = decisions.exploration_share
    choice = choose(
        candidates,
        choice_rules(decisions, candidates, minor_units=night.minor_units),
        Exploration(audience=AUDIENCE, share=share),
    )
    prices = shadow_prices(choice, as_of=night.as_of, currency=currency, run_key=night.stamp.run_key)
    return Decided(
        tables={
            "next_best_offer": PublishedTable(
                _told(ranked, choice, settings, currency=currency), offer_contract(currency)
            ),
            "offer_shadow_prices": PublishedTable(prices, shadow_price_contract(currency)),
        },
        facts={
            "offers": choice_facts(choice, prices, minor_units=night.minor_units)
            | {"recent_contacts_by_other_channels": inputs.uncapped_contacts(_recent(night), channels_of(decisions))}
        },
    )


def _told(ranked: pl.DataFrame, choice: Choice, settings: Settings, *, currency: Currency) -> pl.DataFrame:
    """The ranked list with what was decided and why, so many customers at a time: words take more room than numbers."""
    customers = ranked["customer_id"].unique().sort()
    tables = (ranked, choice.candidates)  # both go by customer
    firsts = customers.gather_every(CUSTOMERS_AT_ONCE)[1:]
    cuts = [[0, *table["customer_id"].search_sorted(firsts), table.height] for table in tables]
    parts = []
    for (listed, listed_end), (first, end) in zip(*(pairwise(places) for places in cuts), strict=True):
        reasoned = with_propensities(
            with_reasons(replace(choice, candidates=choice.candidates[first:end]), currency=currency),
            control_share=settings.segments.control_group_share,
            exploration_share=settings.decisions.exploration_share,
        )
        parts.append(decided_offers(ranked[listed:listed_end], reasoned, currency=currency))
    return pl.concat(parts)


def _blocking(night: DecisionNight, ranked: pl.DataFrame) -> Blocking:
    """What candidates are held against tonight."""
    settings = night.context.settings
    channels = channels_of(settings.decisions)
    ids = ranked["customer_id"].unique().sort()
    control = in_control_group(ids, audience=AUDIENCE, share=settings.segments.control_group_share)
    return Blocking(
        may_be_contacted=night.customers.select("customer_id", "may_be_contacted"),
        suppressed=inputs.suppressed_customers(night.context),
        control=ids.filter(control),
        recent_contacts=_recent(night),
        most_contacts={name: one.at_most for name, one in channels.items() if one.at_most is not None},
        period_days=settings.decisions.period_days,
    )


def _recent(night: DecisionNight) -> pl.DataFrame:
    decisions = night.context.settings.decisions
    first = next(iter(channels_of(decisions)))
    return inputs.recent_contacts(night.contacts, night.as_of, days=decisions.period_days, default_channel=first)


def choice_rules(settings: Any, candidates: pl.DataFrame, *, minor_units: int) -> ChoiceRules:  # noqa: ANN401 Decisions, or a what-if of it
    """The company's rules over all customers."""
    channels = channels_of(settings)
    return ChoiceRules(
        at_most=settings.offers_per_customer,
        budget_amount=None if settings.budget is None else round(settings.budget * minor_units),
        channel_capacity={name: one.capacity for name, one in channels.items() if one.capacity is not None},
        stock=tight_stock(candidates) if "stock" in candidates.columns else {},
        minimums=[
            Minimum(name=one.name, column=one.column, value=one.value, at_least=one.at_least, share=one.share)
            for one in settings.minimums
        ],
    )


def choice_facts(choice: Choice, prices: pl.DataFrame, *, minor_units: int) -> dict[str, Any]:
    """What a choice comes to, in major units."""
    chosen = choice.candidates.filter("chosen")
    return {
        "contacts": chosen.height,
        "customers": chosen["customer_id"].n_unique(),
        "cost": (chosen["cost_amount"].sum() or 0) / minor_units,
        "expected_gain": (chosen["gain_amount"].sum() or 0) / minor_units,
        "drawn_by_lot": chosen["by_lot"].sum(),
        "contacts_by_channel": dict(chosen.group_by("channel").len().sort("channel").iter_rows()),
        "optimality_gap": 0.0 if choice.allocation is None else round(choice.allocation.gap, 6),
        "prices": prices["in_words"].to_list(),
        "costs_not_known": costs_not_known(choice),
    }


def costs_not_known(choice: Choice) -> str | None:
    """By which channels contacts cost nobody knows what, and what to do about it, in words; None where all is known."""
    known = pl.col("cost_is_known")
    unknown = choice.candidates.filter(~known)["channel"].unique().sort().to_list()
    if not unknown:
        return None
    named = "" if unknown == [inputs.ANY_CHANNEL] else f" by {', '.join(unknown)}"
    cheap = ", so that it looks cheaper than by the others" if choice.candidates.select(known.any()).item() else ""
    budget = ", and no budget limits them" if any(limit.unit == "money" for limit in choice.rules.limits) else ""
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
