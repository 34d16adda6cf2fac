"""Lists of customers handed to other programs, and the record of it."""
