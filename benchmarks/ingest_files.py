"""The files that `bench_ingest.py` loads: order lines, customers and products of a made-up shop, and their settings.

Everything follows from the row's number and the seed by DuckDB's hash, so the same call writes the same rows.
"""

from pathlib import Path

import duckdb

FILES = 12
PRODUCTS = 20_000
LINES_OF_A_CUSTOMER = 60
BAD_OF_TEN_THOUSAND = 50
"""Ten kinds of bad lines, equally many: see `_ORDERS`."""

# `bad` is 0..49 in a bad line, null in a good one; five numbers for each kind
_ORDERS = """
with numbered as (
    select i, i // 3 as o, i % 3 + 1 as line,
        case when hash(i, 'bad', {seed}) % 10000 < {bad} then (hash(i, 'kind', {seed}) % 10)::int end as bad,
        hash(i // 3, 'customer', {seed}) % 1000000 / 1e6 as c, hash(i, 'product', {seed}) % 1000000 / 1e6 as p,
        hash(i, 'units', {seed}) % 100 as q, hash(i, 'price', {seed}) % 1000000 as u
    from range({first}, {last}) as numbers(i)
),
made as (
    select *,
        timestamp '2023-01-01' + to_seconds((o * 3 * 94600000 // {rows})::bigint + hash(o, {seed}) % 3600) as moment,
        case when q < 3 then -1 when q < 70 then 1 else 1 + q % 5 end as n,
        format('{{:08d}}', (({customers} - 1) * c * c)::bigint) as customer,
        format('P{{:05d}}', (({products} - 1) * p * p * p)::bigint) as product
    from numbered
)
select
    case bad when 0 then format('{{:09d}}', o - 1) when 1 then format('{{:09d}}', o) || chr(10)
        else format('{{:09d}}', o) end as order_number,
    line::int as line,
    case when bad <> 2 or bad is null then customer end as customer_number,
    {placed} as placed_at,
    case bad when 4 then 'SHIPPING' else product end as sku,
    case bad when 5 then 0 else n end as units,
    {amount} as net_amount,
    round(u % 200 / 100, 2) as discount,
    case hash(i, 'channel') % 4 when 0 then 'shop' when 1 then 'telephone' else 'web' end as sales_channel,
    case bad when 8 then 'XXX' when 9 then 'EUR' else 'GBP' end as currency
from made order by i
"""
_VALUES = {
    "parquet": {
        "placed": "case bad when 3 then timestamp '2099-01-01' else moment end",
        "amount": "case bad when 6 then 'inf'::double when 7 then 1e20 else round(n * (u % 9900 + 100) / 100, 2) end",
    },
    "csv": {
        "placed": "case bad when 3 then '31/02/2024' else strftime(moment, '%Y-%m-%d %H:%M:%S') end",
        "amount": "case bad when 6 then 'inf' when 7 then 'n/a' "
        "else round(n * (u % 9900 + 100) / 100, 2)::decimal(12, 2)::varchar end",
    },
}
_CUSTOMERS = """
select format('{{:08d}}', i) as customer_number,
    timestamp '2020-01-01' + to_hours((hash(i, {seed}) % 26000)::int) as joined_at,
    'region ' || hash(i, 'region', {seed}) % 12 as region, 1940 + (hash(i, 'born', {seed}) % 65)::int as year_of_birth
from range({customers}) as numbers(i) order by i
"""
_PRODUCTS = """
select format('P{{:05d}}', i) as sku, 'department ' || hash(i, {seed}) % 40 as department,
    round(1 + hash(i, 'price', {seed}) % 9900 / 100, 2) as list_price, date '2019-06-01' as launched_on
from range({products}) as numbers(i) order by i
"""
_SETTINGS = """
[company]
name = "Made up"
currency = "GBP"
time_zone = "Europe/London"

[paths]
data = "."
workspace = "work"

[inputs]
orders = { files = "orders/*.KIND" }
customers = { files = "customers.KIND" }
products = { files = "products.KIND" }

[sources.orders]
entity = "orders"
input = "orders"
money = "major"

[sources.orders.columns]
order_id = "order_number"
line_number = "line"
customer_id = "customer_number"
ordered_at = "placed_at"
product_id = "sku"
quantity = "units"
amount = "net_amount"
discount_amount = "discount"
channel = "sales_channel"
currency = "currency"
known_at = "placed_at"

[sources.customers]
entity = "customers"
input = "customers"

[sources.customers.columns]
customer_id = "customer_number"
created_at = "joined_at"
region = "region"
birth_year = "year_of_birth"
known_at = "joined_at"

[sources.products]
entity = "products"
input = "products"
money = "major"

[sources.products.columns]
product_id = "sku"
category = "department"
list_price = "list_price"
launched_on = "launched_on"
known_at = "launched_on"

[[rules]]
entity = "orders"
name = "order_product_is_known"
severity = "error"
"""


