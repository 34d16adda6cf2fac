"""What advertising platforms ask of a list of people: headers, spelling, hashes.

Belongs here: contact data to the rows of an upload file, as pure functions of frames. Does not: who is on the list
(`flows.published.exporting`), files (`files.py`), keyed hashes for our own joins (`personal_data.py`).

Platforms match by SHA-256 of the normalised value without a key. So an upload file is personal data, only less
readable: files that few may read, to be removed once they are uploaded.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from warehouse.personal_data import normal_contacts

_GMAIL = r"@(gmail|googlemail)\.com$"


@dataclass(frozen=True)
class AudienceProfile:
    """How one platform wants its files.

    Attributes:
        name: as people ask for it.
        email_header: the header of the column of hashed e-mail addresses.
        phone_header: the header of the column of hashed phone numbers.
        email_spelling: normalised addresses to those the platform hashes.
        phone_spelling: international numbers (`+44…`) to those the platform hashes.
        smallest_list: rows below which the platform does not use a list.
    """

    name: str
    email_header: str
    phone_header: str
    email_spelling: Callable[[pl.Expr], pl.Expr]
    phone_spelling: Callable[[pl.Expr], pl.Expr]
    smallest_list: int = 100


def _without_gmail_dots(address: pl.Expr) -> pl.Expr:
    """Gmail reads `a.b@gmail.com` and `ab@gmail.com` as one; Google asks for the latter."""
    mailbox, domain = address.str.extract(r"^(.*)@", 1), address.str.extract(r"@(.*)$", 1)
    joined = pl.concat_str(mailbox.str.replace_all(".", "", literal=True), pl.lit("@"), domain)
    return pl.when(address.str.contains(_GMAIL)).then(joined).otherwise(address)


def _as_it_is(value: pl.Expr) -> pl.Expr:
    return value


def _digits(number: pl.Expr) -> pl.Expr:
    """Country code and number, digits only, no leading zeros."""
    return number.str.replace_all(r"\D", "").str.strip_chars_start("0")


GOOGLE = AudienceProfile("google", "Email", "Phone", _without_gmail_dots, _as_it_is)
"""Customer Match: English headers `Email`, `Phone`; lower case, numbers as E.164 (with `+`) before SHA-256."""
META = AudienceProfile("meta", "email", "phone", _as_it_is, _digits)
"""Custom audiences: headers `email`, `phone`; lower case, numbers as digits with the country code before SHA-256."""
PROFILES = {profile.name: profile for profile in (GOOGLE, META)}


def upload_rows(contacts: pl.DataFrame, profile: AudienceProfile, *, country: str | None) -> pl.DataFrame:
    """The rows of an upload file.

    Args:
        contacts: `customer_id`, `email`, `phone` (String, as people wrote them; nulls allowed), a row a customer.
        profile: whose file.
        country: where phone numbers without a country are from (ISO 3166); None leaves those out.

    Returns:
        The profile's two columns (64 hexadecimal digits, or an empty text), sorted, each pair once; customers with
        neither have no row.
    """
    emails = normal_contacts(contacts["email"], "email", country=country)
    phones = normal_contacts(contacts["phone"], "phone", country=country)
    spelled = pl.DataFrame({"email": emails, "phone": phones}).select(
        profile.email_spelling(pl.col("email")).alias(profile.email_header),
        profile.phone_spelling(pl.col("phone").str.replace(r";ext=.*$", "")).alias(profile.phone_header),
    )
    hashed = spelled.select(_sha256(spelled[name]) for name in spelled.columns)
    there = pl.any_horizontal(pl.col(name) != "" for name in hashed.columns)
    return hashed.filter(there).unique().sort(hashed.columns)


def _sha256(values: pl.Series) -> pl.Series:
    """SHA-256 in hexadecimal, an empty text for null."""
    hashed = [hashlib.sha256(value.encode()).hexdigest() if value else "" for value in values]
    return pl.Series(values.name, hashed, dtype=pl.String)
