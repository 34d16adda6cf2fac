"""Returns in a table of their own as lines of orders with negative quantity and amount.

Belongs here: the query that gives each return the customer, the product and the price of the order it belongs to. Does
not: which table that is (`folder.py`).

A return has an order number of its own (`return of 4711`), so that its lines are never taken for those of the sale.
What it does not say is what was sold: without a product it is of all lines of the order, without a quantity of all
units, without a refund of what they cost. One whose order is not there has no customer, and a load sets it aside.
"""

from collections.abc import Mapping, Sequence

from data_contracts.contracts import core_contract
from data_contracts.sql import first_row, text
from warehouse.drafting.draft import Draft
from warehouse.drafting.gaps import Proposal
from warehouse.drafting.names import likeness, words_of
from warehouse.drafting.profile import ColumnFacts, Sample
from warehouse.sources.values import plain_identifier as identifier

_SOUNDS, _FOUND, _NEARLY_ALL = 0.5, 0.5, 0.95
_RETURNED = {"return", "returned", "returns", "retoure", "retour"}
_REFUNDED = {"refund", "refunded", "rimborso", "erstattung", "remboursement", "reembolso"}
_LOOKED_UP = ("order_id", "customer_id", "ordered_at", "product_id", "quantity", "amount", "currency")


def returned_lines(name: str, sample: Sample, orders: Draft, rows_from: str) -> tuple[Draft, str, str] | None:
    """The draft of a table of returns, its query, and what to know of it; None where its rows can't be matched.

    Args:
        name: the input with the returns.
        sample: its rows.
        orders: the draft of the orders.
        rows_from: SQL of the orders' rows: an input, or a query in parentheses.
    """
    sold = {field: _sql(orders.proposals[field]) for field in _LOOKED_UP if field in orders.proposals}
    if orders.proposals["order_id"].how != "columns" or any("source_row" in value for value in sold.values()):
        return None
    there = _columns(sample)
    if "order_id" not in there:
        return None
    known = f"select {sold['order_id']}::varchar from {rows_from}"  # noqa: S608  # quoted names
    named = f"{identifier(there['order_id'])}::varchar"
    negative_lines = f"select count(*) from {rows_from} where try_cast({sold['quantity']}::varchar as double) < 0"  # noqa: S608  # as above
    total, unknown, negative = first_row(
        sample.connection,
        f"select count(*), count(*) filter (coalesce({named} not in ({known}), true)), "  # noqa: S608  # quoted names
        f"({negative_lines}) from {sample.raw.table}",
    )
    if negative or unknown > _FOUND * total:
        return None
    query = _query(name, sample, there, sold, rows_from)
    look = f"returns as lines of orders with negative quantity and amount; {_told(there)}"
    if unknown:
        look += f"; {unknown:,} of {total:,} name an order that is not there, and are set aside for want of a customer"
    return _draft(orders, sample, there), query, look


def _columns(sample: Sample) -> dict[str, str]:
    """By what it says (an order, a product, units, a refund, a day) the column of the returns that says it best."""
    found: dict[str, str] = {}
    for field in ("order_id", "product_id", "quantity", "refund", "ordered_at"):
        sounds = {
            column: _sounds(column, field)
            for column, facts in sample.facts.items()
            if column not in found.values() and _suits(field, facts)
        }
        best = max(sounds, key=lambda column: (sounds[column], column), default="")
        if best and sounds[best] >= _SOUNDS:
            found[field] = best
    dated = [column for column, facts in sample.facts.items() if _suits("ordered_at", facts)]
    if "ordered_at" not in found and len(dated) == 1:
        (found["ordered_at"],) = dated
    return found


def _sounds(column: str, field: str) -> float:
    """How much a column's name sounds like a field, with and without the word for a return in it."""
    words = words_of(column)
    shorter = " ".join(word for word in words if word not in _RETURNED)
    if field == "refund" and set(words) & _REFUNDED:
        return 1.0
    return max(likeness(each, "orders", "amount" if field == "refund" else field) for each in (column, shorter))


def _suits(field: str, facts: ColumnFacts) -> bool:
    numeric = facts.numeric >= _NEARLY_ALL
    dated = facts.is_dated and not (numeric and facts.decimals)
    if field == "ordered_at":
        return dated and len(facts.mixed_formats or facts.date_formats) > 0
    return (
        facts.is_scalar and bool(facts.filled) and (numeric if field in ("quantity", "refund") else not facts.decimals)
    )


