from datetime import date

import pytest

from simulation.retailer import SimulatedCompany, simulate


@pytest.fixture(scope="session")
def company() -> SimulatedCompany:
    """The size of the demo: the laws of a shop are held against it."""
    return simulate(
        customers=5000, start=date(2024, 1, 1), end=date(2026, 1, 1), seed=7, currency="EUR", time_zone="Europe/Berlin"
    )


@pytest.fixture(scope="session")
def small_company() -> SimulatedCompany:
    return simulate(
        customers=300, start=date(2024, 1, 1), end=date(2024, 7, 1), seed=3, currency="GBP", time_zone="Europe/London"
    )
