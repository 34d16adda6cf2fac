"""What the audit finds, and what it lets pass."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from warehouse.errors import EmptyTableError, VolumeChangedError
from warehouse.publishing.audit import (
    VolumeOverrides,
    check_volume,
    check_volume_against,
    row_findings,
    schema_findings,
)

MONDAY = date(2026, 3, 2)


def findings(night, frame):
    return schema_findings(frame, night.CUSTOMER) or row_findings(frame, night.CUSTOMER)


def test_a_table_as_in_its_contract_passes(night):
    assert findings(night, night.customer_frame(MONDAY)) == []
    assert findings(night, night.customer_frame(MONDAY, customers=0)) == []


def test_nulls_pass_where_they_are_allowed_and_bounds_are_values_too(night):
    frame = night.customer_frame(MONDAY, customers=3).with_columns(
        churn_probability=pl.Series([None, 0.0, 1.0]), expected_value=pl.lit(None, pl.Decimal(18, 2))
    )
    assert findings(night, frame) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: pl.concat([f, f.head(1)]), "key repeats that of another row, in 1 rows"),
        (lambda f: f.with_columns(customer_id=pl.lit(None, pl.String)), "customer_id is null"),
        (lambda f: f.with_columns(value_tier=pl.lit(None, pl.String)), "value_tier is null, in 10 rows"),
        (lambda f: f.with_columns(value_tier=pl.lit("tin")), "value_tier is not one of"),
        (lambda f: f.with_columns(churn_probability=pl.lit(1.01)), "churn_probability is above 1"),
        (lambda f: f.with_columns(churn_probability=pl.lit(-0.01)), "churn_probability is below 0"),
        (lambda f: f.with_columns(churn_probability=pl.lit(float("nan"))), "NaN or infinite, in 10 rows"),
        (lambda f: f.with_columns(churn_probability=pl.lit(float("-inf"))), "NaN or infinite, in 10 rows"),
        (
            lambda f: f.with_columns(expected_value=pl.lit(-1, pl.Decimal(18, 2))),
            "expected_value is below 0",
        ),
        (lambda f: f.with_columns(churn_probability=pl.lit("0.5")), "churn_probability is String, not Float64"),
        (lambda f: f.drop("value_tier"), "missing columns ['value_tier']"),
        (lambda f: f.with_columns(surprise=1), "unknown columns ['surprise']"),
        (lambda f: f.select(reversed(f.columns)), "columns out of order"),
    ],
)
def test_a_table_unlike_its_contract_is_found_out(night, change, reason):
    found = findings(night, change(night.customer_frame(MONDAY)))
    assert len(found) == 1 or reason == "customer_id is null"
    assert any(each.startswith("customer: ") and reason in each for each in found)


def test_no_value_of_a_key_is_told(night):
    frame = night.customer_frame(MONDAY)
    assert "00000" not in str(findings(night, pl.concat([frame, frame])))


@pytest.mark.parametrize(
    ("before", "now", "blocked"),
    [
        (10, 5, True),
        (10, 6, False),
        (10, 10, False),
        (10, 99, False),
        (10, 100, True),
        (10, 0, True),
        (0, 10, False),
        (0, 0, False),
    ],
)
def test_row_counts_may_not_jump(night, before, now, blocked):
    def check(**allowed):
        return check_volume_against(
            {"customer": before},
            {"customer": now},
            {"customer": night.CUSTOMER},
            as_of_before=MONDAY,
            overrides=VolumeOverrides(**allowed),
        )

    if not blocked:
        assert check() == {}
        return
    with pytest.raises(VolumeChangedError) as refused:
        check()
    assert "2026-03-02" in refused.value.expected
    assert check(allow_volume_change=True) == {"allow_volume_change": ["customer"]}


@pytest.mark.parametrize(
    ("rows", "may_be_empty", "blocked"), [(0, False, True), (0, True, False), (1, False, False), (1, True, False)]
)
def test_no_rows_at_all_must_be_allowed(night, rows, may_be_empty, blocked):
    contracts = {"customer": replace(night.CUSTOMER, may_be_empty=may_be_empty)}
    if blocked:
        with pytest.raises(EmptyTableError):
            check_volume({"customer": rows}, contracts, overrides=VolumeOverrides())
    needed = check_volume({"customer": rows}, contracts, overrides=VolumeOverrides(allow_empty=True))
    assert needed == ({"allow_empty": ["customer"]} if blocked else {})


def test_a_table_of_exceptions_may_come_and_go(night):
    contracts = {"customer": replace(night.CUSTOMER, may_be_empty=True)}
    for before, now in ((10, 0), (1, 1000)):
        assert (
            check_volume_against(
                {"customer": before}, {"customer": now}, contracts, as_of_before=MONDAY, overrides=VolumeOverrides()
            )
            == {}
        )


def test_a_table_that_is_gone_is_a_jump(night):
    with pytest.raises(VolumeChangedError) as refused:
        check_volume_against(
            {"customer": 10, "next_best_offer": 10},
            {"customer": 10},
            {"customer": night.CUSTOMER},
            as_of_before=MONDAY,
            overrides=VolumeOverrides(),
        )
    assert refused.value.where == "next_best_offer"
