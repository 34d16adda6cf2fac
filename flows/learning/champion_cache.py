"""Champions on this machine, for nights on which the registry does not answer.

Belongs here: keeping verified bundles, and opening one again, verified again. Does not: when a cached one may be used
(`champions.py`).
"""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.bundle import Bundle

KEPT = 12  # bundles: three models, some versions back
_STAMP = "verified_at.json"


@dataclass(frozen=True)
class ChampionCache:
    """Verified bundles in a folder, by digest."""

    folder: Path

    def keep(self, bundle: "Bundle", *, digest: str, now: datetime) -> None:
        """Remember a bundle that the registry has just vouched for; older ones beyond `KEPT` go."""
        home = self.folder / digest
        if not home.exists():
            aside = self.folder / f".{digest}.writing"
            shutil.rmtree(aside, ignore_errors=True)
            write_bundle(aside / "files", bundle)
            _write_stamp(aside, now)
            aside.rename(home)
        _write_stamp(home, now)
        for old in sorted(self._homes(), key=_verified_at, reverse=True)[KEPT:]:
            shutil.rmtree(old)

    def open(self, digest: str, *, now: datetime, within_days: float) -> "Bundle | None":
        """A kept bundle, every byte verified again; None where there is none, or it was vouched for too long ago.

        Raises:
            BundleCorruptError: a file is not what it was.
        """
        home = self.folder / digest
        if not (home / _STAMP).exists() or now - _verified_at(home) > timedelta(days=within_days):
            return None
        return read_bundle(home / "files", digest=digest)

    def _homes(self) -> list[Path]:
        return [home for home in self.folder.iterdir() if (home / _STAMP).exists() and not home.name.startswith(".")]


def write_bundle(folder: Path, bundle: "Bundle") -> None:
    """A bundle's files and its manifest, in a new folder; not the model as it was graded."""
    from models.bundle import MANIFEST  # noqa: PLC0415 only where models are at stake

    folder.mkdir(parents=True)
    for name, content in {**bundle.files, MANIFEST: bundle.manifest()}.items():
        (folder / name).write_bytes(content)


def read_bundle(folder: Path, *, digest: str) -> "Bundle":
    """The inverse of `write_bundle`, every byte verified.

    Raises:
        BundleCorruptError: a file is missing, surplus, or not what it was.
    """
    from models.bundle import open_bundle  # noqa: PLC0415 likewise

    files = {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}
    return open_bundle(files, digest=digest)


def _write_stamp(home: Path, now: datetime) -> None:
    aside = home / f".{_STAMP}.writing"
    aside.write_text(json.dumps({"verified_at": now.isoformat()}), encoding="utf-8")
    aside.replace(home / _STAMP)


def _verified_at(home: Path) -> datetime:
    return datetime.fromisoformat(json.loads((home / _STAMP).read_text(encoding="utf-8"))["verified_at"])
