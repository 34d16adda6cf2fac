"""A load's counts in plain values: what the ledger keeps of it, and people and programs are told.

Belongs here: that form. Does not: showing it (`summaries.py`), or the load itself (`ingesting.py`).
"""

from collections.abc import Mapping
from typing import Any

from data_contracts.table_checking import Verdict
from warehouse.loads.results import CoreLoad

_CHANGES = ("added", "corrected", "restated", "removed")


def changes_in_words(counts: Mapping[str, Any]) -> str:
    """What a load changed in the core, in one line; `counts` as `counts_of` gives them."""
    sums = {what: sum(each.get(what, 0) for each in counts["entities"].values()) for what in _CHANGES}
    told = [f"{rows:,} {what}" for what, rows in sums.items() if rows]
    return f"rows {', '.join(told)}" if told else "nothing in them was new"


def counts_of(core: CoreLoad) -> dict[str, Any]:
    """The counts of a load.

    Returns:
        `entities` (by entity `read`, `accepted`, `quarantined` of the rows read now, `left_out` beside those read;
        `added`, `late`, `unchanged`, `corrected`, `restated`, `removed` of the core), `rules` (rows by broken rule),
        `table_rules`, `overrides` (of these, those accepted), `replayed_files` (by input), `data_docs`; `erased` (by
        entity rows of erased people that the sources still showed), where there were any; `identities` (records,
        customers, links by method), where records are joined.
    """
    rules = [
        {"entity": entity, "rule": count.rule, "severity": str(count.severity), "rows": count.rows}
        for entity, counted in core.counts.items()
        for count in counted.rules
        if count.rows
    ]
    entities = {
        entity: {
            "read": counted.read,
            "accepted": counted.accepted,
            "quarantined": counted.quarantined,
            "left_out": counted.left_out,
            **counted.merged.plain(),
        }
        for entity, counted in core.counts.items()
    }
    return {
        "entities": entities,
        "rules": rules,
        "table_rules": [result.facts() for result in core.table_rules],
        "overrides": [result.facts() for result in core.table_rules if result.verdict is Verdict.accepted],
        "replayed_files": dict(core.reading.replayed),
        "data_docs": str(core.docs_page) if core.docs_page else None,
        **({"erased": dict(core.erased)} if core.erased else {}),
        **({"identities": core.identities.counts()} if core.identities is not None else {}),
    }
