"""Two systems that number their customers independently, loaded night after night: the core follows who is who."""

from datetime import UTC, datetime, timedelta

import polars as pl
import polars.selectors as cs
import pytest

from data_contracts.identity import IdentitySettings
from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from warehouse.identities.keeping import read_identities
from warehouse.lake import Lake, bucket_of
from warehouse.loads.fingerprints import source_fingerprint
from warehouse.loads.ingestion import Destination, ingest
from warehouse.loads.states import Standing
from warehouse.personal_data import PersonalDataKey

FIRST_NIGHT = datetime(2024, 6, 1, 3, tzinfo=UTC)
BUCKETS = 4
ORDERS = {
    "entity": "orders",
    "input": "orders",
    "id_space": "shop",
    "money": "major",
    "columns": {"order_id": "order", "customer_id": "customer", "ordered_at": "placed", "amount": "net"},
    "expressions": {"product_id": "'p'", "quantity": "1"},
    "constants": {"line_number": 1, "currency": "GBP"},
}
PEOPLE = {"customer_id": "number", "created_at": "since", "email": "mail", "birth_year": "born", "region": "town"}
SOURCES = {
    "crm": {"entity": "customers", "input": "crm", "id_space": "crm", "columns": PEOPLE},
    "shop": {"entity": "customers", "input": "shop", "id_space": "shop", "columns": PEOPLE},
    "orders": ORDERS,
}
CRM = ["1,2020-01-01,Anna@Example.com,1980,Leeds", "2,2020-01-02,ben@example.com,,York"]
SHOP = ["1,2021-01-01,ben@example.com,1990,", "7,2021-02-01,anna@example.com,1980,Bath", "8,2021-03-01,,,"]
PLACED = ["o1,1,2024-05-01,10.00", "o2,7,2024-05-02,20.00", "o3,8,2024-05-03,30.00", "o4,9,2024-05-04,40.00"]


class Company:
    """A folder that is loaded night after night."""

    def __init__(self, folder):
        self.folder, self.lake = folder, Lake(folder / "lake")
        self.standing, self.night = Standing(), 0
        self.load_kind, self.key = "full", None
        self.write(crm=CRM, shop=SHOP, orders=PLACED)

    def write(self, **files):
        headers = {"orders": "order,customer,placed,net"}
        for name, lines in files.items():
            header = headers.get(name, "number,since,mail,born,town")
            (self.folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")

    def load(self, **identity):
        """One night's load; returns it, complete in the lake."""
        self.night += 1
        asked = {
            "inputs": {name: InputSpec(files=(f"{name}.csv",), load=self.load_kind) for name in SOURCES},
            "sources": {name: SourceMapping.model_validate(source) for name, source in SOURCES.items()},
            "rules": [],
            "data_root": self.folder,
            "company_currency": "GBP",
            "time_zone": "Europe/London",
            "identity": IdentitySettings.model_validate(identity),
        }
        into = Destination(lake=self.lake, buckets=BUCKETS, standing=self.standing, key=self.key)
        now = FIRST_NIGHT + timedelta(days=self.night)
        core = ingest(**asked, now=now, load_id=f"night {self.night}", into=into)
        files = {name: [*seen] for name, seen in self.standing.files.items()}
        for file in core.reading.files:
            files.setdefault(file.input_name, []).append((file.label, file.version))
        self.standing = Standing(load=core.load, sources={state.source: state for state in core.states}, files=files)
        return core.load

    def fingerprint(self, **identity):
        return source_fingerprint(
            inputs={"orders": InputSpec(files=("orders.csv",))},
            sources={},
            rules=[],
            data_root=self.folder,
            company_currency="GBP",
            time_zone="Europe/London",
            identity=IdentitySettings.model_validate(identity),
        )


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path)


def buyers(load):
    """By order whose it is."""
    return dict(load.scan("orders").select("order_id", "customer_id").collect().iter_rows())


def people(load):
    """Customers in force, by id."""
    rows = load.scan("customers").filter(pl.col("superseded_at").is_null()).collect().to_dicts()
    assert len({row["customer_id"] for row in rows}) == len(rows)
    return {row["customer_id"]: row for row in rows}


def everybody_is_in_their_bucket(load):
    for entity in ("orders", "customers", "customer_records"):
        for bucket in range(BUCKETS):
            frame = load.scan(entity, bucket).collect()
            assert all(bucket_of(name, BUCKETS) == bucket for name in frame["customer_id"]), entity


def test_the_same_number_of_two_systems_is_two_customers(company):
    load = company.load()
    assert set(people(load)) == {"crm:1", "crm:2", "shop:1", "shop:7", "shop:8"}
    assert buyers(load) == {"o1": "shop:1", "o2": "shop:7", "o3": "shop:8", "o4": "shop:9"}
    assert "customer_records" not in load.entities


