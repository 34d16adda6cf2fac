"""Printing the ledger in brief: one screen. Does not decide anything."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from flows.reporting import console
from flows.status.schedule import in_words

Found = Mapping[str, Any]
LABEL_WIDTH = 11
TABLES_NAMED = 3


def print_status(found: Found) -> None:
    """The ledger in brief: what runs, what is late, what readers see, who is champion, what ran, what to do."""
    out = console()
    for label, told in _lines(found):
        out.print(f"[bold]{label:<{LABEL_WIDTH}}[/]", end="")
        out.print(told, markup=False)
    if found["runs"]:
        out.print(_runs(found["runs"]))
    for number, told in enumerate(found["advice"]):
        out.print(f"[bold]{'' if number else 'next':<{LABEL_WIDTH}}[/]", end="")
        out.print(told, markup=False)


def _lines(found: Found) -> Iterator[tuple[str, str]]:
    yield "warehouse", found["warehouse"]
    yield "running", _running(found["running"])
    if found["unread"]:
        yield "", found["unread"]
    for told in found["late"]:
        yield "late", told
    if found["published"]:
        yield "published", _published(found["published"])
    if found["champions"]:
        yield "champions", "; ".join(map(_champion, found["champions"]))
    for alarm in found["drift"]:
        yield "drift", alarm
    for override in found["overrides"]:
        standing = "in force" if override["in_force"] else "lately"
        yield "set aside", f"{standing}, {override['at'][:10]}: {override['what']} ({override['where']})"
    for export in found["exports"]:
        yield "exported", _export(export)
    if found["schedule"]["kept_since"]:
        yield "due", _due(found["schedule"])


def _running(running: Found | None) -> str:
    if running is None:
        return "nothing"
    took = "" if running["seconds"] is None else f", for {in_words(running['seconds'])}"
    usual = f" (usually {in_words(running['usual_seconds'])})" if running["usual_seconds"] is not None else ""
    doing = f": {running['run_key']}, attempt {running['attempt']}" if running["run_key"] else ""
    where = f"process {running['process']} on {running['machine']} since {_minute(running['since'])} UTC"
    return f"{running['what']}{took}{usual}, {where}{doing}"


def _published(published: Found) -> str:
    rows = sorted(published["rows"].items(), key=lambda table: (table[0] != "customer", table[0]))
    named = ", ".join(f"{name} {count:,}" for name, count in rows[:TABLES_NAMED])
    more = f", {len(rows) - TABLES_NAMED} more tables" if len(rows) > TABLES_NAMED else ""
    version = f"as of {published['as_of']}: version {published['version']}"
    return f"{version}, since {_minute(published['published_at'])} UTC ({named}{more})"


def _champion(champion: Found) -> str:
    grade = f", {champion['grade']}" if champion["grade"] else ""
    honest = "" if champion["beats_baseline"] else ", standing in"
    return f"{champion['model']} {champion['version']} ({champion['age_days']} days old{grade}{honest})"


def _export(export: Found) -> str:
    who, when = export["run_by"], _minute(export["exported_at"])
    listed = f"{export['counts'].get('rows', 0):,} rows of {export['as_of']}"
    return f"{export['audience']} ({export['format']}): {listed}, {when} UTC by {who}"


def _due(schedule: Found) -> str:
    told = [f"{one['what']} {_minute(one['next_due'])}" for one in schedule["lines"] if one["next_due"]]
    return f"{', '.join(told)} ({schedule['time_zone']})"


def _runs(runs: list[Found]) -> Table:
    table = Table("run", "try", "status", "started", "seconds", "why")
    for run in runs:
        seconds = "" if run["seconds"] is None else f"{run['seconds']:.1f}"
        why = (run["error"] or {}).get("what") or (run["error"] or {}).get("error") or ""
        table.add_row(run["run_key"], str(run["attempt"]), run["status"], run["started_at"][:19], seconds, why)
    return table


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
