"""What the tests of faults share: the warehouses' own fixtures, and how much to try.

`make test-faults` sets GRISTMILL_FAULT_EFFORT, a factor: more swaps, more and longer random stories, PostgreSQL too.
"""

import os

import pytest

from tests.warehouse.conftest import make_place, night, place

__all__ = ["make_place", "night", "place"]


@pytest.fixture(scope="session")
def effort():
    """1 in every test run, more in `make test-faults`."""
    return int(os.environ.get("GRISTMILL_FAULT_EFFORT", "1"))
