"""Printing the published versions. Does not decide anything."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from flows.reporting import console


def print_history(found: Mapping[str, Any]) -> None:
    """One line a version."""
    if not found["versions"]:
        console().print("nothing is published yet: run `gristmill run`")
        return
    table = Table("version", "as of", "state", "published", "customers", "tables", "models", "content", "set aside")
    for version in found["versions"]:
        state = version["state"] + (", its tables are collected" if version["collected"] else "")
        models = ", ".join(f"{name} {number}" for name, number in version["model_versions"].items())
        aside = ", ".join(sorted(version["overrides"]))
        published, content = version["published_at"][:19], version["content_hash"][:12]
        table.add_row(
            str(version["version"]),
            version["as_of"],
            state,
            published,
            f"{version['rows'].get('customer', 0):,}",
            str(len(version["rows"])),
            models,
            content,
            aside,
        )
    console().print(table)
    console().print("rows of every table: `gristmill history --json`", markup=False)


def print_rollback(done: Mapping[str, Any]) -> None:
    """What readers see now."""
    console().print(f"[bold green]{done['status']}[/]: {done['message']}")


def print_backfill(done: Mapping[str, Any]) -> None:
    """One line a date."""
    table = Table("as of", "status", "version", "trained", "models", "content", "why")
    for night in done["nights"]:
        models = ", ".join(f"{name} {number}" for name, number in night.get("model_versions", {}).items())
        table.add_row(
            night["as_of"],
            night.get("outcome", night["status"]),
            str(night.get("version", "")),
            "yes" if night.get("trained") else "",
            models,
            night.get("content_hash", "")[:12],
            night.get("what", ""),
        )
    console().print(table)
    console().print(f"[bold green]{done['status']}[/]: {done['message']}")


def print_recovery(done: Mapping[str, Any]) -> None:
    """What was set aside, and what readers see."""
    out = console()
    out.print(f"[bold green]{done['status']}[/]: {done['message']}")
    if done["set_aside"]:
        out.print(f"  set aside: {done['set_aside']}", soft_wrap=True, markup=False)
    if done["published"]:
        out.print(f"  readers see {done['published']['as_of']} (version {done['published']['version']})")
