"""What a run's page in the orchestrator shows: a summary in Markdown and tables, of counts and figures only.

Belongs here: from a result's plain values to text and rows. Does not: the orchestrator (`prefect_flows.py`).
"""

from collections.abc import Mapping
from typing import Any

from flows.learning.model_facts import standing

Result = Mapping[str, Any]
Rows = list[dict[str, Any]]


def summary_markdown(result: Result) -> str:
    """The page's first text: how it ended, as of when, what readers see, and which models said so."""
    lines = [f"# {result['verb']}: {result['status']}", "", str(result.get("message") or ""), ""]
    for label, name in (("as of", "as_of"), ("run", "run_key"), ("version", "version"), ("content", "content_hash")):
        if result.get(name) is not None:
            lines.append(f"- {label}: `{result[name]}`")
    lines += [f"- rows of segments.{table}: {rows:,}" for table, rows in (result.get("rows") or {}).items()]
    lines += [f"- left out: segments.{table}: {why}" for table, why in (result.get("left_out") or {}).items()]
    lines += [f"- caught up {day}: {what}" for day, what in (result.get("caught_up") or {}).items()]
    for name, facts in _models(result).items():
        lines.append(f"- model {name} {facts['version']} ({facts['trained_as_of']}): {standing(facts)}")
    return "\n".join(lines) + "\n"


def failure_markdown(verb: str, facts: Mapping[str, str]) -> str:
    """The page's text where a run did not come through: what, where, got, expected, what to do. Nothing personal."""
    words = {"what to do" if name == "action" else name: told for name, told in facts.items() if name != "what"}
    lines = [f"# {verb}: {facts.get('what', 'failed')}", "", *(f"- {name}: {told}" for name, told in words.items())]
    return "\n".join(lines) + "\n"


def summary_tables(result: Result) -> dict[str, Rows]:
    """Tables of the page by artefact key: tiers, rules that were broken, what each step cost, nights of a backfill."""
    segments, load = result.get("segments") or {}, result.get("load") or {}
    tables: dict[str, Rows] = {
        "gristmill-tiers": [
            {"tier": tier, "customers": segments["customers_by_tier"][tier], **bands}
            for tier, bands in (segments.get("tier_by_risk") or {}).items()
        ],
        "gristmill-quarantine": [
            {name: rule[name] for name in ("entity", "rule", "severity", "rows")} for rule in load.get("rules") or []
        ],
        "gristmill-nights": [
            {name: night.get(name) for name in ("as_of", "status", "version", "what")}
            for night in result.get("nights") or []
        ],
        "gristmill-steps": list(result.get("steps") or []),
    }
    return {key: rows for key, rows in tables.items() if rows}


def _models(result: Result) -> Mapping[str, Any]:
    return result.get("trained") or result.get("champions") or {}
