"""Rows of a shop's event stream: a column says which of them were bought and which only looked at or put into a basket.

Belongs here: how such a table is recognised, which of its rows feed which table, and the query of the products that
they name. Does not: what the rows' columns are mapped to (`draft.py`).

Taken for orders as a whole, each look would count as sold; taken for events as a whole, nobody would have bought.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts.sql import identifier, text
from warehouse.drafting.names import words_of
from warehouse.drafting.profile import Sample
from warehouse.sources.inputs import RawTable
from warehouse.sources.values import plain_identifier

_BOUGHT = {
    "purchase", "purchased", "order", "ordered", "buy", "bought", "sale", "sold", "transaction", "kauf", "gekauft",
    "achat", "compra", "acquisto", "aankoop", "zakup",
}  # fmt: skip
_BESIDE_IT = {"complete", "completed", "success", "placed", "made", "confirmed", "app", "in", "item", "product"}
_LOOKED = ("view", "cart", "click", "search", "impression", "wish", "browse", "visit", "basket", "favo")


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The column that says what a row is, and its words for what was bought, sorted."""

    column: str
    bought: tuple[str, ...]

    @property
    def sold_rows(self) -> str:
        """SQL, true for the rows that were bought."""
        return f"{plain_identifier(self.column)} in ({', '.join(map(text, self.bought))})"

    @property
    def other_rows(self) -> str:
        """SQL, true for all others."""
        return f"coalesce({plain_identifier(self.column)}, '') not in ({', '.join(map(text, self.bought))})"


def stream_of(sample: Sample) -> Stream | None:
    """The column that tells purchases from looks; None where no column does, or several."""
    found = []
    for name in sample.facts:
        words = sample.few_words(name)
        bought = tuple(word for word in words if _is_bought(word))
        if bought and any(look in word.lower() for word in words for look in _LOOKED):
            found.append(Stream(column=name, bought=bought))
    return found[0] if len(found) == 1 else None


def rows_where(sample: Sample, condition: str, *, called: str) -> Sample:
    """The sampled rows for which some SQL is true, as a table of their own."""
    table = f"raw.{identifier(called)}"
    sample.connection.execute(f"create or replace table {table} as select * from {sample.raw.table} where {condition}")  # noqa: S608  # quoted names
    return Sample(sample.connection, RawTable(table=table, columns=sample.raw.columns))


def _is_bought(word: str) -> bool:
    said = set(words_of(word))
    return bool(said & _BOUGHT) and said <= _BOUGHT | _BESIDE_IT


def products_query(name: str, columns: Sequence[str], product: str) -> str:
    """One row for each product that rows name, with what they say of it most often; the same whatever their order.

    Args:
        name: the input.
        columns: those that say something of a product.
        product: the column that names it.
    """
    key, said = plain_identifier(product), ", ".join(map(plain_identifier, columns))
    each = f"select {key}, {said}, count(*) as times from {plain_identifier(name)} where {key} is not null group by all"  # noqa: S608  # quoted names
    return f"select distinct on ({key}) {key}, {said} from ({each}) order by {key}, times desc, {said}"  # noqa: S608  # as above
