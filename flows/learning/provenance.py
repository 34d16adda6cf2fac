"""What a training run was made of, so that it can be made again: data, settings, code, seeds, libraries.

Belongs here: gathering and hashing these facts. Does not: what is learnt from them.
"""

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.context import Context, short_hash

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "data_contracts", "features", "flows", "models", "segments", "warehouse")
LIBRARIES = ("lightgbm", "mlflow", "numpy", "optuna", "polars", "scikit-learn", "scipy")
LOCK = "requirements.lock"


def provenance(context: Context, core: CoreTables, tables: Iterable[pl.DataFrame]) -> dict[str, Any]:
    """The facts, JSON-able: the same run gives the same ones, whenever it is made.

    Args:
        context: settings; addresses come out without their passwords.
        core: the load that was learnt from.
        tables: the training frames, features and outcomes.
    """
    settings = context.settings
    lock = ROOT / LOCK
    return {
        "data": {"load_id": core.load.load_id, "training_tables_sha256": tables_digest(tables)},
        "configuration": {"hash": settings.configuration_hash, "settings": settings.redacted()},
        "code": {
            "version": _installed("gristmill"),
            "git_commit": git_commit(ROOT),
            "sources_sha256": sources_digest(ROOT),
        },
        "libraries": {name: _installed(name) for name in LIBRARIES},
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
        "seed": settings.training.seed,
    }


def provenance_tags(facts: dict[str, Any], *, ledger: str) -> dict[str, str]:
    """The hashes among the facts, for the run's tags."""
    return {
        "ledger": ledger,
        "load_id": str(facts["data"]["load_id"]),
        "training_tables_sha256": str(facts["data"]["training_tables_sha256"]),
        "configuration_hash": str(facts["configuration"]["hash"]),
        "code_version": str(facts["code"]["version"]),
        "git_commit": str(facts["code"]["git_commit"]),
        "sources_sha256": str(facts["code"]["sources_sha256"]),
    }


def ledger_name(context: Context) -> str:
    """What runs of this company's warehouse are tagged with: a registry may serve several."""
    return short_hash(context.warehouse().where)


def tables_digest(tables: Iterable[pl.DataFrame]) -> str:
    """SHA-256 of frames' rows and columns, whatever their order of rows."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(json.dumps([[name, str(dtype)] for name, dtype in table.schema.items()]).encode())
        digest.update(table.hash_rows(seed=1).sort().to_numpy().tobytes() if table.width else b"")
    return digest.hexdigest()


def sources_digest(root: Path) -> str:
    """SHA-256 of the source files of our packages: tells apart what a version number or a commit may not."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def git_commit(root: Path) -> str:
    """The commit checked out, read without git; empty where there is no repository."""
    folder = root / ".git"
    if folder.is_file():  # a work tree: the file says where the folder is
        folder = Path(folder.read_text(encoding="utf-8").partition("gitdir:")[2].strip())
    head = folder / "HEAD"
    if not head.is_file():
        return ""
    told = head.read_text(encoding="utf-8").strip()
    if not told.startswith("ref: "):
        return told
    name = told.removeprefix("ref: ")
    shared = folder / "commondir"
    places = [folder, folder / shared.read_text(encoding="utf-8").strip()] if shared.is_file() else [folder]
    for place in places:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8").strip()
        packed = place / "packed-refs"
        lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
        found = next((line.split()[0] for line in lines if line.endswith(f" {name}")), "")
        if found:
            return found
    return ""


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
