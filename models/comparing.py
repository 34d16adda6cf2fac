"""Champion and challengers side by side: figures on the same rows, and a paired test of each against the first.

Belongs here: asking bundles about the same customers and testing the difference. Does not: which rows (the flows), or
what follows.

A comparison is fair only where neither model has seen what happened after the snapshot. So each is asked as it stood
then: the version itself where it was trained by that date, else the model as it was graded (`Bundle.graded`), which
saw nothing of its test snapshot or later.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import polars as pl

from models.bundle import Bundle
from models.judging.calibration import log_loss
from models.judging.evaluation import (
    Metric,
    amount_figures,
    auc,
    brier,
    mae,
    normalised_gini,
    paired_gain,
    probability_figures,
    rmse,
)
from models.learners.encoding import Floats
from models.snapshots.value_basis import NET_SALES, OUTCOMES

Verdict = Literal["better", "worse", "no sure difference"]
VALUE_HEADS, PURCHASES = "value_heads.json", "value_90d_purchase_model.json"  # files of a bundle of value
HARMLESS = 0.01  # a loss of less than this share of the champion's figure, however sure, is no reason to stay behind


@dataclass(frozen=True, kw_only=True)
class Test:
    """How a difference in one figure is tested."""

    figure: str
    metric: Metric
    higher_is_better: bool
    decides: bool = True


TESTS: Mapping[str, tuple[Test, ...]] = {
    "churn": (
        Test(figure="auc", metric=auc, higher_is_better=True),
        Test(figure="log_loss", metric=log_loss, higher_is_better=False),
        Test(figure="brier", metric=brier, higher_is_better=False, decides=False),
    ),
    "value": (
        Test(figure="normalised_gini", metric=normalised_gini, higher_is_better=True),
        Test(figure="mae", metric=mae, higher_is_better=False),
        Test(figure="rmse", metric=rmse, higher_is_better=False, decides=False),
    ),
}
"""Models that can be asked about any rows of features; others are compared by their own test figures only."""

FIGURES: Mapping[str, Callable[[Floats, Floats], dict[str, float]]] = {
    "churn": probability_figures,
    "value": amount_figures,
}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A version as it stood at a snapshot.

    Attributes:
        version: its number, 0 for one that is not registered yet.
        bundle: what is asked: the version itself, or the model as it was graded.
        as_graded: which of both.
        by_baseline: it is the baseline of `bundle` that the version scores with: the model did not pass.
    """

    version: int
    bundle: Bundle
    as_graded: bool
    by_baseline: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Challengers against the first contender on the same rows.

    Attributes:
        name: the model.
        snapshot: the date they were asked as of.
        rows: customers.
        figures: by version, the figures.
        baselines: by name, those of the baselines of the first contender.
        gains: by version of a challenger and figure: mean, low and high of its gain over the first (above 0: better).
        verdicts: by version of a challenger.
        asked_as_graded: versions that were asked as they were graded, because the version itself has seen the rows.
    """

    name: str
    snapshot: date
    rows: int
    champion: int
    figures: Mapping[int, Mapping[str, float]]
    gains: Mapping[int, Mapping[str, Mapping[str, float]]]
    verdicts: Mapping[int, Verdict]
    asked_as_graded: tuple[int, ...]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON-able values, versions as text."""
        told = asdict(self)
        for part in ("figures", "gains", "verdicts"):
            told[part] = {str(version): value for version, value in told[part].items()}
        return told | {"snapshot": self.snapshot.isoformat(), "asked_as_graded": list(self.asked_as_graded)}


def as_it_stood(bundle: Bundle, version: int, snapshot: date) -> Contender | None:
    """What of a version may be asked about a snapshot; None where all of it has seen what happened next."""
    if bundle.trained_as_of <= snapshot:
        return Contender(version=version, bundle=bundle, as_graded=False)
    if bundle.graded is not None and bundle.graded.trained_as_of <= snapshot:
        gave_way = bundle.method != bundle.graded.method
        return Contender(version=version, bundle=bundle.graded, as_graded=True, by_baseline=gave_way)
    return None


def horizon_days(bundle: Bundle) -> int | None:
    """The days ahead that a bundle was asked about and graded on; None where it does not say."""
    plan = bundle.parameters.get("plan") or bundle.parameters.get("plan_near") or {}
    days = plan.get("horizon_days")
    return int(days) if days is not None else None


def target(bundle: Bundle) -> str:
    """The column of outcomes that a bundle foretells."""
    return "churned" if bundle.name == "churn" else OUTCOMES[bundle.parameters.get("value_of", NET_SALES)]


def mismatch(one: Bundle, other: Bundle) -> str:
    """Why two bundles of a model foretell different things, said of the first; empty: they don't."""
    if horizon_days(one) != horizon_days(other):
        return f"it looks {horizon_days(one)} days ahead, the other {horizon_days(other)}"
    if target(one) != target(other):
        return f"it foretells {target(one)}, the other {target(other)}"
    return ""


def predictions(bundle: Bundle, rows: pl.DataFrame, *, threads: int = 1) -> Floats:
    """What a bundle says of rows of features: probability of churn, or net amount (minor units) of the near horizon.

    Raises:
        FeaturesMismatchError: the rows lack a feature it was trained on.
        KeyError: a model that can't be asked about rows of features.
    """
    from models.purchases.churn import predict_churn  # noqa: PLC0415 heavy
    from models.value.model import predict_value  # noqa: PLC0415 heavy

    if bundle.name == "churn":
        said = predict_churn(bundle, rows, threads=threads)["churn_probability"]
    elif bundle.name == "value":
        said = predict_value(bundle, rows, threads=threads)["expected_value_90d_amount"]
    else:
        raise KeyError(bundle.name)
    return said.cast(pl.Float64).to_numpy()


