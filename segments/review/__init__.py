"""The 90-day review: its figures, sentences and charts."""
