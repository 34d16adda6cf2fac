"""A trained model's card: gathering what it tells, and keeping it as files.

Belongs here: from a bundle, its test rows and the decision about it to a `Card`, and to files in the workspace. Does
not: layout (`models.judging.model_card`), figures (`models.judging.reliability`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.learning.model_facts import held_against
from models.judging.grading import FITTED_WITHOUT_OUTCOMES, Grade
from models.snapshots.value_basis import MARGIN

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.judging.model_card import Card

FOLDER = "model_cards"
TENURE_FEATURE, SPEND_FEATURE = "days_since_first_order", "net_amount_365_days"
TENURE_EDGES = ((90, "1: up to 90 days"), (365, "2: 91 to 365 days"), (730, "3: 1 to 2 years"))
LONGEST_TENURE = "4: more than 2 years"
SPEND_BANDS = ("1: lowest quarter", "2: second quarter", "3: third quarter", "4: highest quarter")
MONEY_FIGURES = ("mae", "rmse")
PREDICTED = {
    "churn": "the probability that a customer does not buy within {days} days",
    "value": "what a customer will spend, net of returns, within {days} days",
    "value, margin": "the margin a customer will bring (purchases less returns and the goods' cost) within {days} days",
    "subscription_churn": "the probability that no subscription of a customer runs any more in {days} days",
    "next_offer": "which products a customer will buy within {days} days",
}


@dataclass(frozen=True, kw_only=True)
class CardSubject:
    """What a card is about.

    Attributes:
        bundle: the trained model.
        grade: its grade.
        standing: what became of it, in words.
        test_rows: features and outcomes of the test snapshot, None for models that can't be asked about such rows.
        provenance: see `provenance.provenance`.
        families: family by feature.
        active_within_days: who is asked about.
        minor_units_per_major: of the company's currency.
        currency: its code.
        notes: findings of the linter and of the readiness report worth a reader's time.
        rolling: figures of other test snapshots, see `training.rolling_origins`.
    """

    bundle: "Bundle"
    grade: Grade
    standing: str
    test_rows: pl.DataFrame | None
    provenance: Mapping[str, Any]
    families: Mapping[str, str]
    active_within_days: int
    minor_units_per_major: int
    currency: str
    notes: Sequence[str] = ()
    rolling: Sequence[Mapping[str, Any]] = field(default_factory=list)


def make_card(subject: CardSubject) -> "Card":
    """The card. Nothing in it is about a single customer: groups have at least 50."""
    from models.judging.model_card import Card  # noqa: PLC0415
    from models.learners.importance import family_shares, feature_shares  # noqa: PLC0415 only when training

    bundle = subject.bundle
    shares = feature_shares(bundle.graded or bundle)
    reliability, segments = _asked(subject)
    return Card(
        title=f"{bundle.name.replace('_', ' ')}, trained as of {bundle.trained_as_of}",
        grade=subject.grade.letter,
        grade_words=subject.grade.words,
        standing=subject.standing,
        facts=_facts(subject),
        figures=figure_rows(bundle.metrics, scale=subject.minor_units_per_major),
        reasons=bundle.reasons,
        rolling_head=_rolling_head(subject.rolling),
        rolling=_rolling_rows(subject.rolling),
        reliability=reliability,
        segments=segments,
        is_probability=bundle.name != "value",
        scale=float(subject.minor_units_per_major),
        features=shares,
        families=family_shares(shares, subject.families),
        limits=_limits(subject, segments),
        again=_made_of(subject),
    )


def card_files(card: "Card", provenance: Mapping[str, Any]) -> dict[str, bytes]:
    """What is logged with the run: the card in both forms, and what the run was made of."""
    from models.judging.model_card import card_html, card_markdown  # noqa: PLC0415 only when training

    return {
        "model_card.md": card_markdown(card).encode(),
        "model_card.html": card_html(card).encode(),
        "provenance.json": json.dumps(provenance, indent=1, sort_keys=True, default=str).encode(),
    }


def write_cards(workspace: Path, name: str, version: int, files: Mapping[str, bytes]) -> Path:
    """Keep a version's card in the workspace; returns the page."""
    folder = workspace / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("md", "html"):
        path = folder / f"{name}-v{version}.{suffix}"
        aside = path.with_name(f".{path.name}.writing")
        aside.write_bytes(files[f"model_card.{suffix}"])
        aside.replace(path)
    return folder / f"{name}-v{version}.html"


def figure_rows(metrics: Mapping[str, float], *, scale: int) -> list[tuple[str, str, str, str]]:
    """Figures that stand beside a baseline's: label, model's, baseline's, gain with its interval."""
    rows = []
    for key, baseline in metrics.items():
        own = key.replace("baseline_", "", 1)
        if "baseline_" not in key or own not in metrics:
            continue
        unit = scale if own.endswith(MONEY_FIGURES) else 1
        gain = metrics.get(f"{own}_gain")
        told = "" if gain is None else _gain(metrics, own, unit)
        label = own.replace("_at_", "@").replace("_", " ")
        rows.append((label, _figure(metrics[own], unit), _figure(baseline, unit), told))
    return rows


def _asked(subject: CardSubject) -> tuple[list[dict[str, float]], list[dict[str, object]]]:
    """Reliability and segments on the test snapshot, by the model as it was graded."""
    from models.comparing import TESTS, baseline_predictions, predictions, target  # noqa: PLC0415 only when training
    from models.judging.reliability import reliability_table, segment_table  # noqa: PLC0415

    graded, rows = subject.bundle.graded, subject.test_rows
    if graded is None or rows is None or subject.bundle.name not in TESTS:
        kept = subject.bundle.parameters.get("card", {})  # of models that can't be asked about such rows
        return kept.get("reliability", []), kept.get("segments", [])
    said, rule = predictions(graded, rows), baseline_predictions(graded, rows)
    happened = rows[target(graded)].cast(pl.Float64).to_numpy()
    segments = segment_table(said, rule, happened, divisions(rows), is_probability=graded.name == "churn")
    return reliability_table(said, happened), segments


