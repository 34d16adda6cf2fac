"""How records are held against each other by likeness: the comparisons, and which pairs are looked at.

Belongs here: each way of comparing a column, the keys that a pair must share one of to be looked at, and which of them
are selective enough. Does not: learning and predicting (`likeness.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb
import polars as pl

from data_contracts.identity import ComparedAs, IdentitySettings, Probabilistic
from data_contracts.sql import first_row, identifier
from warehouse.identities.matching import normal_values

_PAIRS_PER_RECORD = 30
_PAIRS_ANYWAY = 1_000_000
_TRAINED_ON = 4
_NOT_LETTERS = r"[^\p{L}\p{N}]+"


@dataclass(frozen=True)
class Plan:
    """What Splink is told.

    Attributes:
        comparisons: its comparisons, one a column.
        rules: its blocking rules: pairs that share one of these keys are looked at.
        training: rules on whose pairs it learns, so chosen that every column is learnt on pairs of another key.
        certain: rules whose pairs are nearly all one customer.
    """

    comparisons: list[Any]
    rules: list[Any]
    training: list[Any]
    certain: list[Any]


@dataclass(frozen=True)
class _Key:
    """Columns that two records may share; `strong`: hardly by chance. `of`: the compared columns it comes from."""

    columns: tuple[str, ...]
    of: tuple[str, ...]
    strong: bool


def compared_records(records: pl.DataFrame, settings: IdentitySettings) -> pl.DataFrame:
    """Records as they are compared: `unique_id`, each compared column in one spelling, and the keys made from it."""
    columns = [pl.col("id").alias("unique_id")]
    for name, kind in settings.probabilistic.comparisons().items():
        columns += _spelled(records, name, kind, settings)
    return records.select(columns)


def _spelled(records: pl.DataFrame, name: str, kind: ComparedAs, settings: IdentitySettings) -> Iterator[pl.Expr]:
    if kind in ("email", "phone"):
        value = pl.lit(normal_values(records[name].cast(pl.String), kind, settings).alias(name))
        yield value.alias(name)
        if kind == "email":
            yield value.str.extract("^(.*)@", 1).alias(f"{name}__local")
    elif kind in ("name", "text"):
        plain = pl.col(name).cast(pl.String).str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
        words = plain.str.replace_all(_NOT_LETTERS, " ").str.strip_chars()
        spelled: pl.Expr = pl.when(words != "").then(words)
        yield spelled.alias(name)
        yield spelled.str.split(" ").list.first().str.head(3).alias(f"{name}__first")
        yield spelled.str.split(" ").list.last().str.head(4).alias(f"{name}__last")
    elif kind in ("year", "number"):
        yield pl.col(name).cast(pl.Float64)
    elif kind == "date":
        yield pl.col(name).cast(pl.Date)
    else:
        spelled = pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()
        yield pl.when(spelled != "").then(spelled).alias(name)


def plan_of(connection: duckdb.DuckDBPyConnection, chosen: Probabilistic) -> Plan:
    """What to tell Splink about the table `compared`; no rules where no key is selective enough."""
    from splink import block_on  # noqa: PLC0415 seconds of import that most loads don't need

    compared = chosen.comparisons()
    records = int(first_row(connection, "select count(*) from compared")[0])
    most = _PAIRS_PER_RECORD * records + _PAIRS_ANYWAY
    keys = [key for key in _keys(compared) if 0 < _pairs(connection, key) <= most]
    return Plan(
        comparisons=[_comparison(name, kind) for name, kind in compared.items()],
        rules=[block_on(*key.columns) for key in keys],
        training=[block_on(*key.columns) for key in _teaching(keys, list(compared))],
        certain=[block_on(*key.columns) for key in _certain(compared)],
    )


def _keys(compared: Mapping[str, ComparedAs]) -> list[_Key]:
    """Keys that a pair may share: a strong one alone, weaker ones two by two."""
    strong, weak = [], []
    for name, kind in compared.items():
        if kind in ("email", "phone", "name", "text"):
            strong.append(_Key((name,), (name,), strong=True))
        if kind == "email":
            strong.append(_Key((f"{name}__local",), (name,), strong=True))
        elif kind in ("name", "text"):
            weak += [_Key((f"{name}__{end}",), (name,), strong=False) for end in ("first", "last")]
        elif kind != "phone":
            weak.append(_Key((name,), (name,), strong=False))
    return strong + [
        _Key(one.columns + other.columns, tuple(dict.fromkeys(one.of + other.of)), strong=False)
        for one, other in combinations(weak, 2)
    ]


def _pairs(connection: duckdb.DuckDBPyConnection, key: _Key) -> int:
    """How many pairs of records share a key."""
    columns = ", ".join(map(identifier, key.columns))
    given = " and ".join(f"{identifier(column)} is not null" for column in key.columns)
    query = (
        f"select coalesce(sum(n * (n - 1) // 2), 0)::bigint from "  # noqa: S608  # quoted names
        f"(select count(*)::hugeint as n from compared where {given} group by {columns})"
    )
    return int(first_row(connection, query)[0])


def _teaching(keys: Sequence[_Key], compared: Sequence[str]) -> list[_Key]:
    """The fewest keys, strong ones first, such that each column is free to vary on the pairs of one of them."""
    chosen: list[_Key] = []
    untaught = set(compared)
    for key in keys:
        learnt = untaught - set(key.of)
        if learnt and len(chosen) < _TRAINED_ON:
            chosen.append(key)
            untaught -= learnt
    return chosen


def _certain(compared: Mapping[str, ComparedAs]) -> list[_Key]:
    """Keys whose pairs are nearly all one customer: contact data, or a name together with any other column."""
    contacts = [_Key((name,), (name,), strong=True) for name, kind in compared.items() if kind in ("email", "phone")]
    names = [name for name, kind in compared.items() if kind == "name"]
    others = [name for name, kind in compared.items() if kind in ("year", "date", "category", "text", "number")]
    together = [_Key((name, *others), (name, *others), strong=True) for name in names if others]
    return contacts + together or [_Key(tuple(compared), tuple(compared), strong=True)]


def _comparison(name: str, kind: ComparedAs) -> Any:  # noqa: ANN401  # Splink's creators have no common public type
    """How a column is compared: levels of agreement, from equal to different; no value says nothing."""
    import splink.comparison_library as ways  # noqa: PLC0415 as above

    if kind == "name":
        return ways.JaroWinklerAtThresholds(name, [0.94, 0.88, 0.75]).configure(term_frequency_adjustments=True)
    if kind == "text":
        return ways.JaroWinklerAtThresholds(name, [0.92, 0.8])
    if kind == "email":
        return ways.EmailComparison(name)
    if kind == "phone":
        return ways.DamerauLevenshteinAtThresholds(name, [1, 2])
    if kind == "category":
        return ways.ExactMatch(name).configure(term_frequency_adjustments=True)
    return _near_comparison(name, kind)


def _near_comparison(name: str, kind: ComparedAs) -> Any:  # noqa: ANN401  # as above
    """Numbers, years and dates: equal, near, different."""
    import splink.comparison_level_library as levels  # noqa: PLC0415 as above
    import splink.comparison_library as ways  # noqa: PLC0415 as above

    left, right = identifier(f"{name}_l"), identifier(f"{name}_r")
    near = {
        "year": (f"abs({left} - {right}) <= 1", "a year apart at most"),
        "number": (f"abs({left} - {right}) <= 0.1 * greatest(abs({left}), abs({right}))", "a tenth apart at most"),
        "date": (f"abs(date_diff('day', {left}, {right})) <= 31", "a month apart at most"),
    }[kind]
    return ways.CustomComparison(
        comparison_levels=[
            levels.NullLevel(name),
            levels.ExactMatchLevel(name),
            levels.CustomLevel(near[0], label_for_charts=near[1]),
            levels.ElseLevel(),
        ],
        output_column_name=name,
    )
