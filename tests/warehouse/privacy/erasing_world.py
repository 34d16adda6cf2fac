"""A small lake and warehouse with one customer to erase, for the tests in this folder and the processes they kill."""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from data_contracts.published import OutputColumn, OutputContract, PublishedTable
from warehouse.lake import Lake
from warehouse.ledger import Load, RunResult, finish_run, record_load, start_run
from warehouse.opening import warehouse_at
from warehouse.personal_data import PersonalDataKey
from warehouse.privacy.erased_rows import RawPlace
from warehouse.privacy.erasing import Places, apply_erasures, record_erasure, tombstones_on_record
from warehouse.privacy.erasing_search import find_person
from warehouse.privacy.tombstones import Erasure, Tombstones
from warehouse.publishing.content_hash import content_hash
from warehouse.publishing.write_audit_publish import publish

KEY = PersonalDataKey(bytes(range(32)))
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
CANARY, ALIAS = "canary-4711", "crm:canary-0815"
EMAIL, PHONE = "canary.bird@example.org", "020 7946 0000"
OTHERS = [f"{number:05d}" for number in range(20)]
CUSTOMER = OutputContract(
    table="customer",
    key=("customer_id",),
    columns=(
        OutputColumn("customer_id", pl.String),
        OutputColumn("score", pl.Int64),
        OutputColumn("run_key", pl.String),
    ),
    volatile=("run_key",),
)


def opener(address: str) -> Callable[[], object]:
    return lambda: warehouse_at(Path(address), address if address.startswith("postgresql:") else "")


def places(folder: Path, address: str, failpoint: Callable[[str], None] | None = None) -> Places:
    more = {"failpoint": failpoint} if failpoint else {}
    return Places(
        lake=folder / "lake",
        records=folder / "outside",
        exports=folder / "exports",
        open_warehouse=opener(address),
        contracts={"customer": CUSTOMER},
        raw={"shop": RawPlace(other_columns=frozenset({"units"}))},
        **more,
    )


def core_frames() -> dict[str, pl.DataFrame]:
    ids = [*OTHERS, CANARY]
    return {
        "orders": pl.DataFrame(
            {
                "customer_id": [*ids, CANARY],
                "source_customer_id": [*ids, ALIAS],
                "ordered_at": [NOW] * 22,
                "order_id": [str(number) for number in range(22)],
                "line_number": pl.Series([1] * 22, dtype=pl.Int32),
                "superseded_at": pl.Series([None] * 21 + [NOW], dtype=pl.Datetime("us", "UTC")),
            }
        ),
        "contact_details": pl.DataFrame(
            {
                "source_customer_id": [OTHERS[0], OTHERS[1], CANARY, ALIAS],
                "customer_id": [OTHERS[0], OTHERS[1], CANARY, CANARY],
                "email": ["other@example.org", "shared@example.org", EMAIL, "shared@example.org"],
                "phone": [None, None, PHONE, None],
            }
        ),
        "identities": pl.DataFrame(
            {"source_customer_id": [*ids, ALIAS], "customer_id": [*ids, CANARY], "method": [None] * 21 + ["email"]}
        ),
        "referrals": pl.DataFrame(
            {"referral_id": ["1", "2"], "referrer_id": [OTHERS[0], OTHERS[1]], "referred_id": [CANARY, OTHERS[2]]}
        ),
    }


def published(*, without: tuple[str, ...] = ()) -> PublishedTable:
    ids = [customer for customer in [*OTHERS, CANARY] if customer not in without]
    frame = pl.DataFrame(
        {"customer_id": ids, "score": [len(customer) for customer in ids], "run_key": ["r"] * len(ids)}
    )
    return PublishedTable(frame, CUSTOMER)


def expected_hash() -> str:
    return content_hash([published(without=(CANARY,))])


def quarantined(load_id: str) -> pl.DataFrame:
    rows = [{"who": CANARY, "units": "1"}, {"who": OTHERS[3], "units": "x"}, {"who": "?", "mail": EMAIL.upper()}]
    return pl.DataFrame(
        {
            "entity": ["orders"] * 3,
            "source": ["shop"] * 3,
            "source_file": ["orders.csv"] * 3,
            "source_row": pl.Series([1, 2, 3], dtype=pl.Int64),
            "rules": ["amount_is_present"] * 3,
            "severity": ["error"] * 3,
            "raw_row": [json.dumps(row) for row in rows],
            "load_id": [load_id] * 3,
        }
    )


