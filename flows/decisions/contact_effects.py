"""What contacts changed so far, told by those who were held out: effects on margin for tonight's customers.

Belongs here: making a trial of the company's own contacts. Does not: learning (`models.uplift`), deciding.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.decisions.inputs import known_orders

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.uplift.evidence import Evidence
    from models.uplift.trial import Trial

CONTROL = "left alone"
ANY_CONTACT = "contacted"
_OWN = ("contact_id", "customer_id", "offer_id", "arm", "propensity", "offer_propensity", "outcome")
LEAST_ROWS = 200  # held out, and of a treatment
MOST_ROWS = 100_000
MOST_DATES = 6
FEATURES = (
    "days_since_last_order", "days_since_first_order", "purchase_count_life", "net_amount_life", "amount_per_purchase",
    "purchase_count_90_days", "net_amount_90_days", "purchase_count_365_days", "net_amount_365_days",
    "silence_to_usual_gap", "median_days_between_orders", "distinct_categories_365_days", "distinct_products_life",
    "favourite_category_share", "discount_share_365_days", "returned_amount_share_365_days", "margin_share_365_days",
    "contact_count_90_days", "contacts_since_last_response", "responded_contact_share_365_days",
    "opened_contact_share_365_days", "complaint_count_365_days", "customer_type", "region", "acquisition_channel",
    "age_years", "days_since_registration",
)  # fmt: skip
"""Few and broad: effects are small and noisy, and every column more is another way to be wrong."""


@dataclass(frozen=True, kw_only=True)
class ContactTrial:
    """The company's contacts as a trial.

    Attributes:
        trial: outcome: margin within the window after the contact, minor units.
        evidence: whether the hold-out was drawn by lot.
        columns: the features used.
    """

    trial: "Trial"
    evidence: "Evidence"
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What is known of effects tonight.

    Attributes:
        by_customer: `customer_id`, `arm` (an offer's id, or `contacted`), `effect_amount`, `effect_amount_error`
            (Float64, minor units of margin); None where nothing is known.
        words: why, or why not.
        facts: for the record: arms, rows, average effects.
    """

    by_customer: pl.DataFrame | None
    words: str
    facts: dict[str, Any]


def contact_trial(
    core: CoreTables, contacts: pl.DataFrame | None, *, as_of: date, outcome_days: int, assumed_margin: float
) -> ContactTrial | str:
    """The contacts whose window is complete, as a trial; or in words why they make none.

    Args:
        core: the load.
        contacts: see `inputs.sent_contacts`.
        as_of: nothing later is used.
        outcome_days: the window after a contact.
        assumed_margin: of sales, where lines have no cost.
    """
    if contacts is None:
        return "no contacts are loaded"
    done = _newest(contacts.filter(pl.col("sent_on") < as_of - timedelta(days=outcome_days)))
    held_out = int(done["held_out"].fill_null(value=False).sum())
    if held_out < LEAST_ROWS:
        return f"{held_out:,} of the newest contacts were held out, at least {LEAST_ROWS} are needed to tell an effect"
    done = _with_arms(done)
    if done["arm"].n_unique() < 2:  # noqa: PLR2004 control and something
        return "no treatment has contacts enough"
    rows = _with_outcome(core, done, as_of, outcome_days, assumed_margin)
    return _as_trial(_with_features(core, rows))


