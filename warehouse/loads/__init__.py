"""One load: from inputs that are read to a new version of the core in the lake, and rows set aside in quarantine."""
