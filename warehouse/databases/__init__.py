"""The two kinds of warehouse behind one seam, a DuckDB file or a PostgreSQL database: locks, copies, recovery."""
