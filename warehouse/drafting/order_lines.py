"""What orders need and no column says plainly: which column is money, who bought, which order, which line.

Belongs here: what is made of several columns of orders. Does not: what is made for other tables, constants and
currencies (`gaps.py`); which column fits which field (`fit.py`).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from warehouse.drafting.fit import LEAST_SCORE
from warehouse.drafting.names import likeness, words_of
from warehouse.sources.values import plain_identifier as identifier

if TYPE_CHECKING:
    from warehouse.drafting.gaps import Gaps

_NEARLY_ALL, _ALWAYS = 0.95, 0.999
_WITHOUT_UNITS = 0.6
_LEAST_ORDERS, _FEWER, _SOUNDS, _POOR = 50, 0.99, 0.5, 0.5
_WELL_KNOWN = 0.7
_MOST_UNITS, _LARGEST_UNITS, _MORE_VARIED = 100, 10_000, 3
_PRICE_OF_MORE = 1.5
_MANY_EMPTY, _MOSTLY = 0.2, 0.8
_VISITS = {"session", "visit", "sessions", "visits", "sitzung", "besuch"}


def total_from_price(gaps: "Gaps") -> None:
    """Amount = quantity * price, unless a column is that product already."""
    _amount_that_counts_units(gaps)
    price = gaps.fits.get("@unit_price")
    if price is None:
        return
    if not gaps.columns_behind("quantity"):
        if gaps.wants("amount"):
            why = f"no column counts units: one a row; check that {price.column} is the whole line's, and net"
            gaps.put("amount", "columns", price.column, price.score * _WITHOUT_UNITS, why)
        return
    quantity, why = gaps.proposals["quantity"].value, "no column is a total"
    if gaps.has("amount"):
        (total,) = gaps.columns_behind("amount") or ("",)
        if not total:
            return
        share = gaps.sample.product_share(total, (quantity, price.column))
        if share >= _NEARLY_ALL:
            gaps.put("amount", "columns", total, 0.98, f"it is {quantity} * {price.column} in {share:.0%} of the rows")
            return
        facts = gaps.sample.facts
        if facts[total].filled >= facts[price.column].filled - _MANY_EMPTY * facts[total].rows:
            return
        why = f"{total} is empty in {1 - facts[total].filled / facts[total].rows:.0%} of the rows: the whole order's"
    if _is_of_the_line(gaps, price.column, quantity):
        return
    units, each = gaps.sample.number(quantity), gaps.sample.number(price.column)
    value = f"{units}::decimal(18, 4) * {each}::decimal(18, 4)"
    gaps.put("amount", "expressions", value, price.score * 0.95, f"{why}; check that the price is net")


def _is_of_the_line(gaps: "Gaps", price: str, quantity: str) -> bool:
    """Whether a price is that of all units of a line together; then it is put as the amount."""
    product = gaps.columns_behind("product_id")
    ratio = gaps.sample.price_of_two(price, units=quantity, product=product[0]) if product else 0.0
    if ratio < _PRICE_OF_MORE:
        return False
    told = f"of the same product two cost {ratio:.1f} times as much as one: the line's total, not the price of one"
    gaps.put("amount", "columns", price, 0.6, told)
    return True


def _amount_that_counts_units(gaps: "Gaps") -> None:
    """A column called an amount that holds a few small whole numbers beside a column of prices counts units."""
    amount = gaps.columns_behind("amount")
    if gaps.contract.entity != "orders" or not amount or gaps.columns_behind("quantity"):
        return
    facts, taken = gaps.sample.facts, gaps.columns_behind(*gaps.proposals)
    units = facts[amount[0]]
    if units.decimals or units.whole < _NEARLY_ALL or units.distinct > _MOST_UNITS or units.largest > _LARGEST_UNITS:
        return
    prices = [
        name
        for name, each in facts.items()
        if name not in taken
        and each.numeric >= _NEARLY_ALL
        and each.distinct >= _MORE_VARIED * units.distinct
        and max(likeness(name, "orders", "amount"), likeness(name, "orders", "@unit_price")) >= _WELL_KNOWN
    ]
    if len(prices) != 1 or not gaps.columns_behind("product_id"):
        return
    (price,) = prices
    why = f"few whole numbers beside the money of {price}: units, not money; is it so?"
    gaps.put("quantity", "columns", amount[0], LEAST_SCORE, why)
    if _is_of_the_line(gaps, price, amount[0]):
        return
    value = f"{gaps.sample.number(amount[0])}::decimal(18, 4) * {gaps.sample.number(price)}::decimal(18, 4)"
    gaps.put("amount", "expressions", value, LEAST_SCORE, f"{price} does not grow with the units: the price of one")


def total_of_the_order(gaps: "Gaps") -> None:
    """A total that is the same on every line of an order is the order's: it counts once, not once a line."""
    order, amount = gaps.columns_behind("order_id"), gaps.columns_behind("amount")
    if gaps.contract.entity != "orders" or not order or not amount or not _repeats(gaps, amount[0], order[0]):
        return
    price, quantity = gaps.fits.get("@unit_price"), gaps.columns_behind("quantity")
    told = f"{amount[0]} is the same on every line of an order, so the whole order's"
    part, share = _part_of(gaps, amount[0], order[0])
    if share >= _MOSTLY:
        why = f"{told}; {part} adds up to it in {share:.0%} of the orders"
        gaps.put("amount", "columns", part, _WELL_KNOWN if share >= _NEARLY_ALL else LEAST_SCORE, why)
        return
    if price is not None and quantity and not _repeats(gaps, price.column, order[0]):
        units, each = gaps.sample.number(quantity[0]), gaps.sample.number(price.column)
        value = f"{units}::decimal(18, 4) * {each}::decimal(18, 4)"
        gaps.put("amount", "expressions", value, 0.6, f"{told}; check that the price is net")
        return
    total = gaps.sample.number(amount[0])
    value = f"{total}::decimal(18, 4) / count(*) over (partition by {identifier(order[0])})"
    gaps.put("amount", "expressions", value, LEAST_SCORE, f"{told}: divided among its lines")


