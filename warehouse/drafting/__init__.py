"""A proposed mapping for files and tables that nobody has mapped yet."""
