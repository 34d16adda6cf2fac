"""What learns: LightGBM behind one door, the smooth curve, encoding, contributions, the search for settings."""
