"""PostgreSQL as a warehouse: who gets in, who is in whose way, what is granted, and connections that end."""

import importlib.util
import threading
import time
import traceback
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import psycopg
import pytest

from data_contracts.published import OutputContract, PublishedTable
from warehouse.databases.base import Timeouts
from warehouse.databases.errors_postgresql import (
    AddressUnreadableError,
    ConnectionLostError,
    RightsMissingError,
    ServerUnsuitableError,
    StatementTimedOutError,
    WarehouseDownError,
)
from warehouse.databases.postgresql_warehouse import PostgreSQLWarehouse
from warehouse.errors import CommitUnclearError, StillNeededError, WarehouseLockedError
from warehouse.ledger import history
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.publications import current_publication
from warehouse.publishing.write_audit_publish import PublishOptions

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
FRAME = pl.DataFrame({"customer_id": ["1"], "share": [0.5]})
ANY_VOLUME = PublishOptions(overrides=VolumeOverrides(allow_volume_change=True))


@pytest.fixture
def place(make_place):
    return make_place("postgresql")


@pytest.fixture(scope="module")
def relay():
    """The class of `relay.py`."""
    spec = importlib.util.spec_from_file_location("relay", Path(__file__).with_name("relay.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Relay


@pytest.fixture
def somebody(place):
    """Another session, in a transaction of its own, as a notebook or a BI tool has it."""
    with psycopg.connect(place.address, application_name="a notebook") as connection:
        yield connection


def impatient(address, **seconds):
    return PostgreSQLWarehouse(address, timeouts=Timeouts(**{"connect_seconds": 0.3, **seconds}))


def told_of(error):
    return "".join(traceback.format_exception(error)) + str(error) + repr(error) + str(error.facts())


def narrower_night(night, as_of):
    """A night whose customer table has lost a column."""
    tables = night.night_tables(as_of)
    contract = OutputContract("customer", ("customer_id",), night.CUSTOMER.columns[:1] + night.CUSTOMER.columns[4:])
    contract = OutputContract("customer", ("customer_id",), contract.columns, volatile=("run_key",))
    frame = tables["customer"].frame.select(contract.names)
    return {**tables, "customer": PublishedTable(frame, contract)}


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("postgresql://mill:hunter2@127.0.0.1:1/shop", WarehouseDownError, "postgresql://127.0.0.1:1/shop"),
        ("postgresql://mill@127.0.0.1:1/shop?password=hunter2", WarehouseDownError, "127.0.0.1"),
        ("postgresql://mill:hunter2@127.0.0.1:port/shop", WarehouseDownError, "invalid integer value"),
        ("postgresql://mill:x@y?hunter2@db", AddressUnreadableError, "GRISTMILL_WAREHOUSE_URL"),
        ("hunter2", AddressUnreadableError, "GRISTMILL_WAREHOUSE_URL"),
    ],
)
def test_a_server_that_is_not_there_is_told_without_the_password(address, error, told):
    with pytest.raises(error) as refused, impatient(address):
        pass
    assert told in str(refused.value)
    assert "hunter2" not in told_of(refused.value)
    assert "hunter2" not in repr(impatient(address)) + impatient("postgresql://a:hunter2@b").where


def test_a_database_that_does_not_exist_is_told_at_once(postgresql_server):
    began = time.monotonic()
    with pytest.raises(WarehouseDownError) as refused, PostgreSQLWarehouse(postgresql_server.format(database="none")):
        pass
    assert 'database "none" does not exist' in refused.value.got
    assert refused.value.exit_code == 4
    assert time.monotonic() - began < 5


def test_a_server_that_comes_up_in_time_is_waited_for(place, tmp_path, relay):
    with relay(place.address, tmp_path, delay_seconds=0.6) as late, PostgreSQLWarehouse(late.address) as warehouse:
        assert warehouse.tables("core") == []


