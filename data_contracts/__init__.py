"""What a table must be: contracts, rules, checking, errors. Imports nothing else of the project."""
