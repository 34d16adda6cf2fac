"""Published scores held against what happened."""