def baseline_predictions(bundle: Bundle, rows: pl.DataFrame, *, threads: int = 1) -> Floats:
    """What the baseline that a bundle was graded against says of the same rows.

    Raises:
        FeaturesMismatchError: the rows lack the baseline's feature.
        KeyError: a model that can't be asked about rows of features.
    """
    heads = json.loads(bundle.files[VALUE_HEADS]) if bundle.name == "value" else {}
    rival = heads.get("near", {}).get("rival", "baseline")
    return predictions(_standing_by(bundle, rival), rows, threads=threads)


def baselines(bundle: Bundle, rows: pl.DataFrame, *, threads: int = 1) -> dict[str, Floats]:
    """What every baseline of a bundle says of the same rows, by its name in words.

    Raises:
        FeaturesMismatchError: the rows lack a baseline's feature.
        KeyError: a model that can't be asked about rows of features.
    """
    if bundle.name == "churn":
        return {"days since the last purchase": baseline_predictions(bundle, rows, threads=threads)}
    methods = {"run rate": "baseline"} | ({"purchase model": "buy_till_you_die"} if PURCHASES in bundle.files else {})
    return {name: predictions(_standing_by(bundle, way), rows, threads=threads) for name, way in methods.items()}


def compare(
    contenders: list[Contender], rows: pl.DataFrame, *, snapshot: date, seed: int, threads: int = 1
) -> Comparison:
    """Ask all about the same rows, and test each against the first.

    Args:
        contenders: the champion first; of one model.
        rows: features and outcomes of one snapshot, in a stable order.
        snapshot: its date.
        seed: of the bootstrap.
        threads: for LightGBM.

    Raises:
        FeaturesMismatchError: the rows lack a feature one of them was trained on.
    """
    champion, name = contenders[0], contenders[0].bundle.name
    actual = rows[target(champion.bundle)].cast(pl.Float64).to_numpy()
    said = {one.version: _asked(one, rows, threads=threads) for one in contenders}
    rules = baselines(champion.bundle, rows, threads=threads)
    gains = {
        one.version: tested(name, said[one.version], said[champion.version], actual, seed=seed)
        for one in contenders[1:]
    }
    figures = {version: _rounded(FIGURES[name](values, actual)) for version, values in said.items()}
    return Comparison(
        name=name,
        snapshot=snapshot,
        rows=rows.height,
        champion=champion.version,
        figures=figures,
        gains=gains,
        verdicts={version: judge_difference(name, told, figures[champion.version]) for version, told in gains.items()},
        asked_as_graded=tuple(one.version for one in contenders if one.as_graded),
        baselines={rule: _rounded(FIGURES[name](values, actual)) for rule, values in rules.items()},
    )


def tested(name: str, ours: Floats, theirs: Floats, actual: Floats, *, seed: int) -> dict[str, dict[str, float]]:
    """Paired bootstrap over customers: by figure the mean, low and high of the gain of `ours` over `theirs`."""
    gains = {
        test.figure: paired_gain(test.metric, ours, theirs, actual, seed=seed, higher_is_better=test.higher_is_better)
        for test in TESTS[name]
    }
    return {figure: _rounded(asdict(gain)) for figure, gain in gains.items()}


def judge_difference(name: str, gains: Mapping[str, Mapping[str, float]], champion: Mapping[str, float]) -> Verdict:
    """Worse: a deciding figure surely is, by more than 1 % of the champion's own; better: else, one surely is."""
    deciding = [test.figure for test in TESTS[name] if test.decides]
    worse = [
        figure
        for figure in deciding
        if gains[figure]["high"] < 0 and -gains[figure]["mean"] > HARMLESS * abs(champion[figure])
    ]
    if worse:
        return "worse"
    return "better" if any(gains[figure]["low"] > 0 for figure in deciding) else "no sure difference"


def in_words(comparison: Comparison, version: int) -> str:
    """One sentence on a challenger."""
    told = ", ".join(
        f"{figure} {gain['mean']:+.4g} [{gain['low']:+.4g}, {gain['high']:+.4g}]"
        for figure, gain in comparison.gains[version].items()
    )
    which = f"version {version}" if version else "the new version"
    unit = "; errors in minor units" if comparison.name == "value" else ""
    return (
        f"{which} against version {comparison.champion} on {comparison.rows:,} customers of "
        f"{comparison.snapshot}: {comparison.verdicts[version]} (gain in {told}{unit})"
    )


def _standing_by(bundle: Bundle, method: str) -> Bundle:
    """The same, one of its baselines standing."""
    files = bundle.files
    if bundle.name == "value":
        heads = json.loads(files[VALUE_HEADS])
        told = {which: head | {"method": method} for which, head in heads.items() if which in {"near", "far"}}
        files = {**files, VALUE_HEADS: json.dumps(heads | told).encode()}
    return replace(bundle, method=method, files=files)


def _asked(contender: Contender, rows: pl.DataFrame, *, threads: int) -> Floats:
    ask = baseline_predictions if contender.by_baseline else predictions
    return ask(contender.bundle, rows, threads=threads)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(np.round(value, 9)) for name, value in figures.items()}
