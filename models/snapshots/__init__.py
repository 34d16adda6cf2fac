"""What models learn from: populations, outcomes, windows and splits in time, and whether there is enough."""
