"""Churn of subscribers: when the last of a customer's subscriptions ends, as a hazard over steps of thirty days.

Belongs here: facts of subscribers, steps at risk, the life table, the model and its bundle. Does not: churn of
customers who buy when they like (`models.purchases.churn`).
"""
