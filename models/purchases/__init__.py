"""Whether and when customers buy again: churn, propensities, the next order."""
