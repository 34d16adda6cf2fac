"""Verbs about raw data: drafting and checking sources, loading, quarantine, who is who, erasing."""
