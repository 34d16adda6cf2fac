"""Who: what the company's records say of the customer. Text stays text; models encode it.

The engine joins the customer's record (once it was known) with each of its columns named `customers.<column>`.
"""

import polars as pl

from features.feature import DAYS, MONEY, Family, Feature

_UNKNOWN = "not on record (or not yet known at the snapshot)"
_TEXTS = (
    ("customer_type", "Kind of customer (end customer, trader, …).", "is of type {customer_type}"),
    ("region", "Region.", "comes from {region}"),
    ("acquisition_channel", "Channel they were won through.", "was won through {acquisition_channel}"),
)


def _record(column: str) -> pl.Expr:
    return pl.col(f"customers.{column}")


def _feature(
    name: str, column: str, *, meaning: str, unit: str, dtype: type[pl.DataType], value: pl.Expr, phrase: str
) -> Feature:
    return Feature(
        name=name,
        meaning=meaning,
        unit=unit,
        dtype=dtype,
        null_means=_UNKNOWN,
        needs=("customers", f"customers.{column}"),
        value=value,
        phrase=phrase,
        phrase_when_null="little is on record",
    )


def _numbers() -> list[Feature]:
    born, created = _record("birth_year"), _record("created_at_date")
    age = pl.col("snapshot_date").dt.year() - born
    since = (pl.col("snapshot_date") - created).dt.total_days()
    consent = "Whether they agreed to marketing (1) or not (0)."
    return [
        _feature("age_years", "birth_year", meaning="Age reached in the year of the snapshot.", unit="years",
                 dtype=pl.Int64, value=age, phrase="is {age_years} years old"),
        _feature("days_since_registration", "created_at", meaning="Days since the customer's record was created.",
                 unit=DAYS, dtype=pl.Int64, value=pl.when(since > 0).then(since),
                 phrase="registered {days_since_registration} days ago"),
        _feature("credit_limit_amount", "credit_limit", meaning="Credit limit.", unit=MONEY, dtype=pl.Int64,
                 value=_record("credit_limit"), phrase="has a credit limit of {credit_limit_amount}"),
        _feature("has_marketing_consent", "consent_marketing", meaning=consent, unit="0 or 1", dtype=pl.Int8,
                 value=_record("consent_marketing"), phrase="marketing consent on record"),
    ]  # fmt: skip


FAMILY = Family(
    name="profile",
    about="Who the customer is, as the company's records say.",
    features=(
        *(
            _feature(name, name, meaning=meaning, unit="text", dtype=pl.String, value=_record(name), phrase=phrase)
            for name, meaning, phrase in _TEXTS
        ),
        *_numbers(),
    ),
)