def settings_text(kind: str) -> str:
    """The settings that map the files onto the contracts, for `gristmill.toml` beside them."""
    return _SETTINGS.replace("KIND", kind)


def increment_settings_text(kind: str) -> str:
    """The same with order lines as an incremental input that also reads `more_orders/`, and a workspace of its own."""
    every_load = f'orders = {{ files = "orders/*.{kind}" }}'
    only_news = f'orders = {{ files = "*orders/*.{kind}", load = "incremental" }}'
    return (
        settings_text(kind).replace(every_load, only_news).replace('workspace = "work"', 'workspace = "increment_work"')
    )


_WRITTEN = {"parquet": "format parquet", "csv": "format csv, header true"}


def _facts(kind: str, *, rows: int, seed: int) -> dict[str, object]:
    facts = {"seed": seed, "rows": rows, "customers": max(rows // LINES_OF_A_CUSTOMER, 10), "products": PRODUCTS}
    return {**facts, "bad": BAD_OF_TEN_THOUSAND, **_VALUES[kind]}


def write_news(folder: Path, kind: str, *, rows: int, seed: int) -> None:
    """Write a file of the lines that follow the files' `rows`: one for every thousand, of the newest day."""
    facts = _facts(kind, rows=rows, seed=seed) | {"first": rows, "last": rows + rows // 1000}
    _write_more(folder, "news", kind, facts)


def write_corrections(folder: Path, kind: str, *, rows: int, seed: int, lines: int = 100) -> None:
    """Write a file of so many of the files' lines, evenly spread, with other amounts and without faults."""
    facts = _facts(kind, rows=rows, seed=seed)
    amount = str(facts["amount"]).replace("u % 9900 + 100", "u % 9900 + 200")
    facts |= {"amount": amount, "bad": 0, "first": 0, "last": f"{rows}, {rows // lines}"}  # range(first, last, step)
    _write_more(folder, "corrections", kind, facts)


def _write_more(folder: Path, name: str, kind: str, facts: dict[str, object]) -> None:
    (folder / "more_orders").mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        query = _ORDERS.format(**facts)
        connection.execute(f"copy ({query}) to '{folder}/more_orders/{name}.{kind}' ({_WRITTEN[kind]})")


def write_files(folder: Path, kind: str, *, rows: int, seed: int) -> None:
    """Write `orders/` (a dozen files, in time), `customers` and `products` as `kind` (parquet or csv)."""
    (folder / "orders").mkdir(parents=True, exist_ok=True)
    written, facts = _WRITTEN[kind], _facts(kind, rows=rows, seed=seed)
    with duckdb.connect() as connection:
        for number in range(FILES):
            span = {"first": rows * number // FILES, "last": rows * (number + 1) // FILES}
            query = _ORDERS.format(**facts, **span)
            connection.execute(f"copy ({query}) to '{folder}/orders/part_{number:02d}.{kind}' ({written})")
        connection.execute(f"copy ({_CUSTOMERS.format(**facts)}) to '{folder}/customers.{kind}' ({written})")
        connection.execute(f"copy ({_PRODUCTS.format(**facts)}) to '{folder}/products.{kind}' ({written})")
