"""The segment tables beyond scores: value, matrix, loyalty, stages, moves, equity, cohorts, service, channels.

Belongs here: which parts are handed to which rule, and which tables a night has. Does not: rules (`segments`), reading
(`segmenting_inputs.py`, `segmenting_earlier.py`).
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from config.segmentation import Segmentation
from config.settings import Settings
from data_contracts.published import OutputContract, PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors_segmenting import LetGoListUnreadableError
from flows.nights.scoring import Scores
from flows.nights.segmenting_earlier import VALUED_BY, Earlier, earlier_standings, former_values
from flows.nights.segmenting_inputs import GatheredCore, gather_core
from segments.build import SegmentTables
from segments.contract_columns import as_published
from segments.money import Currency, currency_of, to_minor_units
from segments.standing.causes import tier_changes
from segments.standing.cell_policies import DEFAULT_POLICIES, CellPolicy, policy_table
from segments.standing.channel_effectiveness import channel_effectiveness, ticket_figures
from segments.standing.cohorts import cohorts
from segments.standing.concentration import concentration
from segments.standing.contracts import (
    LIFECYCLE,
    LOYALTY,
    customer_history_contract,
    customer_value_contract,
    value_matrix_contract,
)
from segments.standing.customer_facts import customer_facts
from segments.standing.customer_history import with_causes, with_tonight
from segments.standing.everything import ON_THE_CUSTOMER, customer_standing
from segments.standing.fates import yearly_churn
from segments.standing.portfolio import fate_counts
from segments.standing.portfolio_contracts import (
    CHANNEL_EFFECTIVENESS,
    LAST_QUARTER,
    LAST_VERSION,
    SERVICE_RECOVERY,
    YEARLY_CHURN,
    cohort_contract,
    concentration_contract,
    customer_equity_contract,
    fate_contract,
    policy_contract,
    tier_migration_contract,
)
from segments.standing.rules import RULE_NAMES, SegmentationRules
from segments.standing.service_recovery import service_recovery
from segments.standing.tier_migration import customer_equity, equity_bridge, tier_migration

Tick = Callable[[], None]
Frames = dict[str, tuple[pl.DataFrame, OutputContract]]


def more_tables(
    context: Context, *, core: CoreTables, as_of: date, scores: Scores, tables: SegmentTables, run_key: str, tick: Tick
) -> SegmentTables:
    """The tables of the night with every table beyond scores and offers.

    `customer` is given stage, loyalty, fate and value score; the further tables are in `others`.

    Raises:
        LetGoListUnreadableError: the list of customers let go is not there, or is no list of ids.
    """
    settings, currency = context.settings, currency_of(context.settings.company.currency)
    rules = rules_of(settings.segmentation, currency)
    earlier = earlier_standings(context, as_of=as_of, quarter_days=rules.quarter_days, currency=currency)
    gathered = gather_core(core, as_of=as_of, since=earlier.dates, rules=rules, tick=tick)
    facts = customer_facts(tables.customer, scores.features, currency)
    standing = customer_standing(
        facts, gathered.sums, gathered.late, rules=rules, previous=earlier.classes, let_go=let_go_ids(settings)
    )
    shown = standing.select("customer_id", *ON_THE_CUSTOMER)
    customer = (
        tables.customer.drop(ON_THE_CUSTOMER)
        .join(shown, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .select(tables.customer.columns)
    )
    changes = _changes(context, earlier, gathered, tables=tables, scores=scores)
    frames = _about_customers(standing, settings.segmentation, currency)
    frames |= _history(customer, standing, earlier, changes, as_of=as_of, rules=rules, currency=currency)
    frames |= _about_all(standing, gathered, settings.segmentation, rules, as_of=as_of, currency=currency)
    frames |= _moves(standing, changes, earlier, currency)
    made = {
        name: PublishedTable(as_published(frame, contract, as_of=as_of, run_key=run_key, currency=currency), contract)
        for name, (frame, contract) in frames.items()
    }
    return replace(tables, customer=customer, others=made)


def rules_of(section: Segmentation, currency: Currency) -> SegmentationRules:
    """The company's rules; amounts of the settings in minor units."""
    values = {name: getattr(section, name) for name in RULE_NAMES if hasattr(section, name)}
    cost = section.cost_per_ticket
    amount = None if cost is None else round(cost * 10**currency.exponent)
    return SegmentationRules(**values, cost_per_ticket_amount=amount)


def policies_of(section: Segmentation) -> Mapping[str, CellPolicy]:
    """The policy of each cell: the company's, else the product's own."""
    own = {str(cell): CellPolicy(**policy.model_dump()) for cell, policy in section.policies.items()}
    return dict(DEFAULT_POLICIES) | own


def let_go_ids(settings: Settings) -> frozenset[str]:
    """Ids on the list of customers let go; none without a list.

    Raises:
        LetGoListUnreadableError: it is not there, or has no column customer_id.
    """
    path = settings.segmentation.let_go_list
    if path is None:
        return frozenset()
    place = settings.base / path
    try:
        with place.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "customer_id" not in (reader.fieldnames or ()):
                raise LetGoListUnreadableError(path=str(place), reason="it has no column customer_id")
            return frozenset(row["customer_id"] for row in reader if row["customer_id"])
    except (OSError, UnicodeDecodeError) as error:
        raise LetGoListUnreadableError(path=str(place), reason=type(error).__name__) from None


