"""The verbs as plain functions, the Prefect flows around them, and the command line."""
