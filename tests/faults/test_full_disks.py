"""No room left: the version before stays, the error says so and is worth another try; with room the night is done."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import polars as pl
import psycopg
import pytest

from data_contracts.errors import DependencyDownError
from warehouse.errors import NoRoomLeftError
from warehouse.exports.files import write_parquet
from warehouse.lake import Lake
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.publications import current_publication
from warehouse.publishing.write_audit_publish import PublishOptions
from warehouse.set_aside import set_aside

ROOT = Path(__file__).parents[2]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
ROOM_BYTES = 300_000
MANY = [f"{number * 7919:09d}" for number in range(50_000)]
LARGER = PublishOptions(overrides=VolumeOverrides(allow_volume_change=True))
STORY = """
import sys
from datetime import date
from pathlib import Path
import night
from tests.faults import test_full_disks as ours
folder = Path(sys.argv[1])
ours.night_without_room(night, night.Place(str(folder / "warehouse.duckdb")), lambda: ours.ballast(folder))
"""
SERVER_STORY = """
import sys
from pathlib import Path
import night
import postgresql_server
from tests.faults import test_full_disks as ours
folder = Path(sys.argv[1])
with postgresql_server.running_server() as address:
    place = night.Place(address.format(database="postgres"))
    ours.keep_tables_in(place, folder / "tables")
    ours.night_without_room(night, place, lambda: ours.ballast(folder))
"""


@contextlib.contextmanager
def quota(size_bytes):
    """No file of this process may grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def ballast(folder):
    """Something else fills the disk but for a little."""
    heavy = folder / "ballast"
    heavy.write_bytes(b"\1" * (shutil.disk_usage(folder).free - ROOM_BYTES))
    yield
    heavy.unlink()


def night_without_room(night, place, without_room):
    night.publish_night(place, MONDAY)
    larger = night.night_tables(TUESDAY, customers=100_000)
    refused = None
    with without_room():
        try:
            night.publish_night(place, TUESDAY, tables=larger, options=LARGER)
        except DependencyDownError as error:
            refused = error
        with place.open(read_only=True) as warehouse:
            assert warehouse.read_table("segments", "customer")["as_of"].unique().to_list() == [MONDAY]
    assert isinstance(refused, NoRoomLeftError), refused
    assert refused.exit_code == 4
    assert night.publish_night(place, TUESDAY, tables=larger, options=LARGER).outcome == "published"
    with place.open(read_only=True) as warehouse:
        assert current_publication(warehouse).as_of == TUESDAY
        assert warehouse.read_table("segments", "customer").height == 100_000


def test_a_quota_reached_while_publishing(night, make_place):
    place = make_place("duckdb")
    path = Path(place.address)
    night_without_room(night, place, lambda: quota(path.stat().st_size + ROOM_BYTES))


def test_a_disk_that_fills_up_while_publishing(night, tmp_path):
    on_a_disk_of_its_own(night, tmp_path, STORY, namespace=["unshare", "--user", "--map-root-user", "--mount"])


@pytest.mark.slow
def test_a_servers_disk_that_fills_up_while_publishing(night):
    if os.getuid() != 0:
        pytest.skip("a server refuses to run as the root that a user may pretend to be")
    with tempfile.TemporaryDirectory(prefix="gm-full-") as folder:
        Path(folder).chmod(0o755)  # the server is another user
        on_a_disk_of_its_own(night, folder, SERVER_STORY, namespace=["unshare", "--mount"])


def keep_tables_in(place, folder):
    """From now on new tables of a PostgreSQL database lie in a folder."""
    with psycopg.connect(place.address, autocommit=True) as server:
        user = Path(server.execute("SHOW data_directory").fetchone()[0]).stat().st_uid
        folder.mkdir()
        os.chown(folder, user, -1)
        server.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        server.execute("ALTER DATABASE postgres SET default_tablespace = small")


def on_a_disk_of_its_own(night, folder, told, *, namespace):
    story = f"mount -t tmpfs -o size=24m,mode=755 none {folder} && exec {sys.executable} -c '{told}' {folder}"
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:  # noqa: S603 fixed words
        pytest.skip("this machine allows no disk of our own")
    folders = f"{ROOT}:{Path(night.__file__).parent}:{ROOT / 'tests'}"
    ended = subprocess.run(  # noqa: S603 a story of this file
        [*namespace, "sh", "-c", story],
        cwd=ROOT,
        env={"PYTHONPATH": folders, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "POLARS_MAX_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_quota_reached_while_writing_a_load(tmp_path):
    lake = Lake(tmp_path)
    before = {"orders": pl.DataFrame({"customer_id": ["1"], "order_id": ["1"]})}
    lake.write_load("one", before, buckets=1)
    with quota(20_000), pytest.raises(NoRoomLeftError) as refused:
        lake.write_load("one", {"orders": pl.DataFrame({"customer_id": MANY, "order_id": MANY})}, buckets=1)
    assert refused.value.exit_code == 4
    assert lake.open_load("one").scan("orders").collect()["order_id"].to_list() == ["1"]
    assert [path.name for path in (tmp_path / "core").iterdir()] == ["load=one"]


def test_a_quota_reached_while_writing_features(tmp_path):
    lake = Lake(tmp_path)
    with quota(20_000), pytest.raises(NoRoomLeftError):
        lake.write_bucket("features", TUESDAY, 0, pl.DataFrame({"customer_id": MANY}))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_quota_reached_while_rows_are_set_aside(tmp_path):
    with quota(20_000), pytest.raises(NoRoomLeftError) as refused:
        set_aside(pl.DataFrame({"customer_id": MANY}), tmp_path)
    assert refused.value.exit_code == 4


def test_a_quota_reached_while_exporting(tmp_path):
    few = pl.DataFrame({"customer_id": ["1"]})
    write_parquet(few, tmp_path / "list.parquet")
    with quota(20_000), pytest.raises(NoRoomLeftError):
        write_parquet(pl.DataFrame({"customer_id": MANY}), tmp_path / "list.parquet")
    assert pl.read_parquet(tmp_path / "list.parquet").equals(few)
    assert [path.name for path in tmp_path.iterdir()] == ["list.parquet"]
