"""What people do with published tables: look, export, review, compare, go back."""
