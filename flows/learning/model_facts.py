"""A trained model in plain values, for results, the terminal and JSON."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.bundle import Bundle


def model_facts(bundle: "Bundle", version: int) -> dict[str, Any]:
    """Version, method, date, test figures beside the baseline's, the gate's reasons, the horizons they are about."""
    facts = {
        "version": version,
        "method": bundle.method,
        "trained_as_of": bundle.trained_as_of.isoformat(),
        "beats_baseline": bundle.beats_baseline,
        "metrics": bundle.metrics,
        "reasons": list(bundle.reasons),
        "horizons": _horizons(bundle),
    }
    basis = bundle.parameters.get("value_12m_basis")
    horizon = bundle.parameters.get("plan", {}).get("horizon_basis")
    return facts | ({"value_12m_basis": basis} if basis else {}) | ({"churn_horizon": horizon} if horizon else {})


def standing(facts: Mapping[str, Any]) -> str:
    """What a model is beside its baseline, in words; `facts` are those of `model_facts`."""
    if facts["beats_baseline"]:
        return f"beats {held_against(facts['metrics']) or 'its baseline'}"
    stands_in = "purchase models" if facts.get("method") == "buy_till_you_die" else "its baseline"
    return f"{stands_in} stand{'s' if stands_in == 'its baseline' else ''} in"


def held_against(metrics: Mapping[str, float]) -> str:
    """Which of its baselines a model of value was held against on its near horizon; empty where there is one only."""
    against_purchases = metrics.get("value_90d_held_against_purchase_model")
    if against_purchases is None:
        return ""
    return "the purchase model" if against_purchases else "the run rate"


def _horizons(bundle: "Bundle") -> dict[str, int]:
    plan = bundle.parameters.get("plan_far")
    return {"far_days": plan["horizon_days"]} if plan else {}
