"""The dry run of the settings' sources, and how it is told.

Belongs here: asking `warehouse.loads.dry_run` with the settings, its result as plain values, the exit code. Does not:
printing (`source_reporting.py`).
"""

from collections.abc import Sequence
from typing import Any

from flows.context import Context
from flows.loading.ingesting import addresses
from warehouse.loads.dry_run import SourceCheck, check_sources
from warehouse.sources.files import SourcePlace
from warehouse.sources.reading import SourcePlan


def check(context: Context, *, names: Sequence[str], rows: int) -> list[SourceCheck]:
    """Try the mappings of the named sources (all when none is named), mostly on the first rows of their inputs.

    Raises:
        SourceUnknownError: a name is not that of a source.
    """
    settings = context.settings
    plan = SourcePlan(
        inputs=settings.inputs,
        sources=settings.sources,
        place=SourcePlace(data_root=settings.data_folder, environment=addresses(settings)),
        company_currency=settings.company.currency,
        time_zone=settings.company.time_zone,
        rows=rows,
    )
    return check_sources(plan, settings.rules, names=names, now=context.now)


def exit_code(checks: Sequence[SourceCheck]) -> int:
    """0 when every source could be loaded, else the gravest of their failures' codes (3: data blocked)."""
    return max((each.failure.exit_code for each in checks if each.failure is not None), default=0)


def plain_values(checks: Sequence[SourceCheck]) -> dict[str, Any]:
    """The result for programs."""
    return {
        "status": "failed" if exit_code(checks) else "done",
        "exit_code": exit_code(checks),
        "sources": [_plain(each) for each in checks],
    }


def _plain(check: SourceCheck) -> dict[str, Any]:
    return {
        "source": check.source,
        "entity": check.entity,
        "read": check.read,
        "accepted": check.accepted,
        "rejected": check.read - check.accepted,
        "left_out": check.left_out,
        "is_sample": check.is_sample,
        "rules": [
            {"rule": count.rule, "severity": str(count.severity), "meaning": count.meaning, "rows": count.rows}
            for count in check.rules
        ],
        "unmapped_columns": list(check.unmapped),
        "rows": [
            {
                "source_file": row.source_file,
                "source_row": row.source_row,
                "accepted": row.accepted,
                "rules": list(row.rules),
                "columns": {
                    cell.column: {"from": cell.mapped_from, "before": cell.before, "after": cell.after}
                    for cell in row.cells
                },
            }
            for row in check.rows
        ],
        "failure": check.failure.facts() if check.failure is not None else None,
    }
