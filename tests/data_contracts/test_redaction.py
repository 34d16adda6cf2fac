import duckdb
import pytest

from data_contracts.redaction import currency_sample, date_sample, reason_of


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        ("31/12/2010", '"31/12/2010"'),
        ("12/1/2010 8:26", '"12/1/2010 8:26"'),
        ("1 Dec 2010 08:26:00 AM", '"1 Dec 2010 08:26:00 AM"'),
        ("20101231", '"20101231"'),
        ("mary.smith7@example.com", 'a text like "aaaa.aaaaa9@aaaaaaa.aaa"'),
        ("+44 20 7946 0958", 'a text like "+99 99 9999 9999"'),
    ],
)
def test_only_what_looks_like_a_date_is_shown(value, sample):
    assert date_sample(value) == sample


@pytest.mark.parametrize(
    ("value", "sample"), [("XXX", '"XXX"'), ("£", '"£"'), ("Smith", 'a text like "aaaaa"'), ("12", 'a text like "99"')]
)
def test_only_what_looks_like_a_currency_is_shown(value, sample):
    assert currency_sample(value) == sample


def reason(query):
    with pytest.raises(duckdb.Error) as caught:
        duckdb.connect().execute(query).fetchall()
    return reason_of(caught.value)


def test_values_are_left_out_of_reasons():
    told = reason("select cast(a as integer) from (values ('canary@example.com')) t(a)")
    assert "canary" not in told
    assert "INT32" in told


def test_unknown_columns_are_named():
    assert "Pric" in reason("select Pric from (select 1 as Price)")