def test_only_unicode_will_do(postgresql_server, make_database):
    make_database()
    with psycopg.connect(postgresql_server.format(database="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS ascii_only")
        connection.execute("CREATE DATABASE ascii_only ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    with (
        pytest.raises(ServerUnsuitableError, match="can't be the warehouse") as refused,
        PostgreSQLWarehouse(postgresql_server.format(database="ascii_only")),
    ):
        pass
    assert "SQL_ASCII" in refused.value.got


def test_a_statement_that_hangs_is_cancelled(place):
    with impatient(place.address, statement_seconds=0.2) as warehouse:
        with pytest.raises(StatementTimedOutError, match="too long to sleep") as refused:
            warehouse.query("SELECT pg_sleep(20)", step="sleep")
        assert refused.value.exit_code == 4
        assert warehouse.tables("core") == []


def test_a_lost_connection_leaves_nothing_half_done(place, somebody):
    def half_done():
        with place.open() as warehouse, warehouse.transaction():
            warehouse.write_frame("core", "kept", FRAME)
            somebody.execute("SELECT pg_terminate_backend(%s)", [warehouse.connection.info.backend_pid])
            warehouse.write_frame("core", "second", FRAME)

    with pytest.raises(ConnectionLostError, match="lost while trying") as refused:
        half_done()
    assert refused.value.exit_code == 4
    with place.open() as warehouse:
        assert warehouse.tables("core") == []


def test_a_reader_in_the_way_is_named_and_the_old_stays(place, night, somebody):
    night.publish_night(place, MONDAY)
    somebody.execute("SELECT count(*) FROM segments.next_best_offer")
    with pytest.raises(WarehouseLockedError) as refused:
        night.publish_night(night.Place(place.address), TUESDAY, timeouts=Timeouts(lock_seconds=0.6))
    assert "a notebook of postgres (server process" in refused.value.got
    assert refused.value.exit_code == 4
    assert somebody.execute("SELECT DISTINCT as_of FROM segments.customer").fetchall() == [(MONDAY,)]
    somebody.rollback()
    assert night.publish_night(place, TUESDAY).outcome == "published"
    with place.open() as warehouse:
        assert [run.status for run in history(warehouse)] == ["done", "failed", "done"]


def test_a_reader_who_ends_soon_is_waited_for(place, night, somebody):
    night.publish_night(place, MONDAY)
    somebody.execute("SELECT count(*) FROM segments.next_best_offer")
    timer = threading.Timer(1.0, somebody.rollback)
    timer.start()
    assert night.publish_night(place, TUESDAY).outcome == "published"
    timer.join()


def test_a_reader_of_an_old_version_only_delays_its_removal(place, night, somebody):
    keep_one = PublishOptions(keep_versions=1)
    night.publish_night(place, MONDAY, options=keep_one)
    somebody.execute("SELECT count(*) FROM segments_versions.customer__1")
    published = night.publish_night(place, TUESDAY, options=keep_one, timeouts=Timeouts(lock_seconds=0.3))
    assert published.outcome == "published"
    with place.open() as warehouse:
        assert "customer__1" in warehouse.tables("segments_versions")
    somebody.rollback()
    night.publish_night(place, WEDNESDAY, options=keep_one)
    with place.open() as warehouse:
        assert warehouse.tables("segments_versions") == ["customer__3", "next_best_offer__3"]


def test_readers_in_every_order_never_fail_and_never_see_two_versions(place, night):
    """Whoever locks the views in another order than we do would be in a deadlock with us."""
    night.publish_night(place, MONDAY)
    ended, problems, looks = threading.Event(), [], []

    def look(first, second):
        with psycopg.connect(place.address) as connection:
            while not ended.is_set():
                try:
                    with connection.transaction():
                        one = connection.execute(f"SELECT DISTINCT run_key FROM segments.{first}").fetchall()  # noqa: S608
                        time.sleep(0.002)
                        other = connection.execute(f"SELECT DISTINCT run_key FROM segments.{second}").fetchall()  # noqa: S608
                    time.sleep(0.01)
                except psycopg.Error as error:
                    problems.append(error)
                else:
                    looks.append(one[0][0])
                    if one != other or len(one) != 1:
                        problems.append((one, other))

    orders = [("customer", "next_best_offer"), ("next_best_offer", "customer")] * 2
    threads = [threading.Thread(target=look, args=order) for order in orders]
    for thread in threads:
        thread.start()
    try:
        for day in range(1, 9):
            night.publish_night(place, MONDAY + timedelta(days=day), options=PublishOptions(keep_versions=3))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert problems == []
    assert len(set(looks)) > 3


def test_who_was_granted_a_view_keeps_it_when_its_columns_change(place, night, somebody, role):
    night.publish_night(place, MONDAY)
    somebody.execute(f"GRANT SELECT ON segments.customer TO {role}")
    somebody.execute("GRANT SELECT ON segments.customer TO PUBLIC")
    somebody.commit()
    night.publish_night(place, TUESDAY, tables=narrower_night(night, TUESDAY), options=ANY_VOLUME)
    rights = somebody.execute(
        "SELECT has_table_privilege(%(role)s, 'segments.customer', 'SELECT'), "
        "has_table_privilege(%(role)s, 'segments.customer', 'INSERT'), "
        "(SELECT count(*) FROM pg_class, aclexplode(relacl) WHERE oid = 'segments.customer'::regclass AND grantee = 0)",
        {"role": role},
    ).fetchone()
    assert rights == (True, False, 1)
    with place.open() as warehouse:
        assert "share" not in warehouse.read_table("segments", "customer").columns
        assert "churn_probability" not in warehouse.read_table("segments", "customer").columns


def test_a_view_that_others_built_on_blocks_only_what_they_would_lose(place, night, somebody):
    night.publish_night(place, MONDAY)
    somebody.execute("CREATE VIEW public.report AS SELECT churn_probability FROM segments.customer")
    somebody.commit()
    assert night.publish_night(place, TUESDAY).outcome == "published"
    with pytest.raises(StillNeededError) as refused:
        night.publish_night(place, WEDNESDAY, tables=narrower_night(night, WEDNESDAY), options=ANY_VOLUME)
    assert "report" in refused.value.got
    assert refused.value.exit_code == 3
    with place.open() as warehouse:
        assert current_publication(warehouse).as_of == TUESDAY


@pytest.fixture
def role(place, somebody):
    """A user without any right, gone after the test."""
    name = f"somebody_{somebody.info.dbname}"
    somebody.execute(f"CREATE ROLE {name} LOGIN")
    somebody.commit()
    yield name
    somebody.rollback()
    somebody.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    somebody.commit()


def test_a_user_with_schemas_of_its_own_needs_no_right_to_make_any(place, night, somebody, role):
    for schema in ("gristmill", "segments", "segments_versions"):
        somebody.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {role}")
    somebody.commit()
    theirs = night.Place(place.address.replace("postgres@", f"{role}@"))
    assert night.publish_night(theirs, MONDAY).outcome == "published"
    with theirs.open() as warehouse, pytest.raises(RightsMissingError, match="no right to make the schema other"):
        warehouse.make_schema("other")


def test_a_reader_needs_no_more_than_the_views(place, night, somebody, role):
    night.publish_night(place, MONDAY)
    somebody.execute(f"GRANT USAGE ON SCHEMA segments TO {role}; GRANT SELECT ON segments.customer TO {role}")
    somebody.commit()
    theirs = night.Place(place.address.replace("postgres@", f"{role}@"))
    with theirs.open(read_only=True) as reader:
        assert reader.views("segments") == ["customer"]
        assert reader.read_table("segments", "customer").height == 10
        with pytest.raises(RightsMissingError):
            reader.read_table("segments_versions", "customer__1")
        assert reader.holder() is None


def test_a_holder_who_may_not_be_read_is_there_all_the_same(place, night, somebody, role):
    theirs = night.Place(place.address.replace("postgres@", f"{role}@"))
    with place.open().lock(run_key="score-a", now=night.NOW):
        assert theirs.open().holder().run_key == "unknown"
        assert place.open().holder().run_key == "score-a"


def test_a_lost_commit_that_is_still_under_way_is_waited_for(place, night, somebody):
    night.publish_night(place, MONDAY)
    somebody.execute("UPDATE gristmill.publications SET attempt = 2")
    with impatient(place.address, lock_seconds=0.3) as warehouse:
        with pytest.raises(WarehouseLockedError, match="wait for the lost commit to end"):
            warehouse.settle("gristmill", "publications")
        somebody.commit()
        warehouse.settle("gristmill", "publications")
        assert current_publication(warehouse).attempt == 2


@pytest.mark.parametrize(("cut", "outcome"), [("after", "published"), ("before", None)])
def test_a_commit_whose_answer_is_lost_is_looked_up_in_the_ledger(place, night, tmp_path, relay, cut, outcome):
    night.publish_night(place, MONDAY)
    with relay(place.address, tmp_path, cut=cut) as line:

        def arm(passed):
            if passed == "before_commit":
                line.armed.set()

        options = PublishOptions(failpoint=arm)
        if outcome:
            assert night.publish_night(night.Place(line.address), TUESDAY, options=options).outcome == outcome
        else:
            with pytest.raises(CommitUnclearError) as refused:
                night.publish_night(night.Place(line.address), TUESDAY, options=options)
            assert refused.value.exit_code == 4
    with place.open() as warehouse:
        assert current_publication(warehouse).as_of == (TUESDAY if outcome else MONDAY)
    assert night.publish_night(place, TUESDAY).outcome == ("unchanged" if outcome else "published")
    with place.open() as warehouse:
        assert current_publication(warehouse).version_number == 2
