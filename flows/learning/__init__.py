"""Training, and what becomes of models: readiness, cards, the gate, champions, challengers."""
