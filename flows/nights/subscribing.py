"""Subscribers: training and scoring when they leave, bucket by bucket; and a night of a company without orders.

Belongs here: which rows go to the subscription model, and where a company has nothing but subscriptions, its scores in
the shape of everybody's. Does not: how the model learns (`models.contractual`), what becomes of scores (`night.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.orders import snapshot_instant
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.errors import NobodyActiveError
from flows.featuring.stored_features import read_stored
from flows.learning.champions import Champion
from flows.learning.drift_references import with_subscribers
from flows.nights.scoring import Scores
from models.contractual.facts import KEYS, former_subscribers, leaving_days, subscriber_facts
from models.contractual.plan import ContractPlan, plan_contracts
from models.snapshots.horizon import USUAL_DAYS
from segments.subscription_value import SUM_OF

if TYPE_CHECKING:
    from models.bundle import Bundle

MODEL = "subscription_churn"
PURCHASE_COLUMNS = {
    "days_since_last_order": pl.Int64,
    "purchase_count_365_days": pl.Int64,
    "net_amount_365_days": pl.Int64,
}
"""Features that segments rank by; of a company without orders they are there, and empty."""
Tick = Callable[[], None]


@dataclass(frozen=True)
class SubscriptionScores:
    """One night's scores of customers with a running subscription, and who once had one.

    Attributes:
        outlook: of `predict_subscriptions`, with `customer_id`.
        contributions: of `explain_subscriptions`, with `customer_id`.
        former: `customer_id`, `last_day` of everybody who ever subscribed (null: one runs).
        facts: of `subscriber_facts`, with `customer_id`.
    """

    outlook: pl.DataFrame
    contributions: pl.DataFrame
    former: pl.DataFrame
    facts: pl.DataFrame

    def standing(self, *, value_share: float | None) -> pl.DataFrame:
        """Everybody who ever subscribed, as `segments.inputs.ScoredCustomers.subscriptions` wants them.

        Args:
            value_share: of the price of a subscription that counts beside what is ordered: 1.0 where values are sales;
                None where nothing is ordered.
        """
        values = {} if value_share is None else SUM_OF
        return self.former.select("customer_id", pl.col("last_day").is_null().alias("subscribes")).join(
            self.outlook.select(
                "customer_id",
                "subscription_churn_probability",
                pl.col("leaves_at_renewal_probability").alias("subscription_end_at_renewal_probability"),
                pl.col("renews_on").alias("subscription_renews_on"),
                pl.col("expected_end_on").alias("subscription_expected_end_on"),
                *((pl.col(name) * value_share).round().cast(pl.Int64).alias(part) for name, part in values.items()),
            ),
            on="customer_id",
            how="left",
            validate="1:1",
            maintain_order="left",
        )


def train_subscription_model(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> "Bundle":
    """Churn of subscribers, trained and graded as of a date."""
    from models.contractual.training import ContractData, train_subscription_churn  # noqa: PLC0415 imports LightGBM

    settings = context.settings
    plan = plan_contracts(
        first_start=_first_start(core) or as_of,
        as_of=as_of,
        horizon_days=settings.training.churn_horizon_days or USUAL_DAYS,
    )
    parts = []
    for bucket in core.buckets():
        parts.append(_training_rows(core, bucket, plan))
        tick()
    data = ContractData(
        rows=pl.concat(parts, how="vertical_relaxed"), feature_names=tuple(core.feature_names()), as_of=as_of
    )
    made = train_subscription_churn(data, plan, threads=settings.compute.threads, seed=settings.training.seed)
    return with_subscribers(made, data)


def score_subscribers(
    context: Context,  # noqa: ARG001 every step is handed one
    *,
    core: CoreTables,
    as_of: date,
    champion: Champion,
    paths: list[str],
    tick: Tick,
) -> SubscriptionScores:
    """When the subscribers of a date leave, and why, bucket by bucket.

    Args:
        context: the surroundings.
        core: with subscriptions.
        as_of: the date.
        champion: of `MODEL`.
        paths: the buckets' feature files.
        tick: called once a bucket.
    """
    from models.contractual.training import explain_subscriptions, predict_subscriptions  # noqa: PLC0415 heavy

    made: list[SubscriptionScores] = []
    for bucket, path in zip(core.buckets(), paths, strict=True):
        subscriptions = _subscriptions(core, bucket)
        facts = subscriber_facts(subscriptions, snapshots=[as_of], time_zone=core.time_zone)
        rows = facts.join(read_stored(Path(path)), on=KEYS, how="left", validate="1:1", maintain_order="left")
        made.append(
            SubscriptionScores(
                predict_subscriptions(champion.bundle, rows).drop("snapshot_date"),
                explain_subscriptions(champion.bundle, rows).drop("snapshot_date"),
                former_subscribers(subscriptions, as_of=as_of, time_zone=core.time_zone),
                facts.drop("snapshot_date"),
            )
        )
        tick()
    return SubscriptionScores(
        *(pl.concat([getattr(one, name) for one in made]) for name in SubscriptionScores.__dataclass_fields__)
    )


def scores_without_orders(
    core: CoreTables, subscribers: SubscriptionScores, *, as_of: date, paths: list[str]
) -> Scores:
    """A night's scores of a company that has subscriptions only.

    Churn is leaving, value is what running subscriptions bring for as long as they are expected to run; there is
    nothing to recommend.

    Raises:
        NobodyActiveError: no subscription runs.
    """
    if subscribers.outlook.is_empty():
        raise NobodyActiveError(as_of=as_of, within_days=0, last_order=core.last_order_before(as_of))
    built = pl.concat([read_stored(Path(path)) for path in paths])
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in PURCHASE_COLUMNS.items() if name not in built.columns]
    outlook = subscribers.outlook
    return Scores(
        features=built.with_columns(absent),
        churn=outlook.select("customer_id", pl.col("subscription_churn_probability").alias("churn_probability")),
        value=outlook.select("customer_id", "expected_value_90d_amount", "expected_value_12m_amount"),
        contributions=subscribers.contributions,
        offers=None,
        categories=None,
        subscribers=subscribers,
    )


def _training_rows(core: CoreTables, bucket: int, plan: ContractPlan) -> pl.DataFrame:
    """Facts, features and outcomes of one bucket's subscribers at the plan's snapshots."""
    subscriptions, zone = _subscriptions(core, bucket), core.time_zone
    facts = subscriber_facts(subscriptions, snapshots=plan.grid, time_zone=zone)
    ends = leaving_days(subscriptions, facts, known_by=snapshot_instant(plan.as_of, time_zone=zone), until=plan.as_of)
    rows = facts.join(ends, on=KEYS, how="left", validate="1:1", maintain_order="left")
    if not plan.grid:
        names = core.feature_names()
        return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    asked = subscriptions.select("customer_id").unique()
    frames = {
        entity: frame.join(asked, on="customer_id", how="semi") if "customer_id" in frame.collect_schema() else frame
        for entity, frame in core.made_features_of(bucket).items()
    }
    built = core.build_features_of(frames, plan.grid).collect()
    return rows.join(built, on=KEYS, how="left", validate="1:1", maintain_order="left")


def _subscriptions(core: CoreTables, bucket: int) -> pl.LazyFrame:
    rows = core.scan("subscriptions", bucket)
    assert rows is not None  # noqa: S101 - callers ask only where the load has subscriptions
    return rows


def _first_start(core: CoreTables) -> date | None:
    rows = core.scan("subscriptions")
    first: date | None = None if rows is None else rows.select(pl.col("started_on").min()).collect().item()
    return first
