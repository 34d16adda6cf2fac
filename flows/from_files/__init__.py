"""Models of tables that people bring as files: prepared churn tables, baskets, treatments. They need no settings."""
