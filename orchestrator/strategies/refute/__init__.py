"""Whether a statement is false for small values."""
