"""Amounts in other currencies, made the company's at the rate in force on the row's business date.

Belongs here: the table of rates, its checks, and the as-of join. Does not: what happens to rows without a rate (the
rule `currency_has_a_rate` sends them to quarantine, as they are: amounts of two currencies are never added).
"""

from collections.abc import Sequence

import duckdb

from data_contracts.contracts import Contract
from data_contracts.currencies import DEFAULT_DIGITS, MINOR_UNIT_DIGITS
from data_contracts.mapping import RATE_RULE, CurrencyConversion, SourceMapping, close_match
from data_contracts.rules import CellState
from data_contracts.sql import first_row, identifier, text
from warehouse.errors_ingestion import SourceColumnMissingError
from warehouse.sources.errors import RatesUnusableError
from warehouse.sources.inputs import RawTable

RATE_COLUMNS = ("from_currency", "to_currency", "valid_from", "rate")
_LARGEST_RATE = 1_000_000


def prepare_rates(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    conversion: CurrencyConversion,
    rates: RawTable,
    *,
    company_currency: str,
) -> str:
    """Make the table of rates into the company's currency that a source is converted by; returns its quoted name.

    Its columns: from_currency, valid_from (date), rate (company's minor units for one minor unit, 14 decimal digits).

    Raises:
        SourceColumnMissingError: the input has no column of rates, or another name for it.
        RatesUnusableError: a rate is missing, not above zero, given twice for a day, or there is none into the
            company's currency.
    """
    named = {str(name): column for name, column in conversion.columns.items()}
    names = {name: named.get(name, name) for name in RATE_COLUMNS}
    for contract_column, column in names.items():
        if column not in rates.columns:
            present = list(rates.columns)
            raise SourceColumnMissingError(
                source=source,
                contract_column=f"{contract_column} (conversion)",
                column=column,
                present=present,
                hint=close_match(column, present),
            )
    table = f"raw.{identifier(f'rates of {source}')}"
    origin, target, since, rate = (f"{identifier(names[name])}::varchar" for name in RATE_COLUMNS)
    own = text(company_currency)
    connection.execute(
        f"""create table {table} as
        select trim({origin}) as from_currency, try_cast(trim({since}) as timestamp)::date as valid_from,
            try_cast(trim({rate}) as decimal(20, 12)) as rate
        from {rates.table} where trim({target}) = {own} and trim({origin}) <> {own}"""  # noqa: S608  # quoted names
    )
    _refuse_bad_rates(connection, source, conversion.rates, table, company_currency=company_currency)
    shift = _shift_of_minor_units(MINOR_UNIT_DIGITS[company_currency])
    connection.execute(f"alter table {table} alter rate type decimal(20, 14) using (rate * {shift})::decimal(20, 14)")
    return table


def _refuse_bad_rates(
    connection: duckdb.DuckDBPyConnection, source: str, input_name: str, table: str, *, company_currency: str
) -> None:
    rows, bad, repeated = first_row(
        connection,
        f"""select count(*),
            count(*) filter (coalesce(rate, 0) <= 0 or rate > {_LARGEST_RATE} or valid_from is null),
            count(*) - count(distinct (from_currency, valid_from)) from {table}""",  # noqa: S608  # a quoted name
    )
    faults = {
        f"no rate into {company_currency}": not rows,
        f"{bad:,} rates without a date, or not a number above 0 and up to {_LARGEST_RATE:,}": bad,
        f"{repeated:,} rates for a currency and day that has one already": repeated,
    }
    for got, there in faults.items():
        if there:
            expected = f"for each currency and day one rate into {company_currency}, with the date it is valid from"
            raise RatesUnusableError(source=source, input_name=input_name, got=got, expected=expected)


def _shift_of_minor_units(own_digits: int) -> str:
    """SQL: what a rate between major units is multiplied by to be one between minor units."""
    unusual = {code: digits for code, digits in MINOR_UNIT_DIGITS.items() if digits != DEFAULT_DIGITS}
    cases = " ".join(f"when {text(code)} then {_power(own_digits - digits)}" for code, digits in unusual.items())
    return f"(case from_currency {cases} else {_power(own_digits - DEFAULT_DIGITS)} end)::decimal(9, 4)"


def _power(exponent: int) -> str:
    return format(10**exponent if exponent >= 0 else 1 / 10**-exponent, ".4f")


def converted_rows(
    typed_rows: str,
    mapping: SourceMapping,
    contract: Contract,
    *,
    rates: str,
    company_currency: str,
    time_zone: str,
) -> str:
    """SQL of staged rows whose amounts are the company's where there is a rate, with the rule's own column.

    Args:
        typed_rows: SQL of the typed rows, amounts in minor units of each row's own currency.
        mapping: the source's mapping, with a conversion.
        contract: the entity's contract.
        rates: the table made by `prepare_rates`.
        company_currency: the company's currency.
        time_zone: zone of the business date.
    """
    amounts = [name for name in contract.columns_of_type("money") if name in mapping.mapped_columns()]
    replaced = ", ".join(part for name in amounts for part in _converted_amount(name))
    moment = mapping.conversion_date_column()
    column = f"typed.{identifier(moment)}"
    day = column if contract.columns[moment].type == "date" else f"timezone({text(time_zone)}, {column})::date"
    own = text(company_currency)
    return f"""
        select typed.* replace (
            {replaced}{", " if replaced else ""}
            case when in_force.rate is not null then {own} else typed.currency end as currency
        ),
        typed.currency = {own} or in_force.rate is not null or {column} is null as {identifier("rule__" + RATE_RULE)}
        from ({typed_rows}) as typed asof left join {rates} as in_force
            on typed.currency = in_force.from_currency and {day} >= in_force.valid_from
    """  # noqa: S608  # quoted names


def _converted_amount(name: str) -> Sequence[str]:
    """Half a minor unit is rounded away from zero; an amount beyond 18 digits is out of range, not wrapped around."""
    column, state = f"typed.{identifier(name)}", identifier(f"{name}__state")
    units = f"try_cast(round(try_cast({column} as decimal(18, 0)) * in_force.rate, 0) as bigint)"
    beyond = f"in_force.rate is not null and {column} is not null and {units} is null"
    return (
        f"case when in_force.rate is null then {column} else {units} end as {identifier(name)}",
        f"case when {beyond} then {int(CellState.out_of_range)}::utinyint else typed.{state} end as {state}",
    )
