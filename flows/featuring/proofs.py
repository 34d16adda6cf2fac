"""Proofs, on the company's own data, that features tell the truth: nothing of later days, the same however built.

Belongs here: what is built twice and held against each other, bucket by bucket. Does not: poisoned rows
(`attacks`), the slow second definition (`reference`), printing (`reporting`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

import features
from flows.buckets.core_tables import Builder, CoreTables
from flows.context import Context
from flows.featuring.attacks import ATTACKS, poisoned
from flows.featuring.comparing import DIFFERS, KEYS, WHO_HAS_A_ROW, Proof
from flows.featuring.reference import reference
from flows.featuring.stored_features import StoredNight, read_stored, stored_nights
from flows.featuring.threads import build_elsewhere, other_thread_count
from warehouse.lake import assign_buckets, bucket_file

Frames = Mapping[str, pl.DataFrame]
SHUFFLE_SEED = 20240229
NAMES_TOLD = 5
CLOSE = 1e-9  # relative: the slow definition adds up in another order


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be proved.

    Attributes:
        days: the dates, newest first; the newest is the one asked for.
        sample: how many customers are held against the slow definition.
        buckets: on how many buckets of the load, from the first; None: on all.
    """

    days: tuple[date, ...]
    sample: int
    buckets: int | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The rows and the builder under proof."""

    core: CoreTables
    days: tuple[date, ...]
    build: Builder

    def built(self, frames: Mapping[str, pl.LazyFrame], days: Sequence[date] | None = None) -> pl.DataFrame:
        """Features of core frames as of the dates, sorted by their keys."""
        return self.core.build_features_of(frames, days or self.days, build=self.build).collect()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One bucket: its core frames, and the features of it that others are held against."""

    bucket: int
    frames: Frames
    features: pl.DataFrame

    def as_of(self, day: date) -> pl.DataFrame:
        """The features as of one of the dates."""
        return self.features.filter(pl.col("snapshot_date") == day)


def prove(context: Context, request: Request, *, build: Builder = features.build) -> dict[str, Any]:
    """Hold the features of the last load against what must not change them.

    Args:
        context: the surroundings.
        request: what to prove.
        build: the builder under proof.

    Returns:
        `holds` (whether all do), the load, the dates, and the proofs as plain values.

    Raises:
        NothingLoadedError, AsOfBeforeDataError.
    """
    core = CoreTables.latest(context)
    core.last_order_before(request.days[0])
    days = tuple(day for day in request.days if day > core.span[0])
    subject = Subject(core=core, days=days, build=build)
    proofs = [
        *_of_buckets(context, subject, request),
        _of_stored_nights(context, build, until=request.days[0], nights=len(request.days)),
    ]
    return {
        "holds": all(proof.verdict != DIFFERS for proof in proofs),
        "load_id": core.load.load_id,
        "as_of": [day.isoformat() for day in days],
        "features": len(core.feature_names()),
        "proofs": [proof.facts() for proof in proofs],
    }


