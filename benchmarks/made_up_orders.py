"""Made-up order lines, bucketed as the lake has them, for benchmarks of features.

Belongs here: a seeded company of any size, one bucket at a time. Does not: realism beyond what costs time (how many
lines an order and orders a customer have, how skewed products are, that some lines become known late).
"""

from pathlib import Path

import numpy as np
import polars as pl

FIRST_DAY = np.datetime64("2023-01-01", "us")
DAYS = 1096  # up to and with 2025-12-31
SECONDS_A_DAY = 86_400
MICROSECONDS = 1_000_000
PRODUCTS = 20_000
LINES_AN_ORDER = 4
LATE_SHARE = 0.001
RETURN_SHARE = 0.05
CHANNELS = np.array(["app", "shop", "telephone", "web"])


def write_bucket(folder: Path, bucket: int, *, buckets: int, customers: int, lines: int) -> None:
    """Write one bucket's `orders` (about `lines` / `buckets` rows), sorted as the lake sorts them."""
    random = np.random.default_rng([bucket, buckets, customers, lines])
    ids = np.arange(bucket, customers, buckets)
    orders = _orders_of(random, len(ids), lines / LINES_AN_ORDER / customers)
    sizes = random.geometric(1 / LINES_AN_ORDER, len(orders))
    path = folder / f"bucket={bucket:03d}.parquet"
    _frame(random, ids, orders, sizes).write_parquet(path)


def _orders_of(random: np.random.Generator, customers: int, usual: float) -> np.ndarray:
    """The customer (by number) and second of each order, sorted: lives begin and end, rhythms differ."""
    counts = 1 + random.poisson(random.gamma(0.8, (usual - 1) / 0.8, customers))
    customer = np.repeat(np.arange(customers), counts)
    begins = random.integers(0, DAYS - 30, customers)
    lasts = random.uniform(0.2, 1.0, customers) * (DAYS - begins)
    day = begins[customer] + random.random(len(customer)) * lasts[customer]
    second = (np.floor(day) * SECONDS_A_DAY).astype(np.int64) + random.integers(7 * 3600, 22 * 3600, len(day))
    made = np.empty(len(day), dtype=[("customer", np.int64), ("second", np.int64)])
    made["customer"], made["second"] = customer, second
    return np.sort(made, order=["customer", "second"])


def _frame(random: np.random.Generator, ids: np.ndarray, orders: np.ndarray, sizes: np.ndarray) -> pl.DataFrame:
    of = np.repeat(np.arange(len(orders)), sizes)
    rows = len(of)
    at = FIRST_DAY + (orders["second"][of] * MICROSECONDS).astype("timedelta64[us]")
    late = np.where(random.random(rows) < LATE_SHARE, random.integers(1, 30, rows), 0)
    sign = np.where(random.random(len(orders)) < RETURN_SHARE, -1, 1)[of]
    product = np.minimum((random.pareto(0.7, rows) * 20).astype(np.int64), PRODUCTS - 1)
    quantity = random.integers(1, 6, rows)
    price = 100 + product * 37 % 4900
    discount = price * quantity * random.choice([0, 0, 0, 1], rows) // 10
    moment = pl.Datetime("us", "UTC")
    made = {
        "order_id": pl.Series(of).cast(pl.String),
        "line_number": pl.Series(np.arange(rows) - np.searchsorted(of, of), dtype=pl.Int32),
        "customer_id": pl.Series(ids[orders["customer"][of]]).cast(pl.String).str.zfill(8),
        "ordered_at": pl.Series(at).dt.replace_time_zone("UTC").cast(moment),
        "product_id": pl.Series(product).cast(pl.String),
        "quantity": pl.Series(sign * quantity, dtype=pl.Float64),
        "amount": pl.Series(sign * (price * quantity - discount)),
        "discount_amount": pl.Series(discount * (sign > 0)),
        "cost_amount": pl.Series(sign * price * quantity * 6 // 10),
        "channel": pl.Series(CHANNELS[orders["second"][of] % 4]),
        "currency": pl.Series(["GBP"]).new_from_index(0, rows),
        "known_at": pl.Series(at + late.astype("timedelta64[D]")).dt.replace_time_zone("UTC").cast(moment),
        "load_id": pl.Series(["load"]).new_from_index(0, rows),
    }
    order_id = pl.concat_str("customer_id", pl.lit("-"), "order_id").alias("order_id")
    sorted_by = ["customer_id", "ordered_at", "order_id", "line_number"]
    return pl.DataFrame(made).with_columns(order_id).sort(sorted_by)


def write_orders(folder: Path, *, buckets: int, customers: int, lines: int) -> None:
    """Write all buckets; the same arguments make the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for bucket in range(buckets):
        write_bucket(folder, bucket, buckets=buckets, customers=customers, lines=lines)
