"""Which columns of a company's tables name rows of its other tables, and queries that look them up.

Belongs here: links found by names and values, the tables a row leads to, the join as SQL. Does not: what the columns
mean (`draft.py`), which tables are drafted together (`folder.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from data_contracts.sql import identifier
from warehouse.drafting.names import singular_words
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.sources.values import plain_identifier

_UNIQUE, _FOUND = 0.9995, 0.9
_LEAST_DIFFERENT = 2


@dataclass(frozen=True, kw_only=True, order=True)
class Link:
    """Every row of `table` belongs to one row of `other`: its `column` holds the `key` of that row."""

    table: str
    column: str
    other: str
    key: str
    as_text: bool = False
    """The two are of different types, and compared as text."""

    def sql(self) -> str:
        """The condition, over both tables."""
        kind = "::varchar" if self.as_text else ""
        mine = f"{plain_identifier(self.table)}.{plain_identifier(self.column)}{kind}"
        return f"{mine} = {plain_identifier(self.other)}.{plain_identifier(self.key)}{kind}"


def find_links(samples: Mapping[str, Sample]) -> list[Link]:
    """All links between tables, in a stable order.

    A column leads to another table when it is called like a column there that tells all of that table's rows apart
    (`customer_id`, or `id` in a table of customers), and nearly all of its values are found there.
    """
    found = []
    for table, other in permutations(sorted(samples), 2):
        for key in samples[other].facts.values():
            if not _is_key(key):
                continue
            for column in samples[table].facts.values():
                if _same_name(column.name, key.name, of=other) and _leads(samples[table], column, samples[other], key):
                    differ = column.type != key.type
                    found.append(Link(table=table, column=column.name, other=other, key=key.name, as_text=differ))
    return found


def reached(base: str, links: Sequence[Link]) -> list[Link]:
    """The links by which a row of `base` leads to one row of each other table, the nearest first; each table once."""
    seen, steps = {base}, []
    queue = [base]
    for table in queue:
        for link in links:
            if link.table == table and link.other not in seen:
                seen.add(link.other)
                queue.append(link.other)
                steps.append(link)
    return steps


def joined_columns(
    base: str, steps: Sequence[Link], samples: Mapping[str, Sample], *, without: Collection[str] = ()
) -> dict[str, tuple[str, str]]:
    """By name in the join: table and column. A name that is there already gets its table's in front.

    Args:
        base: the table whose rows are kept.
        steps: see `reached`.
        samples: by table.
        without: columns that are left out, of whichever table.
    """
    columns = {name: (base, name) for name in samples[base].facts if name not in without}
    for link in steps:
        for name in samples[link.other].facts:
            if name in without or name == link.key:
                continue
            free = name if name not in columns else f"{link.other}_{name}"
            columns.setdefault(free, (link.other, name))
    return columns


def join_sql(
    base: str,
    steps: Sequence[Link],
    columns: Mapping[str, tuple[str, str]],
    *,
    rows: int | None = None,
    whole: bool = False,
    once: Collection[Link] = (),
) -> str:
    """The join as DuckDB SQL over the inputs' views; a row of `base` that leads nowhere is kept.

    Args:
        base: the table whose rows are kept.
        steps: the tables that are looked up.
        columns: see `joined_columns`.
        rows: how many rows of `base`, at most.
        whole: all columns of `base` are among them.
        once: steps whose key is known to come once, so that the table is looked up as it is.
    """
    listed = ", ".join(
        f"{plain_identifier(table)}.{plain_identifier(column)}"
        + ("" if name == column else f" as {plain_identifier(name)}")
        for name, (table, column) in columns.items()
        if not (whole and table == base)
    )
    if whole:
        listed = ", ".join(filter(None, [f"{plain_identifier(base)}.*", listed]))
    first = (
        plain_identifier(base) if rows is None else f"(from {identifier(base)} limit {rows}) {plain_identifier(base)}"
    )
    looked_up = "".join(
        f"\nleft join {_once(link) if link not in once else ''} {plain_identifier(link.other)} on {link.sql()}"
        for link in steps
    )
    return f"select {listed}\nfrom {first}{looked_up}"


def needed_steps(steps: Sequence[Link], tables: Collection[str]) -> list[Link]:
    """Of these steps those on the way to certain tables."""
    wanted, kept = set(tables), []
    for link in reversed(steps):
        if link.other in wanted:
            wanted.add(link.table)
            kept.append(link)
    return kept[::-1]


def _once(link: Link) -> str:
    """The table that is looked up, with one row for each key: a key that came twice would double what looks it up."""
    rows = f"from {plain_identifier(link.other)} order by all"
    return f"(select distinct on ({plain_identifier(link.key)}) * {rows})"  # quoted names


def _is_key(facts: ColumnFacts) -> bool:
    return (
        facts.is_scalar
        and facts.filled == facts.rows
        and facts.unique >= _UNIQUE
        and facts.distinct >= _LEAST_DIFFERENT
        and not facts.decimals
        and not (facts.is_dated and facts.numeric < _FOUND)
    )


def _same_name(column: str, key: str, *, of: str) -> bool:
    """`customer_id` names `customer_id` anywhere, and `id`, `key` or `number` of a table of customers."""
    words, wanted = singular_words(column), singular_words(key)
    if len(wanted) == 1 and wanted <= {"id", "key", "code", "number", "no"}:
        return bool(words & singular_words(of)) and wanted < words
    return words == wanted


def _leads(sample: Sample, column: ColumnFacts, other: Sample, key: ColumnFacts) -> bool:
    if not column.filled or not column.is_scalar:
        return False
    mine, theirs = f"{identifier(column.name)}::varchar", f"{identifier(key.name)}::varchar"
    share = sample.ask(f"coalesce(avg(({mine} in (select {theirs} from {other.raw.table}))::int), 0)")  # noqa: S608  # quoted names
    return share >= _FOUND