def _changes(
    context: Context, earlier: Earlier, gathered: GatheredCore, *, tables: SegmentTables, scores: Scores
) -> dict[str, pl.DataFrame]:
    """Tier then and now with the cause, against the version before and about a quarter ago, where there are such."""
    currency = currency_of(context.settings.company.currency)
    now = tables.customer.with_columns(VALUED_BY, to_minor_units(pl.col("expected_value_12m"), currency))
    former: dict[int, pl.DataFrame | None] = {}
    found = {}
    for name, before in ((LAST_VERSION, earlier.last), (LAST_QUARTER, earlier.quarter)):
        if before is None or before.is_empty():
            continue
        version = before["value_model_version"].max()
        if isinstance(version, int) and version != now["value_model_version"].max() and version not in former:
            scored = scores.features.join(scores.value.select("customer_id"), on="customer_id", how="semi")
            former[version] = _with_subscriptions(former_values(context, scored, version), tables.customer, currency)
        found[name] = tier_changes(
            now,
            before,
            corrected=gathered.corrected[before["as_of"][0]],
            former_values=former.get(version) if isinstance(version, int) else None,
        )
    return found


def _with_subscriptions(former: pl.DataFrame | None, customer: pl.DataFrame, currency: Currency) -> pl.DataFrame | None:
    """`customer_id`, `former_value`: what a former model expects of orders, and subscriptions as of tonight."""
    if former is None:
        return None
    part = to_minor_units(pl.col("expected_subscription_value_12m"), currency).fill_null(0).alias("subscribed")
    rows = former.join(customer.select("customer_id", part), on="customer_id", how="left", validate="1:1")
    return rows.select("customer_id", pl.col("former_value") + pl.col("subscribed").fill_null(0))


def _about_customers(standing: pl.DataFrame, section: Segmentation, currency: Currency) -> Frames:
    """Tables with a row a customer."""
    levels = {cell: policy.service_level for cell, policy in policies_of(section).items()}
    policy = pl.col("matrix_cell").replace_strict(list(levels), list(levels.values()), return_dtype=pl.String)
    return {
        "customer_value": (standing, customer_value_contract(currency)),
        "loyalty": (standing, LOYALTY),
        "lifecycle": (standing, LIFECYCLE),
        "value_matrix": (standing.with_columns(policy.alias("policy")), value_matrix_contract(currency)),
    }


def _history(
    customer: pl.DataFrame,
    standing: pl.DataFrame,
    earlier: Earlier,
    changes: dict[str, pl.DataFrame],
    *,
    as_of: date,
    rules: SegmentationRules,
    currency: Currency,
) -> Frames:
    """The history with tonight's rows, each with its cause."""
    cells = standing.select("customer_id", "matrix_cell")
    expected = to_minor_units(pl.col("expected_value_12m"), currency)
    tonight = customer.with_columns(expected).join(
        cells, on="customer_id", how="left", validate="1:1", maintain_order="left"
    )
    kept = with_tonight(tonight, earlier.history, as_of=as_of, keep_days=rules.history_days)
    caused = with_causes(kept, earlier.history, changes.get(LAST_VERSION), as_of=as_of)
    return {"customer_history": (caused, customer_history_contract(currency))}


def _about_all(
    standing: pl.DataFrame,
    gathered: GatheredCore,
    section: Segmentation,
    rules: SegmentationRules,
    *,
    as_of: date,
    currency: Currency,
) -> Frames:
    """Tables about all customers together."""
    frames: Frames = {
        "concentration": (concentration(standing), concentration_contract(currency)),
        "customer_fate": (fate_counts(standing), fate_contract(currency)),
        "yearly_churn": (yearly_churn(standing, rules=rules), YEARLY_CHURN),
        "cohort": (cohorts(gathered.cohorts, standing, as_of=as_of), cohort_contract(currency)),
        "policy": (policy_table(standing, policies=policies_of(section)), policy_contract(currency)),
    }
    if gathered.strata is not None:
        frames["service_recovery"] = (service_recovery(gathered.strata), SERVICE_RECOVERY)
    if gathered.uses is not None:
        figures = None
        if gathered.tickets is not None:
            figures = ticket_figures(gathered.tickets, as_of=as_of, rules=rules)
        frames["channel_effectiveness"] = (channel_effectiveness(gathered.uses, figures), CHANNEL_EFFECTIVENESS)
    return frames


def _moves(standing: pl.DataFrame, changes: dict[str, pl.DataFrame], earlier: Earlier, currency: Currency) -> Frames:
    """Who moved between tiers, and what that did to the value of all."""
    dates = {
        name: frame["as_of"][0]
        for name, frame in ((LAST_VERSION, earlier.last), (LAST_QUARTER, earlier.quarter))
        if frame is not None and not frame.is_empty()
    }
    moves = [
        tier_migration(changed).with_columns(
            pl.lit(name).alias("compared_to"), pl.lit(dates[name], pl.Date).alias("compared_as_of")
        )
        for name, changed in changes.items()
    ]
    contract = tier_migration_contract(currency)
    nothing = contract.schema.to_frame().drop("as_of", "currency", "run_key")
    nothing = nothing.cast({"expected_value_before": pl.Int64, "expected_value_now": pl.Int64})
    migration = pl.concat([nothing, *moves], how="diagonal_relaxed")
    equity = [customer_equity(standing)]
    if LAST_QUARTER in changes:
        bridge = equity_bridge(changes[LAST_QUARTER])
        equity.append(bridge.with_columns(pl.lit(dates[LAST_QUARTER], pl.Date).alias("compared_as_of")))
    together = pl.concat([pl.DataFrame(schema={"compared_as_of": pl.Date}), *equity], how="diagonal_relaxed")
    return {
        "tier_migration": (migration, contract),
        "customer_equity": (together, customer_equity_contract(currency)),
    }
