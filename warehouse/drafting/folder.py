"""Proposed mappings for all tables of a company at once: rows that say only half are joined with those they belong to.

Belongs here: which table feeds what, what it has to be joined with, who the customer is everywhere. Does not: how one
table is mapped (`draft.py`), how tables hang together (`links.py`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.inputs import InputSpec
from data_contracts.sql import first_row, identifier
from warehouse.drafting.draft import POOR_SCORE, SAMPLED_ROWS, Draft, drafts_of
from warehouse.drafting.gaps import COUNTED
from warehouse.drafting.links import Link, find_links, join_sql, joined_columns, needed_steps, reached
from warehouse.drafting.names import likeness, singular_words
from warehouse.drafting.profile import Sample
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import read_input, read_query
from warehouse.sources.values import plain_identifier

_RETURNS = {"return", "refund", "retoure", "retouren", "gutschrift", "retour", "devolucion", "reso", "chargeback"}
_FEW, _MOST, _SURE = 0.01, 0.9, 0.9
LINKED_ROWS = 1_000_000
"""Rows read of each table, from its head: enough to see which rows of others are named there."""


@dataclass(frozen=True, kw_only=True)
class FolderSource:
    """A proposed source.

    Attributes:
        name: the input its rows are from.
        draft: its mapping.
        query: the query its rows are from where they need more than the input has.
        steps: the tables that it looks up.
        called: its own name.
        look: what whoever takes the proposal over should know about its rows; empty where nothing.
    """

    name: str
    draft: Draft
    query: str | None = None
    steps: tuple[Link, ...] = ()
    called: str = ""
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


def draft_folder(inputs: Mapping[str, InputSpec], place: SourcePlace, *, currency: str | None = None) -> FolderDraft:
    """Propose how several tables are mapped together.

    Args:
        inputs: by name.
        place: where they lie.
        currency: the company's, where it is known.

    Raises:
        UsageError, DataBlockedError, DependencyDownError: see `sources.read_input`.
    """
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        tables = {
            name: Sample(connection, read_input(connection, name, spec, place=place, rows=LINKED_ROWS))
            for name, spec in inputs.items()
        }
        return _Folder(connection, tables, currency=currency).drafted()


@dataclass
class _Folder:
    """The tables of a company, and what has been found out about them so far.

    Attributes:
        connection: where they are.
        tables: by name.
        currency: the company's.
        links: between them.
        customer: the orders' column that says who bought.
        hidden: columns that sound more like it, but have a new value for every order.
        ordered: by field (who bought, what was bought) the table and SQL of the orders' values.
        part_of: by table the one whose rows it completes (heads of orders).
        samples: by query its rows.
    """

    connection: duckdb.DuckDBPyConnection
    tables: dict[str, Sample]
    currency: str | None
    links: list[Link] = field(default_factory=list)
    customer: str = ""
    hidden: set[str] = field(default_factory=set)
    ordered: dict[str, tuple[str, str]] = field(default_factory=dict)
    part_of: dict[str, str] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)

    def drafted(self) -> FolderDraft:
        self.links = find_links(self.tables)
        orders = self._best_orders()
        sources = [orders] if orders is not None else []
        if orders is not None:
            self._learn(orders)
        taken = {source.name for source in sources} | set(self.part_of)
        unused = {name: f"its rows complete those of {of}" for name, of in self.part_of.items()}
        for name in (name for name in self.tables if name not in taken):
            best, lacks = self._best(name), "" if orders is not None else self._lacks_for_orders(name)
            if orders is not None and singular_words(name) & _RETURNS:
                unused[name] = (
                    "its name says returns, which nothing takes off what was bought before they feed orders too: with "
                    "negative quantity and amount, and the customer of the order they belong to"
                )
            elif lacks:
                unused[name] = (
                    f"it looks like orders, but nothing fills {lacks}; `gristmill source draft` shows it alone"
                )
            elif best is not None:
                sources.append(best)
            else:
                unused[name] = f"no table of the contracts fits it well; `gristmill source draft` shows {name} alone"
        return FolderDraft(sources=tuple(_named_after_tables(sources)), unused=unused)

    def _best_orders(self) -> FolderSource | None:
        """The table with the lines of orders: of those that say all that is needed, the one that fits best."""
        found = [source for name in self.tables for source in self._candidates(name, ("orders",))]
        return _best_of(found)

    def _learn(self, orders: FolderSource) -> None:
        """Who the customer is and which tables are part of the orders, for all other tables to keep to."""
        self.customer, order = (orders.draft.proposals[name].value for name in ("customer_id", "order_id"))
        sample = self._alone(orders.name) if not orders.steps else self.samples[self._joined_query(orders.name)]
        for name in ("customer_id", "product_id"):
            if orders.draft.proposals[name].how == "columns":
                column = f"{identifier(orders.draft.proposals[name].value)}::varchar"
                self.ordered[name] = (sample.raw.table, column)
        joined = {link.other: link for link in orders.steps}
        self.part_of = {
            other: orders.name for other, link in joined.items() if link.column == order and link.table == orders.name
        }
        sounds = likeness(self.customer, "orders", "customer_id")
        there = {*orders.draft.unmapped, *(link.column for link in joined.values())}
        self.hidden = {name for name in there if likeness(name, "orders", "customer_id") > sounds}

    def _best(self, name: str) -> FolderSource | None:
        others = tuple(entity for entity in CORE_ENTITIES if entity != "orders" or not self.part_of)
        return _best_of(list(self._candidates(name, others)))

    def _lacks_for_orders(self, name: str) -> str:
        """What nothing fills of a table with an order number that by itself fits orders best of all, else empty."""
        best = drafts_of(name, self._alone(name), CORE_ENTITIES, self.currency)[0]
        order = best.proposals.get("order_id")
        numbered = order is not None and order.how == "columns"
        fits = best.entity == "orders" and best.score >= POOR_SCORE and numbered
        return ", ".join(missing.field for missing in best.missing) if fits else ""

    def _candidates(self, name: str, entities: Sequence[str]) -> Iterator[FolderSource]:
        """Drafts of a table by itself, and joined with what its rows belong to where something is missing."""
        for found in drafts_of(name, self._alone(name), entities, self.currency):
            draft = self._keyed_as_ordered(found, self._alone(name))
            if draft is None:
                continue
            yield FolderSource(name=name, draft=draft, query=self._query_alone(name), look=self._repeated(name))
            if draft.missing and reached(name, self.links):
                yield from self._joined(name, draft.entity)

    def _keyed_as_ordered(self, draft: Draft, sample: Sample) -> Draft | None:
        """The draft, of customers or products with the key that orders name; none if no customer is one of theirs."""
        key = "product_id" if draft.entity == "products" else "customer_id"
        proposal = draft.proposals.get(key)
        if not self.ordered.get(key) or proposal is None or proposal.how != "columns":
            return draft
        others = draft.unmapped if core_contract(draft.entity).key == (key,) else ()
        there = {name: self._share_of_ordered(key, sample, name) for name in (proposal.value, *others)}
        best = max(there, key=lambda name: (there[name], name == proposal.value))
        if there[best] <= _FEW and proposal.confidence < _SURE:
            return None
        if there[best] < _MOST or there[proposal.value] >= _FEW or sample.facts[best].unique < _MOST:
            return draft
        kept = replace(proposal, value=best, confidence=0.95, why=f"{there[best]:.0%} of the orders' {key} are there")
        left = {name: kind for name, kind in draft.unmapped.items() if name != best}
        left[proposal.value] = sample.facts[proposal.value].type
        return replace(draft, proposals={**draft.proposals, key: kept}, unmapped=left)

    def _share_of_ordered(self, key: str, sample: Sample, column: str) -> float:
        """Share of the different values of the orders' customers or products that a column of another table holds."""
        query, ordered = self.ordered[key]
        if not sample.facts[column].is_scalar:
            return 0.0
        there = f"select {identifier(column)}::varchar from {sample.raw.table}"  # noqa: S608  # quoted names
        sql = f"select coalesce(avg((v in ({there}))::int), 0) from (select distinct {ordered} v from {query})"  # noqa: S608  # as above
        return float(first_row(self.connection, sql)[0])

    def _alone(self, name: str) -> Sample:
        query = self._query_alone(name)
        if query is None:
            return self.tables[name]
        return self._sample_of(f"{name} alone", query)

    def _query_alone(self, name: str) -> str | None:
        """Without the columns that name nobody; one row for each customer where a table of customers has several."""
        left = self._left(name)
        if len(left) == len(self.tables[name].facts):
            return None
        columns, table = ", ".join(map(plain_identifier, left)), plain_identifier(name)
        if self.customer not in left:
            return f"select distinct {columns} from {table} order by all"  # noqa: S608  # quoted names
        latest, order = self._date_of(name), "all"
        if latest is not None:
            first = (self.customer, latest)
            others = [plain_identifier(column) for column in left if column not in first]
            order = ", ".join([plain_identifier(self.customer), f"{plain_identifier(latest)} desc nulls last", *others])
        return f"select distinct on ({plain_identifier(self.customer)}) {columns} from {table} order by {order}"  # noqa: S608  # quoted names

    def _left(self, name: str) -> list[str]:
        return [column for column in self.tables[name].facts if column not in self.hidden]

    def _date_of(self, name: str) -> str | None:
        """The one column of dates that sort as they are written; None where there is none, or several."""
        facts = self.tables[name].facts
        dated = [column for column in self._left(name) if facts[column].is_dated]
        return dated[0] if len(dated) == 1 and facts[dated[0]].date_formats[:1] == ("",) else None

    def _repeated(self, name: str) -> str:
        """How many customers have several rows that differ, and which of them is taken; empty where none has."""
        left = self._left(name)
        if self.customer not in left or len(left) == len(self.tables[name].facts):
            return ""
        columns, customer = ", ".join(map(plain_identifier, left)), plain_identifier(self.customer)
        sql = f"""
            select count(*) filter (rows > 1), count(*) from (
              select count(*) as rows from (select distinct {columns} from {plain_identifier(name)}) group by {customer}
            )"""  # noqa: S608  # quoted names
        several, all_of_them = first_row(self.connection, sql)
        if not several:
            return ""
        latest = self._date_of(name)
        taken = f"the latest by {latest}" if latest else "the first in alphabetical order, as no date says the latest"
        return f"{several:,} of {all_of_them:,} {self.customer} have several rows that differ; taken is {taken}"

    def _joined(self, name: str, entity: str) -> Iterator[FolderSource]:
        steps = reached(name, self.links)
        columns = joined_columns(name, steps, self.tables, without=self.hidden)
        sample = self._sample_of(f"{name} joined", self._joined_query(name))
        (draft,) = drafts_of(name, sample, (entity,), self.currency)
        if not _is_about(name, draft, columns):
            return
        used = [column for column in columns if column not in draft.unmapped or column in draft.no_sales]
        kept = needed_steps(steps, {columns[column][0] for column in used})
        shown = {column: place for column, place in columns.items() if column in used or place[0] == name}
        whole = not self.hidden & set(self.tables[name].facts)
        query = join_sql(name, kept, shown, whole=whole)
        look = "; ".join(filter(None, map(self._repeated_key, kept)))
        yield FolderSource(name=name, draft=draft, query=query, steps=tuple(kept), look=look)

    def _joined_query(self, name: str) -> str:
        """A head of a table's rows with all that they lead to."""
        steps = reached(name, self.links)
        columns = joined_columns(name, steps, self.tables, without=self.hidden)
        return join_sql(name, steps, columns, rows=SAMPLED_ROWS)

    def _repeated_key(self, link: Link) -> str:
        """How many keys that are looked up have several rows that differ, and which is taken; empty where none has."""
        key, table = plain_identifier(link.key), plain_identifier(link.other)
        columns = ", ".join(map(plain_identifier, self.tables[link.other].facts))
        sql = f"""
            select count(*) from (
              select {key} from (select distinct {columns} from {table}) group by {key} having count(*) > 1
            )"""  # noqa: S608  # quoted names
        (several,) = first_row(self.connection, sql)
        if not several:
            return ""
        return (
            f"{several:,} {link.key} of {link.other} {'has' if several == 1 else 'have'} several rows that differ; "
            "looked up is the first in alphabetical order"
        )

    def _sample_of(self, name: str, query: str) -> Sample:
        """The rows of a query; those of the same query are looked at once."""
        if query not in self.samples:
            self.connection.execute(f"drop table if exists raw.{identifier(f'query of {name}')}")
            self.samples[query] = Sample(self.connection, read_query(self.connection, name, query))
        return self.samples[query]


def _is_about(name: str, draft: Draft, columns: Mapping[str, tuple[str, str]]) -> bool:
    """Whether the rows of a join are those of its first table: their key does not come from a table looked up."""
    keys = [draft.proposals[key] for key in core_contract(draft.entity).key if key in draft.proposals]
    places = [columns[each.value][0] for each in keys if each.how == "columns"]
    return draft.entity == "orders" or not places or name in places


def _best_of(sources: Sequence[FolderSource]) -> FolderSource | None:
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


def _named_after_tables(sources: Sequence[FolderSource]) -> list[FolderSource]:
    """The same, each named after the table it feeds where it alone feeds it."""
    fed = Counter(source.draft.entity for source in sources)
    return [replace(each, called=each.draft.entity if fed[each.draft.entity] == 1 else each.name) for each in sources]
