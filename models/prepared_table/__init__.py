"""A probability learnt from one labelled table that somebody else prepared: any columns, no history of ours behind it.

Belongs here: reading columns, finding what gives the label away, the model, its cross-validation. Does not: opening
files, or telling people (`flows`).
"""
