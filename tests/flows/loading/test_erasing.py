"""A canary customer goes the whole way, is erased, and stays erased: by commands, in files, and after backups."""

import csv
import json
import os
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from warehouse.opening import warehouse_at

ROOT = Path(__file__).parents[3]
KEY = "GRISTMILL_PERSONAL_DATA_KEY"
A_KEY = bytes(range(7, 39)).hex()
CANARY = "CANARY4711"
EMAIL, PHONE = "canary.bird@example.org", "+44 20 7946 0958"
OTHER_IDS = 5
CONTACTS = (EMAIL, PHONE, "2079460958", "canary.bird")
EVERYTHING = (CANARY, *CONTACTS)


@pytest.fixture(scope="session")
def raw_with_canary(raw, tmp_path_factory):
    """The simulated company's files, and one customer more: ten orders, of which one line can't be loaded."""
    folder = tmp_path_factory.mktemp("raw_with_canary")
    shutil.copytree(raw, folder, dirs_exist_ok=True)
    customers = folder / "customers.csv"
    columns = _columns(customers)
    record = dict.fromkeys(columns, "") | {
        "customer_number": CANARY,
        "kind": "consumer",
        "joined_at": "2024-02-01 10:00:00",
        "region": "East",
        "email": EMAIL,
        "phone": PHONE,
        "may_contact": "true",
    }
    _append(customers, [record, record | {"joined_at": "soon", "customer_number": ""}])
    for month in range(1, 11):
        orders = folder / "orders" / f"orders_2025-{month:02d}.csv"
        first = next(csv.DictReader(orders.open(newline="")))
        bought = dict(first) | {
            "order_number": f"9{month:07d}",
            "customer_number": CANARY,
            "placed_at": f"2025-{month:02d}-15 12:00:00",
            "units": "1",
            "net_amount": "" if month == 1 else "20.00",
            "currency": "GBP",
        }
        _append(orders, [bought])
    return folder


def _columns(path):
    with path.open(newline="") as file:
        return next(csv.reader(file))


def _append(path, rows):
    columns = _columns(path)
    with path.open("a", newline="") as file:
        csv.DictWriter(file, columns, extrasaction="ignore").writerows(rows)


@pytest.fixture
def company(gristmill, raw_with_canary, tmp_path):
    """Runs commands on the demo's settings, with a workspace of its own; `json` parses what they print."""
    workspace = tmp_path / "work"
    base = {
        "GRISTMILL_WORKSPACE": str(workspace),
        "GRISTMILL_DATA": str(raw_with_canary),
        "GRISTMILL__LAKE__BUCKETS": "3",
        "GRISTMILL__IDENTITY__COUNTRY": '"GB"',
        "PYTHONPATH": str(ROOT),
        KEY: A_KEY,
    }

    def run(command, *arguments, **changes):
        return gristmill(command, *arguments, "--config", ROOT / "tests/shop.toml", **(base | changes))

    run.workspace = workspace
    return run


def holding(workspace, words, address=""):
    """Where in a workspace (and a PostgreSQL warehouse) any of the words stands, by looking at everything there is."""
    found = set()
    for path in (path for path in workspace.rglob("*") if path.is_file()):
        name = str(path.relative_to(workspace))
        if path.suffix == ".parquet":
            texts = pl.read_parquet(path, hive_partitioning=False).select(pl.all().cast(pl.String, strict=False))
            content = json.dumps(texts.to_dicts()).encode()
        elif path.suffix == ".db":
            with sqlite3.connect(path) as connection:
                content = "\n".join(connection.iterdump()).encode()
        else:
            content = path.read_bytes()
        if any(word.encode().lower() in content.lower() for word in words):
            found.add(name)
    with warehouse_at(workspace / "warehouse.duckdb", address, read_only=True) as warehouse:
        for schema in ("quarantine", "segments", "segments_versions", "gristmill"):
            for table in (*warehouse.tables(schema), *warehouse.views(schema)):
                columns = warehouse.describe(schema, table).columns
                selected = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in columns)
                rows = warehouse.query(f'SELECT {selected} FROM "{schema}"."{table}"')  # noqa: S608 names of the catalogue
                if any(word.lower() in json.dumps(rows.to_dicts()).lower() for word in words):
                    found.add(f"{schema}.{table}")
    return found


def erased(company, *arguments, **changes):
    return company("erase", *(arguments or (CANARY,)), "--yes", "--json", **changes)


def ended(process, code=0):
    assert process.returncode == code, process.stderr + process.stdout
    return json.loads(process.stdout) if process.stdout.startswith("{") else process.stdout


