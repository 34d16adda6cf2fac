"""What the code of a company's own features says: part of what decides a result, so part of the configuration's hash.

Belongs here: reading that code. Does not: declarations (`data_contracts.own_features`), or running it (`features`).
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from data_contracts.own_features import OwnFeature


def code_digest(declared: Iterable[OwnFeature], folder: Path) -> str:
    """SHA-256 of the modules that features are made with, and of the modules beside them that these import.

    Args:
        declared: features of the company's own.
        folder: the settings file's folder, where the modules lie.

    Returns:
        Hexadecimal digits; empty where no feature is a function. A module that is missing is passed over.
    """
    waiting = sorted({feature.python.partition(":")[0] for feature in declared if feature.python is not None})
    if not waiting:
        return ""
    digest, seen = hashlib.sha256(), set[str]()
    while waiting:
        name = waiting.pop(0)
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        if name in seen or not path.is_file():
            continue
        seen.add(name)
        source = path.read_bytes()
        digest.update(f"{name}\0{len(source)}\0".encode() + source)
        waiting += sorted(_imported(source))
    return digest.hexdigest()


def _imported(source: bytes) -> Iterator[str]:
    """The names of modules that a source imports; none where it can't be read as Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
