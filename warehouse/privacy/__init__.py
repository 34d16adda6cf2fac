"""Personal data: kept apart, and erased for good where a person asks for it."""
