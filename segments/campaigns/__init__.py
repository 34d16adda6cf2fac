"""The campaign ledger: what each campaign cost, and what it caused, by hold-out or by like customers left alone.

Belongs here: pure functions from contacts and order lines to the ledger's rows. Does not: reading the core (`flows`),
effects of single customers (`models.uplift`), deciding whom to address (`segments.decisions`).
"""
