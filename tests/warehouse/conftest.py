"""What the warehouse's tests share: a database in a fresh folder, and a small night to publish."""

import importlib.util
from pathlib import Path

import pytest

from warehouse.duckdb_warehouse import DuckDBWarehouse


@pytest.fixture(scope="session")
def night():
    """The module `night.py`, which child processes also run as a script."""
    spec = importlib.util.spec_from_file_location("warehouse_night", Path(__file__).with_name("night.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def database(tmp_path):
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def warehouse(database):
    with DuckDBWarehouse(database) as opened:
        yield opened


@pytest.fixture(scope="module")
def warehouse_literals(tmp_path_factory):
    """One open warehouse for the examples of a law (a fixture of a single test is not reset between examples)."""
    with DuckDBWarehouse(tmp_path_factory.mktemp("literals") / "warehouse.duckdb") as opened:
        yield opened
