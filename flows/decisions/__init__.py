"""A night's decisions: offers, lists and prices under rules and budgets, and questions to them."""
