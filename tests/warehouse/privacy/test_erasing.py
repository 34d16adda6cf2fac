"""Erasing one person from a lake and a warehouse, on each kind of warehouse."""

import importlib.util
import shutil
import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest

from data_contracts.errors import GristmillError
from warehouse.errors_personal_data import (
    ContactUnreadableError,
    ErasureRecordUnreadableError,
    PersonalDataKeyNeededError,
    PersonAmbiguousError,
)
from warehouse.ledger import history
from warehouse.privacy.erasing import FAILPOINTS, count_rows, rows_found
from warehouse.privacy.erasing_files import sweep_exports, sweep_lake
from warehouse.privacy.erasure_records import read_files, read_rows
from warehouse.privacy.tombstones import Erasure, Tombstones
from warehouse.publishing.kept_scores import KeptNight, keep
from warehouse.publishing.publications import publications

IN_EVERY_TEST_RUN = {
    "duckdb": ("lake_swept", "tables_swept"),
    "postgresql": ("before_commit",),
}


@pytest.fixture(scope="session")
def world():
    spec = importlib.util.spec_from_file_location("erasing_world", Path(__file__).with_name("erasing_world.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "company").mkdir()
    return tmp_path / "company"


@pytest.fixture
def built(world, folder, place):
    world.build(folder, place.address)
    return folder


@pytest.fixture
def duckdb_built(world, folder, make_place):
    place = make_place("duckdb")
    world.build(folder, place.address)
    return folder, place.address


def others(folder):
    """The rows of everybody else, in every file of the lake."""
    return {
        str(path.relative_to(folder)): rows
        for path in sorted((folder / "lake").rglob("*.parquet"))
        for rows in [pl.read_parquet(path, hive_partitioning=False)]
    }


def test_nothing_of_an_erased_person_is_left_and_nobody_else_is_touched(world, built, place):
    before = others(built)
    assert len(world.rows_of_canary(built, place.address)) > 10
    result = world.erase(built, place.address)
    assert world.rows_of_canary(built, place.address) == {}

    after = others(built)
    assert after.keys() == before.keys()
    for name, rows in before.items():
        names = [column for column in rows.columns if column.endswith("_id")]
        about = pl.any_horizontal(pl.col(names).cast(pl.String).str.contains("canary"))
        assert after[name].equals(rows.filter(~about.fill_null(value=False))), name
    with place.open() as warehouse:
        left = warehouse.query("select raw_row from quarantine.orders")
        assert left["raw_row"].to_list() == ['{"who": "00003", "units": "x"}']
        assert warehouse.query("select count(*) as rows from segments.customer")["rows"][0] == 20
    assert (built / "exports" / "customer.csv").read_text().splitlines() == ["customer_id,name", '00000,"a, b"']
    assert result["lake"]["rows"] == {
        "core contact_details": 4,
        "core identities": 4,
        "core orders": 4,
        "core referrals": 2,
        "features": 1,
    }
    assert result["tables"]["rows"]["quarantine.orders"] == 2


def test_the_ledger_says_what_changed_and_why(world, built, place):
    with place.open() as warehouse:
        before = {version.version_number: version.content_hash for version in publications(warehouse)}
    world.erase(built, place.address)
    with place.open() as warehouse:
        row = next(iter(read_rows(warehouse).values()))
        versions = {version.version_number: version for version in publications(warehouse)}
        runs = {run.content_hash for run in history(warehouse)}
    assert (row.status, row.erasure.reason, row.touched) == ("done", "asked", ())
    assert row.finished_at is not None
    assert {version.content_hash for version in versions.values()} == {world.expected_hash()} == runs
    assert all(version.tables == {"customer": 20} for version in versions.values())
    told = {each["version"]: each for each in row.result["sweeps"][0]["tables"]["versions"]}
    assert {number: each["content_hash_before"] for number, each in told.items()} == before
    assert {each["content_hash_after"] for each in told.values()} == {world.expected_hash()}


def test_views_comments_and_keys_outlive_the_writing_anew(world, built, place):
    with place.open() as warehouse:
        before = {schema: (warehouse.tables(schema), warehouse.views(schema)) for schema in ("segments", "gristmill")}
        comments = warehouse.describe("segments", "customer")
    world.erase(built, place.address)
    with place.open() as warehouse:
        for schema, (tables, views) in before.items():
            assert set(tables) <= set(warehouse.tables(schema))
            assert warehouse.views(schema) == views
        assert warehouse.describe("segments", "customer") == comments
        with pytest.raises(GristmillError):  # the key of the ledger's table is still one
            warehouse.execute(
                "INSERT INTO gristmill.publications SELECT * FROM gristmill.publications WHERE version_number = 1"
            )


def test_erasing_again_finds_nothing(world, built, place):
    world.erase(built, place.address)
    assert world.finish(built, place.address) is None


def test_shared_files_stay_shared_and_closed_ones_closed(world, duckdb_built):
    folder, address = duckdb_built
    closed = folder / "lake" / "core" / "load=one" / "restricted" / "contact_details"
    for path in closed.iterdir():
        path.chmod(0o600)
    world.erase(folder, address)
    for path in sorted((folder / "lake" / "core" / "load=one").rglob("*.parquet")):
        twin = Path(str(path).replace("load=one", "load=two"))
        assert path.samefile(twin), path.name
    assert {stat.S_IMODE(path.stat().st_mode) for path in closed.iterdir()} == {0o600}
    lake = world.Lake(folder / "lake")
    for load_id in ("one", "two"):
        load = lake.open_load(load_id)
        assert load.scan("orders").collect().height == 20
    manifest = (folder / "lake" / "core" / "load=one" / "load.json").read_text()
    assert '"orders": 20' in manifest
    assert '"contact_details": 2' in manifest


def test_records_are_closed_to_others_and_hold_no_value(world, duckdb_built):
    folder, address = duckdb_built
    world.erase(folder, address)
    for place in (folder / "outside", folder / "lake" / "erasures"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
        assert len(read_files(place)) == 1


@pytest.mark.parametrize("restored", ["lake", "warehouse", "lake and warehouse", "outside", "one load"])
def test_a_restored_backup_brings_nobody_back(world, folder, make_place, tmp_path, restored):
    place = make_place("duckdb")
    world.build(folder, place.address)
    backup = tmp_path / "backup"
    shutil.copytree(folder, backup)
    shutil.copy2(place.address, backup / "w")
    world.erase(folder, place.address)
    if "lake" in restored:
        shutil.rmtree(folder / "lake")
        shutil.copytree(backup / "lake", folder / "lake")
    if "warehouse" in restored:
        shutil.copy2(backup / "w", place.address)
    if restored == "outside":
        shutil.rmtree(folder / "outside")
    if restored == "one load":
        shutil.rmtree(folder / "lake" / "core" / "load=one")
        shutil.copytree(backup / "lake" / "core" / "load=one", folder / "lake" / "core" / "load=one")
    found = world.finish(folder, place.address)
    assert (found is None) == (restored == "outside")
    assert world.rows_of_canary(folder, place.address) == {}
    assert len(read_files(folder / "outside")) == len(read_files(folder / "lake" / "erasures")) == 1
    assert world.finish(folder, place.address) is None


def test_only_files_that_changed_are_looked_at_again(world, duckdb_built):
    folder, address = duckdb_built
    world.erase(folder, address)
    tombstones = world.on_record(folder, address)
    (folder / "lake" / "erasures" / "looked_at.json").chmod(0o600)
    asked = []
    original = Tombstones.matching

    class Watching(Tombstones):
        def matching(self, kind, values):
            asked.append(kind)
            return original(self, kind, values)

    watching = Watching(tombstones.erasures, tombstones.key, tombstones.country)
    assert sweep_lake(folder / "lake", watching, all_files=False).files == 0
    assert asked == []
    world.Lake(folder / "lake").write_bucket(
        "features", world.NOW.date(), 1, pl.DataFrame({"customer_id": ["canary-4711"]})
    )
    assert sweep_lake(folder / "lake", watching, all_files=False).rows == {"features": 1}
    assert asked == ["customer_id"]


def test_the_erased_leave_the_scores_that_are_kept_but_not_the_counts(world, duckdb_built):
    folder, address = duckdb_built
    one = KeptNight(root=folder / "lake", as_of=world.NOW.date(), run_key="score-x", attempt=1)
    keep(pl.DataFrame({"customer_id": ["canary-4711", "b"]}), one.file)
    keep(pl.DataFrame({"slice": ["all"], "customers": [2]}), one.receipt("churn_probability"))
    world.erase(folder, address)
    assert pl.read_parquet(one.file)["customer_id"].to_list() == ["b"]
    assert pl.read_parquet(one.receipt("churn_probability"))["customers"].to_list() == [2]


def cases():
    for kind, quick in IN_EVERY_TEST_RUN.items():
        for failpoint in FAILPOINTS[1:]:
            yield pytest.param(kind, failpoint, marks=() if failpoint in quick else pytest.mark.slow)


@pytest.mark.parametrize(("kind", "failpoint"), list(cases()))
def test_killed_at_any_point_the_next_run_finishes(world, folder, make_place, killed_child, kind, failpoint):
    place = make_place(kind)
    world.build(folder, place.address)
    killed_child(world.__file__, folder, place.address, failpoint)
    world.finish(folder, place.address)
    assert world.rows_of_canary(folder, place.address) == {}
    with place.open() as warehouse:
        row = next(iter(read_rows(warehouse).values()))
        assert row.status == "done"
        assert {version.content_hash for version in publications(warehouse)} == {world.expected_hash()}
        versions = [version for sweep in row.result["sweeps"] for version in sweep["tables"]["versions"]]
    assert sorted(version["version"] for version in versions) == [1, 2]
    assert not list(folder.rglob("*.writing"))


def test_no_byte_of_the_person_is_left_in_the_duckdb_file(world, folder, make_place):
    place = make_place("duckdb")
    with duckdb.connect(place.address) as connection:
        connection.execute("PRAGMA force_compression = 'uncompressed'")
    world.build(folder, place.address)
    with place.open() as warehouse:  # written plainly, so that bytes can be looked for
        warehouse.execute("PRAGMA force_compression = 'uncompressed'")
        warehouse.execute("CREATE TABLE segments_versions.plain AS SELECT * FROM segments_versions.customer__1")
        warehouse.execute("CHECKPOINT")
    assert world.CANARY.encode() in Path(place.address).read_bytes()
    world.erase(folder, place.address)
    assert world.CANARY.encode() not in Path(place.address).read_bytes()
    assert not list(Path(place.address).parent.glob("*.wal"))


def test_no_byte_of_the_person_is_left_in_the_tables_of_postgresql(world, folder, make_place):
    place = make_place("postgresql")
    world.build(folder, place.address)

    def holding():
        with place.open() as warehouse:
            warehouse.execute("CHECKPOINT")
            found = warehouse.query(
                "SELECT current_setting('data_directory') AS home, oid AS number FROM pg_database "
                "WHERE datname = current_database()"
            )
        home = Path(found["home"][0]) / "base" / str(found["number"][0])
        return [path.name for path in home.iterdir() if world.CANARY.encode() in path.read_bytes()]

    assert holding()
    world.erase(folder, place.address)
    assert holding() == []


def test_the_ids_that_identities_join_go_together(world, duckdb_built):
    folder, _ = duckdb_built
    for customer in (world.CANARY, world.ALIAS):
        found = world.person(folder, customer=customer)
        assert found.values["customer_id"] == {world.CANARY, world.ALIAS}
        assert found.values["email"] == {world.EMAIL}  # the other one is also somebody else's
        assert found.values["phone"] == {"+442079460000"}
        assert found.shared == 1


def test_a_person_is_found_by_address_or_number(world, duckdb_built):
    folder, _ = duckdb_built
    for named in ({"email": "Canary.Bird@Example.org"}, {"phone": "+44 20 7946 0000"}):
        assert world.person(folder, **named).values["customer_id"] == {world.CANARY, world.ALIAS}
    unknown = world.person(folder, email="nobody@example.org").values
    assert unknown == {"customer_id": set(), "email": {"nobody@example.org"}, "phone": set()}
    with pytest.raises(PersonAmbiguousError) as caught:
        world.person(folder, email="shared@example.org")
    assert caught.value.exit_code == 2
    with pytest.raises(ContactUnreadableError) as caught:
        world.person(folder, email="not an address")
    assert "not an address" not in str(caught.value)


def test_a_shared_address_does_not_take_others_along(world, duckdb_built):
    folder, address = duckdb_built
    world.erase(folder, address)
    rows = pl.read_parquet(sorted((folder / "lake").rglob("contact_details/*.parquet")), hive_partitioning=False)
    assert set(rows["email"]) == {"other@example.org", "shared@example.org"}


def test_a_count_changes_nothing(world, built, place):
    before = world.rows_of_canary(built, place.address)
    erasure = Erasure.of(
        world.person(built, customer=world.CANARY).values, key=world.KEY, now=world.NOW, requested_by="t"
    )
    found = count_rows(world.places(built, place.address), Tombstones.opened([erasure], key=world.KEY, country="GB"))
    assert rows_found(found) == sum(found["lake"]["rows"].values()) + 1 + sum(found["tables"]["rows"].values()) > 20
    assert world.rows_of_canary(built, place.address) == before


def test_damaged_records_stop_everything(world, duckdb_built):
    folder, address = duckdb_built
    world.erase(folder, address)
    record = next((folder / "outside").glob("*.erasure.json"))
    record.write_text("{}")
    with pytest.raises(ErasureRecordUnreadableError):
        world.on_record(folder, address)
    record.unlink()
    with pytest.raises(PersonalDataKeyNeededError):
        world.tombstones_on_record(world.places(folder, address), key=None, country=None)


def test_exports_without_customers_are_left_alone(world, tmp_path):
    (tmp_path / "products.csv").write_text("product_id,name\ncanary-4711,x\n")
    (tmp_path / "empty.csv").write_text("")
    erasure = Erasure.of({"customer_id": ["canary-4711"]}, key=world.KEY, now=world.NOW, requested_by="t")
    assert sweep_exports(tmp_path, Tombstones.opened([erasure], key=world.KEY, country=None)).files == 0
    assert "canary" in (tmp_path / "products.csv").read_text()
