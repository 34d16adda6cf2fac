"""What rows of the core layer are in DuckDB's SQL, their order, their files. Does not choose them."""
