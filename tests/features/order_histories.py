"""Random order lines of a few customers, for Hypothesis.

Belongs here: lines of orders. Does not: other tables (`histories`).
"""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from tests.features.edges import MOMENTS

START = datetime(2023, 9, 1, tzinfo=UTC)
HOURS = st.integers(0, 24 * 430).map(lambda hours: START + timedelta(hours=hours))
LATE_HOURS = st.one_of(st.just(0), st.just(0), st.integers(1, 24 * 200))
ONCE = "d"
"""The customer with one order."""
_LINE = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", "c"]),
        "order": st.integers(0, 5),
        "at": st.one_of(HOURS, st.sampled_from(MOMENTS), st.sampled_from([START, START + timedelta(days=91)])),
        "late": LATE_HOURS,
        "closed": st.one_of(st.none(), st.none(), st.integers(0, 24 * 200)),
        "channel": st.sampled_from([None, "web", "shop"]),
        "amount": st.integers(-500, 1000),
        "quantity": st.sampled_from([0.1, 0.2, 0.3, 1.0, 12.5]),
        "product_id": st.sampled_from(["p0", "p1", "p2", "p3"]),
        "discount_amount": st.one_of(st.none(), st.integers(0, 50)),
        "cost_amount": st.one_of(st.none(), st.integers(0, 500)),
    }
)


@st.composite
def histories(draw):
    """Lines over 14 months: returns, equal timestamps, late lines of old orders, odd hours; a customer of one order."""
    rows = draw(st.lists(_LINE, min_size=1, max_size=25))
    once = draw(_LINE) | {"customer_id": ONCE, "amount": 100, "late": 0, "closed": None}
    twin = draw(st.sampled_from(rows))  # another order at the very same moment
    other = draw(_LINE) | {"customer_id": twin["customer_id"], "at": twin["at"], "order": 6}
    return [_line(row) for row in (*rows, other, once)]


def _line(row):
    same = dict(row)
    order, late, closed = (same.pop(name) for name in ("order", "late", "closed"))
    known = row["at"] + timedelta(hours=late)
    superseded = None if closed is None else known + timedelta(hours=closed)
    return same | {"order_id": f"{row['customer_id']}{order}", "known": known, "superseded": superseded}
