"""Features: made for a night, looked at, and proved to know nothing of later days."""
