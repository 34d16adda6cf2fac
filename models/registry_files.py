"""What the registry keeps of a version as files, and how they are written and read back.

Belongs here: names, folders, plain bytes. Does not: MLflow itself (`registry`, whose client is handed in).
"""

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.bundle import MANIFEST, Bundle
from models.errors import BundleCorruptError

FOLDER = "bundle"
BESIDE = "graded"
ATTACHED = "attached"
LONGEST_VALUE = 5000  # characters of a parameter MLflow takes; the manifest holds it whole


def make_folder(tracking_uri: str) -> None:
    """An SQLite file needs its folder."""
    path = tracking_uri.removeprefix("sqlite:///")
    if path != tracking_uri:
        Path(path).parent.mkdir(parents=True, exist_ok=True)


def registered_name(name: str) -> str:
    """What a model is called in MLflow: `gristmill-next-offer` for `next_offer`."""
    return f"gristmill-{name.replace('_', '-')}"


def plain_name(name: str) -> str:
    """A figure's or a parameter's name as MLflow takes it; in the manifest it stands whole."""
    return re.sub(r"[^\w. :/-]", "_", name, flags=re.ASCII)


def log_bundle(client: Any, run_id: str, bundle: Bundle) -> None:  # noqa: ANN401 - MLflow is untyped
    """Parameters, figures and files of a bundle, and beside it the model as it was graded."""
    told = {"method": bundle.method, "trained_as_of": bundle.trained_as_of, "beats_baseline": bundle.beats_baseline}
    for name, value in {**told, **bundle.parameters}.items():
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        client.log_param(run_id, plain_name(name), text[:LONGEST_VALUE])
    for name, figure in bundle.metrics.items():
        client.log_metric(run_id, plain_name(name), figure)
    log_files(client, run_id, FOLDER, {**bundle.files, MANIFEST: bundle.manifest()})
    if bundle.graded is not None:
        log_files(client, run_id, BESIDE, {**bundle.graded.files, MANIFEST: bundle.graded.manifest()})


def log_files(client: Any, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:  # noqa: ANN401 - MLflow is untyped
    """Files by name, in a folder of the run."""
    if not files:
        return
    with tempfile.TemporaryDirectory(prefix="gristmill-model-") as aside:
        for name, content in files.items():
            (Path(aside) / name).write_bytes(content)
        client.log_artifacts(run_id, aside, folder)


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a downloaded bundle. Folders and links are refused: a bundle has none."""
    contents = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise BundleCorruptError(file=path.name, got="a link or a folder", expected="a plain file")
        contents[path.name] = path.read_bytes()
    return contents


def without_password(uri: str) -> str:
    """An address fit to be shown."""
    scheme, separator, rest = uri.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
