"""A trained model in plain values, for results, the terminal and JSON."""

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


def _horizons(bundle: "Bundle") -> dict[str, int]:
    plan = bundle.parameters.get("plan_far")
    return {"far_days": plan["horizon_days"]} if plan else {}
