"""Where tables live: sources, the lake, the ledger, the DuckDB warehouse, publishing."""
