import random

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.contact_normalising import (
    _email_by_library,
    _phone_by_library,
    _plain_phones,
    normal_emails,
    normal_phones,
)
from warehouse.errors_identity import CountryUnknownError


def one(function, value, **named):
    return function(pl.Series([value], dtype=pl.String), **named)[0]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (" Anna.Smith@Example.COM ", "anna.smith@example.com"),
        ("anna+shop@example.com", "anna+shop@example.com"),
        ("info@münchen.de", "info@münchen.de"),
        ("info@xn--mnchen-3ya.de", "info@münchen.de"),
        ("anna@localhost", None),
        ("anna@@example.com", None),
        ("anna..smith@example.com", None),
        ("Anna <anna@example.com>", None),
        ("n/a", None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_has_one_spelling(written, expected):
    assert one(normal_emails, written) == expected


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("020 7946 0018", "GB", "+442079460018"),
        ("(020) 7946-0018", "GB", "+442079460018"),
        ("+44 (0)20 7946 0018", "GB", "+442079460018"),
        ("0044 20 7946 0018", "GB", "+442079460018"),
        ("07700 900123", "GB", "+447700900123"),
        ("07700 900123 x12", "GB", "+447700900123;ext=12"),
        ("+49 30 901820", "GB", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("020 7946 0018", None, None),
        ("+44 20 7946 0018", None, "+442079460018"),
        ("12", "GB", None),
        ("call me", "GB", None),
        ("0" * 200, "GB", None),
        ("", "GB", None),
        (None, "GB", None),
    ],
)
def test_a_number_has_one_spelling(written, country, expected):
    assert one(normal_phones, written, country=country) == expected


def test_an_unknown_country_is_refused():
    with pytest.raises(CountryUnknownError) as caught:
        normal_phones(pl.Series(["1"]), country="UK")
    assert caught.value.exit_code == 2


@given(st.lists(st.one_of(st.none(), st.emails(), st.text(max_size=12), st.from_regex(r"[a-z.+-]{1,8}@[a-z.-]{1,9}"))))
def test_addresses_are_spelled_as_the_library_spells_them(values):
    found = normal_emails(pl.Series(values, dtype=pl.String)).to_list()
    tidy = pl.Series(values, dtype=pl.String).str.strip_chars().str.to_lowercase().to_list()
    assert found == [_email_by_library(value) if value else None for value in tidy]


def test_plain_numbers_of_every_country_are_read_as_the_library_reads_them():
    choose = random.Random(7)  # noqa: S311 any digits will do
    known = 0
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        values = [_some_number(choose, country) for _ in range(25)]
        for value, plain in zip(values, _plain_phones(pl.Series(values), country), strict=True):
            known += plain is not None
            assert plain is None or plain == _phone_by_library(value, country), (country, value)
    assert known > 1000  # else nothing was tried


def _some_number(choose, country):
    """Digits that could be a number there, often one digit off an example, in some spelling."""
    metadata, example = phonenumbers.PhoneMetadata.metadata_for_region(country), phonenumbers.example_number(country)
    length = choose.choice(metadata.general_desc.possible_length)
    digits = "".join(choose.choice("0123456789") for _ in range(length))
    if example and choose.random() < 0.7:
        kept = choose.randrange(len(str(example.national_number)) + 1)
        digits = str(example.national_number)[:kept] + digits[kept : len(str(example.national_number))]
    code, trunk = metadata.country_code, metadata.national_prefix or ""
    return choose.choice([digits, trunk + digits, f"+{code}{digits}", f"+{code}{trunk}{digits}", f"{code}{digits}"])
