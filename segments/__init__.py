"""Scores to decisions in words: status, tiers, bands, reasons, offers, actions. Pure functions of frames.

Belongs here: what marketing reads, and the rules that make it. Does not: computing features or scores, reading
settings or files of the company, and writing tables.
"""
