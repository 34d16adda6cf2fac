"""From values to decisions: who gets what, under which rules, at which price, and why the rest did not.

Belongs here: eligibility, the value of an offer to a customer, the choice of all offers at once, retention, win-back,
upgrade path, standard service. Pure functions of frames and arrays. Does not: scores and effects (`models`), settings
(`config`), writing tables (`flows`).
"""