def learn_effects(found: ContactTrial | str, tonight: pl.DataFrame, *, threads: int, seed: int) -> Effects:
    """Effects on the customers of tonight: of each offer that was made often enough, and of being contacted at all.

    The latter (arm `contacted`) is of contacts without such an offer; where there are none, of all contacts together,
    by whatever offer.

    Args:
        found: see `contact_trial`.
        tonight: `customer_id` and the features as of the night, active customers.
        threads: for LightGBM; without effect on the result.
        seed: for folds and LightGBM.
    """
    from models.uplift.evidence import RESPONSE  # noqa: PLC0415 heavy
    from models.uplift.learning import fit_trial  # noqa: PLC0415

    if isinstance(found, str):
        return Effects(by_customer=None, words=f"no effect is claimed: {found}", facts={})
    if found.evidence.kind == RESPONSE:
        return Effects(by_customer=None, words=f"no effect is claimed: {found.evidence.words}", facts={})
    typed = _typed(tonight, found)
    parts, averages = [], {}
    for trial in (found.trial, *_pooled(found.trial)):
        model = fit_trial(trial, threads=threads, seed=seed)
        effects, errors = model.predict(typed, threads=threads)
        for place, (name, one) in enumerate(zip(trial.arms[1:], model.effects, strict=True)):
            averages[name] = {"average": round(one.stack.average, 2), "error": round(one.stack.average_error, 2)}
            parts.append(
                pl.DataFrame(
                    {
                        "customer_id": tonight["customer_id"],
                        "arm": pl.Series([name] * tonight.height, dtype=pl.String),
                        "effect_amount": effects[place],
                        "effect_amount_error": errors[place],
                    }
                )
            )
    words = f"effects are measured against {int((found.trial.arm == 0).sum()):,} contacts held out"
    facts = {"rows": len(found.trial.arm), "average_margin_effect_in_minor_units": averages}
    return Effects(by_customer=pl.concat(parts), words=words, facts=facts)


def _pooled(trial: "Trial") -> "list[Trial]":
    """The trial with all its offers as one treatment, unless being contacted at all is a treatment already."""
    if ANY_CONTACT in trial.arms:
        return []
    addressed = trial.propensity[:, 1:].sum(axis=1)
    return [
        replace(
            trial,
            arm=np.minimum(trial.arm, 1),
            arms=(CONTROL, ANY_CONTACT),
            propensity=np.stack([trial.propensity[:, 0], addressed], axis=1),
        )
    ]


def _with_arms(done: pl.DataFrame) -> pl.DataFrame:
    """`arm`: left alone, the offer's id where it has contacts enough, else contacted; too few rows are left out."""
    sent = done.filter(pl.col("held_out").ne_missing(other=True))
    counts = sent.group_by("offer_id").len().filter(pl.col("offer_id").is_not_null() & (pl.col("len") >= LEAST_ROWS))
    named = pl.col("offer_id").is_in(counts["offer_id"].sort().to_list())
    arm = (
        pl.when(pl.col("held_out").eq_missing(other=True))
        .then(pl.lit(CONTROL))
        .when(named)
        .then(pl.col("offer_id"))
        .otherwise(pl.lit(ANY_CONTACT))
    )
    done = done.with_columns(arm.alias("arm"))
    enough = done.group_by("arm").len().filter(pl.col("len") >= LEAST_ROWS)
    return done.filter(pl.col("arm").is_in(enough["arm"].sort().to_list()))


def _with_outcome(
    core: CoreTables, done: pl.DataFrame, as_of: date, outcome_days: int, assumed_margin: float
) -> pl.DataFrame:
    first: date = done["sent_on"].min()  # type: ignore[assignment]  # a Date column
    lines = known_orders(core, as_of).filter(pl.col("ordered_on") >= first)
    margin = pl.coalesce(pl.col("amount") - pl.col("cost_amount"), pl.col("amount") * assumed_margin)
    daily = (
        lines.group_by("customer_id", "ordered_at").agg(margin.sum().alias("margin")).sort("customer_id", "ordered_at")
    ).collect()
    joined = done.select("contact_id", "customer_id", "sent_at").join(daily, on="customer_id", validate="m:m")
    since = pl.col("ordered_at") - pl.col("sent_at")
    within = joined.filter((since >= timedelta(0)) & (since < timedelta(days=outcome_days)))
    sums = within.group_by("contact_id").agg(pl.sum("margin").alias("outcome"))
    return done.join(sums, on="contact_id", how="left", validate="1:1", maintain_order="left").with_columns(
        pl.col("outcome").fill_null(0.0)
    )


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    """The newest contacts, each with the date its features are of: its own day, or the first of its month."""
    days = rows["sent_on"].n_unique()
    snapshot = pl.col("sent_on") if days <= MOST_DATES else pl.col("sent_on").dt.month_start()
    rows = rows.with_columns(snapshot.alias("snapshot_date"))
    kept = rows["snapshot_date"].unique().sort(descending=True).head(MOST_DATES)
    rows = rows.filter(pl.col("snapshot_date").is_in(kept.to_list()))
    return rows.sort("sent_at", "contact_id", descending=[True, False]).head(MOST_ROWS).sort("contact_id")


