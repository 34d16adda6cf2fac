"""Readable names of products' groups and makers, where a table of products has only their ids.

Belongs here: which column of a table that is looked up names what an id of the products means. Does not: which tables
lead where (`links.py`), the draft of the products (`folder.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from warehouse.drafting.draft import Draft
from warehouse.drafting.gaps import Proposal
from warehouse.drafting.links import Link
from warehouse.drafting.names import likeness
from warehouse.drafting.profile import Sample
from warehouse.sources.values import plain_identifier as identifier

_FIELDS = ("name", "category", "brand")
_SURE, _MOST = 0.9, 0.8


def with_names(
    alone: Draft,
    joined: Draft,
    columns: Mapping[str, tuple[str, str]],
    *,
    name: str,
    steps: Sequence[Link],
    tables: Mapping[str, Sample],
) -> Draft:
    """The draft of products, with names from tables that are looked up where it has but ids, or nothing.

    Args:
        alone: the draft of the products' table by itself.
        joined: the same joined with all that its rows lead to.
        columns: of the join, see `links.joined_columns`.
        name: the products' table.
        steps: the tables that are looked up.
        tables: by name.
    """
    found = {}
    for field in _FIELDS:
        own = alone.proposals.get(field)
        told = _of_id(own, columns, name=name, steps=steps, tables=tables) if own is not None else None
        found[field] = told or _better(own, joined.proposals.get(field), columns, name)
    kept = {field: proposal for field, proposal in found.items() if proposal is not None}
    return replace(alone, proposals={**alone.proposals, **kept})


def names_column(draft: Draft, column: str) -> bool:
    """Whether one of its proposals names a column."""
    return any(
        column == each.value if each.how == "columns" else identifier(column) in each.value
        for each in draft.proposals.values()
        if each.how != "constants"
    )


def _of_id(
    own: Proposal,
    columns: Mapping[str, tuple[str, str]],
    *,
    name: str,
    steps: Sequence[Link],
    tables: Mapping[str, Sample],
) -> Proposal | None:
    """What the table says that a column of ids leads to; the id itself where it says nothing."""
    leads = [link for link in steps if (link.table, link.column) == (name, own.value) and own.how == "columns"]
    if not leads:
        return None
    (link,) = leads[:1]
    texts = [
        (max(likeness(there, "products", field) for field in (own.field, "name")), column)
        for column, (table, there) in columns.items()
        if table == link.other and tables[table].facts[there].numeric < _MOST and tables[table].facts[there].filled
    ]
    if not texts:
        return None
    _, best = max(texts)
    value = f"coalesce({identifier(best)}, {identifier(own.value)}::varchar)"
    why = f"what {link.other} says of {own.value}, which is kept where it says nothing"
    return replace(own, how="expressions", value=value, confidence=_SURE, why=why)


def _better(
    own: Proposal | None, other: Proposal | None, columns: Mapping[str, tuple[str, str]], name: str
) -> Proposal | None:
    """The proposal of the join, where it is from another table and says it more surely."""
    if other is None or other.how != "columns" or columns[other.value][0] == name:
        return None
    return other if own is None or other.confidence > own.confidence else None
