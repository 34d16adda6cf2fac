"""A draft as TOML that can be pasted into `gristmill.toml`, every line with its confidence.

Belongs here: the text. Does not: what is in it (`draft.py`).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from data_contracts.inputs import InputSpec
from data_contracts.sql import text
from warehouse.drafting.draft import POOR_SCORE, Draft
from warehouse.drafting.folder_sources import FolderDraft
from warehouse.drafting.gaps import Proposal
from warehouse.drafting.names import words_of
from warehouse.sources.values import plain_identifier

_WIDTH = 56
_LOW = 0.5
_EMPTY = text("")


def draft_toml(name: str, spec: InputSpec, draft: Draft, *, others: Mapping[str, float] | None = None) -> str:
    """The input and the source as TOML, with comments on confidence, what is missing and what is left over.

    It begins with an empty line: it is made to be added to a file.

    Args:
        name: the name of the input and of the source.
        spec: the input.
        draft: what is proposed.
        others: by entity the score of other tables it might feed.
    """
    return "\n".join(
        [
            "",
            *_head(draft, others or {}, name),
            *_input(name, spec),
            "",
            *_look(draft.look),
            *_source(name, draft, _rows_from(name, draft.query)),
            *(_beside(name, draft.beside) if draft.beside is not None else ()),
            "",
        ]
    )


def folder_toml(inputs: Mapping[str, InputSpec], folder: FolderDraft) -> str:
    """The inputs and sources of several tables as TOML, with comments as in `draft_toml`."""
    lines = [line for name, spec in inputs.items() for line in ("", *_input(name, spec))]
    for name, why in folder.unused.items():
        lines += ["", f"# [inputs.{_key(name)}] feeds nothing by itself: {_one_line(why)}"]
    for source in folder.sources:
        lines += [
            "",
            "",
            *_head(source.draft, {}, source.name),
            *_look(source.look),
            *_source(source.called, source.draft, _rows_from(source.input or source.name, source.query)),
        ]
    return "\n".join([*lines, ""])


def _head(draft: Draft, others: Mapping[str, float], rows_from: str) -> Iterator[str]:
    yield f"# A proposal for {draft.entity}, from {draft.rows:,} sampled rows. The numbers say how sure it is, 0 to 1:"
    yield "# look at every LOOK, then try it with `gristmill source check`."
    if draft.score < POOR_SCORE:
        yield "# LOOK: no table of the contracts fits these columns well; name the one you mean with --entity."
    if others:
        yield "# It might also feed: " + ", ".join(f"{entity} ({score:.2f})" for entity, score in others.items())
    for missing in draft.missing:
        yield f"# MISSING {missing.field} ({missing.meaning}): {missing.hint}"
    for column, words in draft.no_sales.items():
        listed = ", ".join(map(text, words))
        told = f"where = {_toml(_other_than(column, listed, draft.order_of.get(column), rows_from))}"
        said = f"{_one_line(column)} says {_one_line(listed)}"
        yield f"# LOOK: {said}; where those are no sales, add below `entity`: {told}"
    if draft.repeated_rows:
        yield f"# LOOK: rows that repeat another in every column: {draft.repeated_rows:,}. They count as sold again;"
        yield '# where they were only written twice, put `query = "select distinct * from INPUT"` in place of `input`.'
    if draft.unmapped:
        yield "# columns that are left over: " + ", ".join(
            f"{_one_line(name)} ({kind})" for name, kind in draft.unmapped.items()
        )
    yield ""


def _other_than(column: str, words: str, order: str | None, rows_from: str) -> str:
    """SQL that leaves out the rows that say one of these words; the whole order, where one of its lines says it."""
    if order is None:
        return f"coalesce({plain_identifier(column)}, {_EMPTY}) not in ({words})"
    named, rows = plain_identifier(order), plain_identifier(rows_from)
    return f"{named} not in (select {named} from {rows} where {plain_identifier(column)} in ({words}))"  # noqa: S608  # quoted names


def _input(name: str, spec: InputSpec) -> Iterator[str]:
    yield f"[inputs.{_key(name)}]"
    for setting, value in spec.model_dump(exclude_defaults=True).items():
        yield f"{setting} = {_toml(value)}"


def _beside(name: str, draft: Draft) -> Iterator[str]:
    yield from ("", "", *_head(draft, {}, name), *_look(draft.look))
    yield from _source(f"{name}_{draft.entity}", draft, _rows_from(name, draft.query))
    if draft.beside is not None:
        yield from _beside(name, draft.beside)


def _look(told: str) -> Iterator[str]:
    if told:
        yield f"# LOOK: {_one_line(told)}"


def _rows_from(name: str, query: str | None) -> str:
    return f"input = {_toml(name)}" if query is None else f'query = """\n{query}\n"""'


def _source(name: str, draft: Draft, rows_from: str) -> Iterator[str]:
    table = f"sources.{_key(name)}"
    yield f"[{table}]"
    yield f'entity = "{draft.entity}"'
    yield rows_from
    if draft.where is not None:
        yield f"where = {_toml(draft.where)}"
    if draft.money is not None:
        told = "12.50 is twelve and a half" if draft.money == "major" else "1250 is twelve and a half"
        doubt = f"LOOK a guess: {draft.money_doubt}; " if draft.money_doubt else ""
        yield f'money = "{draft.money}"  # {doubt}{told}'
    if draft.entity == "customers" and draft.unmapped:
        yield f"# keep = {_kept(draft.unmapped)}  # to keep any of these as attributes of customers"
    for how in ("columns", "expressions", "constants"):
        lines = [proposal for proposal in draft.proposals.values() if proposal.how == how]
        if lines:
            yield f"\n[{table}.{how}]"
            yield from map(_line, lines)
    if draft.values:
        yield f"\n[{table}.values]"
        for field, listed in draft.values.items():
            meant = ", ".join(f"{_toml(word)} = {_toml(value)}" for word, value in listed.items())
            yield f"{field} = {{ {meant} }}"
    if draft.formats:
        yield f"\n[{table}.formats]"
        for field, patterns in draft.formats.items():
            yield f"{field} = {_toml(patterns)}" + _doubt(patterns, draft.doubtful_formats.get(field, ()))


def _kept(columns: Iterable[str]) -> str:
    """Columns as `keep` takes them: a list, or a table where one has no plain name."""
    names = {column: "_".join(words_of(column)) or "attribute" for column in columns}
    if all(name == column for column, name in names.items()):
        return _toml([*names])
    of_name: dict[str, str] = {}
    for column, name in names.items():
        plain = name if name[0].isalpha() else f"attribute_{name}"
        of_name[next(each for each in _numbered(plain) if each not in of_name)] = column
    return "{ " + ", ".join(f"{name} = {{ column = {_toml(column)} }}" for name, column in of_name.items()) + " }"


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def _doubt(patterns: Sequence[str], others: Sequence[str]) -> str:
    if len(patterns) > 1:
        return "  # LOOK: its dates are written in several ways"
    return f"  # LOOK: these read it too: {', '.join(others)}" if others else ""


def _line(proposal: Proposal) -> str:
    value = proposal.value if proposal.how == "constants" else _toml(proposal.value)
    look = "LOOK " if proposal.confidence < _LOW else ""
    return f"{f'{proposal.field} = {value}':<{_WIDTH}}  # {proposal.confidence:.2f} {look}{_one_line(proposal.why)}"


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        return _toml(value[0]) if len(value) == 1 else "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else json.dumps(name, ensure_ascii=False)
