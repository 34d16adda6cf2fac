"""The columns that must be there of every entity that features are made of, optional ones too (as nulls).

Belongs here: names of columns. Does not: what they mean (the contracts say). `superseded_at`, where a frame has it, is
when a version of a row stopped being the current one.
"""

REQUIRED = {
    "orders": (
        *("customer_id", "order_id", "ordered_at", "known_at", "product_id", "quantity", "amount"),
        *("discount_amount", "cost_amount", "channel"),
    ),
    "customers": (
        *("customer_id", "known_at", "customer_type", "region", "acquisition_channel", "birth_year", "created_at"),
        *("credit_limit", "consent_marketing"),
    ),
    "products": ("product_id", "category", "brand", "list_price", "known_at"),
    "payments": ("customer_id", "issued_on", "due_on", "paid_on", "amount", "disputed", "known_at"),
    "contacts": (
        *("customer_id", "offer_id", "sent_at", "channel", "cost", "held_out", "opened_at", "clicked_at"),
        *("responded_at", "known_at"),
    ),
    "offers": ("offer_id", "discount", "discount_share", "known_at"),
    "tickets": (
        *("customer_id", "opened_at", "resolved_at", "kind", "channel", "severity", "compensation", "satisfaction"),
        "known_at",
    ),
    "surveys": ("customer_id", "answered_at", "satisfaction", "nps", "known_at"),
    "subscriptions": (
        *("customer_id", "plan", "started_on", "ended_on", "amount", "billing_period_months", "known_at"),
    ),
    "events": ("customer_id", "at", "kind", "channel", "product_id", "known_at"),
    "referrals": ("referrer_id", "referred_id", "at", "known_at"),
}
