"""Who is who, on a terminal. Belongs here: tables and lines. Does not: what is in them (`identifying.py`)."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from flows.reporting import console

Found = Mapping[str, Any]


def print_identities(found: Found) -> None:
    """Figures, the largest customers, and what was not joined."""
    out, counts = console(), found["counts"]
    out.print(
        f"[bold]{counts['records']:,}[/] records are [bold]{counts['customers']:,}[/] customers "
        f"({counts['joined_records']:,} records joined to another)"
    )
    links = {name.removeprefix("links_by_"): number for name, number in counts.items() if name.startswith("links_by_")}
    out.print("joined by " + (", ".join(f"{name} {number:,}" for name, number in links.items() if number) or "nothing"))
    if found["changes"]:
        out.print("ids so far " + ", ".join(f"{change} {number:,}" for change, number in found["changes"].items()))
    if found["largest"]:
        table = Table("customer", "records", title="customers of most records", title_justify="left")
        for row in found["largest"]:
            table.add_row(escape(row["customer_id"]), f"{row['records']:,}")
        out.print(table)
    if found["held_back"]:
        title = f"not joined ({counts['links_held_back']:,} links held back)"
        table = Table("matched by", "why not joined", "records", "some of them", title=title, title_justify="left")
        for row in found["held_back"]:
            examples = escape(", ".join(row["examples"]))
            table.add_row(row["method"], row["reason"].replace("_", " "), f"{row['records']:,}", examples)
        out.print(table)
        out.print(
            "decide by hand: [[identity.always]] or [[identity.never]] in the settings", style="dim", markup=False
        )


def print_customer(found: Found) -> None:
    """One customer's records, links and earlier ids."""
    out = console()
    out.print(f"[bold]{escape(found['customer_id'])}[/]: {len(found['records']):,} records")
    table = Table("record", "joined by", "probability", "since load")
    for row in found["records"]:
        table.add_row(
            escape(row["source_customer_id"]), row["method"] or "", _number(row["probability"]), row["load_id"]
        )
    out.print(table)
    if found["links"]:
        table = Table("one", "other", "by", "rule", "probability", "weight", "joined", "since", title="links")
        for row in found["links"]:
            verdict = "yes" if row["joined"] else (row["held_back_because"] or "no").replace("_", " ")
            figures = (_number(row["probability"]), _number(row["weight"]))
            ends = (escape(row["left_id"]), escape(row["right_id"]))
            table.add_row(*ends, row["method"], escape(row["rule"]), *figures, verdict, row["decided_at"][:10])
        out.print(table)
    for row in found["changes"]:
        out.print(
            escape(f"{row['customer_id']} {row['change']} into {row['became_customer_id']} on {row['since'][:10]}")
        )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
