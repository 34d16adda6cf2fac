"""The common features in DuckDB's SQL, written with care: lines reduced to orders, visits and pairs, each once."""

import duckdb
from common import PRODUCT_WINDOWS, RETURN_WINDOWS, SNAPSHOT, WINDOWS, ZONE, run


def query(files: str) -> str:
    """The statement over a list of files."""
    windows = ", ".join(
        f"count(*) filter (bought and age <= {days}) as purchase_count_{days}_days, "
        f"coalesce(sum(amount) filter (age <= {days}), 0) as net_amount_{days}_days"
        for days in WINDOWS
    )
    products = ", ".join(
        f"count(*) filter (age <= {days}) as distinct_products_{days}_days" for days in PRODUCT_WINDOWS
    )
    returned = ", ".join(
        f"coalesce(-sum(amount) filter (amount < 0 and age <= {days}), 0) as returned_amount_{days}_days"
        for days in RETURN_WINDOWS
    )
    return f"""
with lines as materialized (
  select customer_id, order_id, product_id, channel, amount, ordered_at,
    date_diff('day', (ordered_at at time zone '{ZONE}')::date, date '{SNAPSHOT}') as age
  from read_parquet({files}, hive_partitioning = false)
  where ordered_at < timestamp '{SNAPSHOT}' at time zone '{ZONE}'
    and known_at < timestamp '{SNAPSHOT}' at time zone '{ZONE}'),
orders as materialized (
  select customer_id, amount, amount > 0 as bought, ordered_at at time zone '{ZONE}' as moment,
    date_diff('day', moment::date, date '{SNAPSHOT}') as age
  from (select customer_id, order_id, sum(amount) as amount, min(ordered_at) as ordered_at
        from lines group by customer_id, order_id)),
of_orders as (
  select customer_id, count(*) filter (bought) as purchase_count_life, sum(amount) as net_amount_life, {windows},
    avg((isodow(moment) >= 6)::int) filter (bought) as weekend_share,
    avg((hour(moment) >= 18)::int) filter (bought) as evening_share
  from orders group by customer_id having count(*) filter (bought) > 0),
visits as (
  select customer_id, age, sum(amount) as amount,
    lag(age) over (partition by customer_id order by age desc) - age as gap
  from orders where bought group by customer_id, age),
of_visits as (
  select customer_id, min(age) as days_since_last_order, max(age) as days_since_first_order,
    count(*) as purchase_day_count, median(amount) as median_purchase_day_amount,
    max(amount) as largest_purchase_day_amount, median(gap) as median_days_between_orders,
    avg(gap) as mean_days_between_orders, stddev_samp(gap) as spread_of_days_between_orders,
    max(gap) as longest_days_between_orders, min(gap) as shortest_days_between_orders
  from visits group by customer_id),
of_products as (
  select customer_id, count(*) as distinct_products_life, {products}
  from (select customer_id, product_id, min(age) as age from lines where amount > 0 group by all) group by customer_id),
of_channels as (
  select customer_id, count(*) as distinct_channels_life,
    count(*) filter (age <= 365) as distinct_channels_365_days
  from (select customer_id, channel, min(age) as age from lines where amount > 0 group by all) group by customer_id),
of_returns as (select customer_id, {returned} from lines group by customer_id)
select * from of_orders join of_visits using (customer_id) left join of_products using (customer_id)
  left join of_channels using (customer_id) left join of_returns using (customer_id)"""  # noqa: S608 our own constants


def work(paths: list[str], out: str) -> None:
    """All buckets in one statement: DuckDB streams."""
    with duckdb.connect() as connection:
        listed = "[" + ", ".join(f"'{path}'" for path in paths) + "]"
        connection.execute(f"copy ({query(listed)}) to '{out}' (header, delimiter ',')")


if __name__ == "__main__":
    run(work)