def build(folder: Path, address: str) -> None:
    """Two loads that share files, features, exports, two published versions, quarantine, an identity table."""
    lake = Lake(folder / "lake")
    lake.write_load("one", core_frames(), buckets=3)
    lake.write_load("two", core_frames(), buckets=3)
    for path in sorted((folder / "lake" / "core" / "load=two").rglob("*.parquet")):
        path.unlink()
        path.hardlink_to(str(path).replace("load=two", "load=one"))
    lake.write_bucket(
        "features", date(2026, 3, 1), 0, pl.DataFrame({"customer_id": [CANARY, OTHERS[0]], "orders": [2, 1]})
    )
    (folder / "exports").mkdir()
    (folder / "exports" / "customer.csv").write_text(f'customer_id,name\n{OTHERS[0]},"a, b"\n{CANARY},x\n')
    with opener(address)() as warehouse:
        for day in (date(2026, 3, 1), date(2026, 3, 2)):
            run = start_run(warehouse, kind="score", as_of=day, configuration_hash="c" * 16, now=NOW, run_by="tests")
            publish(warehouse, {"customer": published()}, run=run, now=NOW)
            finish_run(warehouse, run, status="done", now=NOW, result=RunResult())
        record_load(
            warehouse,
            Load(load_id="two", source_fingerprint="f", configuration_hash="c", loaded_at=NOW, counts={}),
        )
        warehouse.write_frame("quarantine", "orders", quarantined("two"))
        warehouse.write_frame("gristmill", "customer_identities", core_frames()["identities"])


def person(folder: Path, **named: str):
    asked = {"customer": None, "email": None, "phone": None, **named}
    return find_person(folder / "lake" / "core", "two", country="GB", **asked)


def erase(folder: Path, address: str, failpoint: Callable[[str], None] | None = None, **named: str) -> dict:
    where = places(folder, address, failpoint)
    values = person(folder, **(named or {"customer": ALIAS})).values
    record_erasure(where, Erasure.of(values, key=KEY, now=NOW, requested_by="tests", reason="asked"))
    return finish(folder, address, failpoint)


def on_record(folder: Path, address: str) -> Tombstones:
    return tombstones_on_record(places(folder, address), key=KEY, country="GB")


def finish(folder: Path, address: str, failpoint: Callable[[str], None] | None = None) -> dict | None:
    return apply_erasures(places(folder, address, failpoint), on_record(folder, address), now=NOW)


def rows_of_canary(folder: Path, address: str) -> dict[str, int]:
    """Every row that still holds the canary, found by looking everywhere, not by the product's own rules."""
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        texts = pl.read_parquet(path, hive_partitioning=False).select(pl.all().cast(pl.String, strict=False))
        found[str(path.relative_to(folder))] = _holding(texts)
    for path in [*folder.rglob("*.csv"), *folder.rglob("*.json")]:
        found[str(path.relative_to(folder))] = sum(map(_is_canary, path.read_text().splitlines()))
    with opener(address)() as warehouse:
        for schema in ("quarantine", "segments_versions", "gristmill", "segments"):
            for table in [*warehouse.tables(schema), *warehouse.views(schema)]:
                columns = warehouse.describe(schema, table).columns
                selected = ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in columns)
                rows = warehouse.query(f'SELECT {selected} FROM "{schema}"."{table}"')  # noqa: S608 names of this test
                found[f"{schema}.{table}"] = _holding(rows)
    return {name: count for name, count in found.items() if count}


def _holding(rows: pl.DataFrame) -> int:
    return sum(_is_canary(json.dumps(row)) for row in rows.to_dicts())


def _is_canary(text: str) -> bool:
    return any(word in text.lower() for word in ("canary", PHONE))


def kill_at(name: str) -> Callable[[str], None]:
    def failpoint(passed: str) -> None:
        if passed == name:
            os.kill(os.getpid(), signal.SIGKILL)

    return failpoint


if __name__ == "__main__":  # python erasing_world.py FOLDER ADDRESS FAILPOINT
    erase(Path(sys.argv[1]), sys.argv[2], kill_at(sys.argv[3]))
