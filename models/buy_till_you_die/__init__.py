"""Buy-till-you-die models: how often customers buy, and whether they still are customers, from three numbers each.

Belongs here: the parametric models of purchases (BG/NBD, MBG/NBD, Pareto/NBD) and of amounts (Gamma-Gamma), their
maximum likelihood and what follows from it. Does not: reading orders, or blending with other models.
"""