def _part_of(gaps: "Gaps", total: str, order: str) -> tuple[str, float]:
    """The column of numbers that adds up to the whole order's total most often, and in which share of the orders."""
    taken = gaps.columns_behind(*gaps.proposals)
    shares = {
        name: gaps.sample.adds_up(name, total, order)
        for name, facts in gaps.sample.facts.items()
        if name not in taken and facts.numeric >= _NEARLY_ALL and facts.filled >= _NEARLY_ALL * facts.rows
    }
    best = max(shares, key=lambda name: (shares[name], name), default="")
    return best, shares.get(best, 0.0)


def _repeats(gaps: "Gaps", column: str, order: str) -> bool:
    """Whether a column has one value in (nearly) each order of several lines, though it differs between orders."""
    several, same, _ = gaps.sample.within(column, order)
    return several >= _LEAST_ORDERS and same >= _ALWAYS and gaps.sample.facts[column].distinct > _LEAST_ORDERS


def tiny_amounts(gaps: "Gaps") -> None:
    """Amounts that are all below one are scaled (as published data are), and a load would round them to nothing."""
    amount = gaps.columns_behind("amount")
    if gaps.contract.entity != "orders" or not amount or not 0 < gaps.sample.facts[amount[0]].largest < 1:
        return
    why = f"all of {amount[0]} is below 1, and is rounded to the smallest coin: scaled? then multiply it (expressions)"
    gaps.put("amount", "columns", amount[0], LEAST_SCORE, why)


def customer_by_email(gaps: "Gaps") -> None:
    """Where nothing names the customer well, the e-mail address does; hashed, for an id is no place for one."""
    if gaps.contract.entity != "orders":
        return
    if gaps.has("customer_id") and gaps.proposals["customer_id"].confidence > _POOR:
        return
    mails = [name for name, facts in gaps.sample.facts.items() if facts.email >= _NEARLY_ALL]
    if not mails:
        return
    best = max(mails, key=lambda name: (gaps.sample.facts[name].filled, name))
    why = f"no column names the customer: {best} does, hashed; other tables need the same expression"
    gaps.put("customer_id", "expressions", f"md5(lower(trim({identifier(best)})))", 0.55, why)


def order_without_number(gaps: "Gaps") -> None:
    """Where no column names the order: what a customer bought in one visit, else at one moment."""
    if gaps.contract.entity != "orders" or not gaps.has("customer_id", "ordered_at") or gaps.has("order_id"):
        return
    value = f"concat_ws('-', {gaps.sql('customer_id')}, {gaps.sql('ordered_at')}::varchar)"
    visit = _visit(gaps)
    if visit:
        why = f"no column names the order: one order for each {visit}; is it one visit?"
        gaps.put("order_id", "expressions", f"coalesce({identifier(visit)}::varchar, {value})", 0.45, why)
        return
    gaps.put("order_id", "expressions", value, 0.5, "no column names the order: one order for each customer and moment")


