"""The settings file to begin with: the template, with what is known of the company put in.

Belongs here: filling in the template. Does not: writing the file, or what a setting means (`settings.py`).
"""

import re
from collections.abc import Iterator
from importlib.resources import files

from pydantic import ValidationError

from config.errors import SettingInvalidError
from config.settings import Company

_ASSUMED = "ASSUMED, put your own: "
_COSTS = re.compile(r"# (?P<setting>\w+_cost) = (?P<value>[0-9.]+) *# (?P<meaning>.*)", re.DOTALL)
_SMALL_UNITS = {
    10: "CNY CZK DKK HKD MAD MXN NOK SEK THB TRY TWD UAH ZAR",
    100: "BDT EGP HUF INR ISK JPY KES KZT LKR NPR PHP PKR RSD RUB",
    1000: "ARS CLP COP KRW NGN RWF TZS UGX XAF XOF",
    10_000: "IDR VND",
}
"""Currencies of which a euro buys about so many units, to the nearest power of ten: for first guesses only."""


def settings_template(*, currency: str | None = None, time_zone: str | None = None) -> str:
    """The commented template; what is not given stays as the template assumes it, and is marked so there.

    Args:
        currency: the company's, ISO 4217.
        time_zone: the company's, an IANA name.

    Raises:
        SettingInvalidError: there is no such currency or time zone.
    """
    given = {name: value for name, value in (("currency", currency), ("time_zone", time_zone)) if value is not None}
    _refuse_unknown(given)
    lines = files("config").joinpath("template.toml").read_text(encoding="utf-8").splitlines(keepends=True)
    for place, line in enumerate(lines):
        name = line.split(" = ")[0]
        if name in given and _ASSUMED in line:
            setting = f'{name} = "{given[name]}"'
            lines[place] = f"{setting:<30} #" + line.split("#", 1)[1].replace(_ASSUMED, "")
    units = next((units for units, codes in _SMALL_UNITS.items() if currency in codes.split()), 1)
    return "".join(lines if units == 1 else _costs_in(units, lines))


def _costs_in(units: int, lines: list[str]) -> Iterator[str]:
    """The lines, with assumed costs in units that are worth little: 1.0 is a letter's cost in euros, not in yen."""
    for line in lines:
        cost = _COSTS.fullmatch(line)
        if cost is None:
            yield line
        else:
            setting = f"{cost['setting']} = {float(cost['value']) * units}"
            yield f"{setting:<30} # {_ASSUMED}{cost['meaning']}"


def _refuse_unknown(given: dict[str, str]) -> None:
    try:
        Company.model_validate({"name": "any", "currency": "EUR", "time_zone": "UTC", **given})
    except ValidationError as error:
        problems = [f"--{str(one['loc'][0]).replace('_', '-')}: {one['msg']}" for one in error.errors()]
        raise SettingInvalidError(path="the command line", problems=problems) from None
