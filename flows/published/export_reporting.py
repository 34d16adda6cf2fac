"""Printing an export: what is on the list, who is not, and what to do with the files. Does not decide anything."""

from collections.abc import Mapping
from typing import Any

from flows.reporting import console

REASONS = {
    "without_consent": "without consent",
    "suppressed": "on the suppression list",
    "control_group": "held out as the control group",
    "without_contact_data": "without an address or number",
}


def print_export(done: Mapping[str, Any]) -> None:
    """Counts, then the files."""
    out = console()
    since = ", ".join(f"{done[what]:,} {what}" for what in ("added", "changed", "removed"))
    told = f" ({since} since the last export)" if done["since_last_export"] else ""
    out.print(f"[bold green]{done['status']}[/]: {done['rows']:,} rows of segments.{done['table']}{told}")
    for reason, number in done["left_out"].items():
        out.print(f"  [dim]{REASONS.get(reason, reason):>32}[/]  {number:,} customers")
    if done["consent_not_recorded"]:
        told = f"{done['consent_not_recorded']:,} customers of the list were never asked for their consent"
        out.print(f"  {told} (setting segments.contact_without_recorded_consent)", soft_wrap=True)
    for path in done["files"]:
        out.print(f"  {path}", soft_wrap=True, markup=False)
    if done["personal"]:
        out.print("These files are personal data: upload them, then remove them.")
        if done["rows"] < done["smallest_list"]:
            out.print(f"The platform does not use lists of fewer than {done['smallest_list']} people.")
