"""Churn and value while there is too little to learn from outcomes: purchase models alone.

Belongs here: these stand-ins. Does not: models that learn from outcomes (`models.purchases`, `models.value`).
"""
