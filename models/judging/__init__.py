"""How good a model is, and what follows: figures, baselines, calibration, gate, grade, card, comparison."""
