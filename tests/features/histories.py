"""Random rows of every table, as dicts, with everything that can go wrong in time; and what was known of them when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.features.edges import MOMENTS

ZONE = "Europe/London"  # of instants and days; a test may set another
CUSTOMERS = [f"c{number}" for number in range(12)]
ONCE = CUSTOMERS[0]  # has one order
OFFERS = ["o0", "o1", "o2"]
FIRST = datetime(2023, 1, 1, tzinfo=UTC)
HOURS = 24 * 690


def instant_of(snapshot):
    """The first moment of a snapshot."""
    return datetime.combine(snapshot, datetime.min.time(), tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def local_day(moment):
    """The business date of a moment."""
    return moment.astimezone(ZoneInfo(ZONE)).date()


def age(snapshot, moment):
    """Days from a moment or date to the snapshot."""
    return (snapshot - (local_day(moment) if isinstance(moment, datetime) else moment)).days


def known_at(rows, snapshot):
    """The versions that were current at a snapshot."""
    instant = instant_of(snapshot)
    return [
        row for row in rows if row["known"] < instant and (row["superseded"] is None or row["superseded"] >= instant)
    ]


def _moment(random):
    if random.random() < 0.2:
        return random.choice(MOMENTS)
    return FIRST + timedelta(minutes=random.randint(0, HOURS * 60))


def _later(random, moment, days, *, chance=0.7):
    if random.random() > chance:
        return None
    return moment + timedelta(hours=random.randint(0, 24 * days))


def _versions(random, row, happened):
    """The row, known at once or late, and sometimes superseded by another version or closed."""
    known = happened + timedelta(days=random.choice([0, 0, 0, 1, 40, 200]))
    first = row | {"known": known, "superseded": None}
    if random.random() < 0.8:
        return [first]
    stamp = known + timedelta(hours=random.randint(1, 24 * 200))
    closed = first | {"superseded": stamp}
    return [closed] if random.random() < 0.5 else [closed, _changed(random, row) | {"known": stamp, "superseded": None}]


def _changed(random, row):
    changed = dict(row)
    for name in ("amount", "satisfaction", "quantity"):
        if changed.get(name) is not None:
            changed[name] = changed[name] + 1 if name != "satisfaction" else 5.0 - changed[name] / 2
    return changed


def orders(random):
    """Order lines of a customer; lines of one order may differ in time, in when they became known, and in version;
    some orders are of the same moment."""
    rows = []
    for customer in CUSTOMERS[:-2]:
        at = _moment(random)
        for number in range(1 if customer == ONCE else random.randint(0, 10)):
            at = at if random.random() < 0.2 else _moment(random)
            for _ in range(random.randint(1, 4)):
                line_at = at + timedelta(hours=random.choice([0, 0, 0, 30]))
                row = {
                    "customer_id": customer,
                    "order_id": f"{customer}-{number}",
                    "at": line_at,
                    "amount": random.choice([-300, -50, 0, 20, 100, 400, 900]),
                    "quantity": random.choice([0.5, 1.0, 3.0]),
                    "product_id": f"p{random.randint(0, 5)}",
                    "channel": random.choice(["web", "shop", None]),
                    "discount_amount": random.choice([None, 0, 10]),
                    "cost_amount": random.choice([None, 5, 50]),
                }
                rows.extend(_versions(random, row, line_at))
    return rows


def payments(random):
    """Invoices: paid early, late, never, disputed; credit notes."""
    rows = []
    for _ in range(90):
        issued = local_day(_moment(random))
        row = {
            "customer_id": random.choice(CUSTOMERS),
            "issued_on": issued,
            "due_on": random.choice([None, issued + timedelta(days=14), issued + timedelta(days=30)]),
            "paid_on": random.choice([None, issued + timedelta(days=random.randint(0, 90))]),
            "amount": random.choice([-40, 100, 250, 1000]),
            "disputed": random.choice([None, False, True]),
        }
        rows.extend(_versions(random, row, datetime.combine(issued, datetime.min.time(), tzinfo=UTC)))
    return rows


def contacts(random):
    """Contacts, some held out, some answered much later."""
    rows = []
    for _ in range(150):
        sent = _moment(random)
        row = {
            "customer_id": random.choice(CUSTOMERS),
            "sent_at": sent,
            "offer_id": random.choice([None, *OFFERS, "unknown"]),
            "cost": random.choice([None, 5, 20]),
            "held_out": random.choice([None, False, False, True]),
            "opened_at": _later(random, sent, 30),
            "clicked_at": _later(random, sent, 60, chance=0.4),
            "responded_at": _later(random, sent, 120, chance=0.3),
        }
        rows.extend(_versions(random, row, sent))
    return rows


def offers(_):
    """Offers: with a discount in money, as a share, without; one known late."""
    given = [("o0", 100, None), ("o1", None, 0.2), ("o2", 0, None)]
    late = {"o1": datetime(2024, 1, 15, tzinfo=UTC)}
    return [
        {
            "offer_id": name,
            "discount": discount,
            "discount_share": share,
            "known": late.get(name, FIRST),
            "superseded": None,
        }
        for name, discount, share in given
    ]


def tickets(random):
    """Tickets: settled, open, judged, compensated."""
    rows = []
    for _ in range(90):
        opened = _moment(random)
        row = {
            "customer_id": random.choice(CUSTOMERS),
            "opened_at": opened,
            "resolved_at": _later(random, opened, 60),
            "kind": random.choice(["complaint", "enquiry", None]),
            "channel": random.choice(["telephone", "web", None]),
            "satisfaction": random.choice([None, 1.0, 2.5, 4.0, 5.0]),
            "compensation": random.choice([None, 0, 500]),
        }
        rows.extend(_versions(random, row, opened))
    return rows


def surveys(random):
    """Answers, some without a grade."""
    rows = []
    for _ in range(60):
        answered = _moment(random)
        row = {
            "customer_id": random.choice(CUSTOMERS),
            "answered_at": answered,
            "satisfaction": random.choice([None, 1.0, 3.5, 5.0]),
            "nps": random.choice([None, 0, 7, 10]),
        }
        rows.extend(_versions(random, row, answered))
    return rows


def subscriptions(random):
    """Subscriptions one after another, on all days of the month, monthly to yearly."""
    rows = []
    for customer in CUSTOMERS[4:]:
        started = local_day(FIRST) + timedelta(days=random.randint(0, 500))
        for _ in range(random.randint(1, 3)):
            ended = random.choice([None, started + timedelta(days=random.randint(10, 400))])
            row = {
                "customer_id": customer,
                "plan": random.choice(["small", "large", None]),
                "started_on": started,
                "ended_on": ended,
                "amount": random.choice([0, 1000, 12000]),
                "billing_period_months": random.choice([1, 3, 12]),
            }
            rows.extend(_versions(random, row, datetime.combine(started, datetime.min.time(), tzinfo=UTC)))
            started += timedelta(days=random.randint(1, 200))
    return rows


def events(random):
    """Events of known and unknown kinds."""
    rows = []
    for _ in range(300):
        at = _moment(random)
        row = {
            "customer_id": random.choice(CUSTOMERS),
            "at": at,
            "kind": random.choice(["visit", "visit", "search", "basket", "call", "dance"]),
            "channel": random.choice(["web", "app", None]),
            "product_id": random.choice([None, "p0", "p1", "p2"]),
        }
        rows.extend(_versions(random, row, at))
    return rows


def referrals(random):
    """Who brought whom."""
    rows = []
    for _ in range(40):
        at = _moment(random)
        referrer, referred = random.sample(CUSTOMERS, 2)
        rows.extend(_versions(random, {"referrer_id": referrer, "referred_id": referred, "at": at}, at))
    return rows


def customers(random):
    """Records, some known late or replaced."""
    rows = []
    for customer in CUSTOMERS[::2]:
        row = {"customer_id": customer, "region": random.choice(["north", "south"]), "birth_year": 1980}
        rows.extend(_versions(random, row, _moment(random)))
    return rows


def products(_):
    """Products: two categories, one product without, one known late, one whose category was corrected."""
    late, corrected = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
    plain = [("p0", "x", 10), ("p1", "x", 30), ("p2", "y", 20), ("p3", None, 20)]
    rows = [
        {
            "product_id": name,
            "category": category,
            "brand": "b",
            "list_price": price,
            "known": FIRST,
            "superseded": None,
        }
        for name, category, price in plain
    ]
    rows.append(rows[0] | {"product_id": "p4", "category": "y", "brand": None, "known": late})
    rows.append(rows[0] | {"product_id": "p5", "superseded": corrected})
    rows.append(rows[0] | {"product_id": "p5", "category": "z", "known": corrected})
    return rows


MAKERS = {
    "orders": orders,
    "customers": customers,
    "products": products,
    "payments": payments,
    "contacts": contacts,
    "offers": offers,
    "tickets": tickets,
    "surveys": surveys,
    "subscriptions": subscriptions,
    "events": events,
    "referrals": referrals,
}
