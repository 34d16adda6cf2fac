"""Proposed mappings for all tables of a company at once: rows that say only half are joined with those they belong to.

Belongs here: which table feeds what, what it has to be joined with, who the customer is everywhere. Does not: how one
table is mapped (`draft.py`), how tables hang together (`links.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import duckdb

from data_contracts.contracts import CORE_ENTITIES, core_contract
from data_contracts.inputs import InputSpec
from data_contracts.sql import first_row, identifier
from warehouse.drafting.draft import POOR_SCORE, SAMPLED_ROWS, Draft, drafts_of
from warehouse.drafting.folder_sources import (
    FolderDraft,
    FolderSource,
    beside,
    best_of,
    is_about,
    named_after_tables,
    only_keys,
    told_once,
    what_else,
)
from warehouse.drafting.links import Link, find_links, join_sql, joined_columns, needed_steps, reached
from warehouse.drafting.lookups import names_column, with_names
from warehouse.drafting.names import likeness, singular_words
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.drafting.repeats import repeated_customers, repeated_keys
from warehouse.drafting.responses import with_responses
from warehouse.drafting.returns import returned_lines
from warehouse.sources.files import SourcePlace
from warehouse.sources.inputs import RawTable, read_input, read_query
from warehouse.sources.tables import columns_of
from warehouse.sources.values import plain_identifier

_RETURNS = {
    "return", "returned", "refund", "refunded", "retoure", "retouren", "gutschrift", "retour", "devolucion", "reso",
    "chargeback", "rma",
}  # fmt: skip
_FEW, _MOST, _SURE = 0.01, 0.9, 0.9
LINKED_ROWS = 1_000_000
"""Rows read of each table, from its head: enough to see which rows of others are named there."""


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
        sells_whole_tables: all rows of the orders' table are orders, so what a stream calls bought is there already.
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
    sells_whole_tables: bool = False
    samples: dict[str, Sample] = field(default_factory=dict)

    def drafted(self) -> FolderDraft:
        self.links = find_links(self.tables)
        orders = self._best_orders()
        sources = [orders, *beside(orders)] if orders is not None else []
        if orders is not None:
            self._learn(orders)
        taken = {source.name for source in sources} | set(self.part_of)
        unused = {name: f"its rows complete those of {of}" for name, of in self.part_of.items()}
        for name in (name for name in self.tables if name not in taken):
            best, lacks = self._best(name), "" if orders is not None else self._lacks_for_orders(name)
            returned = self._returned(name, orders) if orders is not None and singular_words(name) & _RETURNS else None
            if returned is not None:
                sources.append(returned)
            elif orders is not None and singular_words(name) & _RETURNS:
                unused[name] = (
                    "its name says returns, which nothing takes off what was bought before they feed orders too "
                    "(unless orders have lines with negative quantity already): with negative quantity and amount, "
                    "and the customer of the order they belong to"
                )
            elif lacks:
                unused[name] = (
                    f"it looks like orders, but nothing fills {lacks}; `gristmill source draft` shows it alone"
                )
            elif best is not None:
                sources += [best, *beside(best)]
            else:
                unused[name] = f"no table of the contracts fits it well; `gristmill source draft` shows {name} alone"
        sources = self._looked_over(told_once(sources), unused)
        return FolderDraft(sources=tuple(named_after_tables(sources)), unused=unused)

    def _looked_over(self, sources: list[FolderSource], unused: dict[str, str]) -> list[FolderSource]:
        """The sources without those that add nothing, each with what is to be said of it; `unused` gets the others."""
        sources, answers = with_responses(sources, {name: sample.facts for name, sample in self.tables.items()})
        unused |= answers
        for each in only_keys(sources):
            sources.remove(each)
            unused[each.name] = f"of customers that another table describes it says {what_else(each.draft.unmapped)}"
        sources = [self._told(source) for source in sources]
        sources = [self._told_of_strangers(source, sources) for source in sources]
        for source in sources:
            only_looked_up = unused.keys() - self.part_of.keys()
            unused |= {
                step.other: f"{source.name} looks it up" for step in source.steps if step.other in only_looked_up
            }
        return sources

    def _best_orders(self) -> FolderSource | None:
        """The table with the lines of orders: of those that say all that is needed, the one that fits best.

        One whose rows are all orders goes before a stream of which some are.
        """
        tables = [name for name in self.tables if not self._is_of_periods(name)]
        found = [source for name in tables for source in self._candidates(name, ("orders",))]
        return best_of([each for each in found if each.draft.where is None]) or best_of(found)

    def _is_of_periods(self, name: str) -> bool:
        """Whether its rows are paid periods, which are no orders."""
        return drafts_of(name, self._alone(name), ("subscriptions",), self.currency)[0].query is not None

    def _learn(self, orders: FolderSource) -> None:
        """Who the customer is and which tables are part of the orders, for all other tables to keep to."""
        self.sells_whole_tables = orders.draft.where is None
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
        found = self._candidates(name, others)
        best = best_of([each for each in found if each.draft.where is None or not self.sells_whole_tables])
        alone = best is not None and best.draft.entity == "products" and best.query is None
        return self._with_names(best) if best is not None and alone else best

    def _with_names(self, source: FolderSource) -> FolderSource:
        """A table of products with the names of what it has only ids of, from the tables that it leads to."""
        name, steps = source.name, reached(source.name, self.links)
        if not steps:
            return source
        columns, sample = self._join(name)
        (joined,) = drafts_of(name, sample, ("products",), self.currency)
        draft = with_names(source.draft, joined, columns, name=name, steps=steps, tables=self.tables)
        used = [column for column, place in columns.items() if place[0] != name and names_column(draft, column)]
        if not used:
            return source
        kept = needed_steps(steps, {columns[column][0] for column in used})
        shown = {column: columns[column] for column in columns if column in used or columns[column][0] == name}
        return replace(source, draft=draft, steps=tuple(kept), query=join_sql(name, kept, shown, whole=True))

    def _returned(self, name: str, orders: FolderSource) -> FolderSource | None:
        """A table of returns as lines of orders; None where they can't be matched to any."""
        rows_from = plain_identifier(orders.name) if orders.query is None else f"({orders.query})"
        found = returned_lines(name, self.tables[name], orders.draft, rows_from)
        return FolderSource(name=name, draft=found[0], query=found[1], look=found[2]) if found is not None else None

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
            yield FolderSource(name=name, draft=draft, query=draft.query or self._query_alone(name))
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
        return self._sample_of(f"{name} alone", query, self.tables[name].facts)

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

    def _told_of_strangers(self, source: FolderSource, sources: Sequence[FolderSource]) -> FolderSource:
        """The source of orders, with a word where another has customers of the same numbers: they count as one."""
        others = [each for each in sources if each.draft.entity == "orders" and each.name != source.name]
        mine, *theirs = (self._customers(each) for each in (source, *others))
        if source.draft.entity != "orders" or not mine:
            return source
        shared = {
            other.name: int(first_row(self.connection, f"select count(*) from ({mine} intersect {column})")[0])  # noqa: S608  # quoted names
            for other, column in zip(others, theirs, strict=True)
            if column
        }
        told = [
            f"{count:,} of its customers have numbers that {name} has too" for name, count in shared.items() if count
        ]
        if not told:
            return source
        words = f"{'; '.join(told)}: they are taken for the same people; are they not, give each source an `id_space`"
        return replace(source, look="; ".join(filter(None, [source.look, words])))

    def _customers(self, source: FolderSource) -> str:
        """SQL of the customers of a source of its own rows; empty where they are from elsewhere."""
        proposal = source.draft.proposals.get("customer_id")
        if source.query is not None or source.input or proposal is None or proposal.how != "columns":
            return ""
        return f"select {identifier(proposal.value)}::varchar from {self.tables[source.name].raw.table}"  # noqa: S608  # quoted names

    def _joined(self, name: str, entity: str) -> Iterator[FolderSource]:
        steps = reached(name, self.links)
        columns, sample = self._join(name)
        (draft,) = drafts_of(name, sample, (entity,), self.currency)
        if not is_about(name, draft, columns):
            return
        used = [column for column in columns if column not in draft.unmapped or column in draft.no_sales]
        kept = needed_steps(steps, {columns[column][0] for column in used})
        shown = {column: place for column, place in columns.items() if column in used or place[0] == name}
        whole = not self.hidden & set(self.tables[name].facts)
        query = join_sql(name, kept, shown, whole=whole)
        yield FolderSource(name=name, draft=draft, query=query, steps=tuple(kept))

    def _join(self, name: str) -> tuple[dict[str, tuple[str, str]], Sample]:
        """The columns of a table with all that its rows lead to, and its rows."""
        columns = joined_columns(name, reached(name, self.links), self.tables, without=self.hidden)
        copied = {column: self.tables[table].facts[there] for column, (table, there) in columns.items()}
        query, table = self._joined_query(name), f"raw.{identifier(f'{name} joined')}"
        if query not in self.samples:
            self.connection.execute(f"create or replace table {table} as {query}")
            raw = RawTable(table=table, columns=columns_of(self.connection, f"from {table}"))
            self.samples[query] = Sample(self.connection, raw, copied)
        return columns, self.samples[query]

    def _joined_query(self, name: str) -> str:
        """A head of a table's rows with all that they lead to."""
        steps = reached(name, self.links)
        columns = joined_columns(name, steps, self.tables, without=self.hidden)
        once = {link for link in steps if self.tables[link.other].facts[link.key].unique == 1}
        return join_sql(name, steps, columns, rows=SAMPLED_ROWS, once=once)

    def _told(self, source: FolderSource) -> FolderSource:
        """The source, with what is said of keys and customers that have several rows."""
        name, look = source.name, source.look or source.draft.look
        if look:
            return replace(source, look=look)
        left = self._left(name)
        if source.steps:
            keys = (repeated_keys(self.connection, step, self.tables[step.other].facts) for step in source.steps)
            look = "; ".join(filter(None, keys))
        elif self.customer in left and len(left) < len(self.tables[name].facts):
            latest = self._date_of(name)
            look = repeated_customers(self.connection, name, left, customer=self.customer, latest=latest)
        return replace(source, look=look)

    def _sample_of(self, name: str, query: str, copied: Mapping[str, ColumnFacts] = MappingProxyType({})) -> Sample:
        """The rows of a query; those of the same query are looked at once."""
        if query not in self.samples:
            self.connection.execute(f"drop table if exists raw.{identifier(f'query of {name}')}")
            self.samples[query] = Sample(self.connection, read_query(self.connection, name, query), copied)
        return self.samples[query]
