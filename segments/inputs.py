"""What the segments are made of: the frames of one night, who made them, and the rules of the company.

Belongs here: the dataclasses that carry them, and the check that they fit together. Does not: any rule's workings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from segments.categories import BRANDS_NEEDED, CATEGORIES_NEEDED
from segments.checks import require_columns, require_key, require_probabilities
from segments.errors import SnapshotMismatchError
from segments.offers import OFFERS_NEEDED
from segments.reasons.main import Phrasebook
from segments.tiers import DEFAULT_SHARES
from segments.vocabulary import LEARNT, NET_SALES

VALUE_COLUMNS = ("expected_value_90d_amount", "expected_value_12m_amount")


SUBSCRIPTION_COLUMNS = {
    "subscription_churn_probability": pl.Float64,
    "subscription_end_at_renewal_probability": pl.Float64,
    "subscription_renews_on": pl.Date,
    "subscription_expected_end_on": pl.Date,
}
NEXT_ORDER_COLUMNS = {"probability_alive": pl.Float64, "expected_next_order_on": pl.Date}


@dataclass(frozen=True, kw_only=True)
class RunStamp:
    """What says, on every row, where it came from.

    Args:
        as_of: the business date the tables are true for.
        run_key: the run that publishes.
        churn_model_version: registered version that gave the churn scores.
        value_model_version: registered version that gave the value scores.
        next_offer_model_version: registered version that ranked the offers; None without such a model.
        subscription_churn_model_version: registered version that says when subscribers leave; None without such a
            model.
        value_of: what expected values are of, see `vocabulary.VALUE_BASES`.
        churn_scored_by: what kind of model gave the churn scores, see `vocabulary.SCORED_BY`.
        value_scored_by: the same of the value scores.
    """

    as_of: date
    run_key: str
    churn_model_version: int
    value_model_version: int
    next_offer_model_version: int | None = None
    subscription_churn_model_version: int | None = None
    value_of: str = NET_SALES
    churn_scored_by: str = LEARNT
    value_scored_by: str = LEARNT


@dataclass(frozen=True, kw_only=True)
class SegmentRules:
    """The company's thresholds.

    Args:
        active_within_days: how old, at most, the last purchase of an active customer is.
        medium_risk_from: churn probability from which the risk is medium.
        high_risk_from: … high.
        critical_risk_from: … critical.
        tier_shares: shares of scored customers that are platinum, gold and iron.
        contact_without_recorded_consent: whether a customer whose consent is not recorded may be contacted; one who
            refused never is.
        recency_column: feature with whole days from the last purchase to the snapshot.
        frequency_column: feature the frequency score ranks by.
        monetary_column: feature the monetary score ranks by.
        steady_margin: who ranks no further beyond a tier's cut than this share of it keeps yesterday's tier.
        steady_probability_margin: who is no further than this beyond a risk threshold keeps yesterday's band.
    """

    active_within_days: int = 365
    medium_risk_from: float = 0.25
    high_risk_from: float = 0.5
    critical_risk_from: float = 0.75
    tier_shares: Sequence[float] = DEFAULT_SHARES
    contact_without_recorded_consent: bool = True
    recency_column: str = "days_since_last_order"
    frequency_column: str = "purchase_count_365_days"
    monetary_column: str = "net_amount_365_days"
    steady_margin: float = 0.0
    steady_probability_margin: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ScoredCustomers:
    """The frames of one night.

    Args:
        features: `customer_id` (unique), `snapshot_date`, the features; customers with a purchase before `as_of` only.
        churn: `customer_id` (unique), `churn_probability` (Float64, null: not scored).
        value: `customer_id` (unique), `expected_value_90d_amount`, `expected_value_12m_amount` (Int64, minor units).
        offers: ranked offers (columns: `offers.OFFERS_NEEDED`); None without a next-offer model.
        categories: ranked categories (columns: `categories.CATEGORIES_NEEDED`); None where products have none.
        brands: ranked brands (columns: `categories.BRANDS_NEEDED`); None where products have none.
        contributions: `customer_id` (unique), one Float64 column a feature: contributions to churn in log-odds.
        customers: everybody known at `as_of`: `customer_id` (unique) and, if recorded, `consent_marketing`; None
            where the company has no customer table: then the customers of `features` are all there are.
        products: `product_id` (unique), `name`.
        phrases: by feature, how to say it (`reasons.Phrasebook`, as for the next two).
        phrases_when_unknown: by feature, what to say where a figure of its phrase is unknown.
        units: by feature, its unit in the catalogue.
        families: by feature, the family it comes from.
        value_contributions: as `contributions`, to the logarithm of the expected value.
        subscription_contributions: as `contributions`, to leaving as a subscriber.
        subscriptions: everybody who ever subscribed: `customer_id` (unique), `subscribes` (Boolean: a subscription
            runs) and `SUBSCRIPTION_COLUMNS` (null where none runs); where orders are sold too, also the parts of
            `subscription_value.SUM_OF`; None where the company has no subscriptions.
        next_orders: `customer_id` (unique) and `NEXT_ORDER_COLUMNS`; None where nothing says.
        previous: yesterday's rows with `customer_id` (unique), `value_tier`, `churn_risk_band`; None on the first
            night.
    """

    features: pl.DataFrame
    churn: pl.DataFrame
    value: pl.DataFrame
    offers: pl.DataFrame | None = None
    categories: pl.DataFrame | None = None
    contributions: pl.DataFrame | None = None
    customers: pl.DataFrame | None = None
    products: pl.DataFrame | None = None
    phrases: Mapping[str, str] = field(default_factory=dict)
    phrases_when_unknown: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    value_contributions: pl.DataFrame | None = None
    subscription_contributions: pl.DataFrame | None = None
    subscriptions: pl.DataFrame | None = None
    next_orders: pl.DataFrame | None = None
    brands: pl.DataFrame | None = None
    previous: pl.DataFrame | None = None

    @property
    def phrasebook(self) -> Phrasebook:
        """How to say features in words."""
        return Phrasebook(phrases=self.phrases, phrases_when_unknown=self.phrases_when_unknown, units=self.units)


def check_inputs(scored: ScoredCustomers, *, as_of: date, rules: SegmentRules) -> None:
    """Refuse frames that do not fit together.

    Raises:
        SegmentColumnsMissingError: a frame lacks columns.
        SegmentKeyRepeatedError: a frame has several rows for one key.
        SnapshotMismatchError: the features are of another date than the run.
        ScoreNotUsableError: a probability is NaN or outside [0, 1].
    """
    needed = ("snapshot_date", rules.recency_column, rules.frequency_column, rules.monetary_column)
    require_columns(scored.features, needed, name="features")
    other_dates = scored.features.filter(pl.col("snapshot_date").ne_missing(as_of))["snapshot_date"]
    if other_dates.len():
        raise SnapshotMismatchError(got=str(other_dates[0]), expected=as_of.isoformat(), rows=other_dates.len())
    require_columns(scored.value, VALUE_COLUMNS, name="value")
    for name, key, frame in (
        ("features", ("customer_id",), scored.features),
        ("churn", ("customer_id",), scored.churn),
        ("value", ("customer_id",), scored.value),
        ("contributions", ("customer_id",), scored.contributions),
        ("value_contributions", ("customer_id",), scored.value_contributions),
        ("subscription_contributions", ("customer_id",), scored.subscription_contributions),
        ("subscriptions", ("customer_id",), scored.subscriptions),
        ("next_orders", ("customer_id",), scored.next_orders),
        ("customers", ("customer_id",), scored.customers),
        ("products", ("product_id",), scored.products),
        ("previous", ("customer_id",), scored.previous),
        ("offers", ("customer_id", "rank"), scored.offers),
        ("categories", ("customer_id", "rank"), scored.categories),
        ("brands", ("customer_id", "rank"), scored.brands),
    ):
        if frame is not None:
            require_key(frame, key, name=name)
    require_probabilities(scored.churn, "churn_probability", name="churn")
    for name, ranked, columns in (
        ("offers", scored.offers, OFFERS_NEEDED),
        ("categories", scored.categories, CATEGORIES_NEEDED),
        ("brands", scored.brands, BRANDS_NEEDED),
    ):
        if ranked is not None:
            require_columns(ranked, columns, name=name)
            require_probabilities(ranked, "purchase_probability", name=name)
    if scored.products is not None:
        require_columns(scored.products, ["name"], name="products")
