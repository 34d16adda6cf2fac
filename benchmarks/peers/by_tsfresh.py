"""What tsfresh's minimal features can say of the common ones: statistics of series, one series for each window.

Orders, visits and gaps are prepared in pandas, as its users do; tsfresh aggregates. Distinct products and channels and
shares of days and hours are beyond its minimal set.
"""

import pandas as pd
from common import GAPS, RETURN_WINDOWS, SNAPSHOT, WINDOWS, ZONE, run
from tsfresh import extract_features

STATISTICS = {"std": "standard_deviation", "max": "maximum", "min": "minimum"}


def series(paths: list[str]) -> dict[str, tuple[pd.DataFrame, dict[str, str]]]:
    """By name a series (`customer_id`, `value`), and which feature each of its statistics is."""
    cut = pd.Timestamp(SNAPSHOT, tz=ZONE)
    columns = ["customer_id", "order_id", "ordered_at", "known_at", "amount"]
    lines = pd.concat([pd.read_parquet(path, columns=columns) for path in paths], ignore_index=True)
    lines = lines[(lines["ordered_at"] < cut) & (lines["known_at"] < cut)]
    days = lines["ordered_at"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    lines = lines.assign(age=(pd.Timestamp(SNAPSHOT) - days).dt.days)
    orders = lines.groupby(["customer_id", "order_id"], sort=False).agg(amount=("amount", "sum"), age=("age", "max"))
    orders = orders.reset_index()
    bought = orders[orders["amount"] > 0]
    visits = bought.groupby(["customer_id", "age"])["amount"].sum().reset_index()
    visits = visits.sort_values(["customer_id", "age"], ascending=[True, False])
    gaps = visits.assign(gap=-visits.groupby("customer_id")["age"].diff()).dropna(subset="gap")
    ages = {"minimum": "days_since_last_order", "maximum": "days_since_first_order", "length": "purchase_day_count"}
    amounts = {"median": "median_purchase_day_amount", "maximum": "largest_purchase_day_amount"}
    found = {
        "orders": (_values(orders, "amount"), {"sum_values": "net_amount_life"}),
        "bought": (_values(bought, "amount"), {"length": "purchase_count_life"}),
        "ages": (_values(visits, "age"), ages),
        "amounts": (_values(visits, "amount"), amounts),
        "gaps": (_values(gaps, "gap"), {STATISTICS.get(which, which): name for which, name in GAPS.items()}),
    }
    for days in WINDOWS:
        windowed = {"sum_values": f"net_amount_{days}_days"}
        found[f"orders {days}"] = (_values(orders[orders["age"] <= days], "amount"), windowed)
        counted = {"length": f"purchase_count_{days}_days"}
        found[f"bought {days}"] = (_values(bought[bought["age"] <= days], "amount"), counted)
    returned = lines.assign(returned=-lines["amount"])[lines["amount"] < 0]
    for days in RETURN_WINDOWS:
        sums = {"sum_values": f"returned_amount_{days}_days"}
        found[f"returned {days}"] = (_values(returned[returned["age"] <= days], "returned"), sums)
    return found


def _values(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[["customer_id", column]].rename(columns={column: "value"})


def work(paths: list[str], out: str) -> None:
    """All buckets at once, one call a series."""
    made = []
    for values, statistics in series(paths).values():
        asked = dict.fromkeys(statistics)
        table = extract_features(
            values, column_id="customer_id", default_fc_parameters=asked, n_jobs=0, disable_progressbar=True
        )
        made.append(table.rename(columns={f"value__{statistic}": name for statistic, name in statistics.items()}))
    pd.concat(made, axis=1).rename_axis("customer_id").to_csv(out)


if __name__ == "__main__":
    run(work)
