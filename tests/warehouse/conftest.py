"""What the warehouse's tests share: an empty warehouse of each kind, and a small night to publish."""

import importlib.util
import itertools
import sys
from pathlib import Path

import pytest

KINDS = ("duckdb", "postgresql")


def _shared(name):
    """A module of this folder, which child processes also run as a script; from now on `import name` finds it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_shared("daily")


@pytest.fixture(scope="session")
def night():
    """The module `night.py`, which child processes also run as a script."""
    return _shared("night")


@pytest.fixture
def database(tmp_path):
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def make_place(request, night, tmp_path):
    """Makes empty places of a kind."""
    numbers = itertools.count()

    def made(kind):
        if kind == "duckdb":
            return night.Place(str(tmp_path / f"warehouse{next(numbers)}.duckdb"))
        return night.Place(request.getfixturevalue("make_database")())

    return made


@pytest.fixture(params=KINDS)
def place(request, make_place):
    """An empty place for a warehouse: every test that asks for it runs on each kind."""
    return make_place(request.param)


@pytest.fixture
def warehouse(place):
    with place.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def warehouse_literals(tmp_path_factory, night):
    """One open warehouse for the examples of a law (a fixture of a single test is not reset between examples)."""
    with night.Place(str(tmp_path_factory.mktemp("literals") / "warehouse.duckdb")).open() as opened:
        yield opened
