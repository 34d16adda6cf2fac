"""The common features by featuretools: entities of lines, orders and visits, and its own aggregation primitives.

Orders, visits, gaps and the lines of each window are prepared in pandas, as its users do: featuretools aggregates.
"""

import warnings

import featuretools as ft
import pandas as pd
from common import (
    EVENING_HOUR,
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
from featuretools.primitives import Count, Max, Mean, Median, Min, NumUnique, PercentTrue, Std, Sum

PRIMITIVES = {"median": Median, "mean": Mean, "std": Std, "max": Max, "min": Min}


def prepared(paths: list[str]) -> dict[str, pd.DataFrame]:
    """Lines, orders and visits, each with what features are conditional on."""
    cut = pd.Timestamp(SNAPSHOT, tz=ZONE)
    columns = ["customer_id", "order_id", "ordered_at", "known_at", "product_id", "amount", "channel"]
    lines = pd.concat([pd.read_parquet(path, columns=columns) for path in paths], ignore_index=True)
    lines = lines[(lines["ordered_at"] < cut) & (lines["known_at"] < cut)].reset_index(drop=True)
    lines["age"] = _age(lines["ordered_at"])
    lines["returned"] = -lines["amount"].where(lines["amount"] < 0, 0)
    orders = lines.groupby(["customer_id", "order_id"], sort=False).agg(
        amount=("amount", "sum"), first=("ordered_at", "min"), age=("age", "max")
    )
    orders = orders.reset_index()
    moment = orders["first"].dt.tz_convert(ZONE)
    orders["weekend"], orders["evening"] = moment.dt.day_of_week >= SATURDAY, moment.dt.hour >= EVENING_HOUR
    bought = orders[orders["amount"] > 0].reset_index(drop=True)
    visits = bought.groupby(["customer_id", "age"])["amount"].sum().reset_index()
    visits = visits.sort_values(["customer_id", "age"], ascending=[True, False], ignore_index=True)
    visits["gap"] = -visits.groupby("customer_id")["age"].diff()
    sold = lines[lines["amount"] > 0].reset_index(drop=True)
    return {"lines": lines, "sold": sold, "orders": orders, "bought": bought, "visits": visits}


def _age(moments: pd.Series) -> pd.Series:
    days = moments.dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    return (pd.Timestamp(SNAPSHOT) - days).dt.days


def entity_set(frames: dict[str, pd.DataFrame]) -> ft.EntitySet:
    """The frames under their customers."""
    entities = ft.EntitySet("shop")
    customers = pd.DataFrame({"customer_id": frames["bought"]["customer_id"].unique()})
    entities.add_dataframe(
        customers, dataframe_name="customers", index="customer_id", logical_types={"customer_id": "Categorical"}
    )
    for name, frame in frames.items():
        kept = frame.drop(columns=["ordered_at", "known_at", "first", "order_id"], errors="ignore")
        for days in (*WINDOWS, *PRODUCT_WINDOWS):
            kept[f"in_{days}"] = kept["age"] <= days
        kept = kept[kept["customer_id"].isin(customers["customer_id"])]
        types = {column: _logical_type(column) for column in kept}
        entities.add_dataframe(kept, dataframe_name=name, index="row", make_index=True, logical_types=types)
        entities.add_relationship("customers", "customer_id", name, "customer_id")
    return entities


def _logical_type(column: str) -> str:
    """What featuretools is told a column is."""
    if column in {"customer_id", "product_id", "channel"}:
        return "Categorical"
    return "Double" if column in {"amount", "age", "gap", "returned"} else "Boolean"


def asked(entities: ft.EntitySet) -> list[ft.FeatureBase]:
    """The features."""

    def of(table: str, column: str, primitive: type, name: str, days: int | None = None) -> ft.FeatureBase:
        where = None if days is None else ft.Feature(entities[table].ww[f"in_{days}"])
        base = ft.Feature(entities[table].ww[column])
        return ft.Feature(base, parent_dataframe_name="customers", primitive=primitive, where=where).rename(name)

    wanted = [
        of("bought", "row", Count, "purchase_count_life"),
        of("orders", "amount", Sum, "net_amount_life"),
        of("visits", "age", Min, "days_since_last_order"),
        of("visits", "age", Max, "days_since_first_order"),
        of("visits", "row", Count, "purchase_day_count"),
        of("visits", "amount", Median, "median_purchase_day_amount"),
        of("visits", "amount", Max, "largest_purchase_day_amount"),
        of("sold", "product_id", NumUnique, "distinct_products_life"),
        of("sold", "channel", NumUnique, "distinct_channels_life"),
        of("sold", "channel", NumUnique, "distinct_channels_365_days", YEAR_DAYS),
        of("bought", "weekend", PercentTrue, "weekend_share"),
        of("bought", "evening", PercentTrue, "evening_share"),
    ]
    wanted += [of("bought", "row", Count, f"purchase_count_{days}_days", days) for days in WINDOWS]
    wanted += [of("orders", "amount", Sum, f"net_amount_{days}_days", days) for days in WINDOWS]
    wanted += [of("sold", "product_id", NumUnique, f"distinct_products_{days}_days", days) for days in PRODUCT_WINDOWS]
    wanted += [of("lines", "returned", Sum, f"returned_amount_{days}_days", days) for days in RETURN_WINDOWS]
    return wanted + [of("visits", "gap", PRIMITIVES[which], name) for which, name in GAPS.items()]


def work(paths: list[str], out: str) -> None:
    """All buckets at once: an entity set's set-up costs seconds each time."""
    warnings.simplefilter("ignore")
    entities = entity_set(prepared(paths))
    ft.calculate_feature_matrix(asked(entities), entities, n_jobs=1).to_csv(out)


if __name__ == "__main__":
    run(work)