def _visit(gaps: "Gaps") -> str:
    """The column that names a visit of one customer; empty where there is none, or several."""
    customer = gaps.columns_behind("customer_id")
    found = [
        name
        for name, facts in gaps.sample.facts.items()
        if set(words_of(name)) & _VISITS
        and facts.filled >= _NEARLY_ALL * facts.rows
        and not facts.is_dated
        and customer
        and name != customer[0]
        and facts.distinct >= gaps.sample.facts[customer[0]].distinct
        and gaps.sample.within(customer[0], name)[1] >= _ALWAYS
    ]
    return found[0] if len(found) == 1 else ""


def units_of_nothing(gaps: "Gaps") -> None:
    """Lines of no units that have an amount are set aside by a load: said, with what would count them."""
    units = gaps.columns_behind("quantity")
    if gaps.contract.entity != "orders" or not units or not gaps.has("amount"):
        return
    rows = gaps.sample.lines_without_units(gaps.sample.number(units[0]), gaps.sql("amount"))
    if rows:
        one = f"coalesce(nullif({gaps.sample.number(units[0])}::double, 0), 1)"
        told = f"{rows:,} rows have an amount but 0 units, and would be set aside"
        why = f"{told}; are they sold by weight, {one} counts each as one (expressions)"
        gaps.put("quantity", "columns", units[0], LEAST_SCORE, why)


def said_once_an_order(gaps: "Gaps") -> None:
    """What only the first line of an order says holds for all its lines."""
    order = gaps.columns_behind("order_id")
    if gaps.contract.entity != "orders" or not order:
        return
    for name in ("customer_id", "ordered_at", "currency", "channel"):
        for column in _columns_of(gaps, name):
            if not gaps.sample.said_once(column, order[0]):
                continue
            proposal = gaps.proposals[name]
            value = f"max({gaps.sql(name)}) over (partition by {identifier(order[0])})"
            why = f"{proposal.why}; {column} is said once an order, so filled in on its other lines"
            gaps.put(name, "expressions", value, proposal.confidence, why)


def _columns_of(gaps: "Gaps", name: str) -> Sequence[str]:
    """The one column behind a field, be it a rename or an expression."""
    proposal = gaps.proposals.get(name)
    if proposal is None or proposal.how == "constants":
        return ()
    if proposal.how == "columns":
        return (proposal.value,)
    return [column for column in gaps.sample.facts if identifier(column) in proposal.value][:1]


def customer_of_several_orders(gaps: "Gaps") -> None:
    """Where each order has a customer id of its own, nobody would ever come back: another column says who bought."""
    order, customer = gaps.columns_behind("order_id"), gaps.columns_behind("customer_id")
    if gaps.contract.entity != "orders" or not order or not customer:
        return
    orders = gaps.sample.facts[order[0]].distinct
    if orders < _LEAST_ORDERS or gaps.sample.facts[customer[0]].distinct < _FEWER * orders:
        return
    told = f"{customer[0]} has a new value for nearly every order"
    others = [
        name
        for name, facts in gaps.sample.facts.items()
        if name not in (*order, *customer)
        and likeness(name, "orders", "customer_id") >= _SOUNDS
        and facts.filled == facts.rows
        and 1 < facts.distinct < gaps.sample.facts[customer[0]].distinct
    ]
    if others:
        best = max(others, key=lambda name: gaps.sample.facts[name].distinct)
        gaps.put("customer_id", "columns", best, 0.7, f"{told}; {best} comes again")
    else:
        gaps.put("customer_id", "columns", customer[0], LEAST_SCORE, f"{told}: hardly anybody buys twice; is it?")


def lines(gaps: "Gaps") -> None:
    """A line's number within its order: a column that tells lines apart, else their order in the file."""
    if gaps.contract.entity != "orders" or not gaps.has("order_id"):
        return
    order = gaps.columns_behind("order_id")
    if gaps.has("line_number") and order:
        line = gaps.proposals["line_number"]
        if gaps.sample.unique_share([*order, line.value]) >= _NEARLY_ALL:
            return
        del gaps.proposals["line_number"]
    sorted_by = [identifier(name) for name in gaps.columns_behind("product_id", "quantity")]
    by = ", ".join([*sorted_by, "source_row"])
    value = f"row_number() over (partition by {gaps.sql('order_id')} order by {by})"
    gaps.put("line_number", "expressions", value, 0.7, "no column numbers the lines: their place within the order")
