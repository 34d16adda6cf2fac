"""E-mail addresses and phone numbers in one spelling each, so that equal means equal.

Belongs here: normalising many values at once. Does not: which values are placeholders (`identities/matching.py`),
hashing (`personal_data.py`).

The rules are those of the libraries email-validator and phonenumbers. Most values are plain, and for those the result
is known without asking: the libraries (25 µs a value) see only the rest. Tests hold both ways against each other.
"""

import re
from collections.abc import Callable
from functools import cache

import polars as pl

from warehouse.errors_identity import CountryUnknownError

_PLAIN_EMAIL = r"^[a-z0-9_+-]{1,20}(\.[a-z0-9_+-]{1,20}){0,2}@([a-z0-9]([a-z0-9]|-[a-z0-9]){0,29}\.){1,4}[a-z]{2,24}$"
_SEPARATORS = r"[\s().\-/\u00a0]"
_LONGEST_NUMBER = 40


def normal_emails(values: pl.Series) -> pl.Series:
    """Addresses in one spelling: trimmed, the domain as it is registered, upper and lower case made equal.

    Dots and `+tags` stay: whether they name another mailbox is the mail server's affair.

    Args:
        values: String, any text.

    Returns:
        String, as long as `values`; null where there is none or it is no address.
    """
    tidy = values.cast(pl.String).str.strip_chars().str.to_lowercase().alias("value")
    plain = tidy.str.contains(_PLAIN_EMAIL)
    return _in_one_spelling(tidy, pl.select(pl.when(plain).then(tidy)).to_series(), _email_by_library)


def normal_phones(values: pl.Series, *, country: str | None) -> pl.Series:
    """Numbers in international form (`+442079460000`), an extension after `;ext=`.

    Args:
        values: String, any text.
        country: region (ISO 3166) of numbers without `+`; without one such numbers are not understood.

    Returns:
        String, as long as `values`; null where there is none, or its length is that of no whole number there.

    Raises:
        CountryUnknownError: there is no such region.
    """
    refuse_unknown_country(country)
    tidy = values.cast(pl.String).str.strip_chars().alias("value")
    return _in_one_spelling(tidy, _plain_phones(tidy, country), lambda value: _phone_by_library(value, country))


def refuse_unknown_country(country: str | None) -> None:
    """Check that the phone library knows a region.

    Raises:
        CountryUnknownError: it does not.
    """
    if country is None:
        return
    import phonenumbers  # noqa: PLC0415 a tenth of a second that most commands don't need

    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise CountryUnknownError(country=country)


def _in_one_spelling(tidy: pl.Series, plain: pl.Series, by_library: Callable[[str], str | None]) -> pl.Series:
    """`plain` where it is known, else what the library says; each distinct value is asked about once."""
    frame = pl.DataFrame({"value": tidy, "plain": plain})
    odd = frame.filter(pl.col("plain").is_null() & (pl.col("value") != ""))["value"].unique()
    asked = pl.DataFrame(
        {"value": odd, "asked": [by_library(value) for value in odd]}, schema={"value": pl.String, "asked": pl.String}
    )
    joined = frame.join(asked, on="value", how="left", validate="m:1", maintain_order="left")
    return joined.select(pl.coalesce("plain", "asked").alias(tidy.name)).to_series()


def _email_by_library(value: str) -> str | None:
    import email_validator  # noqa: PLC0415 only loaded where there is an odd address

    try:
        found = email_validator.validate_email(value, check_deliverability=False, globally_deliverable=False)
    except email_validator.EmailNotValidError:
        return None
    return found.normalized.lower() if "." in found.domain else None


def _plain_phones(tidy: pl.Series, country: str | None) -> pl.Series:
    """Numbers of the country itself in its commonest spellings; null for all others."""
    none = pl.Series("plain", [None], dtype=pl.String).new_from_index(0, len(tidy))
    numbering = _numbering(country) if country is not None else None
    if numbering is None:
        return none
    code, trunks, abroad, pattern, lengths = numbering
    prefix = trunks.split("|")[0]
    bare = tidy.str.replace_all(_SEPARATORS, "")
    international = bare.str.strip_prefix(f"+{code}")
    trunk = bare.str.strip_prefix(prefix) if prefix else bare
    frame = pl.DataFrame({"bare": bare, "international": international, "trunk": trunk})
    national = (
        pl.when(pl.col("bare").str.starts_with(f"+{code}"))
        .then("international")
        .when(pl.col("bare").str.starts_with(code) & pl.lit(prefix == ""))
        .then(None)
        .when(pl.col("bare").str.starts_with(prefix))
        .then("trunk")
    )
    is_plain = (
        pl.col("n").str.contains(rf"^(?:{pattern})$")
        & pl.col("n").str.len_bytes().is_in(list(lengths))
        & ~pl.col("n").str.starts_with(code)
        & ~pl.col("n").str.contains(rf"^(?:{trunks or '$'})")
        & ~pl.col("bare").str.contains(rf"^(?:{abroad})")
    )
    return (
        frame.with_columns(national.alias("n"))
        .select(pl.when(is_plain).then(pl.lit(f"+{code}") + pl.col("n")).alias("plain"))
        .to_series()
    )


@cache
def _numbering(country: str) -> tuple[str, str, str, str, tuple[int, ...]] | None:
    """A country's calling code, prefixes of trunk and foreign calls, pattern and lengths of national numbers.

    None where there is more to know: several trunk prefixes, or a calling code that it shares with a larger country.
    """
    import phonenumbers  # noqa: PLC0415 as above

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if metadata is None or metadata.country_code is None or metadata.national_prefix_transform_rule:
        return None
    general = metadata.general_desc
    if general is None or general.national_number_pattern is None:
        return None
    trunks = metadata.national_prefix_for_parsing or ""
    main_region = phonenumbers.region_code_for_country_code(metadata.country_code)
    if trunks.split("|")[0] != (metadata.national_prefix or "") or "(" in trunks or main_region != country:
        return None
    pattern = re.sub(r"\s", "", general.national_number_pattern)
    lengths = tuple(general.possible_length)
    return str(metadata.country_code), trunks, metadata.international_prefix or "00", pattern, lengths


def _phone_by_library(value: str, country: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415 as above

    if len(value) > _LONGEST_NUMBER:
        return None
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    spelled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{spelled};ext={number.extension}" if number.extension else str(spelled)
