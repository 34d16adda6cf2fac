"""Upload files of advertising platforms: headers, spelling, hashes."""

import hashlib

import polars as pl
import pytest

from warehouse.exports.audience_profiles import GOOGLE, META, upload_rows


def sha(value):
    return hashlib.sha256(value.encode()).hexdigest()


def contacts(*rows):
    return pl.DataFrame(rows, schema=["customer_id", "email", "phone"], orient="row").cast(pl.String)


@pytest.mark.parametrize(
    ("profile", "email", "phone", "expected"),
    [
        (GOOGLE, " Jane.Doe@Gmail.com ", None, (sha("janedoe@gmail.com"), "")),
        (GOOGLE, "jane.doe@example.org", None, (sha("jane.doe@example.org"), "")),
        (GOOGLE, None, "020 7946 0000", ("", sha("+442079460000"))),
        (META, "Jane.Doe@Gmail.com", None, (sha("jane.doe@gmail.com"), "")),
        (META, None, "+44 20 7946 0000", ("", sha("442079460000"))),
        (META, "a@example.org", "020 7946 0000 ext 12", (sha("a@example.org"), sha("442079460000"))),
    ],
)
def test_spelled_and_hashed_as_the_platform_asks(profile, email, phone, expected):
    rows = upload_rows(contacts(("1", email, phone)), profile, country="GB")
    assert rows.columns == [profile.email_header, profile.phone_header]
    assert rows.rows() == [expected]


def test_nobody_without_anything_readable_and_nobody_twice():
    people = contacts(
        ("1", "a@example.org", None), ("2", "A@example.org ", None), ("3", "not an address", "12"), ("4", None, None)
    )
    assert upload_rows(people, GOOGLE, country=None).rows() == [(sha("a@example.org"), "")]


def test_an_empty_list_has_its_headers():
    assert upload_rows(contacts(), META, country="GB").schema == {"email": pl.String, "phone": pl.String}
