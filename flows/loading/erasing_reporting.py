"""What an erasure brought, for people. Nothing personal: numbers, tables, versions."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_found(found: Mapping[str, Any], console: Console | None = None) -> None:
    """What is kept of a person, before it is erased."""
    console = console or Console(stderr=True)
    console.print(_whom(found), highlight=False)
    _print_rows(console, found["found"])


def print_erased(result: Mapping[str, Any], console: Console | None = None) -> None:
    """What went, or would go."""
    console = console or Console()
    console.print(_whom(result), highlight=False)
    _print_rows(console, result["found"])
    if result["status"] == "dry_run":
        console.print(
            "[yellow]dry run[/] nothing was changed; add --yes instead of --dry-run to erase", highlight=False
        )
        return
    console.print(f"[green]erased[/] {result['rows']:,} rows; on record as {result['erasure_id']}", highlight=False)
    for left in result["found"].get("not_possible", []):
        console.print(f"[yellow]left[/] {left}", highlight=False)
    if result["shared_contacts"]:
        console.print(
            f"{result['shared_contacts']} of the person's addresses and numbers belong to other customers too: "
            "later loads keep those rows",
            highlight=False,
        )
    console.print(
        "Yours to do: the sources themselves, copies people made of published tables, backups, and a server's log.",
        highlight=False,
    )


def _whom(facts: Mapping[str, Any]) -> str:
    contacts = facts["contacts"]
    return (
        f"a person with {_many(facts['ids'], 'id')} and {_many(contacts, 'address or number', 'addresses and numbers')}"
    )


def _many(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or one + 's'}"


def _print_rows(console: Console, found: Mapping[str, Any]) -> None:
    rows = {**found["lake"]["rows"], **found["exports"]["rows"], **found["tables"]["rows"]}
    if not any(rows.values()):
        console.print("nothing of that person is kept", highlight=False)
        return
    table = Table("where", "rows", box=None, pad_edge=False)
    for place, count in rows.items():
        if count:
            table.add_row(place, f"{count:,}")
    console.print(table)
    if found["tables"]["versions"]:
        numbers = ", ".join(str(version["version"]) for version in found["tables"]["versions"])
        console.print(f"published versions with a new content hash: {numbers}", highlight=False)
