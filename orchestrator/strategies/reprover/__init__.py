"""`reprover`: best-first search with a trained tactic generator."""
