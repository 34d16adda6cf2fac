"""What addressing customers changes: effects learnt from trials, graded, and refused where no lots were drawn.

Belongs here: trials (features, arm, outcome, propensity), effect learners, Qini, evidence, off-policy values. Does not:
reading files or core rows (`flows`), or choosing whom to address (`segments.decisions`).
"""
