"""Which part of the inputs a load has to read: all of it, or only what is new or changed.

Belongs here: that choice, input by input. Does not: reading (`sources/reading.py`), what becomes of the rows
(`merging.py`), what earlier loads read (`states.py`).

A full input is always read whole. Of an incremental one:

- files: those whose content no load has read yet, whatever they are called; a copy of one that was is passed over;
- a table or query: rows whose watermark lies above that of the load before, less the days that it looks back, and rows
  without one;
- everything it can still show, at its first load, when the mapping of one of its sources changed, when a source's query
  or a conversion needs it whole, and when a load is forced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from glob import escape
from pathlib import Path

from data_contracts.inputs import InputSpec, NarrowedInput
from data_contracts.mapping import SourceMapping
from data_contracts.sql import identifier, text
from warehouse.errors_ingestion import WatermarkUnfitError
from warehouse.loads.states import FileRead, Standing
from warehouse.sources.files import SourcePlace, find_files
from warehouse.sources.reading import looks_into

Versions = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a load reads.

    Attributes:
        inputs: the inputs, those of which only a part is read narrowed to it.
        sources: the sources to be read, in the settings' order; those without anything new are left out.
        whole: names of the sources that are read from beginning to end.
        files: the versions of files of incremental inputs that are read or passed over for the first time.
        replayed: by input, files passed over because their content was read before under another name.
    """

    inputs: Mapping[str, InputSpec]
    sources: Mapping[str, SourceMapping]
    whole: frozenset[str]
    files: tuple[FileRead, ...] = ()
    replayed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The part of an incremental input that is read; None: nothing of it is."""

    spec: InputSpec | None
    files: tuple[FileRead, ...] = ()
    replayed: int = 0
    whole: bool = False


def plan_reading(
    inputs: Mapping[str, InputSpec],
    sources: Mapping[str, SourceMapping],
    *,
    place: SourcePlace,
    versions: Versions,
    standing: Standing,
    mapping_hashes: Mapping[str, str],
    everything: bool = False,
) -> Reading:
    """Choose what a load reads.

    Args:
        inputs: all inputs of the settings.
        sources: all sources of the settings.
        place: where the inputs lie.
        versions: by input, its files and their versions (`sources.reading.input_versions`).
        standing: what the load before left.
        mapping_hashes: by source, what changes when its mapping does.
        everything: read incremental inputs whole too.

    Raises:
        WatermarkUnfitError: a watermark is neither a time nor a number.
    """
    parts: dict[str, _Part] = {}
    for name, spec in inputs.items():
        if spec.is_incremental:
            fed = [source for source, mapping in sources.items() if mapping.input == name]
            changed = any(_is_changed(source, standing, mapping_hashes) for source in fed)
            whole = everything or changed or standing.load is None or _is_needed_whole(name, sources)
            parts[name] = _part(name, spec, fed, place=place, versions=versions[name], standing=standing, whole=whole)
    read = {
        name: mapping
        for name, mapping in sources.items()
        if mapping.input is None or mapping.input not in parts or parts[mapping.input].spec is not None
    }
    return Reading(
        inputs={name: (part.spec or spec) if (part := parts.get(name)) else spec for name, spec in inputs.items()},
        sources=read,
        whole=frozenset(
            name for name, mapping in read.items() if mapping.input not in parts or parts[mapping.input].whole
        ),
        files=tuple(file for part in parts.values() for file in part.files),
        replayed={name: part.replayed for name, part in parts.items() if part.replayed},
    )


def for_fingerprints(inputs: Mapping[str, InputSpec]) -> dict[str, InputSpec]:
    """The inputs as their versions are asked for: of an incremental table only the rows that could be news.

    Those are the rows within the look-back of its own greatest watermark: cheap to look at, whatever the table's size.
    """
    return {
        name: _narrowed(spec, _newest_rows(spec)) if spec.is_incremental and spec.database is not None else spec
        for name, spec in inputs.items()
    }


def _is_changed(source: str, standing: Standing, mapping_hashes: Mapping[str, str]) -> bool:
    known = standing.sources.get(source)
    return known is None or known.mapping_hash != mapping_hashes[source]


def _is_needed_whole(name: str, sources: Mapping[str, SourceMapping]) -> bool:
    """Whether a query or a conversion looks into the input."""
    return any(
        looks_into(source, name) or (source.conversion is not None and source.conversion.rates == name)
        for source in sources.values()
    )


def _part(  # one input among the others, each fact by name
    name: str,
    spec: InputSpec,
    fed: Sequence[str],
    *,
    place: SourcePlace,
    versions: Sequence[Sequence[str]],
    standing: Standing,
    whole: bool,
) -> _Part:
    if spec.database is not None:
        marks = [standing.sources[source].watermark for source in fed if source in standing.sources]
        if whole or not marks or None in marks:
            return _Part(spec=spec, whole=True)
        return _Part(spec=_narrowed(spec, _above(name, spec, min(mark for mark in marks if mark is not None))))
    return _new_files(name, spec, place=place, versions=versions, standing=standing, whole=whole)


def _new_files(
    name: str,
    spec: InputSpec,
    *,
    place: SourcePlace,
    versions: Sequence[Sequence[str]],
    standing: Standing,
    whole: bool,
) -> _Part:
    taken = set(standing.files.get(name, ()))
    known = set() if whole else {version for _, version in taken}
    new: list[FileRead] = []
    copies: list[FileRead] = []
    for label, version in versions:
        file = FileRead(input_name=name, label=label, version=version)
        if version not in known:
            new.append(file)
            known.add(version)
        elif (label, version) not in taken:
            copies.append(replace(file, is_copy=True))
    if not new:
        return _Part(spec=None, files=tuple(copies), replayed=len(copies))
    came = {version: number for number, (_, version) in reversed(list(enumerate(standing.files.get(name, ()))))}
    new.sort(key=lambda file: came.get(file.version, len(came)))  # of one key the row that came last counts
    if [file.label for file in new] == [label for label, _ in versions]:
        return _Part(spec=spec, files=tuple(new), whole=whole)
    addresses = {file.label: _exactly(file.address) for file in find_files(name, spec, place.data_root)}
    narrowed = spec.model_copy(update={"files": tuple(addresses[file.label] for file in new)})
    return _Part(spec=narrowed, files=(*new, *copies), replayed=len(copies), whole=whole)


def _exactly(address: str) -> str:
    """A pattern that matches one file and no other."""
    return address if "://" in address else Path(escape(address)).as_posix()


def _narrowed(spec: InputSpec, condition: str) -> NarrowedInput:
    return NarrowedInput(**spec.model_dump(), condition=condition)


def _newest_rows(spec: InputSpec) -> str:
    """SQL of rows within the look-back of the newest; said so that PostgreSQL and DuckDB understand it alike."""
    column = identifier(spec.watermark or "")
    table = (
        f"{'.'.join(map(identifier, spec.table.split('.')))}"
        if spec.table
        else f"({(spec.query or '').strip().rstrip(';')}) as whole"
    )
    plausible = f"{column} < current_date + 2"  # a time far in the future would hide all news behind it
    newest = f"(select max({column}) from {table} where {plausible})"  # noqa: S608  # quoted names, or the company's own query
    return f"{column} is null or {column} >= {newest} - interval '{spec.look_back_days:d} days'"


def _above(name: str, spec: InputSpec, watermark: str) -> str:
    """SQL of rows above a watermark less the look-back, and of those without one."""
    column = identifier(spec.watermark or "")
    try:
        mark = datetime.fromisoformat(watermark)
    except ValueError:
        raise WatermarkUnfitError(input_name=name, column=spec.watermark or "") from None
    since = (mark - timedelta(days=spec.look_back_days)).isoformat(sep=" ")
    return f"{column} is null or {column} > {text(since)}"
