"""What a training has learnt, kept in the workspace until the registry and the ledger have it.

Belongs here: everything that registering needs, as files, and reading it back, verified. Does not: registering
(`graduating.py`), and when it is taken up again (`training_steps.py`).

There is one such folder: what is trained later takes the place of what was not registered. No row in it names a
customer.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.learning.champion_cache import read_bundle, write_bundle

if TYPE_CHECKING:
    from models.bundle import Bundle

FOLDER = "trained"
_FACTS, _ROWS, _BUNDLE, _GRADED = "trained.json", "test_rows.parquet", "bundle", "graded"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A trained model and what is told of it.

    Attributes:
        bundle: the model, as it was graded beside it.
        test_rows: features and outcomes of the snapshot that it was graded on; None where it can't be asked about such.
        findings: what the linter said, in words.
        rolling: its figures on earlier test snapshots.
    """

    bundle: "Bundle"
    test_rows: pl.DataFrame | None = None
    findings: Sequence[str] = ()
    rolling: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training came to, ready to be registered.

    Attributes:
        as_of: the date it was as of.
        candidates: the models.
        made_of: see `provenance.provenance`.
        families: family by feature.
        promote_anyway: somebody's reason to promote what the gate would not; empty: nobody insists.
    """

    as_of: date
    candidates: Sequence[Candidate]
    made_of: Mapping[str, Any] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    promote_anyway: str = ""

    @property
    def load_id(self) -> str | None:
        """The load it was learnt from."""
        found = self.made_of.get("data", {}).get("load_id")
        return None if found is None else str(found)


@dataclass(frozen=True)
class KeptTraining:
    """The one training that is kept, in a folder of the workspace."""

    workspace: Path

    @property
    def folder(self) -> Path:
        """Where it lies; not there when nothing waits."""
        return self.workspace / FOLDER

    def keep(self, trained: Trained) -> None:
        """Keep it, in place of what was kept before."""
        aside = self.folder.with_name(f".{FOLDER}.writing")
        shutil.rmtree(aside, ignore_errors=True)
        told = [_write(aside / candidate.bundle.name, candidate) for candidate in trained.candidates]
        facts = {
            "as_of": trained.as_of.isoformat(),
            "made_of": trained.made_of,
            "families": trained.families,
            "promote_anyway": trained.promote_anyway,
            "candidates": told,
        }
        aside.mkdir(parents=True, exist_ok=True)
        (aside / _FACTS).write_text(json.dumps(facts, default=str), encoding="utf-8")
        self.forget()
        aside.rename(self.folder)

    def open(self) -> Trained | None:
        """What is kept, every model verified; None where nothing waits.

        Raises:
            BundleCorruptError: a file is not what it was.
        """
        if not (self.folder / _FACTS).exists():
            return None
        facts = json.loads((self.folder / _FACTS).read_text(encoding="utf-8"))
        return Trained(
            as_of=date.fromisoformat(facts["as_of"]),
            candidates=[_read(self.folder / told["name"], told) for told in facts["candidates"]],
            made_of=facts["made_of"],
            families=facts["families"],
            promote_anyway=facts["promote_anyway"],
        )

    def forget(self) -> None:
        """It is registered, or something later takes its place."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _write(folder: Path, candidate: Candidate) -> dict[str, Any]:
    bundle = candidate.bundle
    write_bundle(folder / _BUNDLE, bundle)
    if bundle.graded is not None:
        write_bundle(folder / _GRADED, bundle.graded)
    if candidate.test_rows is not None:
        candidate.test_rows.drop("customer_id", strict=False).write_parquet(folder / _ROWS)
    told = {"findings": list(candidate.findings), "rolling": list(candidate.rolling)}
    return {"name": bundle.name, "digest": bundle.digest(), **told}


def _read(folder: Path, told: Mapping[str, Any]) -> Candidate:
    bundle = read_bundle(folder / _BUNDLE, digest=told["digest"])
    if bundle.graded_digest:
        bundle = replace(bundle, graded=read_bundle(folder / _GRADED, digest=bundle.graded_digest))
    rows = folder / _ROWS
    return Candidate(
        bundle=bundle,
        test_rows=pl.read_parquet(rows) if rows.exists() else None,
        findings=told["findings"],
        rolling=told["rolling"],
    )
