from datetime import UTC, date, datetime

from data_contracts.profiles import ColumnProfile, Profile
from warehouse.ledger_schema import make_ledger
from warehouse.loads.profiles import last_profiles, record_profiles


def profile(rows):
    columns = {"channel": ColumnProfile(nulls=1, edges=(0.5,), counts=(1, 2), categories={"Café ☕": rows})}
    return Profile(
        rows=rows, loaded_on=date(2024, 6, 1), first_day=date(2024, 5, 1), rows_by_day=(rows,), columns=columns
    )


def test_profiles_come_back_by_entity_newest_first(warehouse):
    make_ledger(warehouse)
    for number in range(1, 5):
        profiles = {"orders": profile(number), **({"customers": profile(10)} if number == 2 else {})}
        record_profiles(warehouse, f"load-{number}", profiles, loaded_at=datetime(2024, 6, number, tzinfo=UTC))
    found = last_profiles(warehouse, ["orders", "customers", "products"], limit=3)
    assert found == {"orders": [profile(4), profile(3), profile(2)], "customers": [profile(10)]}


def test_without_a_ledger_there_are_none(warehouse):
    assert last_profiles(warehouse, ["orders"], limit=3) == {}
