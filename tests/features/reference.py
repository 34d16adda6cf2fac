"""Features by definition: plain Python over one customer's known rows, one snapshot at a time. Slow and obvious."""

from calendar import monthrange
from datetime import date
from itertools import pairwise

from tests.features.histories import age, instant_of, local_day


def past(moment, snapshot):
    """A moment or date, where it lies before the snapshot."""
    if moment is None:
        return None
    return moment if age(snapshot, moment) > 0 else None


def mean(values):
    """Mean, None of nothing."""
    return sum(values) / len(values) if values else None


def share(rows, condition):
    """Share of rows for which something holds; None of nothing."""
    return sum(map(condition, rows)) / len(rows) if rows else None


def payments(rows, snapshot):
    rows = [row | {"paid_on": past(row["paid_on"], snapshot)} for row in rows if row["issued_on"] < snapshot]
    asked = [row for row in rows if row["amount"] > 0]
    year = [row for row in asked if age(snapshot, row["issued_on"]) <= 365]
    paid = [row for row in asked if row["paid_on"]]
    paid_in_year = [row for row in paid if age(snapshot, row["paid_on"]) <= 365]
    dated = [row for row in paid_in_year if row["due_on"]]
    lately = [row for row in dated if age(snapshot, row["paid_on"]) <= 180]
    before = [row for row in dated if age(snapshot, row["paid_on"]) > 180]
    overdue = [row for row in asked if not row["paid_on"] and row["due_on"] and row["due_on"] < snapshot]
    late = [(row["paid_on"] - row["due_on"]).days for row in dated]
    change = None
    if lately and before:
        change = mean([(row["paid_on"] - row["due_on"]).days for row in lately]) - mean(
            [(row["paid_on"] - row["due_on"]).days for row in before]
        )
    return {
        "invoice_count_365_days": len(year),
        "open_invoice_amount": sum(row["amount"] for row in rows if not row["paid_on"]),
        "overdue_invoice_count": len(overdue),
        "overdue_amount": sum(row["amount"] for row in overdue),
        "disputed_invoice_count_365_days": sum(bool(row["disputed"]) for row in year),
        "longest_overdue_days": max((age(snapshot, row["due_on"]) for row in overdue), default=None),
        "days_since_last_payment": min((age(snapshot, row["paid_on"]) for row in paid), default=None),
        "mean_days_late": mean(late),
        "paid_late_share": share(late, lambda days: days > 0),
        "change_of_days_late": change,
        "mean_days_to_pay": mean([(row["paid_on"] - row["issued_on"]).days for row in paid_in_year]),
    }


def contacts(rows, snapshot, offers):
    instant = instant_of(snapshot)
    rows = [row for row in rows if row["sent_at"] < instant and not row["held_out"]]
    for_offers = {offer["offer_id"]: bool(offer["discount"] or offer["discount_share"]) for offer in offers}

    def did(row, what):
        return row[f"{what}_at"] is not None and row[f"{what}_at"] < instant

    within = {days: [row for row in rows if age(snapshot, row["sent_at"]) <= days] for days in (30, 90, 180, 365)}
    answers = [row["responded_at"] for row in rows if did(row, "responded")]
    told = {f"contact_count_{days}_days": len(within[days]) for days in (30, 90, 365)}
    for days in (90, 365):
        for what in ("opened", "clicked", "responded"):
            told[f"{what}_contact_share_{days}_days"] = share(within[days], lambda row, what=what: did(row, what))
    for kind, discount in (("discount", True), ("full_price", False)):
        made = [row for row in rows if for_offers.get(row["offer_id"]) is discount]
        told[f"response_share_to_{kind}_offers"] = share(made, lambda row: did(row, "responded"))
    recent, earlier = len(within[90]), len(within[180]) - len(within[90])
    return told | {
        "contacts_since_last_response": sum(not answers or row["sent_at"] > max(answers) for row in rows),
        "contact_cost_amount_365_days": sum(row["cost"] or 0 for row in within[365]),
        "days_since_last_contact": min((age(snapshot, row["sent_at"]) for row in rows), default=None),
        "days_since_last_response": min((age(snapshot, moment) for moment in answers), default=None),
        "contact_trend_90_days": (recent - earlier) / (recent + earlier) if recent + earlier else None,
    }


