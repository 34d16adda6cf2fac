"""A company's inputs: read as they are, mapped onto contracts, tried dry. Does not judge rows."""
