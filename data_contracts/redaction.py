"""Saying why something failed without saying what was in the data.

Belongs here: turning DuckDB's messages and sample values into something that may stand in a log or a page.
"""

import re

import duckdb

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_DATE_LIKE = re.compile(
    r"\d{1,4}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ,]{1,2}\d{1,4}"
    r"([T ]+\d{1,2}[:.]\d{2}([:.]\d{2}([.,]\d{1,9})?)?( ?[AaPp][Mm])?( ?(Z|[+-]\d{2}:?\d{2}))?)?|\d{8}"
)
_CURRENCY_LIKE = re.compile(r"[A-Za-z]{1,4}|[£$€¥]")
_MAXIMUM_SAMPLE = 40
_ABOUT_THE_QUERY = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.SyntaxException)


def reason_of(failure: duckdb.Error) -> str:
    """DuckDB's reason in one line. What was found in the data (between quotes) is left out of it.

    Messages about the query itself (unknown column, syntax) quote names only, and are kept whole.
    """
    first = str(failure).strip().split("\n\n")[0].splitlines()
    kept = [line.strip() for line in first if line.strip() and not line.startswith(("LINE", "Original Line"))]
    reason = " ".join(kept[:2] if isinstance(failure, _ABOUT_THE_QUERY) else kept[:1])
    return reason if isinstance(failure, _ABOUT_THE_QUERY) else _QUOTED.sub("'...'", reason)


def date_sample(value: str) -> str:
    """A value that was meant to be a date: as it is when it looks like one, else only its shape."""
    return f'"{value}"' if _DATE_LIKE.fullmatch(value) else shape_of(value)


def currency_sample(value: str) -> str:
    """A value that was meant to be a currency: as it is when it looks like a code or sign, else only its shape."""
    return f'"{value}"' if _CURRENCY_LIKE.fullmatch(value) else shape_of(value)


def shape_of(value: str) -> str:
    """Letters as `a`, digits as `9`, the rest as it is: `a text like "99.aaa 9999"`."""
    shape = "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in value[:_MAXIMUM_SAMPLE])
    return f'a text like "{shape}"'
