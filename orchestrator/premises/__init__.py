"""Which theorems might help with a goal."""