@pytest.mark.slow
def test_a_canary_is_where_it_may_be_and_after_erasing_nowhere(company, tmp_path):
    told = [company("run", "--as-of", "2025-12-01"), company("run", "--as-of", "2026-01-01"), company("status")]
    told += [company("show", "customer"), company("quarantine")]
    told += [company("export", "--name", "all"), company("export", "--format", "meta", "--name", "ads")]
    assert [each.returncode for each in told[-2:]] == [0, 0], told[-1].stderr
    assert [each.returncode for each in told[:3]] == [0, 0, 0], told[0].stderr
    assert not [word for word in CONTACTS for each in told if word in each.stdout + each.stderr]
    workspace = company.workspace
    allowed = {"quarantine.customers", "quarantine.orders"}
    holds_contacts = holding(workspace, CONTACTS) - {"warehouse.duckdb"}
    assert {name for name in holds_contacts if "restricted/contact_details" not in name} <= allowed
    assert any("restricted/contact_details" in name for name in holds_contacts)
    backup = tmp_path / "backup"
    shutil.copytree(workspace, backup)

    result = erased(company, "--email", EMAIL.upper(), "--reason", "asked by letter")
    assert ended(result)["status"] == "erased"
    assert not [word for word in EVERYTHING if word in result.stdout + result.stderr]
    assert holding(workspace, EVERYTHING) == set()
    assert not (workspace / "exports" / "uploads").exists()

    for restored in ("everything", "lake", "warehouse.duckdb"):
        for path in [workspace] if restored == "everything" else [workspace / restored]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            source = backup if restored == "everything" else backup / restored
            shutil.copytree(source, path) if source.is_dir() else shutil.copy2(source, path)
        again = company("run", "--as-of", "2026-01-01")
        ended(again)
        assert "restored copy" in again.stderr
        assert holding(workspace, EVERYTHING) == set(), restored
    ended(company("run", "--as-of", "2026-01-01", "--force"))
    assert holding(workspace, EVERYTHING) == set()


@pytest.mark.slow
def test_a_person_erased_is_not_loaded_again(company, tmp_path):
    ended(company("ingest"))
    assert holding(company.workspace, (CANARY,)) >= {"quarantine.orders"}
    contacts = holding(company.workspace, CONTACTS) - {"warehouse.duckdb"}
    assert {name for name in contacts if "restricted/contact_details" not in name} == {"quarantine.customers"}
    dry = company("erase", CANARY, "--dry-run", "--json")
    assert ended(dry)["status"] == "dry_run"
    assert ended(dry)["rows"] > OTHER_IDS
    result = ended(erased(company))
    assert (result["ids"], result["rows"]) == (1, ended(dry)["rows"])
    assert holding(company.workspace, EVERYTHING) == set()
    shutil.copytree(company.workspace, tmp_path / "swept")

    assert ended(company("ingest", "--json"))["status"] == "unchanged"
    load = ended(company("ingest", "--force", "--json"))["load"]
    assert load["erased"] == {"customers": 2, "orders": 10}
    assert holding(company.workspace, EVERYTHING) == set()
    refused = company("ingest", "--force", "--json", **{KEY: ""})
    assert ended(refused, 2)["error"] == "PersonalDataKeyNeededError"
    other = company("ingest", "--force", "--json", **{KEY: os.urandom(32).hex()})
    assert ended(other, 2)["error"] == "PersonalDataKeyChangedError"
    assert ended(erased(company), 2)["error"] == "PersonUnknownError"


def test_commands_say_what_they_lack(company):
    unknown = company("erase", CANARY, "--yes", "--json")
    assert ended(unknown, 2)["error"] == "PersonUnknownError"
    assert CANARY not in unknown.stdout + unknown.stderr
    assert ended(company("erase", "--json"), 2)["error"] == "NobodyNamedError"
    assert ended(erased(company, **{KEY: ""}), 2)["error"] == "PersonalDataKeyNeededError"
    assert ended(erased(company, **{KEY: "swordfish"}), 2)["error"] == "PersonalDataKeyWeakError"
    assert ended(company("erase", CANARY, "--even-if-unknown", "--json"), 2)["error"] == "ErasureNotConfirmedError"
    kept_out = ended(company("erase", CANARY, "--even-if-unknown", "--yes", "--json"))
    assert (kept_out["status"], kept_out["rows"]) == ("erased", 0)
    assert list(company.workspace.with_name("work-erasures").glob("*.erasure.json"))


def test_a_key_is_made_by_a_command(gristmill):
    made = gristmill("key", PYTHONPATH=str(ROOT))
    assert made.returncode == 0
    assert len(made.stdout.strip()) == 43
    assert made.stdout != gristmill("key", PYTHONPATH=str(ROOT)).stdout


@pytest.mark.slow
def test_the_same_with_postgresql_as_warehouse(company, postgresql_address, tmp_path):
    place = {"GRISTMILL_WAREHOUSE_URL": postgresql_address}
    ended(company("run", "--as-of", "2025-12-01", **place))
    shutil.copytree(company.workspace / "lake", tmp_path / "lake")
    assert "segments.customer" in holding(company.workspace, (CANARY,), postgresql_address)
    ended(erased(company, **place))
    assert holding(company.workspace, EVERYTHING, postgresql_address) == set()
    shutil.rmtree(company.workspace / "lake")
    shutil.copytree(tmp_path / "lake", company.workspace / "lake")
    ended(company("run", "--as-of", "2025-12-01", "--force", **place))
    assert holding(company.workspace, EVERYTHING, postgresql_address) == set()
