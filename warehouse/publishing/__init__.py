"""Write, audit, publish: versions of segment tables, all of a night or none, and the scores that are kept."""