def _query(name: str, sample: Sample, there: Mapping[str, str], sold: Mapping[str, str], rows_from: str) -> str:
    order = f"{identifier(there['order_id'])}::varchar"
    said = {
        "product_id": f"{identifier(there['product_id'])}::varchar" if "product_id" in there else "null::varchar",
        "units": _number(sample, there.get("quantity") if "product_id" in there else None),
        "refund": _number(sample, there.get("refund")),
        "returned_at": f"{identifier(there['ordered_at'])}" if "ordered_at" in there else "null::varchar",
    }
    listed = ", ".join(f"{sql} as {field}" for field, sql in said.items())
    day = "returned_at" if "ordered_at" in there else "orders_sold.ordered_at"
    product = " and lines_sold.product_id = returns_read.product_id" if "product_id" in there else ""
    currency = f", max({sold['currency']}) as currency" if "currency" in sold else ""
    return f"""with returns_read as (
  select {order} as order_id, {listed}, row_number() over (order by {identifier(name)}) as number
  from {identifier(name)}
), sales_read as (
  select {sold["order_id"]}::varchar as order_id, {sold["product_id"]}::varchar as product_id, {sold["customer_id"]}::varchar as customer_id,
    {sold["ordered_at"]} as ordered_at, try_cast({sold["quantity"]}::varchar as decimal(18, 4)) as quantity,
    try_cast({sold["amount"]}::varchar as decimal(18, 4)) as amount{f", {sold['currency']} as currency" if currency else ""}
  from {rows_from}
), orders_sold as (
  select order_id, max(customer_id) as customer_id, min(ordered_at) as ordered_at{", max(currency) as currency" if currency else ""}
  from sales_read group by order_id
), lines_sold as (
  select order_id, product_id, sum(quantity) as quantity, sum(amount) as amount from sales_read group by order_id, product_id
), matched as (
  select returns_read.number, returns_read.order_id, customer_id, {day} as ordered_at{", currency" if currency else ""},
    coalesce(returns_read.product_id, lines_sold.product_id) as product_id, units, refund, quantity, amount,
    sum(amount) over (partition by number) as amount_of_all
  from returns_read
  left join orders_sold on orders_sold.order_id = returns_read.order_id
  left join lines_sold on lines_sold.order_id = returns_read.order_id{product}
)
select 'return of ' || order_id as order_id, row_number() over (partition by order_id order by number, product_id) as line_number,
  customer_id, ordered_at, product_id{", currency" if currency else ""},
  -abs(coalesce(units, quantity, 1)) as quantity,
  -abs(coalesce(case when amount_of_all > 0 then refund * amount / amount_of_all else refund end, amount * coalesce(units / nullif(quantity, 0), 1))) as amount
from matched"""  # noqa: S608, E501  # quoted names; a query that people read


def _number(sample: Sample, column: str | None) -> str:
    return f"try_cast({sample.number(column)}::varchar as decimal(18, 4))" if column else "null::decimal(18, 4)"


def _sql(proposal: Proposal) -> str:
    """SQL over the orders' rows of what a field is proposed to be, before it is typed."""
    if proposal.how == "columns":
        return identifier(proposal.value)
    if proposal.how == "expressions":
        return f"({proposal.value})"
    return text(proposal.value.strip('"'))


def _told(there: Mapping[str, str]) -> str:
    said = {
        "product_id": "no column names the product, so of all that was ordered",
        "quantity": "no column counts units, so all that were ordered",
        "refund": "no column says what was paid back, so what they cost",
        "ordered_at": "no column says when, so on the day of the order",
    }
    lacks: Sequence[str] = [words for field, words in said.items() if field not in there]
    return "; ".join(lacks) if lacks else "is what was paid back net, as the orders' amounts are?"


def _draft(orders: Draft, sample: Sample, there: Mapping[str, str]) -> Draft:
    fields = ("order_id", "line_number", "customer_id", "ordered_at", "product_id", "quantity", "amount", "currency")
    facts = sample.facts[there["ordered_at"]] if "ordered_at" in there else None
    formats = {"ordered_at": facts.mixed_formats or facts.date_formats[:1]} if facts else orders.formats
    doubtful = {"ordered_at": facts.date_formats[1:]} if facts and facts.date_formats[1:] else {}
    return Draft(
        entity="orders",
        score=1.0,
        proposals={
            field: Proposal(field=field, how="columns", value=field, confidence=0.8, why="of the query above")
            for field in core_contract("orders").columns
            if field in fields and (field != "currency" or field in orders.proposals)
        },
        missing=(),
        unmapped={},
        formats={field: found for field, found in formats.items() if field == "ordered_at" and any(found)},
        doubtful_formats=doubtful,
        money=orders.money,
        rows=sample.rows,
    )
