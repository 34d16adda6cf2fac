"""Figures of a matured campaign that differ from what was told of it the night before: restated, and said so.

Belongs here: what changed, since when, in words. Does not: reading what was told before (`flows`), making the figures.

Lines, returns, costs and responses of a campaign's time may arrive, or be corrected, after its window is over; so may
the way figures are made. A ledger that kept its first figures would not agree with the orders any more, one that
changed silently could not be audited. So the figures follow the data, and the row says what they were.
"""

from datetime import date
from typing import Any, Final

import polars as pl

from segments.campaigns.contract import ledger_contract
from segments.campaigns.rules import MATURED
from segments.money import Currency, to_minor_units

AMOUNTS: Final = ("cost", "net_sales_of_contacted", "caused_net_sales", "caused_margin", "net_gain")
OTHERS: Final = ("evidence", "verdict", "contacted", "held_out", "responses")


def with_restatements(
    ledger: pl.DataFrame, before: pl.DataFrame | None, *, currency: Currency, as_of: date
) -> pl.DataFrame:
    """The ledger with `restated_on` (Date) and `restatement` (String), both null where nothing ever changed.

    Args:
        ledger: as `contract.ledger_frame` makes it.
        before: the table as published for the last earlier date (amounts in major units); None: there was none.
        currency: of the amounts; what was told in another one is not held against them.
        as_of: the business date.
    """
    key = list(ledger_contract(currency).key)
    names = [*AMOUNTS, *OTHERS]
    told: dict[tuple[Any, ...], dict[str, Any]] = {}
    if before is not None and {*key, "as_of", "state", "currency", *names} <= set(before.columns):
        minor = before.with_columns(to_minor_units(pl.col(AMOUNTS), currency))
        matured = minor.filter(state=MATURED, currency=currency.code)  # in another currency every amount is another
        told = {tuple(row[name] for name in key): row for row in matured.to_dicts()}
    found = []
    for row in ledger.select(*key, "state", *names).to_dicts():
        earlier = told.get(tuple(row[name] for name in key))
        found.append((None, None) if earlier is None else _restated(row, earlier, currency, as_of))
    schema = {"restated_on": pl.Date, "restatement": pl.String}
    return ledger.with_columns(pl.DataFrame(found, schema=schema, orient="row").get_columns())


def _restated(
    row: dict[str, Any], earlier: dict[str, Any], currency: Currency, as_of: date
) -> tuple[date | None, str | None]:
    """When and what; as before where nothing changed. A minor unit is rounding."""
    changes = [
        f"{name.replace('_', ' ')} {_told(name, earlier[name], currency)}, now {_told(name, row[name], currency)}"
        for name in (*AMOUNTS, *OTHERS)
        if not _same(row[name], earlier[name], 1 if name in AMOUNTS else 0)
    ]
    if not changes:
        return earlier.get("restated_on"), earlier.get("restatement")
    return as_of, (
        f"told as of {earlier['as_of']}: {'; '.join(changes)}. Data of its time, the settings or the way of reckoning "
        "changed since"
    )


def _same(now: Any, before: Any, tolerance: int) -> bool:  # noqa: ANN401 a text, a number, or None
    if isinstance(now, int) and isinstance(before, int):
        return abs(now - before) <= tolerance
    return bool(now == before)


def _told(name: str, value: Any, currency: Currency) -> str:  # noqa: ANN401 likewise
    if value is None:
        return "not known"
    if name in AMOUNTS:
        return f"{value / 10**currency.exponent:,.{currency.exponent}f} {currency.code}"
    return f"{value:,}" if isinstance(value, int) else f"'{value}'"
