"""Numbers as people write them: `1.516,30` is one thousand five hundred and sixteen and a bit, `€ 12` is twelve euros.

Belongs here: how they look, and the SQL that makes plain numbers of them. Does not: which columns hold such numbers
(`drafting/profile.py`), or what they are proposed for (`drafting/gaps.py`).
"""

DECIMAL_COMMA = r"[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]{1,2})?"
"""A number with a decimal comma, or one that has none. Three digits behind a comma may be thousands: not so."""


def without_decimal_comma(value: str) -> str:
    """SQL of a text of that shape as a plain number's text.

    Only points before three digits go, so that a stray `12.50` stays twelve and a half, and what can't be read so
    (`1,516.30`) is set aside by the load instead of being taken for something else.

    Args:
        value: SQL of a text.
    """
    return rf"replace(regexp_replace({value}, '\.([0-9]{{3}})', '\1', 'g'), ',', '.')"


THOUSANDS = r"[+-]?([0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}|[0-9]{1,3})(\.[0-9]*)?"
"""A number with commas before its thousands, as `1,516.30` and `1,23,456.00` (lakhs); or one below a thousand."""


def without_thousands(value: str) -> str:
    """SQL of a text of that shape as a plain number's text; only commas before three digits go, and those of lakhs.

    Args:
        value: SQL of a text.
    """
    crores = rf"regexp_replace({value}, ',([0-9]{{2}}),([0-9]{{2}}),', ',\1\2,')"
    lakhs = rf"regexp_replace({crores}, ',([0-9]{{2}}|[0-9]{{4}}),', '\1,')"
    return rf"regexp_replace({lakhs}, ',([0-9]{{3}})', '\1', 'g')"


CURRENCY_SIGNS = {
    "€": "EUR", "£": "GBP", "R$": "BRL", "$": "USD", "₹": "INR", "zł": "PLN", "CHF": "CHF", "EUR": "EUR",
    "¥": "JPY", "￥": "JPY", "円": "JPY", "₩": "KRW", "₺": "TRY", "₽": "RUB", "₱": "PHP", "฿": "THB", "₫": "VND",
}  # fmt: skip
"""Signs of money and the currency meant; a dollar may be another country's, and a yen a yuan."""


def without_sign(value: str, sign: str, *, decimal_comma: bool) -> str:
    """SQL of a text such as `€ -12` or `1,516.30 $` without the sign and blanks, and without commas before thousands.

    Args:
        value: SQL of a text.
        sign: of `CURRENCY_SIGNS`.
        decimal_comma: commas stand before decimals, not before thousands.
    """
    bare = rf"regexp_replace({value}, '[{sign}\s\x{{00A0}}\x{{202F}}]', '', 'g')"
    if decimal_comma:
        return bare
    return without_thousands(bare) if sign == "₹" else rf"regexp_replace({bare}, ',([0-9]{{3}})', '\1', 'g')"
