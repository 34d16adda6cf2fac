"""Proposed sources of several tables, and the choice among them.

Belongs here: what a proposal for a table of a folder is, which is the best and what it is called. Does not: how they
are found (`folder.py`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from data_contracts.contracts import core_contract
from warehouse.drafting.draft import POOR_SCORE, Draft
from warehouse.drafting.gaps import COUNTED
from warehouse.drafting.links import Link
from warehouse.drafting.names import words_of
from warehouse.sources.values import plain_identifier

_TREATED = {"treatment", "treated", "treat", "exposed", "exposure", "control", "contacted"}


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """A proposed source.

    Attributes:
        name: the input its rows are from, or what is told beside that one.
        draft: its mapping.
        query: the query its rows are from where they need more than the input has.
        steps: the tables that it looks up.
        called: its own name.
        input: the input its rows are from, where `name` is not.
        look: what whoever takes the proposal over should know about its rows; empty where nothing.
    """

    name: str
    draft: Draft
    query: str | None = None
    steps: tuple[Link, ...] = ()
    called: str = ""
    input: str = ""
    look: str = ""


@dataclass(frozen=True, kw_only=True)
class FolderDraft:
    """What is proposed for several tables.

    Attributes:
        sources: one for each table that feeds something, the orders first.
        unused: by input why it feeds nothing.
    """

    sources: tuple[FolderSource, ...]
    unused: dict[str, str]


def is_about(name: str, draft: Draft, columns: Mapping[str, tuple[str, str]]) -> bool:
    """Whether the rows of a join are those of its first table: their key does not come from a table looked up."""
    keys = [draft.proposals[key] for key in core_contract(draft.entity).key if key in draft.proposals]
    places = [columns[each.value][0] for each in keys if each.how == "columns"]
    return draft.entity == "orders" or not places or name in places


def best_of(sources: Sequence[FolderSource]) -> FolderSource | None:
    """Of those that say all that is needed, the one that fits best; none where all are guesses."""
    whole = [
        source
        for source in sources
        if not source.draft.missing and source.draft.score >= POOR_SCORE and not _is_guessed(source.draft)
    ]
    return max(whole, key=lambda source: (source.draft.score, source.query is None), default=None)


def _is_guessed(draft: Draft) -> bool:
    """Whether its rows have no key of their own, or several things that it needs are guesses."""
    contract = core_contract(draft.entity)
    needed = [draft.proposals[name] for name in contract.required_columns() if name not in ("currency", "quantity")]
    shared = any(each.how == "columns" and each.confidence <= COUNTED for each in needed if each.field in contract.key)
    return shared or sum(each.confidence < COUNTED for each in needed) > 1


def beside(source: FolderSource) -> Iterator[FolderSource]:
    """What else the same rows say."""
    draft = source.draft.beside
    if draft is not None:
        rows_from = source.input or source.name
        found = replace(
            source, name=f"{rows_from}_{draft.entity}", input=rows_from, draft=draft, query=draft.query, look=draft.look
        )
        yield found
        yield from beside(found)


def only_keys(sources: Sequence[FolderSource]) -> list[FolderSource]:
    """Those of customers that fill nothing but the key, where another says more of customers."""
    people = [source for source in sources if source.draft.entity == "customers"]
    bare = [source for source in people if set(source.draft.proposals) == {"customer_id"}]
    return bare if len(bare) < len(people) else []


def what_else(columns: Iterable[str]) -> str:
    """What a table that names customers says beside that, and what can be learnt from it."""
    left = list(columns)
    if not left:
        return "nothing more"
    if any(_TREATED & set(words_of(column)) for column in left):
        return (
            f"only {', '.join(left)}; where that is who was contacted and what came of it, "
            "`gristmill train uplift --table` learns from it what contacting changes"
        )
    return (
        f"only {', '.join(left)}; where that is an outcome, "
        "`gristmill train churn --table` learns it from a table of your own"
    )


def told_once(sources: Sequence[FolderSource]) -> list[FolderSource]:
    """The same, but products that lines of orders tell beside only where nothing above tells them already.

    Where a table of its own feeds products, none of those are left.
    """
    own = any(source.draft.entity == "products" and not source.input for source in sources)
    left: list[FolderSource] = []
    for source in sources:
        beside_lines = source.draft.entity == "products" and bool(source.input)
        if not beside_lines:
            left.append(source)
        elif not own:
            above = [each for each in left if each.draft.entity == "products"]
            left.append(replace(source, query=_without_those_of(above, source)))
    return left


def _without_those_of(above: Sequence[FolderSource], source: FolderSource) -> str | None:
    """The query of the products that rows tell, without the products of other rows."""
    key, query = _key(source), source.query
    for each in above:
        named = f"select {_key(each)}::varchar from {plain_identifier(each.input)} where {_key(each)} is not null"  # noqa: S608  # quoted names
        query = f"select * from ({query}) as told where {key}::varchar not in ({named})"  # noqa: S608  # as above
    return query


def _key(source: FolderSource) -> str:
    return plain_identifier(source.draft.proposals["product_id"].value)


def named_after_tables(sources: Sequence[FolderSource]) -> list[FolderSource]:
    """The same, each named after the table it feeds where it alone feeds it, else after its own; no two alike."""
    fed = Counter(source.draft.entity for source in sources)
    alone = {entity for entity, count in fed.items() if count == 1}
    called = [
        each.draft.entity
        if each.draft.entity in alone
        else f"{each.name}_{each.draft.entity}"
        if each.name in alone
        else each.name
        for each in sources
    ]
    return [replace(each, called=name) for each, name in zip(sources, called, strict=True)]
