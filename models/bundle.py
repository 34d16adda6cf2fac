"""A trained model as plain bytes: what is registered, verified and loaded again.

Belongs here: the form every model is kept in. A bundle is a set of named files (LightGBM text, JSON, Parquet; never a
pickle) and a manifest with the SHA-256 of each. Does not belong here: how a model is trained, or where it is stored.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from models.errors import BundleCorruptError, BundleFormatError

MANIFEST = "manifest.json"
FORMAT = 2
"""What files a bundle has and what is in them. Raise it when an older bundle can no longer be asked."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One trained model.

    Attributes:
        name: the model's name: `churn`, `value` or `next_offer`.
        method: `lightgbm`, or `baseline` where the honest baseline was not beaten and stands in.
        trained_as_of: nothing that was unknown on this date went into it.
        features: the input columns by name, in the order the boosters want them.
        files: contents by file name (`*.txt` boosters, `*.json`, `*.parquet`).
        parameters: what a reader needs to understand or repeat the training (settings, seeds, snapshots, digests).
        metrics: test figures by name, beside `baseline_*` on the same rows.
        reasons: why it may (or may not) be promoted, in words.
        beats_baseline: the verdict of the gate.
        graded: the model as it was graded, which saw nothing of its `trained_as_of` (the test snapshot) or later: what
            fair comparisons and the model card ask. Kept beside the bundle; None where a model has none, or where it
            was not fetched.
        graded_digest: SHA-256 of its manifest; empty where there is none.
    """

    name: str
    method: str
    trained_as_of: date
    features: tuple[str, ...]
    files: dict[str, bytes] = field(repr=False)
    parameters: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    beats_baseline: bool = False
    graded: "Bundle | None" = field(default=None, repr=False, compare=False)
    graded_digest: str = ""

    def manifest(self) -> bytes:
        """The manifest as canonical JSON; its SHA-256 (`digest`) vouches for every file."""
        content = {
            "format": FORMAT,
            "name": self.name,
            "method": self.method,
            "trained_as_of": self.trained_as_of.isoformat(),
            "features": list(self.features),
            "parameters": self.parameters,
            "metrics": self.metrics,
            "reasons": list(self.reasons),
            "beats_baseline": self.beats_baseline,
            "files": {name: sha256(self.files[name]) for name in sorted(self.files)},
        } | ({"graded_digest": self.graded_digest} if self.graded_digest else {})
        return json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False).encode()

    def digest(self) -> str:
        """SHA-256 of the manifest, and through it of everything in the bundle."""
        return sha256(self.manifest())


def with_graded(bundle: Bundle, graded: Bundle) -> Bundle:
    """The same bundle with the model as it was graded beside it, vouched for by the bundle's own manifest."""
    return replace(bundle, graded=graded, graded_digest=graded.digest())


def sha256(content: bytes) -> str:
    """Hexadecimal SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def open_bundle(files: dict[str, bytes], *, digest: str) -> Bundle:
    """Verify and rebuild a bundle. Nothing but the manifest is parsed, and that only after its digest matched.

    Args:
        files: every file of the bundle by name, the manifest included.
        digest: the SHA-256 of the manifest that the ledger remembers.

    Raises:
        BundleCorruptError: the manifest or a file is missing, surplus, or not what it was when registered.
        BundleFormatError: it was made by an older or newer Gristmill.
    """
    manifest = files.get(MANIFEST)
    if manifest is None or sha256(manifest) != digest:
        got = "no manifest" if manifest is None else f"SHA-256 {sha256(manifest)}"
        raise BundleCorruptError(file=MANIFEST, got=got, expected=f"SHA-256 {digest}")
    content = json.loads(manifest)
    if content.get("format") != FORMAT:
        raise BundleFormatError(model=content["name"], got=content.get("format", 1), expected=FORMAT)
    digests: dict[str, str] = content["files"]
    for name in sorted(set(digests) | (set(files) - {MANIFEST})):
        got = sha256(files[name]) if name in files else "no such file"
        if got != digests.get(name):
            raise BundleCorruptError(file=name, got=got, expected=digests.get(name, "no such file"))
    return Bundle(
        name=content["name"],
        method=content["method"],
        trained_as_of=date.fromisoformat(content["trained_as_of"]),
        features=tuple(content["features"]),
        files={name: files[name] for name in digests},
        parameters=content["parameters"],
        metrics=content["metrics"],
        reasons=tuple(content["reasons"]),
        beats_baseline=content["beats_baseline"],
        graded_digest=content.get("graded_digest", ""),
    )