def test_orders_follow_who_is_who_and_customers_are_golden_records(company):
    load = company.load(match_on=["email"])
    assert buyers(load) == {"o1": "crm:2", "o2": "crm:1", "o3": "shop:8", "o4": "shop:9"}
    found = people(load)
    assert set(found) == {"crm:1", "crm:2", "shop:8"}
    assert (found["crm:2"]["birth_year"], found["crm:2"]["region"]) == (1990, "York")
    assert found["crm:1"]["region"] == "Leeds"
    assert load.scan("customer_records").collect().height == 5
    assert read_identities(load).counts()["customers"] == 3
    sources = load.scan("orders").select("order_id", "source_customer_id").collect()
    assert dict(sources.iter_rows())["o1"] == "shop:1"
    everybody_is_in_their_bucket(load)


def test_what_joins_later_moves_rows_of_earlier_loads_and_back(company):
    first = company.load(match_on=["email"], never=[{"ids": ["crm:2", "shop:1"]}])
    assert buyers(first)["o1"] == "shop:1"
    joined = company.load(match_on=["email"])
    assert buyers(joined)["o1"] == "crm:2"
    assert set(people(joined)) == {"crm:1", "crm:2", "shop:8"}
    everybody_is_in_their_bucket(joined)
    told = read_identities(joined).changes.select("customer_id", "change", "became_customer_id").rows()
    assert told == [("shop:1", "merged", "crm:2")]
    parted = company.load(match_on=["email"], never=[{"ids": ["crm:2", "shop:1"]}])
    assert buyers(parted) == buyers(first)
    everybody_is_in_their_bucket(parted)
    assert _comparable(parted, "customers").equals(_comparable(first, "customers"))
    off = company.load()
    assert buyers(off)["o2"] == "shop:7"
    assert set(people(off)) == {"crm:1", "crm:2", "shop:1", "shop:7", "shop:8"}


def test_an_address_that_was_given_up_joins_nobody_any_more(company):
    company.load_kind = "incremental"
    company.write(crm=["1,2020-01-01,old@example.com,1980,Leeds"], shop=["8,2021-03-01,,,"])
    company.load(match_on=["email"])
    company.write(crm=["1,2020-01-01,,1980,Leeds"])
    given_up = company.load(match_on=["email"]).scan("contact_details").collect()
    assert given_up.filter(pl.col("superseded_at").is_null())["email"].to_list() == [None]
    assert given_up.height == 2
    company.write(shop=["9,2022-03-01,old@example.com,1990,Bath"])
    assert set(people(company.load(match_on=["email"]))) == {"crm:1", "shop:8", "shop:9"}


def test_another_key_replaces_hashes_and_a_correction_of_that_night_stays_one(company):
    company.load_kind, company.key = "incremental", PersonalDataKey(bytes(range(32)))
    first = company.load()
    company.key = PersonalDataKey(bytes(range(1, 33)))
    company.write(crm=[CRM[0].replace("Leeds", "Hull"), CRM[1]])
    second = company.load()
    corrected = second.scan("customers").filter(pl.col("customer_id") == "crm:1").sort("known_at").collect()
    assert corrected["region"].to_list() == ["Leeds", "Hull"]
    assert corrected["superseded_at"].to_list() == [corrected["known_at"][1], None]
    theirs = {"crm:2": "ben@example.com", "shop:7": "anna@example.com"}
    found = people(second)
    assert {name: found[name]["email_key"] for name in theirs} == {
        name: company.key.digest("email", value) for name, value in theirs.items()
    }
    for entity, changed in (("customers", 1), ("contact_details", 0)):
        before, after = _comparable(first, entity), _comparable(second, entity)
        assert after.height == before.height + changed, entity
        others = pl.col("customer_id") != "crm:1"
        assert after.filter(others).drop(cs.ends_with("_key")).equals(before.filter(others).drop(cs.ends_with("_key")))


@pytest.mark.slow
def test_a_correction_in_one_record_reaches_the_golden_record(company):
    company.load(match_on=["email"])
    company.write(crm=[CRM[0].replace("Leeds", "Hull"), CRM[1]])
    load = company.load(match_on=["email"])
    assert people(load)["crm:1"]["region"] == "Hull"
    versions = load.scan("customers").filter(pl.col("customer_id") == "crm:1").sort("known_at").collect()
    assert versions["region"].to_list() == ["Leeds", "Leeds", "Hull"]
    assert versions["superseded_at"].to_list()[:2] == versions["known_at"].to_list()[1:]


@pytest.mark.slow
def test_where_nothing_changes_files_are_taken_over(company):
    first = company.load(match_on=["email"])
    second = company.load(match_on=["email"])
    for entity in ("orders", "customers", "customer_records"):
        for one, other in zip(first.files(entity), second.files(entity), strict=True):
            assert one.samefile(other), entity
    assert read_identities(second).links.equals(read_identities(first).links)


def test_another_way_of_joining_is_another_load(company):
    assert company.fingerprint() != company.fingerprint(match_on=["email"])


def _comparable(load, entity):
    return load.scan(entity).drop("load_id").collect().sort("customer_id", "known_at")
