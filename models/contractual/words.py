"""How the facts of a contract are said to a marketer.

Belongs here: words and units of `facts.subscriber_facts`. Does not: words of features (the feature catalogue has them).
"""

PHRASES = {
    "contract_plan": "is on the plan {contract_plan}",
    "contract_age_days": "has subscribed for {contract_age_days} days, renews in {contract_days_to_renewal} days",
    "contract_days_to_renewal": "renews in {contract_days_to_renewal} days",
    "renews_in_step": "renews in {contract_days_to_renewal} days",
    "contract_period_months": "pays every {contract_period_months} months",
    "contract_monthly_amount": "subscribes for {contract_monthly_amount} a month",
    "contract_count": "has {contract_count} running subscriptions",
    "contract_earlier_spells": "came back {contract_earlier_spells} times",
}
UNITS = {
    "contract_age_days": "days",
    "contract_days_to_renewal": "days",
    "contract_period_months": "months",
    "contract_monthly_amount": "minor units",
    "contract_count": "subscriptions",
    "contract_earlier_spells": "times",
}
FAMILY = "subscriptions"