def tickets(rows, snapshot):
    instant = instant_of(snapshot)
    rows = [row for row in rows if row["opened_at"] < instant]
    settled = [row for row in rows if row["resolved_at"] is not None and row["resolved_at"] < instant]
    open_ones = [row for row in rows if row not in settled]

    def in_days(some, days):
        return [row for row in some if age(snapshot, row["opened_at"]) <= days]

    def complaints(some):
        return [row for row in some if row["kind"] == "complaint"]

    judged = [row for row in settled if row["satisfaction"] is not None]
    hours = [(row["resolved_at"] - row["opened_at"]).total_seconds() // 3600 for row in in_days(settled, 365)]
    return {
        "ticket_count_365_days": len(in_days(rows, 365)),
        "complaint_count_90_days": len(complaints(in_days(rows, 90))),
        "complaint_count_365_days": len(complaints(in_days(rows, 365))),
        "open_ticket_count": len(open_ones),
        "open_complaint_count": len(complaints(open_ones)),
        "days_since_last_complaint": min((age(snapshot, row["opened_at"]) for row in complaints(rows)), default=None),
        "longest_open_ticket_days": max((age(snapshot, row["opened_at"]) for row in open_ones), default=None),
        "mean_days_to_resolve": mean([hour / 24 for hour in hours]),
        "mean_ticket_satisfaction": mean([row["satisfaction"] for row in judged]),
        "recovered_complaint_share": share(complaints(judged), lambda row: row["satisfaction"] >= 4),
        "compensation_amount_365_days": sum(row["compensation"] or 0 for row in in_days(settled, 365)),
    }


def surveys(rows, snapshot):
    rows = sorted(
        (row for row in rows if row["answered_at"] < instant_of(snapshot)), key=lambda row: row["answered_at"]
    )
    grades = [row["satisfaction"] for row in rows if row["satisfaction"] is not None]
    scores = [row["nps"] for row in rows if row["nps"] is not None]
    return {
        "last_survey_satisfaction": grades[-1] if grades else None,
        "mean_survey_satisfaction": mean(grades),
        "change_of_survey_satisfaction": grades[-1] - mean(grades) if grades else None,
        "last_recommendation_score": scores[-1] if scores else None,
        "days_since_last_survey": age(snapshot, rows[-1]["answered_at"]) if rows else None,
    }


def _months_after(day, months):
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _renewals(row, snapshot):
    """How many billing periods after the first have begun, and the first day of the next."""
    count, step = 0, row["billing_period_months"]
    while True:
        begins = _months_after(row["started_on"], (count + 1) * step)
        clipped = begins.day < row["started_on"].day  # a period begun on a month's last day, for want of the right one
        if begins > snapshot or (clipped and begins == snapshot):
            return count, (begins - snapshot).days
        count += 1


def _monthly(row):
    return round(row["amount"] / row["billing_period_months"])


def subscriptions(rows, snapshot):
    rows = [row | {"ended_on": past(row["ended_on"], snapshot)} for row in rows if row["started_on"] < snapshot]
    rows.sort(
        key=lambda row: (
            *(row["started_on"], row["plan"] is not None, row["plan"] or ""),
            *(row["amount"], row["billing_period_months"]),
        )
    )
    running = [row for row in rows if not row["ended_on"]]
    moves = [
        (_monthly(before), _monthly(after))
        for before, after in pairwise(rows)
        if before["plan"] and after["plan"] and before["plan"] != after["plan"]
    ]
    ended = [age(snapshot, row["ended_on"]) for row in rows if row["ended_on"]]
    ages = [age(snapshot, row["started_on"]) for row in rows]
    prices = [_monthly(row) for row in rows]
    return {
        "subscription_count": len(rows),
        "running_subscription_count": len(running),
        "ended_subscription_count_365_days": sum(days <= 365 for days in ended),
        "plan_change_count": len(moves),
        "plan_upgrade_count": sum(after > before for before, after in moves),
        "plan_downgrade_count": sum(after < before for before, after in moves),
        "days_since_first_subscription": max(ages, default=None),
        "days_since_last_subscription": min(ages, default=None),
        "days_since_subscription_ended": min(ended, default=None),
        "days_to_renewal": min((_renewals(row, snapshot)[1] for row in running), default=None),
        "subscription_monthly_amount": sum(_monthly(row) for row in running),
        "renewal_count": max((_renewals(row, snapshot)[0] for row in running), default=0),
        "price_change_since_first_subscription": prices[-1] / prices[0] if prices and prices[0] else None,
        "last_price_change": prices[-1] / prices[-2] if len(prices) > 1 and prices[-2] else None,
    }


def events(rows, snapshot, last_purchase_day):
    rows = [row for row in rows if row["at"] < instant_of(snapshot)]
    within = {days: [row for row in rows if age(snapshot, row["at"]) <= days] for days in (7, 30, 60, 90, 365)}
    since = [row for row in rows if last_purchase_day is None or local_day(row["at"]) > last_purchase_day]
    told = {f"event_count_{days}_days": len(within[days]) for days in (7, 30, 90, 365)}
    for kind in ("visit", "search", "basket", "call"):
        told[f"{kind}_count_90_days"] = sum(row["kind"] == kind for row in within[90])
    recent, earlier = len(within[30]), len(within[60]) - len(within[30])
    return told | {
        "event_kinds_90_days": len({row["kind"] for row in within[90]}),
        "event_channels_90_days": len({row["channel"] for row in within[90]} - {None}),
        "products_looked_at_90_days": len({row["product_id"] for row in within[90]} - {None}),
        "active_days_90_days": len({local_day(row["at"]) for row in within[90]}),
        "events_since_last_order": len(since),
        "visits_since_last_order": sum(row["kind"] == "visit" for row in since),
        "baskets_since_last_order": sum(row["kind"] == "basket" for row in since),
        "days_since_last_event": min((age(snapshot, row["at"]) for row in rows), default=None),
        "event_trend_30_days": (recent - earlier) / (recent + earlier) if recent + earlier else None,
        "basket_event_share_90_days": share(within[90], lambda row: row["kind"] == "basket"),
    }


def referrals(rows, snapshot, customer):
    rows = [row for row in rows if row["at"] < instant_of(snapshot)]
    brought = [age(snapshot, row["at"]) for row in rows if row["referrer_id"] == customer]
    return {
        "referral_count": len(brought),
        "referral_count_365_days": sum(days <= 365 for days in brought),
        "was_referred": int(any(row["referred_id"] == customer for row in rows)),
        "days_since_last_referral": min(brought, default=None),
    }


def channels(tables, snapshot):
    uses = [
        (row["channel"], entity)
        for entity, moment in (("orders", "at"), ("events", "at"), ("tickets", "opened_at"))
        for row in tables[entity]
        if row["channel"] is not None and row[moment] < instant_of(snapshot) and age(snapshot, row[moment]) <= 365
    ]
    by_entity = {entity: {channel for channel, used in uses if used == entity} for entity in ("orders", "tickets")}
    return {
        "channels_used_365_days": len({channel for channel, _ in uses}),
        "service_only_channels_365_days": len(by_entity["tickets"] - by_entity["orders"]),
    }
