"""The tables a run ends with: quarantine by rule, model grades, customers per tier and risk, top actions, costs.

Belongs here: from a result's plain values to Rich tables; each function returns no table when its part is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from flows.learning.model_facts import standing

Result = Mapping[str, Any]
_NOT_KEPT = ("broken", "accepted")
_MOST_REASONS, _SHOWN_NAMES = 4, 3
_NEEDS = "needs "


@dataclass(frozen=True)
class Figure:
    """A test figure people are shown: its key, its baseline's key, what it is called, whether it is money."""

    key: str
    baseline: str
    label: str
    is_money: bool = False


def _value_figures(prefix: str, horizon: str) -> tuple[Figure, ...]:
    named = (
        ("mae", "MAE", True),
        ("rmse", "RMSE", True),
        ("spearman", "Spearman", False),
        ("normalised_gini", "normalised Gini", False),
    )
    return tuple(
        Figure(f"{prefix}_{key}", f"{prefix}_baseline_{key}", f"{label}, {horizon}", money)
        for key, label, money in named
    )


_PROBABILITY_FIGURES = (
    Figure("auc", "baseline_auc", "AUC"),
    Figure("log_loss", "baseline_log_loss", "log loss"),
    Figure("calibration_error", "baseline_calibration_error", "calibration error"),
)
FIGURES: Mapping[str, tuple[Figure, ...]] = {
    "churn": (*_PROBABILITY_FIGURES, Figure("check_auc", "check_baseline_auc", "AUC of the check")),
    "subscription_churn": _PROBABILITY_FIGURES,
    "value": (
        *_value_figures("value_90d", "90 days"),
        *_value_figures("value_long", "{far_days} days"),
        *_value_figures("check", "of the check"),
    ),
    "next_offer": (
        Figure("recall_at_10", "baseline_recall_at_10", "recall@10"),
        Figure("ndcg_at_10", "baseline_ndcg_at_10", "NDCG@10"),
    ),
}


def load_table(result: Result) -> list[Table]:
    """Rows that were read, and what became of them."""
    entities = result.get("load", {}).get("entities", {})
    if not entities:
        return []
    left_out = any(counted.get("left_out") for counted in entities.values())
    headers = ("table", "rows read", "kept", "set aside", *(["left out by `where`"] if left_out else []))
    table = Table(*headers, title="rows of the load")
    for column in table.columns[1:]:
        column.justify = "right"
    for entity, counted in entities.items():
        told = [counted[name] for name in ("read", "accepted", "quarantined")]
        told += [counted.get("left_out", 0)] if left_out else []
        table.add_row(entity, *(f"{rows:,}" for rows in told))
    if any(counted["quarantined"] for counted in entities.values()):
        table.caption = "the rows set aside: gristmill quarantine"
    return [table]


def quarantine_table(result: Result) -> list[Table]:
    """Rows that broke a rule, by entity and rule."""
    load = result.get("load", {})
    rows = load.get("rules") or []
    if not rows:
        return []
    table = Table("table", "rule", "severity", "rows", title="rows that broke a rule")
    table.columns[3].justify = "right"
    for row in rows:
        table.add_row(row["entity"], row["rule"], row["severity"], f"{row['rows']:,}")
    return [table]


def merge_table(result: Result) -> list[Table]:
    """What a load changed in the core, where it had a load before it to go on from."""
    entities = result.get("load", {}).get("entities", {})
    told = ("added", "late", "unchanged", "corrected", "restated", "removed")
    if not any(counted.get(what) for counted in entities.values() for what in told[1:]):
        return []
    table = Table("table", *told, title="what the load changed (late rows are among those added)")
    for column in table.columns[1:]:
        column.justify = "right"
    for entity, counted in entities.items():
        late = f"{counted['late']:,}" + (f" (up to {counted['latest_days']} days)" if counted["late"] else "")
        shown = {what: late if what == "late" else f"{counted[what]:,}" for what in told}
        table.add_row(entity, *shown.values())
    return [table]


def table_rule_table(result: Result) -> list[Table]:
    """Rules about whole tables that were broken, or accepted although they were."""
    found = [each for each in result.get("load", {}).get("table_rules") or [] if each["verdict"] in _NOT_KEPT]
    if not found:
        return []
    table = Table("table", "rule", "severity", "found", "expected", title="rules about whole tables that don't hold")
    for each in found:
        severity = each["severity"] + (" (accepted)" if each["verdict"] == "accepted" else "")
        table.add_row(each["entity"], each["rule"], severity, each["got"], each["expected"])
    return [table]


def champion_table(result: Result) -> list[Table]:
    """Test figures of the models beside their baselines, on the same rows."""
    models = result.get("trained") or result.get("champions") or {}
    if not models:
        return []
    table = Table("model", "test figure", "model's", "baseline's", "verdict", title="model grades (forward in time)")
    for column in table.columns[2:4]:
        column.justify = "right"
    per_major = result.get("minor_units_per_major", 1)
    for name, facts in models.items():
        stands = standing(facts)
        stands = f"{facts['grade']}: {stands}" if facts.get("grade") else stands
        title, verdict = f"{name} v{facts['version']}", stands
        for figure in FIGURES.get(name, ()):
            if figure.key in facts["metrics"]:
                scale = per_major if figure.is_money else 1
                own, baseline = (facts["metrics"].get(key) for key in (figure.key, figure.baseline))
                table.add_row(
                    title,
                    figure.label.format(**facts["horizons"]),
                    _figure(own, scale),
                    _figure(baseline, scale),
                    verdict,
                )
                title, verdict = "", ""
        if title:  # nothing to show of it
            table.add_row(title, "", "", "", verdict)
        table.add_section()
    return [table]