def _with_features(core: CoreTables, rows: pl.DataFrame) -> pl.DataFrame:
    days = rows["snapshot_date"].unique().sort().to_list()
    known = [name for name in FEATURES if name in core.feature_names()]
    wanted = rows.select("customer_id").unique()
    parts = [
        core.build_features(bucket, days)
        .select("customer_id", "snapshot_date", *known)
        .collect()
        .join(wanted, on="customer_id", how="semi")
        for bucket in core.buckets()
    ]
    built = pl.concat(parts)
    return rows.join(
        built, on=["customer_id", "snapshot_date"], how="left", validate="m:1", maintain_order="left"
    ).select(*_OWN, *known)


def _as_trial(table: pl.DataFrame) -> ContactTrial:
    from models.uplift.evidence import judge_evidence  # noqa: PLC0415 heavy
    from models.uplift.trial import Trial, shares_as_propensity  # noqa: PLC0415

    features = table.columns[len(_OWN) :]
    columns = tuple(name for name in features if table[name].drop_nulls().n_unique() > 1) or tuple(features[:1])
    treatments = sorted(set(table["arm"].to_list()) - {CONTROL})
    arms = (CONTROL, *treatments)
    arm = table["arm"].replace_strict({name: place for place, name in enumerate(arms)}).cast(pl.Int64).to_numpy()
    frame = _plain(table, columns)
    shares = shares_as_propensity(arm, arms)
    logged = table["propensity"].null_count() == 0
    trial = Trial(
        table=frame,
        arm=arm,
        arms=arms,
        outcome=table["outcome"].to_numpy(),
        propensity=_logged(table, arms, shares) if logged else shares,
        groups=table["customer_id"].to_list(),
    )
    one_each = trial.at(trial.first_rows)
    evidence = judge_evidence(one_each.table, one_each.arm, arms=arms, propensity_logged=logged)
    return ContactTrial(trial=trial, evidence=evidence, columns=columns)


def _logged(table: pl.DataFrame, arms: tuple[str, ...], shares: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    """The probability of each arm, shape (rows, arms), from what was logged.

    `propensity` is that of being addressed at all, `offer_propensity` that of the row's offer (of whoever was held out,
    of the offer they would have got). What of the first is not told by the second falls to the other arms by their
    shares.
    """
    from models.uplift.trial import LEAST_PROPENSITY  # noqa: PLC0415 heavy

    addressed = np.clip(table["propensity"].to_numpy(), LEAST_PROPENSITY, 1 - LEAST_PROPENSITY)
    own = np.minimum(table["offer_propensity"].fill_null(float("nan")).to_numpy(), addressed)
    offer = table["offer_id"].to_numpy()
    found = np.empty(shares.shape)
    found[:, 0] = 1 - addressed
    weight = shares[:, 1:].copy()
    known = np.stack([(offer == name) & np.isfinite(own) for name in arms[1:]], axis=1)
    rest = addressed - np.where(known.any(axis=1), own, 0.0)
    weight[known] = 0.0
    total = weight.sum(axis=1, keepdims=True)
    found[:, 1:] = np.where(known, own[:, None], rest[:, None] * weight / np.where(total > 0, total, 1.0))
    return np.maximum(found, LEAST_PROPENSITY)


def _typed(tonight: pl.DataFrame, found: ContactTrial) -> pl.DataFrame:
    absent = [pl.lit(None, pl.Float64).alias(name) for name in found.columns if name not in tonight.columns]
    return _plain(tonight.with_columns(absent), found.columns)


def _plain(table: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Numbers as Float64, texts with a text of its own for missing ones."""
    return table.select(
        pl.col(name).cast(pl.String).fill_null("(missing)")
        if table[name].dtype in (pl.String, pl.Categorical, pl.Enum)
        else pl.col(name).cast(pl.Float64)
        for name in columns
    )
