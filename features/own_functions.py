"""Functions of a company's own: importing them from the settings file's folder, and calling them.

Belongs here: everything about their code. Does not: which rows they are shown (`visible`), or what their values may be
(`own`).
"""

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import util
from pathlib import Path
from types import ModuleType

import polars as pl

from features.own_errors import OwnFunctionFailedError, OwnFunctionMissingError
from features.snapshots import Snapshot

CUSTOMER, VALUE = "customer_id", "value"
Function = Callable[[Mapping[str, pl.LazyFrame], Snapshot], pl.LazyFrame]


def values_of_function(
    name: str, reference: str, *, folder: str, frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot
) -> pl.DataFrame:
    """What a function says of customers.

    Args:
        name: the feature's name, for messages.
        reference: `module:function`.
        folder: where the module lies.
        frames: what the function is shown.
        snapshot: the date (`day`, `instant`, `time_zone`).

    Returns:
        `customer_id` (String) and `value`, of whatever type, as the function returned them.

    Raises:
        OwnFunctionMissingError: it is not there.
        OwnFunctionFailedError: it raised, or returned no such frame.
    """
    where, function = f"{reference}, in {folder}", loaded_function(name, reference, folder=folder)
    try:
        with _importable(folder):
            returned = function(frames, snapshot)
            frame = returned.lazy().select(CUSTOMER, VALUE).collect()
    except Exception as error:  # noqa: BLE001 whatever their code raises is told as theirs
        raise OwnFunctionFailedError(feature=name, where=where, reason=_reason(error, folder)) from None
    if frame.schema[CUSTOMER] != pl.String:
        told = f"customer_id is {frame.schema[CUSTOMER]}, not String"
        raise OwnFunctionFailedError(feature=name, where=where, reason=told)
    return frame


def loaded_function(name: str, reference: str, *, folder: str) -> Function:
    """The function itself.

    Raises:
        OwnFunctionMissingError: the file or the function is not there, or importing the file failed.
    """
    module_name, _, function_name = reference.partition(":")
    path = Path(folder, *module_name.split(".")).with_suffix(".py")
    if not path.is_file():
        raise OwnFunctionMissingError(feature=name, where=str(path), reason="there is no such file")
    try:
        function: Function | None = getattr(_module(str(path), path.stat().st_mtime_ns, folder), function_name, None)
    except Exception as error:  # noqa: BLE001 whatever their code raises is told as theirs
        raise OwnFunctionMissingError(feature=name, where=str(path), reason=_reason(error, folder)) from None
    if not callable(function):
        raise OwnFunctionMissingError(feature=name, where=str(path), reason=f"it has no function {function_name}")
    return function


@cache
def _module(path: str, changed: int, folder: str) -> ModuleType:  # noqa: ARG001 `changed` tells versions of a file apart
    spec = util.spec_from_file_location(f"gristmill_own_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = util.module_from_spec(spec)
    with _importable(folder):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    """Modules beside theirs can be imported meanwhile, after all others."""
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _reason(error: Exception, folder: str) -> str:
    """The kind of error and the line of their code; not its message, which may hold anybody's values."""
    own = [place for place in traceback.extract_tb(error.__traceback__) if place.filename.startswith(folder)]
    line = f", {Path(own[-1].filename).name} line {own[-1].lineno}" if own else ""
    schema_errors = (pl.exceptions.ColumnNotFoundError, pl.exceptions.SchemaError, ImportError, AttributeError)
    said = f": {str(error).splitlines()[0]}" if isinstance(error, schema_errors) and str(error) else ""
    return f"{type(error).__name__}{said}{line}"