def divisions(rows: pl.DataFrame) -> dict[str, pl.Series]:
    """What customers are divided by: tenure, spend, and texts such as region and type, as far as they are there."""
    found: dict[str, pl.Series] = {}
    if TENURE_FEATURE in rows.columns:
        known = pl.col(TENURE_FEATURE)
        bands = pl.lit(LONGEST_TENURE)
        for edge, words in reversed(TENURE_EDGES):
            bands = pl.when(known <= edge).then(pl.lit(words)).otherwise(bands)
        found["time since the first order"] = rows.select(pl.when(known.is_not_null()).then(bands)).to_series()
    if SPEND_FEATURE in rows.columns:
        place = (pl.col(SPEND_FEATURE).rank("average") - 0.5) / pl.col(SPEND_FEATURE).count() * len(SPEND_BANDS)
        band = place.floor().clip(0, len(SPEND_BANDS) - 1).cast(pl.Int8)
        named = dict(enumerate(SPEND_BANDS))
        found["spend in 365 days"] = rows.select(band.replace_strict(named, return_dtype=pl.String)).to_series()
    for name, dtype in rows.schema.items():
        if dtype in (pl.String, pl.Categorical, pl.Enum) and name != "customer_id":
            found[name.replace("_", " ")] = rows[name]
    return found


def _facts(subject: CardSubject) -> dict[str, list[tuple[str, str]]]:
    bundle = subject.bundle
    plan = bundle.parameters.get("plan") or bundle.parameters.get("plan_near") or {}
    kind = "value, margin" if bundle.parameters.get("value_of") == MARGIN else bundle.name
    predicted = PREDICTED.get(kind, bundle.name.replace("_", " "))
    about = [("what", predicted.format(days=plan.get("horizon_days", "")).strip()), ("method", bundle.method)]
    about.append(("population", _population(subject)))
    about += [("money in", subject.currency)] if bundle.name == "value" else []
    about += [("baseline", rival)] if (rival := _rival(bundle.metrics)) else []
    period = [(name.replace("_", " "), _dates(plan[name])) for name in plan if name != "horizon_days" and plan[name]]
    asked = bundle.metrics.get("test_rows", bundle.metrics.get("test_customers"))
    graded = asked if subject.test_rows is None else subject.test_rows.height
    period += [] if graded is None else [("customers graded", f"{graded:,.0f}")]
    return {"What it predicts": about, "Data and periods": period}


def _rival(metrics: Mapping[str, float]) -> str:
    """What a model of value was held against; empty for others."""
    rival = held_against(metrics)
    if metrics.get("value_90d_by_purchase_model"):
        return f"{rival}; the model is the better of both baselines itself, the purchase model"
    return f"{rival}, the better of two" if rival else ""


def _population(subject: CardSubject) -> str:
    if subject.bundle.name == "subscription_churn":
        return "customers with a running subscription"
    return f"customers with a purchase in the {subject.active_within_days} days before"


def _made_of(subject: CardSubject) -> list[tuple[str, str]]:
    made_of = subject.provenance
    data, code = made_of.get("data", {}), made_of.get("code", {})
    return [
        ("load", str(data.get("load_id", ""))),
        ("training tables, SHA-256", str(data.get("training_tables_sha256", ""))),
        ("settings, SHA-256", str(made_of.get("configuration", {}).get("hash", ""))),
        ("version", f"{code.get('version', '')} {code.get('git_commit', '')}".strip()),
        ("sources, SHA-256", str(code.get("sources_sha256", ""))),
        ("seed", str(made_of.get("seed", ""))),
        ("bundle, SHA-256", subject.bundle.digest()),
    ]


def _limits(subject: CardSubject, segments: Sequence[Mapping[str, object]]) -> list[str]:
    told = [
        "It knows customers by what they did here; what they do elsewhere, and why, it does not know.",
        "It learnt from no outcomes and was not graded: there is too little to learn from yet."
        if FITTED_WITHOUT_OUTCOMES in subject.bundle.metrics
        else "It was graded on one period after the ones it learnt from; a time unlike them it has not seen.",
    ]
    told.append(f"Nobody else is asked about than {_population(subject)}.")
    basis = subject.bundle.parameters.get("value_12m_basis")
    told += [f"12 months: {basis}."] if basis else []
    worse = [f"{one['kind']} {one['segment']}" for one in segments if one["is_worse"]]
    told += [f"Look twice at: {', '.join(worse)}."] if worse else []
    return told + [str(note) for note in subject.notes]


def _dates(value: object) -> str:
    if isinstance(value, list | tuple):
        days = [str(day) for day in value]
        return f"{len(days)} snapshots, {days[0]} to {days[-1]}" if len(days) > 1 else (days[0] if days else "none")
    return str(value)


def _rolling_head(rolling: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return ("test snapshot", *(name.replace("_", " ") for name in rolling[0]["figures"])) if rolling else ()


def _rolling_rows(rolling: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (str(one["test"]), *(f"{pair[0]:.4g} ({pair[1]:.4g})" for pair in one["figures"].values())) for one in rolling
    ]


def _gain(metrics: Mapping[str, float], name: str, unit: int) -> str:
    gain, low, high = (metrics.get(f"{name}_gain{end}", float("nan")) / unit for end in ("", "_low", "_high"))
    return f"{gain:+.4g} [{low:+.4g}, {high:+.4g}]"


def _figure(value: float, unit: int) -> str:
    return f"{value / unit:,.2f}" if unit != 1 else f"{value:.4f}"
