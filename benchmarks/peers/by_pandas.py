"""The common features in pandas, written with care: one pass of groupbys a bucket, no `apply`, filters first."""

import pandas as pd
from common import (
    EVENING_HOUR,
    FEATURES,
    GAPS,
    PRODUCT_WINDOWS,
    RETURN_WINDOWS,
    SATURDAY,
    SNAPSHOT,
    WINDOWS,
    YEAR_DAYS,
    ZONE,
    run,
)

COLUMNS = ["customer_id", "order_id", "ordered_at", "known_at", "product_id", "amount", "channel"]


def of_bucket(path: str) -> pd.DataFrame:
    """One bucket's customers."""
    cut = pd.Timestamp(SNAPSHOT, tz=ZONE)
    lines = pd.read_parquet(path, columns=COLUMNS)
    lines = lines[(lines["ordered_at"] < cut) & (lines["known_at"] < cut)]
    for name in ("customer_id", "product_id", "channel"):
        lines[name] = lines[name].astype("category")
    local = lines["ordered_at"].dt.tz_convert(ZONE)
    lines["age"] = (pd.Timestamp(SNAPSHOT) - local.dt.tz_localize(None).dt.normalize()).dt.days
    orders = lines.groupby(["customer_id", "order_id"], observed=True, sort=False).agg(
        amount=("amount", "sum"), first=("ordered_at", "min")
    )
    orders = orders.reset_index()
    moment = orders["first"].dt.tz_convert(ZONE)
    orders["hour"], orders["weekday"] = moment.dt.hour, moment.dt.day_of_week
    orders["age"] = (pd.Timestamp(SNAPSHOT) - moment.dt.tz_localize(None).dt.normalize()).dt.days
    bought = orders[orders["amount"] > 0]
    found = of_orders(orders, bought) | of_visits(bought) | of_lines(lines)
    table = pd.DataFrame(found).loc[bought["customer_id"].unique()]
    counted = [name for name in table.columns if name.startswith(("purchase_count", "net", "distinct", "returned"))]
    table[counted] = table[counted].fillna(0)
    return table[list(FEATURES)]


def by_customer(frame: pd.DataFrame, column: str) -> "pd.api.typing.SeriesGroupBy":
    """A column grouped by customer."""
    return frame.groupby("customer_id", observed=True, sort=False)[column]


def of_orders(orders: pd.DataFrame, bought: pd.DataFrame) -> dict[str, pd.Series]:
    """Counts and sums over windows, habits."""
    found = {"purchase_count_life": by_customer(bought, "amount").size()}
    found["net_amount_life"] = by_customer(orders, "amount").sum()
    for days in WINDOWS:
        found[f"purchase_count_{days}_days"] = by_customer(bought[bought["age"] <= days], "amount").size()
        found[f"net_amount_{days}_days"] = by_customer(orders[orders["age"] <= days], "amount").sum()
    habits = bought.assign(weekend=bought["weekday"] >= SATURDAY, evening=bought["hour"] >= EVENING_HOUR)
    for name in ("weekend", "evening"):
        found[f"{name}_share"] = by_customer(habits, name).mean()
    return found


def of_visits(bought: pd.DataFrame) -> dict[str, pd.Series]:
    """Days with a purchase, and the gaps between them."""
    visits = bought.groupby(["customer_id", "age"], observed=True)["amount"].sum().reset_index()
    visits = visits.sort_values(["customer_id", "age"], ascending=[True, False])
    visits["gap"] = -by_customer(visits, "age").diff()
    gaps = visits.dropna(subset="gap").groupby("customer_id", observed=True, sort=False)["gap"].agg(list(GAPS))
    return {
        "days_since_last_order": by_customer(visits, "age").min(),
        "days_since_first_order": by_customer(visits, "age").max(),
        "purchase_day_count": by_customer(visits, "age").size(),
        "median_purchase_day_amount": by_customer(visits, "amount").median(),
        "largest_purchase_day_amount": by_customer(visits, "amount").max(),
    } | {name: gaps[which] for which, name in GAPS.items()}


def of_lines(lines: pd.DataFrame) -> dict[str, pd.Series]:
    """Different products and channels, returns."""
    sold = lines[lines["amount"] > 0]
    pairs = sold.groupby(["customer_id", "product_id"], observed=True, sort=False)["age"].min().reset_index()
    channels = sold.groupby(["customer_id", "channel"], observed=True, sort=False)["age"].min().reset_index()
    found = {
        "distinct_products_life": by_customer(pairs, "age").size(),
        "distinct_channels_life": by_customer(channels, "age").size(),
        "distinct_channels_365_days": by_customer(channels[channels["age"] <= YEAR_DAYS], "age").size(),
    }
    for days in PRODUCT_WINDOWS:
        found[f"distinct_products_{days}_days"] = by_customer(pairs[pairs["age"] <= days], "age").size()
    returned = lines[lines["amount"] < 0]
    for days in RETURN_WINDOWS:
        found[f"returned_amount_{days}_days"] = -by_customer(returned[returned["age"] <= days], "amount").sum()
    return found


def work(paths: list[str], out: str) -> None:
    """Bucket by bucket."""
    pd.concat([of_bucket(path) for path in paths]).rename_axis("customer_id").to_csv(out)


if __name__ == "__main__":
    run(work)
