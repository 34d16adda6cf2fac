"""Questions to the published decisions: what another budget would change, and what the policy would have brought.

Belongs here: `gristmill decide` as plain functions. Does not: a night's own decisions (`deciding`), printing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from config.decisions import Channel, Decisions
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions import inputs
from flows.decisions.contact_effects import ContactTrial, contact_trial
from flows.decisions.offer_candidates import AUDIENCE, channel_costs, channels_of, stock_wanted, tight_stock
from flows.decisions.offers import ChosenOffers, choice_facts, choice_rules, minor_units_of
from flows.decisions.published_candidates import published_candidates, with_other_channels
from flows.errors import NothingDecidedError, WhatIfUnreadableError
from segments.decisions.choosing import choose
from segments.decisions.explaining import shadow_prices
from segments.decisions.exploration import Exploration
from segments.money import Currency, currency_of

TABLE = "next_best_offer"
CAPACITY = "capacity."
DECIDED = "is_chosen"


def ask(context: Context, *, what_if: Sequence[str]) -> dict[str, Any]:
    """The published decisions, and what they would be under other rules; nothing is published.

    Args:
        context: the surroundings.
        what_if: `budget=20000`, `offers_per_customer=2`, `capacity.e-mail=5000`, `exploration_share=0.1`.

    Returns:
        `now` and, where something was asked, `what_if`, with what changes; money in major units.

    Raises:
        NothingDecidedError: no night with offers is published.
        WhatIfUnreadableError: a question that can't be read.
    """
    settings = context.settings
    other = _changed(settings.decisions, what_if)
    currency = currency_of(settings.company.currency)
    published = _published(context)
    as_of: date = published["as_of"][0]
    candidates = _candidates(context, published, as_of, minor_units=minor_units_of(currency.code))
    now, chosen_now = _decided(candidates, settings.decisions, as_of, currency)
    told: dict[str, Any] = {"status": "done", "as_of": as_of.isoformat(), "currency": currency.code, "now": now}
    if not what_if:
        return told | {"message": f"decisions of {as_of}"}
    then, chosen_then = _decided(candidates, other, as_of, currency)
    key = ["customer_id", "offer_id", "channel"]
    return told | {
        "message": f"decisions of {as_of}, and what they would be with {', '.join(what_if)}; nothing was published",
        "what_if": then,
        "change": {
            "contacts": then["contacts"] - now["contacts"],
            "cost": then["cost"] - now["cost"],
            "expected_gain": then["expected_gain"] - now["expected_gain"],
            "offers_new": chosen_then.join(chosen_now, on=key, how="anti").height,
            "offers_gone": chosen_now.join(chosen_then, on=key, how="anti").height,
        },
    }


def evaluate_policy(context: Context, *, as_of: date | None) -> dict[str, Any]:
    """What giving each customer the contact that pays most for them would have brought, told by logged contacts.

    Every contact's effect is told by models that did not see it; the policy contacts where the effect on margin exceeds
    the contact's cost.

    Args:
        context: the surroundings.
        as_of: nothing later is used; None: today.

    Returns:
        For this policy, for contacting everybody with each treatment and for leaving all alone: margin less cost per
        contact in major units by three estimators, and how much the log is worth. Without randomised contacts: why not.
    """
    settings = context.settings
    decisions = settings.decisions
    core = CoreTables.latest(context)
    day = context.resolve_as_of(as_of)
    contacts = inputs.sent_contacts(core, day)
    found = contact_trial(
        core,
        contacts,
        as_of=day,
        outcome_days=decisions.outcome_days,
        assumed_margin=decisions.assumed_margin_share,
    )
    if isinstance(found, str):
        return {"status": "unknown", "message": f"no policy can be evaluated: {found}"}
    if found.evidence.kind == "response":
        return {"status": "unknown", "message": f"no policy can be evaluated: {found.evidence.words}"}
    known = inputs.usual_contact_cost(contacts, inputs.ANY_CHANNEL)
    cost = known or 0
    scale = minor_units_of(settings.company.currency)
    figures = _policies(found, cost, threads=settings.compute.threads, seed=settings.training.seed)
    return {
        "status": "done",
        "message": f"policies evaluated on {len(found.trial.arm):,} logged contacts of before {day}"
        + ("; no contact has a cost on record: figures are before it" if known is None else ""),
        "evidence": found.evidence.kind,
        "contact_cost": None if known is None else known / scale,
        "currency": settings.company.currency,
        "policies": {name: _in_major(one, scale) for name, one in figures.items()},
    }


def _policies(found: ContactTrial, cost: int, *, threads: int, seed: int) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415 with the others

    from models.uplift.cross_validation import OURS, cross_validate  # noqa: PLC0415 heavy
    from models.uplift.off_policy import Logged, policy_value  # noqa: PLC0415
    from models.uplift.trial import CONTROL  # noqa: PLC0415

    trial = found.trial
    held_out = cross_validate(trial, threads=threads, seed=seed)
    rows = np.arange(len(trial.arm))
    net = trial.outcome - np.where(trial.arm == CONTROL, 0.0, cost)
    logged = Logged(
        action=trial.arm, propensity=trial.propensity[rows, trial.arm], outcome=net, customer=trial.customer
    )
    effects = np.vstack([np.zeros(len(rows)), held_out.scores[OURS] - cost])
    expected = (held_out.untreated + effects).T
    chosen = {f"{name} for everybody": np.full(len(rows), arm) for arm, name in enumerate(trial.arms)}
    chosen["the contact that pays most for each"] = effects.argmax(axis=0)
    figures = {}
    for name, action in chosen.items():
        policy = np.zeros((len(rows), len(trial.arms)))
        policy[rows, action] = 1.0
        figures[name] = asdict(policy_value(logged, policy, expected)) | {
            "contacted": float((action != CONTROL).mean())
        }
    return figures


def _in_major(figures: Mapping[str, Any], scale: int) -> dict[str, Any]:
    return {
        name: {key: float(value) / scale for key, value in one.items()} if isinstance(one, dict) else one
        for name, one in figures.items()
    }


def _published(context: Context) -> pl.DataFrame:
    if not context.warehouse(read_only=True).exists():
        raise NothingDecidedError
    with context.warehouse(read_only=True) as warehouse:
        tables = warehouse.views("segments")
        if TABLE not in tables:
            raise NothingDecidedError(without_offers=bool(tables))
        rows = warehouse.read_table("segments", TABLE)
    if DECIDED not in rows.columns or rows.is_empty():
        raise NothingDecidedError(without_offers=True)
    return rows


def _candidates(context: Context, published: pl.DataFrame, as_of: date, *, minor_units: int) -> pl.DataFrame:
    """The published offers as candidates again, by every channel there is, with their stock."""
    decisions, core = context.settings.decisions, CoreTables.latest(context)
    candidates = published_candidates(published, minor_units=minor_units)
    offers = inputs.known_rows(core, "offers", as_of)
    if offers is not None and "stock" in offers.columns:
        stock = offers.select("stock", declared_offer_id="offer_id")
        candidates = candidates.join(stock, on="declared_offer_id", how="left", validate="m:1", maintain_order="left")
    channels = channels_of(decisions)
    if len(channels) == 1:
        return candidates
    contacts = inputs.sent_contacts(core, as_of)
    return with_other_channels(
        candidates,
        channel_costs(contacts, decisions, minor_units=minor_units),
        inputs.recent_contacts(contacts, as_of, days=decisions.period_days, default_channel=next(iter(channels))),
        {name: one.at_most for name, one in channels.items() if one.at_most is not None},
        period_days=decisions.period_days,
        as_of=as_of,
    )


def _decided(
    candidates: pl.DataFrame, decisions: Decisions, as_of: date, currency: Currency
) -> tuple[dict[str, Any], pl.DataFrame]:
    minor_units = minor_units_of(currency.code)
    exploration = Exploration(audience=AUDIENCE, share=decisions.exploration_share)
    stock = tight_stock(stock_wanted(candidates.lazy()).collect()) if "stock" in candidates.columns else {}
    choice = choose([candidates], choice_rules(decisions, stock, minor_units=minor_units), exploration)
    prices = shadow_prices(choice, as_of=as_of, currency=currency, run_key="")
    told = choice.candidates
    return choice_facts(choice, prices, ChosenOffers.of(told), minor_units=minor_units), told.filter("chosen")


def _changed(decisions: Decisions, what_if: Sequence[str]) -> Decisions:
    """The settings with what was asked in their place."""
    changed = decisions
    for asked in what_if:
        name, _, value = asked.partition("=")
        changed = _with_one(changed, name.strip(), value.strip(), asked)
    return changed


def _with_one(decisions: Decisions, name: str, value: str, asked: str) -> Decisions:
    try:
        if name == "budget" and float(value) >= 0:
            return decisions.model_copy(update={"budget": float(value)})
        if name == "exploration_share" and 0 <= float(value) < 1:
            return decisions.model_copy(update={"exploration_share": float(value)})
        if name == "offers_per_customer" and int(value) >= 1:
            return decisions.model_copy(update={"offers_per_customer": int(value)})
        if name.startswith(CAPACITY) and int(value) >= 0:
            channel = name.removeprefix(CAPACITY)
            channels = channels_of(decisions)
            if channel not in channels:
                raise WhatIfUnreadableError(got=f"{asked}: channels are {', '.join(channels)}")
            capped = Channel(**channels[channel].model_dump() | {"capacity": int(value)})
            return decisions.model_copy(update={"channels": channels | {channel: capped}})
    except ValueError as error:
        raise WhatIfUnreadableError(got=asked) from error
    raise WhatIfUnreadableError(got=asked)
