"""The floor of `bench_ingest.py`: what DuckDB itself needs for the same predicates and the same files, by hand.

One pass judges the order lines (predicates, the partners' keys, repeated keys) and keeps nothing but counts; a second
statement writes the good ones, sorted, by bucket. No raw rows are kept, no reasons, no types but these, no second
opinion: what the product does beyond is in the ratio.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import duckdb

BUCKETS = 8
MEMORY = "3GB"
_CSV = "read_csv('{folder}/{files}', header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')"
_SOURCE = {"parquet": "read_parquet('{folder}/{files}')", "csv": _CSV}
_TYPED = {
    "parquet": {
        "placed": "placed_at",
        "units": "units",
        "line": "line",
        "money": "try_cast(round({} * 100) as bigint)",
    },
    "csv": {
        "placed": "try_cast(placed_at as timestamp)",
        "units": "try_cast(units as double)",
        "line": "try_cast(line as integer)",
        "money": "try_cast(round(try_cast({} as decimal(30, 8)) * 100) as bigint)",
    },
}
_LINES = """
select order_number as order_id, {line} as line_number, customer_number as customer_id,
    timezone('Europe/London', {placed}) as ordered_at, sku as product_id, ({units})::double as quantity,
    {amount} as amount, {discount} as discount_amount, sales_channel as channel, currency
from {source}
"""
_PREDICATES = {
    "order_id": "order_id is not null and not regexp_matches(order_id, '\\p{Cc}') and strlen(order_id) <= 255",
    "line": "line_number is not null",
    "customer_id": "customer_id is not null and not regexp_matches(customer_id, '\\p{Cc}') "
    "and strlen(customer_id) <= 255",
    "ordered_at": "ordered_at is not null and ordered_at <= timestamptz '2026-01-01 02:00:00+00'",
    "product_id": "product_id is not null and not regexp_matches(product_id, '\\p{Cc}') and strlen(product_id) <= 255",
    "quantity": "quantity is not null and isfinite(quantity) and quantity <> 0",
    "amount": "amount is not null",
    "currency": "currency is not null and currency = 'GBP'",
    "product": "product_id in (select sku from products)",
}
_CUSTOMER = "customer_id in (select customer_number from customers)"  # like the one below only a warning
_CREATED = """
select count(*) from lines join customers on customer_id = customer_number
where timezone('Europe/London', ordered_at)::date < created
"""


def run_floor(folder: Path, kind: str) -> dict[str, Any]:
    """Judge and write; returns rows accepted and processor seconds by step."""
    target = folder / "floor"
    shutil.rmtree(target, ignore_errors=True)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = '{folder / 'spilled'}'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set enable_progress_bar = false")
        seconds: dict[str, float] = {}
        for step, statements in _steps(folder, kind, target).items():
            began = time.process_time()
            for statement in statements:
                found = connection.execute(statement).fetchall()
            seconds[step] = time.process_time() - began
    return {"accepted": found[0][0], "cpu": seconds}


def _steps(folder: Path, kind: str, target: Path) -> dict[str, list[str]]:
    typed = _TYPED[kind]
    money = {name: typed["money"].format(column) for name, column in _MONEY.items()}
    read = {
        name: _SOURCE[kind].format(folder=folder, files=f"{name}.{kind}")
        for name in ("orders/*", "customers", "products")
    }
    good = " and ".join(_PREDICATES.values())
    counts = ", ".join(f"count(*) filter (not coalesce({test}, false))" for test in (*_PREDICATES.values(), _CUSTOMER))
    lines = _LINES.format(source=read["orders/*"], **typed, **money)
    facts = {"products": read["products"], "customers": read["customers"], "lines": lines, "good": good}
    facts |= {"counts": counts, "buckets": BUCKETS, "target": target}
    return {step: [sql.format(**facts) for sql in statements] for step, statements in _STATEMENTS.items()}


_STATEMENTS = {
    "read": [
        "create table products as select sku from {products}",
        (
            "create table customers as select customer_number, "
            "timezone('Europe/London', joined_at::timestamp)::date as created from {customers}"
        ),
        "create table lines as select *, {good} as good from ({lines})",
    ],
    "judge": [
        "select {counts} from lines",
        _CREATED,
        "create table repeated as select order_id, line_number from lines where good group by all having count(*) > 1",
        (
            "create table surplus as "
            "select rowid as row from lines where good and (order_id, line_number) in (from repeated) "
            "qualify row_number() over (partition by order_id, line_number order by rowid) > 1"
        ),
    ],
    "write": [
        (
            "copy (select * exclude (good), md5_number_lower(customer_id) % {buckets} as bucket from lines "
            "where good and rowid not in (from surplus) "
            "order by bucket, customer_id, ordered_at, order_id, line_number) "
            "to '{target}' (format parquet, partition_by (bucket))"
        ),
    ],
}
_MONEY = {"amount": "net_amount", "discount": "discount"}