def _of_buckets(context: Context, subject: Subject, request: Request) -> list[Proof]:
    """The proofs that go through the buckets, all of them in one pass."""
    threads = other_thread_count()
    later = Proof("nothing of later", "rows and values of later than the date, or known later, move nothing")
    order = Proof("order of rows", "the same to the last bit from shuffled rows")
    thread = Proof("threads", f"the same to the last bit on {threads} thread{'s' if threads > 1 else ''}")
    cut = Proof("buckets", "the same to the last bit from twice as many buckets, and from half as many")
    slow = Proof("slow definition", "a sample of customers as a slow, obvious second definition has them")
    chosen = list(subject.core.buckets())[: request.buckets]
    before: Part | None = None
    with (
        context.reporter.step("proofs by bucket", parts=len(chosen) + 1) as ticker,
        TemporaryDirectory(prefix="gristmill-") as folder,
    ):
        build_elsewhere(subject.core, buckets=chosen, days=subject.days, folder=Path(folder), threads=threads)
        ticker.tick()
        for part in _parts(subject, chosen):
            where = f"bucket {part.bucket}"
            _nothing_of_later(later, subject, part)
            order.compare(part.features, subject.built(_lazy(_shuffled(part.frames))), where=where)
            thread.compare(part.features, pl.read_parquet(Path(folder) / bucket_file(part.bucket)), where=where)
            _other_buckets(cut, subject, part, before)
            _slow_definition(slow, subject, part, customers=-(-request.sample // len(chosen)))
            before = part if before is None else None
            ticker.tick()
    return [later, order, thread, cut, slow]


def _parts(subject: Subject, buckets: Sequence[int]) -> Iterator[Part]:
    for bucket in buckets:
        frames = {entity: frame.collect() for entity, frame in subject.core.made_features_of(bucket).items()}
        yield Part(bucket=bucket, frames=frames, features=subject.built(_lazy(frames)))


def _nothing_of_later(proof: Proof, subject: Subject, part: Part) -> None:
    """Each date by itself, from a poisoned copy; where something moves, which kind of row moved it."""
    for day in subject.days:

        def moved(attacks: Sequence[str], day: date = day) -> pl.DataFrame:
            rows = poisoned(part.frames, day, time_zone=subject.core.time_zone, attacks=attacks)
            return subject.built(rows, [day])

        before, where = part.as_of(day), f"as of {day}, bucket {part.bucket}"
        if proof.compare(before, moved(ATTACKS), where=where):
            guilty = [attack for attack in ATTACKS if not before.equals(moved([attack]))]
            proof.notes.append(f"{where}: moved by rows or values of: {', '.join(guilty) or 'several together'}")


def _other_buckets(proof: Proof, subject: Subject, part: Part, before: Part | None) -> None:
    """The bucket in halves, as twice as many buckets have it; and together with the one before it."""
    halves = [subject.built(_lazy(half)) for half in _halves(part.frames, subject.core.load.buckets)]
    if halves:
        proof.compare(part.features, pl.concat(halves).sort(KEYS), where=f"bucket {part.bucket} in halves")
    if before is not None:
        both = {
            entity: pl.concat([before.frames[entity], frame]) if "customer_id" in frame.columns else frame
            for entity, frame in part.frames.items()
        }
        apart = pl.concat([before.features, part.features]).sort(KEYS)
        proof.compare(apart, subject.built(_lazy(both)), where=f"buckets {before.bucket} and {part.bucket} together")


def _halves(frames: Frames, buckets: int) -> Iterator[dict[str, pl.DataFrame]]:
    ids = [frame["customer_id"] for frame in frames.values() if "customer_id" in frame.columns]
    numbered = assign_buckets(pl.concat(ids), 2 * buckets)
    for half in numbered.sort("bucket", "customer_id").partition_by("bucket", maintain_order=True):
        yield {
            entity: frame.join(half, on="customer_id", how="semi") if "customer_id" in frame.columns else frame
            for entity, frame in frames.items()
        }


def _slow_definition(proof: Proof, subject: Subject, part: Part, *, customers: int) -> None:
    day, zone = subject.days[0], subject.core.time_zone
    own = {entity: frame for entity, frame in part.frames.items() if "customer_id" in frame.columns}
    got = {row["customer_id"]: row for row in part.as_of(day).iter_rows(named=True)}
    where = f"as of {day}, bucket {part.bucket}"
    for customer in _sample(own, customers):
        rows = {entity: frame.filter(customer_id=customer).to_dicts() for entity, frame in own.items()}
        expected, row = reference(rows, day, time_zone=zone), got.get(customer)
        proof.rows += 1
        if expected is None or row is None:
            if (expected is None) != (row is None):
                proof.differing.setdefault(WHO_HAS_A_ROW, where)
            continue
        for name, value in expected.items():
            if name in row and not _same(value, row[name]):
                proof.differing.setdefault(name, where)


def _sample(frames: Frames, customers: int) -> list[str]:
    """Customers in the order of a hash of their ids: the same ones every time, and no kind of them preferred."""
    some = [frames[entity]["customer_id"] for entity in ("orders", "subscriptions") if entity in frames]
    ids = pl.concat(some).unique().to_list()
    return sorted(ids, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:customers]


def _same(expected: float | None, got: float | None) -> bool:
    if expected is None or got is None:
        return expected is got
    return isclose(expected, got, rel_tol=CLOSE, abs_tol=CLOSE)


def _of_stored_nights(context: Context, build: Builder, *, until: date, nights: int) -> Proof:
    """Stored nights built again from the loads they were made of."""
    proof = Proof("stored nights", "past nights, built again from the load they were made of, are as they were stored")
    with context.reporter.step("stored nights"):
        for night in stored_nights(context, until=until)[:nights]:
            if night.missing:
                proof.notes.append(f"as of {night.day}: {night.missing}")
            else:
                _built_again(proof, context, night, build)
    if not proof.rows and not proof.notes:
        proof.notes.append("no night is stored up to that date")
    return proof


def _built_again(proof: Proof, context: Context, night: StoredNight, build: Builder) -> None:
    core = CoreTables.of_load(context, night.load_id)
    subject = Subject(core=core, days=(night.day,), build=build)
    for bucket, path in enumerate(night.paths):
        stored, again = read_stored(path), subject.built(core.made_features_of(bucket))
        shared = [name for name in stored.columns if name in again.columns]
        other = sorted({*stored.columns, *again.columns} - set(shared))
        note = f"as of {night.day}: stored by another version: not compared: {_some(other)}"
        if other and note not in proof.notes:
            proof.notes.append(note)
        proof.compare(stored.select(shared), again.select(shared), where=f"as of {night.day}, bucket {bucket}")


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMES_TOLD
    return ", ".join(names[:NAMES_TOLD]) + (f" and {more} more" if more > 0 else "")


def _lazy(frames: Frames) -> dict[str, pl.LazyFrame]:
    return {entity: frame.lazy() for entity, frame in frames.items()}


def _shuffled(frames: Frames) -> dict[str, pl.DataFrame]:
    return {
        entity: frame.sample(fraction=1.0, shuffle=True, seed=SHUFFLE_SEED) if frame.height else frame
        for entity, frame in frames.items()
    }
