"""Who is who: which records of the sources are one customer, under which id, and why."""
