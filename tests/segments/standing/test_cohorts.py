from datetime import date, timedelta

import polars as pl

from segments.standing.cohorts import cohort_sums, cohorts

AS_OF = date(2025, 12, 1)
MONTHS = [date(2025, month, 1) for month in range(1, 9)]


def orders(repeat_in=MONTHS):
    """40 new customers a month, each with one order of 100, and half of them with one of 50 a month later."""
    rows = []
    for month in MONTHS:
        for n in range(40):
            rows.append((f"{month}-{n}", month, 100, True))
            if month in repeat_in and n % 2:
                rows.append((f"{month}-{n}", month + timedelta(days=30), 50, True))
    return pl.DataFrame(rows, schema=["customer_id", "day", "amount", "is_purchase"], orient="row")


def facts(kind="end customer"):
    rows = [(f"{month}-{n}", (AS_OF - month).days, kind) for month in MONTHS for n in range(40)]
    made = pl.DataFrame(rows, schema=["customer_id", "days_since_first_order", "customer_type"], orient="row")
    nothing = [pl.lit(None, pl.String).alias(name) for name in ("region", "acquisition_channel")]
    return made.with_columns(*nothing, pl.lit(None, pl.Int64).alias("age_years"))


def test_cohorts_stand_beside_those_before_at_the_same_age():
    sums = cohort_sums(orders(), as_of=AS_OF)
    made = cohorts(sums, facts(), as_of=AS_OF).filter(age_days=90)
    assert made["cohort_month"].to_list() == MONTHS  # September's youngest are not 90 days old
    assert set(made["repeat_share"]) == {0.5}
    assert set(made["value_per_customer"]) == {125}
    assert made["maybe_older_than_data"].to_list() == [True] * 3 + [False] * 5
    assert made["older_customers"].to_list() == [0, 0, 0, 0, 40, 80, 120, 160]
    assert made["verdict"].to_list()[-1] == "as before"
    assert made["mix_drift"].to_list()[-1] == 0.0


def test_a_worse_cohort_and_another_kind_of_people_are_found():
    sums = cohort_sums(orders(repeat_in=MONTHS[:-1]), as_of=AS_OF)
    people = facts().with_columns(
        pl.when(pl.col("days_since_first_order") == (AS_OF - MONTHS[-1]).days)
        .then(pl.lit("trader"))
        .otherwise("customer_type")
        .alias("customer_type")
    )
    last = cohorts(sums, people, as_of=AS_OF).filter(age_days=90).row(-1, named=True)
    assert last["verdict"] == "worse"
    assert last["mix_drift"] > 1
    assert last["mix_drift_in"] == "customer_type"


def test_sums_of_buckets_add_up_and_no_orders_give_no_cohorts():
    everything, parts = orders(), orders().with_columns((pl.col("customer_id").hash() % 3).alias("bucket"))
    split = [cohort_sums(part.drop("bucket"), as_of=AS_OF) for part in parts.partition_by("bucket")]
    one = cohorts(cohort_sums(everything, as_of=AS_OF), facts(), as_of=AS_OF)
    assert cohorts(pl.concat(split), facts(), as_of=AS_OF).equals(one)
    nothing = cohorts(cohort_sums(everything.clear(), as_of=AS_OF), facts().clear(), as_of=AS_OF)
    assert nothing.is_empty()
    assert nothing.columns == one.columns
