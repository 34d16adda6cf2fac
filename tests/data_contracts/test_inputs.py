import pytest
from pydantic import ValidationError

from data_contracts.inputs import InputSpec, environment_names, is_compressed, is_url


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"files": "a.csv"}, "csv"),
        ({"files": "a.csv.gz"}, "csv"),
        ({"files": "a.ndjson.GZ"}, "jsonl"),
        ({"files": "Sales.XLSX"}, "excel"),
        ({"files": "s3://bucket/orders/*.parquet"}, "parquet"),
        ({"files": "https://shop.example/export.csv?day=1.2"}, "csv"),
        ({"files": "export.dat", "format": "excel"}, "excel"),
    ],
)
def test_format_is_what_the_ending_says_below_gz_and_before_a_query(settings, expected):
    spec = InputSpec.model_validate(settings)
    assert spec.format_of(spec.files[0]) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "exactly one of: files"),
        ({"files": "a.csv", "database": "${SHOP}", "table": "a"}, "exactly one of: files"),
        ({"files": "a.csv", "table": "a"}, "say database ="),
        ({"database": "${SHOP}"}, "exactly one of: table or query"),
        ({"database": "${SHOP}", "table": "a", "query": "select 1"}, "exactly one of: table or query"),
        ({"database": "postgresql://u:hunter2@db/shop", "table": "a"}, "environment variable"),
        ({"database": "host=db password=hunter2", "table": "a"}, "environment variable"),
        ({"database": "${SHOP}", "table": 'a"; drop table b'}, "lower-case letters"),
        ({"database": "${SHOP}", "table": "a" * 64}, "lower-case letters"),
        ({"database": "${SHOP}", "table": "a.b.c"}, "lower-case letters"),
        ({"files": "a.parquet.gz"}, "unpack it first"),
        ({"files": "a.dat"}, 'say format = "csv"'),
        ({"files": "https://me:hunter2@shop.example/a.csv"}, "must not name a user"),
        ({"files": "https://shop.example/a.csv?X-Amz-Signature=hunter2"}, "signature"),
    ],
)
def test_an_input_that_can_mean_nothing_is_refused_without_its_secret(settings, message):
    with pytest.raises(ValidationError, match=message) as caught:
        InputSpec.model_validate(settings)
    assert "hunter2" not in caught.value.errors()[0]["msg"]


def test_the_environment_variables_that_inputs_name():
    inputs = {
        "a": InputSpec(database="${SHOP}", table="orders"),
        "b": InputSpec(database="shop.duckdb", table="main.orders"),
        "c": InputSpec(files=("a.csv",)),
        "d": InputSpec(database="${CRM_1}", query="select 1"),
    }
    assert environment_names(inputs) == ("CRM_1", "SHOP")


def test_urls_and_compressed_files_are_told_apart():
    assert is_url("s3://bucket/a.csv")
    assert not is_url("C:/a.csv")
    assert is_compressed("a.csv.gz")
    assert not is_compressed("gz.csv")