def model_lines(result: Result) -> list[str]:
    """What became of each trained model, what its labels gave away, and where its card is."""
    lines = []
    for name, facts in (result.get("trained") or {}).items():
        if "decision" in facts:
            lines.append(f"{name}: {'promoted' if facts['promoted'] else 'not promoted'}: {facts['decision']}")
            lines += [f"{name}: {words}" for words in facts["findings"]]
            lines.append(f"{name}: card: {facts['card']}")
        lines += [f"{name}: no purchase within {facts['churn_horizon']}"] if "churn_horizon" in facts else []
    tuned = result.get("tuned")
    lines += [f"churn: {tuned['words']}"] if tuned else []
    lines += [f"value: {result['tuned_value']['words']}"] if result.get("tuned_value") else []
    not_ready = [one for one in result.get("readiness") or [] if not one["ready"]]
    return lines + [f"{one['model']}: not ready: {'; '.join(one['missing'])}" for one in not_ready]


def segment_tables(result: Result) -> list[Table]:
    """Customers per tier and risk, expected value per tier, and the top actions."""
    segments = result.get("segments")
    if not segments:
        return []
    return [_tiers(segments), _actions(segments)]


def _tiers(segments: Result) -> Table:
    value = segments["expected_value"]
    bands = list(next(iter(segments["tier_by_risk"].values())))
    table = Table(
        "tier", "customers", f"expected 12 months, {value['currency']}", *bands, title="customers per tier and risk"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for tier, counts in segments["tier_by_risk"].items():
        amount = value["next_12_months_by_tier"].get(tier)
        shown = "" if amount is None else f"{amount:,.0f}"
        table.add_row(tier, f"{segments['customers_by_tier'][tier]:,}", shown, *(f"{counts[band]:,}" for band in bands))
    totals = (f"{segments['customers_by_risk'][band]:,}" for band in bands)
    table.add_section()
    table.add_row("all", f"{segments['customers']:,}", f"{value['next_12_months']:,.0f}", *totals)
    return table


def _actions(segments: Result) -> Table:
    table = Table("recommended action", "customers", "expected 12 months", title="top actions")
    for column in table.columns[1:]:
        column.justify = "right"
    for action in segments["top_actions"]:
        table.add_row(action["action"], f"{action['customers']:,}", f"{action['expected_value_12m']:,.0f}")
    return table


def passed_over(result: Result) -> list[str]:
    """Files that a load did not read because it knew what is in them, in words."""
    files = result.get("load", {}).get("replayed_files") or {}
    told = {name: f"{count:,} file{'' if count == 1 else 's'}" for name, count in files.items()}
    return [f"passed over: {of_name} of {name}, read before under another name" for name, of_name in told.items()]


def left_out(result: Result) -> list[str]:
    """What was left out for want of data, in words."""
    by_reason = _by_reason(result.get("features_left_out") or {})
    lines = [f"left out: {_some(names)}: {why}" for why, names in by_reason.items()]
    if len(lines) > _MOST_REASONS:
        needs = [why for why in by_reason if why.startswith(_NEEDS)]
        wanted = dict.fromkeys(one for why in needs for one in _wanted(why))
        count = sum(len(by_reason[why]) for why in needs)
        lines = [f"left out: {count} features, for want of {', '.join(wanted)} (`gristmill features list` says which)"]
        lines += [f"left out: {_some(names)}: {why}" for why, names in by_reason.items() if why not in needs]
    return lines + _tables_left_out(_by_reason(result.get("left_out") or {}))


def _by_reason(left_out: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        found.setdefault(reason, []).append(name)
    return found


def _wanted(reason: str) -> list[str]:
    """`needs orders and products, which are not there`: orders, products."""
    return reason.removeprefix(_NEEDS).split(", which")[0].split(" and ")


def _tables_left_out(by_reason: Mapping[str, list[str]]) -> list[str]:
    """All of them in one sentence: a company without orders wants many, and for few reasons."""
    told = [f"{', '.join(tables)} ({why})" for why, tables in by_reason.items()]
    count = sum(map(len, by_reason.values()))
    return [f"left out: {count} table{'' if count == 1 else 's'}: {'; '.join(told)}"] if told else []


def _some(names: list[str]) -> str:
    if len(names) == 1:
        return f"the feature {names[0]}"
    return f"{len(names)} features ({', '.join(names[:_SHOWN_NAMES])}{' …' if len(names) > _SHOWN_NAMES else ''})"


def drift_lines(result: Result) -> list[str]:
    """What a night's document says of drift, a line each."""
    found = result.get("drift")
    if not found:
        return []
    if not found["alarms"]:
        beyond = f"; {found['watched']} beyond a threshold are watched" if found["watched"] else ""
        return [f"drift: no alarm; {found['looked_at']} things were looked at{beyond}"]
    return [f"drift: {alarm}" for alarm in found["alarms"]]


def step_table(result: Result) -> list[Table]:
    """What every step cost."""
    steps = result.get("steps") or []
    if not steps:
        return []
    table = Table("step", "seconds", "CPU seconds", "peak MB", title="what it cost")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in steps:
        table.add_row(
            step["step"], f"{step['wall_seconds']:.1f}", f"{step['cpu_seconds']:.1f}", f"{step['peak_memory_mb']:,}"
        )
    table.add_section()
    total, cpu = sum(step["wall_seconds"] for step in steps), sum(step["cpu_seconds"] for step in steps)
    table.add_row("all", f"{total:.1f}", f"{cpu:.1f}", f"{max(step['peak_memory_mb'] for step in steps):,}")
    return [table]


def _figure(value: float | None, scale: float = 1) -> str:
    if value is None:
        return ""
    shown = value / scale
    return f"{shown:,.2f}" if scale != 1 else f"{shown:.3f}"
