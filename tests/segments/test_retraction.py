from datetime import UTC, date, datetime

import polars as pl
import pytest

from segments.errors import SegmentColumnsMissingError, SegmentKeyRepeatedError
from segments.retraction import CUSTOMER_RETRACTION, customer_retraction

LATE_EVENING = datetime(2024, 6, 1, 23, 30, tzinfo=UTC)
MERGED, SPLIT = ("shop:1", "merged", "crm:2"), ("crm:1", "split", "shop:7")


def made(*changes, since=LATE_EVENING):
    schema = ["customer_id", "change", "became_customer_id"]
    frame = pl.DataFrame(list(changes), schema=dict.fromkeys(schema, pl.String), orient="row")
    frame = frame.with_columns(pl.lit(since).cast(pl.Datetime("us", "UTC")).alias("since"))
    return customer_retraction(frame, as_of=date(2024, 6, 2), run_key="r", time_zone="Europe/London")


def test_rows_to_take_back_are_as_the_contract_says():
    found = made(MERGED, SPLIT)
    assert found.schema == pl.Schema({column.name: column.dtype for column in CUSTOMER_RETRACTION.columns})
    assert found.drop("as_of", "run_key").rows() == [
        ("crm:1", "split", "shop:7", date(2024, 6, 2)),  # past midnight in London
        ("shop:1", "merged", "crm:2", date(2024, 6, 2)),
    ]


def test_no_change_is_an_empty_table():
    assert made().height == 0
    assert CUSTOMER_RETRACTION.may_be_empty


def test_every_column_says_what_it_means():
    assert all(len(column.meaning) > 10 for column in CUSTOMER_RETRACTION.columns)


def test_a_pair_told_twice_or_a_missing_column_is_refused():
    with pytest.raises(SegmentKeyRepeatedError):
        made(MERGED, MERGED)
    with pytest.raises(SegmentColumnsMissingError):
        customer_retraction(pl.DataFrame(), as_of=date(2024, 6, 2), run_key="r", time_zone="UTC")
